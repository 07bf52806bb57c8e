using System.Globalization;
using CommandLine;
using CommandLine.Text;
using HpcLinear.Cli.Runs;
using HpcLinear.Experiments;

namespace HpcLinear.Cli.Verbs;

/// <summary>Runs an experiment.</summary>
[Verb("run", HelpText = "Run an experiment against what its paper predicts; without a name, list them.")]
internal sealed class RunVerb : IVerb
{
    /// <summary>Between settings: they have commas of their own.</summary>
    public const char SettingSeparator = '\u001f';

    [Usage(ApplicationAlias = "hpclinear")]
    public static IEnumerable<Example> Examples =>
    [
        new("The experiments; their settings: run NAME --help", new RunVerb()),
        new("One of them, to pc-theory.jsonl; interrupted, the same line goes on", new RunVerb { Name = "pc-theory" }),
        new("With other settings", new RunVerb { Name = "pc-conditioning", Set = "depths=4,8,16", Target = "cpu:avx2", Out = "rows.jsonl" }),
    ];

    [Value(0, MetaName = "NAME", HelpText = "The experiment.")]
    public string? Name { get; set; }

    [Option("set", MetaValue = "KEY=VALUE", HelpText = "A setting; may be repeated. Lists have commas.")]
    public string? Set { get; set; }

    [Option("full", HelpText = "The paper's settings where the defaults are smaller to be quick; hours, or a large device. --set goes before.")]
    public bool Full { get; set; }

    [Option("out", MetaValue = "FILE", HelpText = "Rows as JSON Lines; NAME.jsonl by default. Rows that it has are not computed again.")]
    public string? Out { get; set; }

    [Option("target", MetaValue = "T", HelpText = "Target; the best of this machine by default.")]
    public string? Target { get; set; }

    [Option("type", MetaValue = "f32|f64", HelpText = "Element type; the experiment's own by default.")]
    public string? Type { get; set; }

    [Option("threads", MetaValue = "N", HelpText = "Threads; one a processor by default.")]
    public int Threads { get; set; }

    public int Run(Terminal terminal)
    {
        if (Name is null)
        {
            TextTable list = new("experiment", "what", "paper");
            foreach (Experiment e in ExperimentList.All)
            {
                list.Add(e.Name, e.Title, $"arXiv:{e.Paper}");
            }

            terminal.Write(list);
            return ExitCode.Done;
        }

        Experiment experiment = ExperimentList.Find(Name);
        string type = Targets.IsSingle(Type) is { } single ? (single ? "f32" : "f64") : experiment.Types[0];
        experiment.RequireType(type);
        if (Threads is < 0 or > 1024)
        {
            throw new ArgumentException($"--threads: 1 to 1024 expected, {Threads} given");
        }

        ExperimentRun run = experiment.Prepare((Set ?? "").Split(SettingSeparator, StringSplitOptions.RemoveEmptyEntries), Full);
        using Device device = Targets.Open(Target, new() { Threads = Threads });
        using CommandQueue queue = device.CreateQueue();
        using RowFile file = RowFile.Open(Out ?? $"{experiment.Name}.jsonl");
        terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{experiment.Name}: {experiment.Title} (arXiv:{experiment.Paper})"));
        terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{device}, {type}; {run.RowCount} rows to {file.Path}, {file.Rows.Count(r => !r.IsVerdict)} rows there{(file.DroppedTail ? ", one cut short dropped" : "")}"));
        IReadOnlyList<Expectation> expectations = [];
        terminal.WithProgress(experiment.Name, 1, line => expectations = run.Execute(queue, type, file, new RunProgressWriter(terminal, line), terminal.Cancellation));

        TextTable table = new("expectation", "predicted", ">found", "tolerance", "verdict");
        foreach (Expectation e in expectations)
        {
            table.Add(e.Text, e.Predicted, e.Found, e.Tolerance, Word(e.Verdict));
        }

        terminal.Write(table);
        Verdict overall = Expectation.Overall(expectations);
        terminal.WriteLine($"{experiment.Name} {Word(overall)}; pictures: hpclinear plot {file.Path} --kind {string.Join('|', experiment.Figures.Select(f => f.Name))} --out FILE.svg");
        return overall == Verdict.Differs ? ExitCode.CheckFailed : ExitCode.Done;
    }

    /// <summary>Settings and figures of one experiment.</summary>
    public static void Describe(Terminal terminal, Experiment experiment)
    {
        terminal.WriteLine($"hpclinear run {experiment.Name} [--set key=value]…   {experiment.Title} (arXiv:{experiment.Paper})");
        terminal.WriteLine();
        bool hasFull = experiment.Settings.Any(s => s.Full.Length > 0);
        TextTable table = new(hasFull ? ["setting", "meaning", "default", "--full", "values"] : ["setting", "meaning", "default", "values"]);
        foreach (Setting s in experiment.Settings)
        {
            table.Add(hasFull ? [s.Key, s.Help, s.Default, s.Full, s.Range] : [s.Key, s.Help, s.Default, s.Range]);
        }

        terminal.Write(table);
        terminal.WriteLine();
        terminal.WriteLine($"element types: {string.Join(", ", experiment.Types)}");
        foreach (Figure figure in experiment.Figures)
        {
            terminal.WriteLine($"picture: hpclinear plot {experiment.Name}.jsonl --kind {figure.Name} --out FILE.svg   {figure.Title}");
        }
    }

    private static string Word(Verdict verdict) => verdict.ToString().ToLowerInvariant();
}
