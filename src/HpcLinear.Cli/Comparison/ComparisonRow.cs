using System.Globalization;

namespace HpcLinear.Cli.Comparison;

/// <summary>What one engine took for one operation on one problem in one round: a line of a comparison's CSV file.</summary>
/// <param name="Problem">Its name in <c>bench/shapes/peers.txt</c>.</param>
/// <param name="Operation"><c>product</c>, <c>compose</c>, for convolutions <c>fwd</c>, <c>bwdd</c> (gradient of the input), <c>bwdw</c> (of the filter), for predictive
/// coding <c>relax</c>, <c>grads</c> (relaxation and the weights' gradient), of Jacobians <c>jv</c>, <c>jtu</c>, <c>K</c>.</param>
/// <param name="Type"><c>f32</c> or <c>f64</c>.</param>
/// <param name="Threads">Threads the engine was given.</param>
/// <param name="Engine">The engine, and after a slash the form of the problem it was asked in, such as <c>pytorch/nhwc</c>.</param>
/// <param name="Version">The engine's.</param>
/// <param name="Round">Counted from 1.</param>
/// <param name="Milliseconds">Median of one call; NaN when the result was wrong.</param>
/// <param name="Gflops">Nominal operations over that time.</param>
/// <param name="Checked"><c>ok</c>: the result was checked in this run; <c>failed</c>: it was wrong; <c>no</c>; <c>recorded</c>: measured at another time.</param>
internal sealed record ComparisonRow(string Problem, string Operation, string Type, int Threads, string Engine, string Version, int Round, double Milliseconds, double Gflops, string Checked)
{
    public const string Ours = "hpclinear", Header = "problem,operation,type,threads,engine,version,round,milliseconds,gflops,checked";
    public const string Ok = "ok", Failed = "failed", Unchecked = "no", Recorded = "recorded";

    private const int Fields = 10;

    /// <summary>As <c>hpclinear bench</c> names the row: <c>G256</c>, <c>C03n32:bwdw</c>.</summary>
    public string Name => NameOf(Problem, Operation);

    /// <summary>The engine without the form.</summary>
    public string Library => Engine.Split('/')[0];

    public bool IsRecorded => Checked == Recorded;

    /// <summary>Whether the time may be used.</summary>
    public bool IsValid => Milliseconds > 0 && Gflops > 0 && Checked != Failed;

    public static string NameOf(string problem, string operation) => operation is "product" or "compose" or "relax" ? problem : $"{problem}:{operation}";

    public string ToCsv() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Plain(Problem)},{Operation},{Type},{Threads},{Plain(Engine)},{Plain(Version)},{Round},{Milliseconds:G6},{Gflops:G5},{Checked}");

    /// <summary>Reads a line; null when it is none.</summary>
    public static ComparisonRow? Parse(string line)
    {
        string[] fields = line.Split(',');
        return fields.Length == Fields
            && fields[0].Length > 0 && fields[1].Length > 0 && fields[4].Length > 0
            && fields[2] is "f32" or "f64"
            && int.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out int threads)
            && int.TryParse(fields[6], NumberStyles.None, CultureInfo.InvariantCulture, out int round)
            && double.TryParse(fields[7], NumberStyles.Float, CultureInfo.InvariantCulture, out double milliseconds)
            && double.TryParse(fields[8], NumberStyles.Float, CultureInfo.InvariantCulture, out double gflops)
            && fields[9] is Ok or Failed or Unchecked or Recorded
            ? new(fields[0], fields[1], fields[2], threads, fields[4], fields[5], round, milliseconds, gflops, fields[9])
            : null;
    }

    private static string Plain(string text) => text.Replace(',', ';');
}
