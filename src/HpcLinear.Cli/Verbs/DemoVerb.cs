using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using CommandLine;
using CommandLine.Text;
using HpcLinear.Cli.Demo;
using HpcLinear.Data;

namespace HpcLinear.Cli.Verbs;

/// <summary>The main job on real data, on every target, compared with the Reference.</summary>
[Verb("demo", HelpText = "The main job on real data (10,000 handwritten digits), on every target, compared with the definition.")]
internal sealed class DemoVerb : IVerb
{
    private const int QuickDigits = 1000;

    /// <summary>Outputs of the layer are compared at every this many digits: the Reference is one plain loop.</summary>
    private const int Step = 10;

    /// <summary>Float64 takes this fraction of the digits.</summary>
    private const int DoubleShare = 5;

    private readonly List<DemoRow> rows = [];
    private readonly List<string> refused = [];
    private readonly List<string> skipped = [];

    [Usage(ApplicationAlias = "hpclinear")]
    public static IEnumerable<Example> Examples =>
    [
        new("Everything, under a minute", new DemoVerb()),
        new("A few seconds, one target", new DemoVerb { IsQuick = true, Target = "cpu" }),
    ];

    [Option("quick", HelpText = "1,000 digits.")]
    public bool IsQuick { get; set; }

    [Option("target", MetaValue = "T", HelpText = "Target; may be repeated. All that this machine offers by default.")]
    public string? Target { get; set; }

    [Option("type", MetaValue = "f32|f64", HelpText = "Element type; both by default.")]
    public string? Type { get; set; }

    [Option("json", HelpText = "Print one JSON document.")]
    public bool IsJson { get; set; }

    public int Run(Terminal terminal)
    {
        Stopwatch clock = Stopwatch.StartNew();
        bool? single = Targets.IsSingle(Type);
        IReadOnlyList<Target> targets = Targets.Named(Target);
        IdxArray images = ReadDigits();
        int count = IsQuick ? QuickDigits : (int)images.Shape[0];
        Terminal shown = IsJson ? terminal.Silenced() : terminal;
        DigitTasks? singles = single == false ? null : new(images, count, Step), doubles = single == true ? null : new(images, count / DoubleShare, Step);
        shown.WriteLine($"{count} handwritten digits (MNIST test set); float64 on the first {count / DoubleShare}");
        foreach (string line in (singles ?? doubles)!.Describe())
        {
            shown.WriteLine($"  {line}");
        }

        shown.WithProgress("demo", 1 + (targets.Count * 2), progress =>
        {
            progress.Say("reference, float64 on the host");
            Prepare(singles, doubles, terminal.Cancellation);
            progress.Advance();
            Say(shown, clock, "reference computed");
            foreach (Target target in targets)
            {
                progress.Say(target.ToString());
                RunOn(target, singles, doubles, progress, terminal.Cancellation);
                Say(shown, clock, target.ToString());
            }
        });
        Report(terminal, clock);
        return refused.Count == 0 && rows.All(r => r.IsRight) ? ExitCode.Done : ExitCode.CheckFailed;
    }

    private static IdxArray ReadDigits()
    {
        string file = Path.Combine(AppContext.BaseDirectory, "Assets", "t10k-images-idx3-ubyte.gz");
        IdxArray images = IdxFile.Read(file);
        return images.Shape is { Rank: 3 } && images.Shape[0] >= QuickDigits
            ? images
            : throw new DataFormatException(file, $"the shape {images.Shape}", $"[{QuickDigits} or more, rows, columns]");
    }

    private static void Prepare(DigitTasks? singles, DigitTasks? doubles, CancellationToken cancellation)
    {
        Task[] tasks = [.. new[] { singles, doubles }.OfType<DigitTasks>().SelectMany(t => t.Prepare()).Select(a => Task.Run(a, cancellation))];
        try
        {
            Task.WaitAll(tasks, cancellation);
        }
        catch (AggregateException e)
        {
            throw e.GetBaseException();
        }
    }

    private static void Say(Terminal terminal, Stopwatch clock, string what)
    {
        if (!terminal.IsInteractive)
        {
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds,6:F1} s  {what}"));
        }
    }

    private void RunOn(Target target, DigitTasks? singles, DigitTasks? doubles, ProgressLine progress, CancellationToken cancellation)
    {
        try
        {
            using Device device = Devices.Open(target);
            using CommandQueue queue = device.CreateQueue();
            singles?.Run(new DemoRun<float>(queue, rows.Add, cancellation));
            progress.Advance();
            if (device.SupportsDouble)
            {
                doubles?.Run(new DemoRun<double>(queue, rows.Add, cancellation));
            }
            else if (doubles is not null)
            {
                skipped.Add($"{target} ({device.Name}) has no float64");
            }

            progress.Advance();
        }
        catch (Exception e) when (e is HpcLinearException or NotSupportedException && Target is null)
        {
            // The other targets are still worth a run; this one has failed.
            refused.Add($"{target} failed: {Messages.OneLine(e)}");
        }
    }

    private void Report(Terminal terminal, Stopwatch clock)
    {
        double worst = rows.Select(r => r.MaxError / r.Tolerance).DefaultIfEmpty(0).Max();
        if (IsJson)
        {
            terminal.WriteLine(Json.Text(new { Seconds = clock.Elapsed.TotalSeconds, Rows = rows, Skipped = skipped, Failed = refused }));
            return;
        }

        TextTable table = new(DemoRow.Headers);
        rows.ForEach(row => table.Add(row.ToCells()));
        terminal.Write(table);
        skipped.ForEach(line => terminal.WriteLine($"skipped: {line}"));
        refused.ForEach(terminal.WriteLine);
        terminal.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{rows.Count(r => r.IsRight)} right, {rows.Count(r => !r.IsRight) + refused.Count} wrong; worst error {worst:F3} of its tolerance; {clock.Elapsed.TotalSeconds:F1} s"));
    }

    /// <summary>The three tasks over a number of digits.</summary>
    private sealed class DigitTasks(IdxArray images, int digits, int step)
    {
        private readonly DigitConvolution layer = DigitConvolution.Layer(images, digits, step);
        private readonly DigitConvolution ownFilters = DigitConvolution.OwnFilters(images, digits);
        private readonly DigitChains chains = new(digits);

        public IEnumerable<string> Describe() => [layer.Describe(), ownFilters.Describe(), chains.Describe()];

        public IEnumerable<Action> Prepare() => [.. layer.Prepare(), .. ownFilters.Prepare(), .. chains.Prepare()];

        public void Run<T>(DemoRun<T> run)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            layer.Run(run);
            ownFilters.Run(run);
            chains.Run(run);
        }
    }
}
