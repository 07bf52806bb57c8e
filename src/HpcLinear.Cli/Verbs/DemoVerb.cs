using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using CommandLine;
using CommandLine.Text;
using HpcLinear.Cli.Demo;
using HpcLinear.Data;

namespace HpcLinear.Cli.Verbs;

/// <summary>The main jobs on real data: operations on every target, compared with the Reference, and training on the best.</summary>
[Verb("demo", HelpText = "The main jobs on real data (10,000 handwritten digits): operations on every target, compared with the definition, and training on the best.")]
internal sealed class DemoVerb : IVerb
{
    private const int QuickDigits = 1000;
    private const string Images = "t10k-images-idx3-ubyte.gz", Labels = "t10k-labels-idx1-ubyte.gz";

    /// <summary>Outputs of the layer are compared at every this many digits: the Reference is one plain loop.</summary>
    private const int Step = 10;

    /// <summary>Float64, and the scalar yardstick, take this fraction of the digits.</summary>
    private const int Share = 5;

    private static readonly TimeSpan ShortestLine = TimeSpan.FromSeconds(5);

    private readonly List<DemoRow> rows = [];
    private readonly List<DemoTrainingRow> trainings = [];
    private readonly List<string> refused = [];
    private readonly List<string> skipped = [];

    [Usage(ApplicationAlias = "hpclinear")]
    public static IEnumerable<Example> Examples =>
    [
        new("Everything, about a minute", new DemoVerb()),
        new("A few seconds, one target", new DemoVerb { IsQuick = true, Target = "cpu" }),
    ];

    [Option("quick", HelpText = "1,000 digits.")]
    public bool IsQuick { get; set; }

    [Option("target", MetaValue = "T", HelpText = "Target; may be repeated. All that this machine offers by default, the best CPU target for training.")]
    public string? Target { get; set; }

    [Option("type", MetaValue = "f32|f64", HelpText = "Element type; both by default, training in f32.")]
    public string? Type { get; set; }

    [Option("json", HelpText = "Print one JSON document.")]
    public bool IsJson { get; set; }

    public int Run(Terminal terminal)
    {
        Stopwatch clock = Stopwatch.StartNew();
        bool? single = Targets.IsSingle(Type);
        IReadOnlyList<Target> targets = Targets.Named(Target);
        IdxArray images = ReadDigits();
        int digits = IsQuick ? QuickDigits : (int)images.Shape[0];
        Terminal shown = IsJson ? terminal.Silenced() : terminal;
        (int singles, int doubles) = (single == false ? 0 : digits, single == true ? 0 : digits / Share);
        DigitTasks tasks = new(images, Math.Max(singles, doubles));
        DigitTraining training = new(DigitTraining.ReadDigits(Asset(Images), Asset(Labels)), digits, IsQuick);
        Target[] trained = [.. (Target is null ? targets.Where(t => t.IsCpu).Take(1) : targets).Where(t => !IsYardstick(t))];
        int begun = 1 + (targets.Count * 2), steps = begun + (trained.Length * DigitTraining.Rules.Count);
        shown.WriteLine("handwritten digits of the MNIST test set: " + string.Join(", ", new[] { Taken(singles, "float32"), Taken(doubles, "float64") }.Where(t => t.Length > 0))
            + (singles > 0 && targets.Any(IsYardstick) ? $", {singles / Share} on cpu:scalar" : ""));
        foreach (string line in tasks.Describe())
        {
            shown.WriteLine($"  {line}");
        }

        shown.WriteLine($"  {training.Describe()}");
        shown.WithProgress("demo", steps, progress =>
        {
            progress.Say("reference, float64 on the host");
            tasks.Prepare(terminal.Cancellation);
            progress.Advance();
            Say(shown, clock, "reference computed");
            foreach (Target target in targets)
            {
                progress.Say(target.ToString());
                RunOn(target, tasks, singles, doubles, progress, terminal.Cancellation);
                Say(shown, clock, target.ToString());
            }

            TimeSpan line = clock.Elapsed;
            foreach (Target target in trained)
            {
                TrainOn(target, training, single != false, Show, terminal.Cancellation);
                begun += DigitTraining.Rules.Count;

                void Show(double done, string text)
                {
                    progress.At((begun + done) / steps);
                    progress.Say(text);
                    if (double.IsInteger(done) || clock.Elapsed - line > ShortestLine)
                    {
                        line = clock.Elapsed;
                        Say(shown, clock, $"{target} {text}");
                    }
                }
            }

            skipped.AddRange(targets.Where(t => Target is not null && IsYardstick(t)).Select(t => $"training on {t}, the yardstick, would take minutes"));
        });
        Report(terminal, clock);
        return refused.Count == 0 && rows.All(r => r.IsRight) && trainings.All(r => r.IsRight) ? ExitCode.Done : ExitCode.CheckFailed;
    }

