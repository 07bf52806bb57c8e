using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Exporters.Csv;
using BenchmarkDotNet.Exporters.Json;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Order;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace HpcLinear.Benchmarks;

/// <summary>What every benchmark of the project measures and prints.</summary>
internal sealed class BenchmarkConfig : ManualConfig
{
    /// <param name="quick">
    /// True for a few short iterations inside this process, which says whether something became much slower; false for
    /// BenchmarkDotNet's default job in a process of its own, whose numbers may be published.
    /// </param>
    public BenchmarkConfig(bool quick)
    {
        AddLogger(ConsoleLogger.Default);
        AddColumnProvider(DefaultColumnProviders.Instance);
        AddColumn(StatisticColumn.Median);
        AddColumn(new RateColumn("GFLOP/s", "Floating-point operations", work => work.Flops), new RateColumn("GB/s", "Bytes", work => work.Bytes));
        AddDiagnoser(MemoryDiagnoser.Default);
        AddExporter(MarkdownExporter.GitHub, CsvExporter.Default, JsonExporter.Full);
        WithOrderer(new DefaultOrderer(SummaryOrderPolicy.Declared));
        AddJob(quick
            ? Job.Default.WithId("quick").WithToolchain(new InProcessEmitToolchain(logOutput: true))
                .WithWarmupCount(1).WithIterationCount(5).WithIterationTime(TimeInterval.FromMilliseconds(50))
            : Job.Default.WithId("full"));
    }
}
