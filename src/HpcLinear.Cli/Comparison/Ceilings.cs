using System.Globalization;
using System.Text.RegularExpressions;

namespace HpcLinear.Cli.Comparison;

/// <summary>What a machine can do at most: a header line <c>ceiling</c> of a comparison's CSV file.</summary>
/// <param name="Type"><c>f32</c> or <c>f64</c>.</param>
/// <param name="Threads">Threads that worked together.</param>
/// <param name="Peak">GFLOP/s of multiply-adds on registers.</param>
/// <param name="L2">GB/s read from the second cache.</param>
/// <param name="L3">GB/s read from the last cache.</param>
/// <param name="Dram">GB/s read from memory.</param>
internal sealed partial record Ceilings(string Type, int Threads, double Peak, double L2, double L3, double Dram)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Type} {Threads} peak={Peak:F1} l2={L2:F1} l3={L3:F1} dram={Dram:F1}");

    /// <summary>Reads such a line; null when it is none.</summary>
    public static Ceilings? Parse(string text)
    {
        Match match = Line().Match(text);
        return match.Success
            ? new(match.Groups[1].Value, int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture), Number(3), Number(4), Number(5), Number(6))
            : null;

        double Number(int group) => double.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"^(f32|f64) (\d{1,4}) peak=([\d.]{1,12}) l2=([\d.]{1,12}) l3=([\d.]{1,12}) dram=([\d.]{1,12})$")]
    private static partial Regex Line();
}
