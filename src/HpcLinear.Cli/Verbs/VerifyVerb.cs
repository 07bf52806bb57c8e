using CommandLine;
using CommandLine.Text;
using HpcLinear.Cli.Golden;
using HpcLinear.Data;

namespace HpcLinear.Cli.Verbs;

/// <summary>Runs golden cases on every target and type.</summary>
[Verb("verify", HelpText = "Run golden cases (case.json and .npy files) on every target and element type.")]
internal sealed class VerifyVerb : IVerb
{
    [Usage(ApplicationAlias = "hpclinear")]
    public static IEnumerable<Example> Examples =>
    [
        new("All cases below a folder, everywhere", new VerifyVerb { Folders = ["tests/golden"] }),
        new("One area, one target, float32 only", new VerifyVerb { Folders = ["tests/golden/conv"], Target = "cpu:avx2", Type = "f32" }),
    ];

    [Value(0, MetaName = "DIR", Required = true, HelpText = "Folders; every case.json below them is run.")]
    public IEnumerable<string> Folders { get; set; } = [];

    [Option("target", MetaValue = "T", HelpText = "Target; may be repeated. All that this machine offers by default.")]
    public string? Target { get; set; }

    [Option("type", MetaValue = "f32|f64", HelpText = "Element type; both by default.")]
    public string? Type { get; set; }

    [Option("json", HelpText = "Print one JSON document.")]
    public bool IsJson { get; set; }

    public int Run(Terminal terminal)
    {
        bool? single = Targets.IsSingle(Type);
        IReadOnlyList<Target> targets = Targets.Named(Target);
        GoldenTally tally = new GoldenRunner(IsJson ? terminal.Silenced() : terminal, single != false, single != true).Run(Folders, targets);
        if (tally.Passed + tally.Failed + tally.Skipped == 0)
        {
            throw new DataFormatException(string.Join(' ', Folders), $"no output to check in {Type}", "a case with tolerances for that type");
        }

        if (IsJson)
        {
            terminal.WriteLine(Json.Text(new { tally.Passed, tally.Failed, tally.Skipped, Targets = targets.Select(t => t.ToString()), tally.Failures, tally.Skips }));
        }
        else
        {
            foreach ((string reason, int outputs) in tally.Skips)
            {
                terminal.WriteLine($"skipped {outputs}: {reason}");
            }

            terminal.WriteLine(tally.Summary);
        }

        return tally.Failed == 0 ? ExitCode.Done : ExitCode.CheckFailed;
    }
}
