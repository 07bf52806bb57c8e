using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace HpcLinear.Benchmarks;

/// <summary>Work a second, in thousand millions, at the median time; the work is the benchmark's <see cref="Work"/> parameter.</summary>
internal sealed class RateColumn(string name, string unit, Func<Work, double> amount) : IColumn
{
    public string Id => name;

    public string ColumnName => name;

    public string Legend => $"{unit} in 1e-9 seconds, at the median time";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        Work? work = benchmarkCase.Parameters.Items.Select(item => item.Value).OfType<Work>().FirstOrDefault();
        double? nanoseconds = summary[benchmarkCase]?.ResultStatistics?.Median;
        return work is null || nanoseconds is not > 0 || amount(work) == 0
            ? "-"
            : (amount(work) / nanoseconds.Value).ToString("0.00", CultureInfo.InvariantCulture);
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public bool IsAvailable(Summary summary) => true;
}
