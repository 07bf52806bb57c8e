using BenchmarkDotNet.Running;
using HpcLinear.Benchmarks;
using HpcLinear.Benchmarks.Compare;

switch (args)
{
    case ["compare", ..]:
        return CompareCommand.Run(args[1..]);

    // A child of compare.
    case ["engine", { } name, { } threads]:
        return EngineHost.Run(threads, count => EngineChoice.Create(name, count));
}

// --quick is ours; everything else is BenchmarkDotNet's: --filter '*Gemm*', --list flat, --help.
bool quick = args.Contains("--quick");
string[] rest = [.. args.Where(argument => argument != "--quick")];
if (!rest.Any(argument => argument is "--filter" or "-f" or "--list" or "--help" or "--info" or "--version"))
{
    rest = [.. rest, "--filter", "*"];
}

BenchmarkConfig config = new(quick);
bool failed = false;
foreach (var summary in BenchmarkSwitcher.FromAssembly(typeof(BenchmarkConfig).Assembly).Run(rest, config))
{
    failed |= summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success);
}

return failed ? 1 : 0;
