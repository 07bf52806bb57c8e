using System.Globalization;

namespace HpcLinear.Cli.Bench;

/// <summary>What was measured for one operation on one problem.</summary>
internal sealed record BenchRow(string Problem, string Target, int Threads, string Type, double SecondsMedian, double SecondsBest, double Gflops, double GigabytesPerSecond, double ShareOfGemm, string Check, bool IsWrong)
{
    public const string CsvHeader = "problem,peer,threads,dtype,seconds_median,gflops,seconds_best";

    public static string[] Headers { get; } = ["problem", ">ms", ">best ms", ">GFLOP/s", ">GB/s", ">of gemm", "check"];

    /// <summary>The row of a comparison; a wrong result has no time.</summary>
    public string ToCsv()
    {
        string name = Problem.AsSpan().ContainsAny(",\"") ? $"\"{Problem.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : Problem;
        string times = IsWrong ? "nan,nan,nan" : string.Create(CultureInfo.InvariantCulture, $"{SecondsMedian:E4},{Gflops:F2},{SecondsBest:E4}");
        return string.Create(CultureInfo.InvariantCulture, $"{name},hpclinear,{Threads},{Type},{times}");
    }

    public string[] ToCells() =>
    [
        Problem, Quantity.Number(SecondsMedian * 1e3), Quantity.Number(SecondsBest * 1e3), Quantity.Number(Gflops), Quantity.Number(GigabytesPerSecond),
        ShareOfGemm.ToString("P0", CultureInfo.InvariantCulture), Check,
    ];

    /// <summary>One line for output that is not a terminal, printed as soon as it is known.</summary>
    public string ToLine(int nameWidth) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Problem.PadRight(nameWidth)} {Quantity.Number(SecondsMedian * 1e3),10} ms {Quantity.Number(Gflops),9} GFLOP/s {Quantity.Number(GigabytesPerSecond),8} GB/s {ShareOfGemm,6:P0} of gemm  {Check}");
}