    private static bool IsYardstick(Target target) => target.Suffix == "scalar";

    private static string Taken(int digits, string type) => digits > 0 ? string.Create(CultureInfo.InvariantCulture, $"{digits} in {type}") : "";

    private static string Asset(string name) => Path.Combine(AppContext.BaseDirectory, "Assets", name);

    private static IdxArray ReadDigits()
    {
        string file = Asset(Images);
        IdxArray images = IdxFile.Read(file);
        return images.Shape is { Rank: 3 } && images.Shape[0] >= QuickDigits
            ? images
            : throw new DataFormatException(file, $"the shape {images.Shape}", $"[{QuickDigits} or more, rows, columns]");
    }

    private static void Say(Terminal terminal, Stopwatch clock, string what)
    {
        if (!terminal.IsInteractive)
        {
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds,6:F1} s  {what}"));
        }
    }

    private void RunOn(Target target, DigitTasks tasks, int singles, int doubles, ProgressLine progress, CancellationToken cancellation)
    {
        try
        {
            using Device device = Devices.Open(target);
            using CommandQueue queue = device.CreateQueue();
            if (singles > 0)
            {
                tasks.Run(new DemoRun<float>(queue, rows.Add, cancellation), IsYardstick(target) ? singles / Share : singles);
            }

            progress.Advance();
            if (doubles > 0 && device.SupportsDouble)
            {
                tasks.Run(new DemoRun<double>(queue, rows.Add, cancellation), doubles);
            }
            else if (doubles > 0)
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

    /// <summary>Trains by every rule; reports the rules done with the share of the one at work, and how it goes.</summary>
    private void TrainOn(Target target, DigitTraining training, bool single, Action<double, string> report, CancellationToken cancellation)
    {
        try
        {
            using Device device = Devices.Open(target);
            if (!single && !device.SupportsDouble)
            {
                return;
            }

            using CommandQueue queue = device.CreateQueue();
            for (int i = 0; i < DigitTraining.Rules.Count; i++)
            {
                int done = i;
                DemoRule rule = DigitTraining.Rules[i];
                void Progress(double share, string text) => report(done + share, text);
                trainings.Add(single ? training.Train<float>(queue, rule, Progress, cancellation) : training.Train<double>(queue, rule, Progress, cancellation));
            }
        }
        catch (Exception e) when (e is HpcLinearException or NotSupportedException && Target is null)
        {
            refused.Add($"training on {target} failed: {Messages.OneLine(e)}");
        }
    }

    private void Report(Terminal terminal, Stopwatch clock)
    {
        int right = rows.Count(r => r.IsRight) + trainings.Count(r => r.IsRight);
        double worst = rows.Select(r => r.MaxError / r.Tolerance).DefaultIfEmpty(0).Max();
        if (IsJson)
        {
            terminal.WriteLine(Json.Text(new { Seconds = clock.Elapsed.TotalSeconds, Rows = rows, Training = trainings, Skipped = skipped, Failed = refused }));
            return;
        }

        TextTable table = new(DemoRow.Headers);
        rows.ForEach(row => table.Add(row.ToCells()));
        terminal.Write(table);
        TextTable training = new(DemoTrainingRow.Headers);
        trainings.ForEach(row => training.Add(row.ToCells()));
        if (trainings.Count > 0)
        {
            terminal.WriteLine();
            terminal.Write(training);
            trainings.Where(row => row.Failure is not null).ToList().ForEach(row => terminal.WriteLine($"{row.Target} {row.Rule}: {row.Failure}"));
        }

        skipped.ForEach(line => terminal.WriteLine($"skipped: {line}"));
        refused.ForEach(terminal.WriteLine);
        terminal.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{right} right, {rows.Count + trainings.Count - right + refused.Count} wrong; worst error {worst:F3} of its tolerance; {clock.Elapsed.TotalSeconds:F1} s"));
    }

    /// <summary>The three tasks, prepared for a number of digits.</summary>
    private sealed class DigitTasks(IdxArray images, int digits)
    {
        private readonly DigitConvolution layer = DigitConvolution.Layer(images, digits, Step);
        private readonly DigitConvolution ownFilters = DigitConvolution.OwnFilters(images, digits);
        private readonly DigitChains chains = new(digits);

        public IEnumerable<string> Describe() => [layer.Describe(), ownFilters.Describe(), chains.Describe()];

        public void Prepare(CancellationToken cancellation)
        {
            Action[] work = [.. layer.Prepare(), .. ownFilters.Prepare(), .. chains.Prepare()];
            try
            {
                Task.WaitAll([.. work.Select(piece => Task.Run(piece, cancellation))], cancellation);
            }
            catch (AggregateException e)
            {
                throw e.GetBaseException();
            }
        }

        public void Run<T>(DemoRun<T> run, int count)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            layer.Run(run, count);
            ownFilters.Run(run, count);
            chains.Run(run, count);
        }
    }
}
