using System.Globalization;
using System.Text.RegularExpressions;
using CommandLine;
using CommandLine.Text;
using HpcLinear.Cli.Bench;
using HpcLinear.Cli.Problems;

namespace HpcLinear.Cli.Verbs;

/// <summary>Times problems and checks each timed result once.</summary>
[Verb("bench", HelpText = "Time problems; each timed result is checked once against the definition.")]
internal sealed class BenchVerb : IVerb
{
    private const int LongestName = 60;

    [Usage(ApplicationAlias = "hpclinear")]
    public static IEnumerable<Example> Examples =>
    [
        new("A short built-in selection", new BenchVerb()),
        new("A strided layer and a product, on one thread", new BenchVerb { Texts = ["conv n64 c3 k16 i32x32 f5x5 s2x2", "gemm m512 n512 k512"], Threads = 1 }),
        new("A file of problems, rows to compare with other engines", new BenchVerb { File = "problems.txt", Filter = "^C0", Csv = "out.csv" }),
        new("benchdnn's notation; 10,000 problems, each its own filter", new BenchVerb { Texts = ["p10000_mb1ic1_iw64_oc1_ow29_kw8_sw2"], Target = "cpu:avx2" }),
    ];

    [Value(0, MetaName = "PROBLEM", HelpText = "Problems, each in one pair of quotes: 'conv n64 c3 k16 i32x32 f5x5 s2x2 circular', 'gemm p100 m8 n16 k32', benchdnn's 'mb1ic3_ih32_oc16_kh5_sh2', or 'ID kind key=value …'.")]
    public IEnumerable<string> Texts { get; set; } = [];

    [Option("problems", MetaValue = "FILE", HelpText = "A file of problems, one a line, # begins a comment.")]
    public string? File { get; set; }

    [Option("filter", MetaValue = "REGEX", HelpText = "Only problems or rows whose name matches.")]
    public string? Filter { get; set; }

    [Option("target", MetaValue = "T", HelpText = "Target; may be repeated, but not with --csv. The default one otherwise.")]
    public string? Target { get; set; }

    [Option("threads", MetaValue = "N", HelpText = "Threads of a cpu target; 0, the default, takes one a processor.")]
    public int Threads { get; set; }

    [Option("type", MetaValue = "f32|f64", HelpText = "Element type; f32 by default.")]
    public string? Type { get; set; }

    [Option("min", MetaValue = "SECONDS", Default = 0.2, HelpText = "Least time spent on each row.")]
    public double MinSeconds { get; set; }

    [Option("csv", MetaValue = "FILE", HelpText = "Also write the rows to a file.")]
    public string? Csv { get; set; }

    [Option("json", HelpText = "Print one JSON document.")]
    public bool IsJson { get; set; }

    public int Run(Terminal terminal)
    {
        bool single = Targets.IsSingle(Type) != false;
        if (!(MinSeconds is >= 0 and <= 3600))
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"--min: seconds from 0 to 3600 expected, {MinSeconds} given"));
        }

        if (Threads is < 0 or > 1024)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"--threads: a number from 1 to 1024, or 0 for one a processor, expected, {Threads} given"));
        }

        string?[] targets = Target is null ? [null] : [.. Targets.Named(Target).Select(t => t.ToString())];
        if (Csv is not null && targets.Length > 1)
        {
            throw new ArgumentException($"--csv: one target a file expected, {targets.Length} given ({Target})");
        }

        Regex? filter = ReadFilter();
        IReadOnlyList<Problem> problems = [.. Texts.Select(ProblemNotation.Parse), .. File is null ? [] : ProblemNotation.ReadFile(File)];
        problems = Texts.Any() || File is not null ? problems : DefaultProblems.All;
        if (problems.Count == 0)
        {
            throw new ArgumentException($"--problems: no problem in {File}");
        }

        using StreamWriter? csv = OpenCsv();
        csv?.WriteLine(BenchRow.CsvHeader);
        Terminal shown = IsJson ? terminal.Silenced() : terminal;
        List<BenchRunner> runners = [];
        foreach (string? target in targets)
        {
            runners.Add(RunOn(shown, target, single, problems, filter, csv));
        }

        if (runners.All(r => r.Rows.Count + r.Skipped.Count + r.Failed.Count == 0))
        {
            throw new ArgumentException($"--filter: no problem's name matches '{Filter}'");
        }

        if (IsJson)
        {
            terminal.WriteLine(Json.Text(new { Rows = runners.SelectMany(r => r.Rows), Skipped = runners.SelectMany(r => r.Skipped), Failed = runners.SelectMany(r => r.Failed) }));
        }

        // One problem too many for a device is worth a line; when there is nothing else, the call asked for what this machine cannot do.
        if (runners.All(r => r.Rows.Count + r.Failed.Count == 0))
        {
            throw new NotSupportedException(runners.SelectMany(r => r.Skipped).First());
        }

        int wrong = runners.Sum(r => r.Failed.Count + r.Rows.Count(row => row.IsWrong));
        return wrong == 0 ? ExitCode.Done : ExitCode.CheckFailed;
    }

    private BenchRunner RunOn(Terminal terminal, string? target, bool single, IReadOnlyList<Problem> problems, Regex? filter, StreamWriter? csv)
    {
        using Device device = Targets.Open(target, new() { Threads = Threads });
        int nameWidth = Math.Min(LongestName, problems.Max(p => p.Id.Length) + ":bwdw".Length);
        BenchRunner runner = new(terminal, device, MinSeconds, row =>
        {
            csv?.WriteLine(row.ToCsv());
            if (!terminal.IsInteractive)
            {
                terminal.WriteLine(row.ToLine(nameWidth));
            }
        });
        terminal.WriteLine($"{device}, {device.Parallelism} {(device.Target.IsCpu ? "threads" : "compute units")}, {(single ? "f32" : "f64")}");
        if (single)
        {
            runner.Run<float>(problems, filter);
        }
        else
        {
            runner.Run<double>(problems, filter);
        }

        if (terminal.IsInteractive && runner.Rows.Count > 0)
        {
            TextTable table = new(BenchRow.Headers);
            runner.Rows.ForEach(row => table.Add(row.ToCells()));
            terminal.Write(table);
        }

        terminal.WriteLine($"gemm 768x768x768, best call: {Quantity.Number(runner.GemmGflops)} GFLOP/s");
        return runner;
    }

    private StreamWriter? OpenCsv()
    {
        try
        {
            return Csv is null ? null : new(Csv) { AutoFlush = true, NewLine = "\n" };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"--csv: {e.Message}", e);
        }
    }

    private Regex? ReadFilter()
    {
        try
        {
            return Filter is null ? null : new(Filter, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"--filter: {e.Message}", e);
        }
    }
}
