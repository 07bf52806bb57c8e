using System.Globalization;
using System.Numerics;
using CommandLine;
using CommandLine.Text;
using HpcLinear.Cli.Training;
using HpcLinear.Data;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Verbs;

/// <summary>Trains a network on labelled data.</summary>
[Verb("train", HelpText = "Train a predictive-coding network on labelled data, with checkpoints.")]
internal sealed class TrainVerb : IVerb
{
    private const double DefaultStep = 0.3, DefaultRate = 0.03, DefaultStandardRate = 0.001, MostSeconds = 1e6;
    private static readonly TimeSpan ShortestRedraw = TimeSpan.FromSeconds(0.2), ShortestLine = TimeSpan.FromSeconds(10);

    /// <summary>How long a step and a checkpoint may take after Ctrl-C; a second Ctrl-C ends the process at once.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(5);

    [Usage(ApplicationAlias = "hpclinear")]
    public static IEnumerable<Example> Examples =>
    [
        new("32 hidden layers, one epoch", new TrainVerb { Text = "relax n64 i784 w64 h32 o10 relu mupc skip", Folder = "mnist" }),
        new("The same by back-propagation, on 6000 samples", new TrainVerb { Text = "relax n64 i784 w64 h32 o10 relu mupc skip", Folder = "mnist", Rule = "bp", Limit = 6000 }),
        new("With a checkpoint; after an interruption, again with --resume", new TrainVerb { Text = "relax n64 i784 w64 h32 o10 relu mupc skip", Folder = "mnist", Checkpoint = "mnist.ckpt", Resume = true }),
    ];

    [Value(0, MetaName = "NETWORK", Required = true, HelpText = "The network in one pair of quotes, n its minibatch: 'relax n64 i784 w64 h32 o10 relu mupc skip'; see bench --help and docs/command-line.md.")]
    public string Text { get; set; } = "";

    [Option("data", MetaValue = "DIR", Required = true, HelpText = "Folder with MNIST-like IDX files, plain or .gz, or with train-inputs.npy, train-targets.npy, test-inputs.npy, test-targets.npy.")]
    public string Folder { get; set; } = "";

    [Option("rule", MetaValue = "pc|errors|bp|exact", HelpText = "Relax activities (the default), relax errors, back-propagate, or solve a linear network for its equilibrium.")]
    public string? Rule { get; set; }

    [Option("method", MetaValue = "NAME", HelpText = "Of the relaxation: gd (the default), momentum, nesterov; of activities also heun, adaptive; of errors also cg, gauss-newton.")]
    public string? Method { get; set; }

    [Option("steps", MetaValue = "T", HelpText = "Relaxation steps a minibatch; by default the number of weight layers, with errors 10, with gauss-newton 2.")]
    public int? Steps { get; set; }

    [Option("step", MetaValue = "S|auto", HelpText = "Step size of the relaxation, a sample; 0.3 by default, with errors auto, which computes one a minibatch at the cost of 13 steps.")]
    public string? Step { get; set; }

    [Option("optimizer", MetaValue = "adam|sgd", HelpText = "adam by default.")]
    public string? Optimizer { get; set; }

    [Option("rate", MetaValue = "LR", HelpText = "Learning rate; by default 0.03 of mupc and ntp, 0.001 of sp.")]
    public double? Rate { get; set; }

    [Option("course", MetaValue = "constant|cosine", HelpText = "Of the learning rate: constant by default; cosine falls to 0 at the end of the last epoch.")]
    public string? Course { get; set; }

    [Option("epochs", MetaValue = "E", Default = 1, HelpText = "Passes over the training data.")]
    public int Epochs { get; set; }

    [Option("seed", MetaValue = "S", Default = 1UL, HelpText = "Of the weights and of the order of samples.")]
    public ulong Seed { get; set; }

    [Option("standardise", HelpText = "Inputs with mean 0 and deviation 1 over the training data; pixels are from 0 to 1 otherwise.")]
    public bool Standardise { get; set; }

    [Option("limit", MetaValue = "N", HelpText = "Only the first N training samples.")]
    public int? Limit { get; set; }

    [Option("target", MetaValue = "T", HelpText = "Target; the default one otherwise.")]
    public string? Target { get; set; }

    [Option("threads", MetaValue = "N", HelpText = "Threads of a cpu target; 0, the default, takes one a processor.")]
    public int Threads { get; set; }

    [Option("type", MetaValue = "f32|f64", HelpText = "Element type; f32 by default.")]
    public string? Type { get; set; }

    [Option("checkpoint", MetaValue = "FILE", HelpText = "Written after every epoch, in between, and on Ctrl-C or SIGTERM.")]
    public string? Checkpoint { get; set; }

    [Option("every", MetaValue = "SECONDS", HelpText = "Longest time between checkpoints; 60 by default.")]
    public double? Every { get; set; }

    [Option("resume", HelpText = "Continue from the checkpoint.")]
    public bool Resume { get; set; }

    [Option("rows", MetaValue = "FILE", HelpText = "Also write a line of JSON an epoch.")]
    public string? RowFile { get; set; }

    [Option("json", HelpText = "Print one JSON document.")]
    public bool IsJson { get; set; }

    public int Run(Terminal terminal)
    {
        bool single = Targets.IsSingle(Type) != false;
        TrainingOptions options = ReadOptions(out RelaxationDescriptor network);
        CheckFiles();
        LabelledData training = LabelledDataFile.ReadFolder(Folder, DataPart.Training, checked((int)network.Widths[^1]));
        LabelledData test = LabelledDataFile.ReadFolder(Folder, DataPart.Test, training.Outputs);
        CheckFeatures(training, network);
        CheckFeatures(test, network);
        if (Limit is { } limit)
        {
            training = limit >= 1 && limit <= training.Count ? training.Take(limit) : throw new ArgumentException($"--limit: 1 to {training.Count} samples expected, {limit} given");
        }

        if (network.Batch > training.Count)
        {
            throw new ArgumentException($"NETWORK: minibatches of at most {training.Count} samples expected, n{network.Batch} given");
        }

        InputStandardisation? map = Standardise ? training.MeasureStandardisation() : null;
        TrainingPlan plan = new()
        {
            Network = network,
            Weights = WeightInitialisation.Of(ParameterisationOf(Text)),
            Options = options,
            IsCosine = Course switch
            {
                null or "constant" => false,
                "cosine" => true,
                _ => throw new ArgumentException($"--course: constant or cosine expected, '{Course}' given"),
            },
            Training = training.Standardise(map),
            Test = test.Standardise(map),
            Epochs = Epochs,
            Seed = Seed,
            Checkpoint = Checkpoint,
            Every = TimeSpan.FromSeconds(Every ?? 60),
            Resume = Resume,
            Rows = RowFile,
        };
        using Device device = Targets.Open(Target, new() { Threads = Threads });
        using CommandQueue queue = device.CreateQueue();
        if (Checkpoint is not null)
        {
            Program.Grace = Grace;
        }

        return single ? Run<float>(terminal, plan, queue) : Run<double>(terminal, plan, queue);
    }

    private int Run<T>(Terminal terminal, TrainingPlan plan, CommandQueue queue)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Terminal shown = IsJson ? terminal.Silenced() : terminal;
        string type = typeof(T) == typeof(float) ? "f32" : "f64";
        using TrainingRun<T> run = new(plan, queue);
        string madeBy = run.Start();
        shown.WriteLine(Invariant($"{plan.Network} on {queue.Device}, {type}: {plan.Options.Rule}, {plan.Network.ParameterCount} parameters, {plan.Training.Count} samples, {run.UpdatesPerEpoch} updates an epoch"));
        if (Resume)
        {
            shown.WriteLine($"resumed from {Checkpoint} at update {run.Updates}" + (madeBy == queue.Device.Target.ToString() ? "" : $"; it was made on {madeBy}, so bits will differ from an uninterrupted run's"));
        }

        string? failure = null;
        try
        {
            shown.WithProgress("train", 1, progress => failure = run.Train(Reporter(shown, run, progress), terminal.Cancellation) is { } step ? Explain(plan, run, step) : null);
        }
        catch (OperationCanceledException) when (Checkpoint is not null)
        {
            terminal.Error.WriteLine($"hpclinear: interrupted at update {run.Updates} of {run.TotalUpdates}; {Checkpoint} is written, --resume goes on from there");
            throw;
        }
        catch (ArgumentException e) when (run.Updates > 0)
        {
            // The data were checked: it is the weights that are no longer finite.
            failure = Explain(run, Messages.OneLine(e), Slower(plan));
        }

        if (failure is not null)
        {
            terminal.Error.WriteLine($"hpclinear: {failure}");
        }

        Evaluation test = failure is null ? run.Test() : default;
        if (IsJson)
        {
            terminal.WriteLine(Json.Text(new
            {
                Network = plan.Network.ToString(),
                Options = plan.Options.ToString(),
                Course = plan.CourseText,
                Target = queue.Device.Target.ToString(),
                Type = type,
                plan.Seed,
                Samples = plan.Training.Count,
                run.Updates,
                run.Seconds,
                UpdatesPerSecond = run.Rate,
                Status = failure ?? "done",
                TestLoss = failure is null ? test.Loss : (double?)null,
                TestAccuracy = failure is null && test.Correct is not null ? test.Accuracy : (double?)null,
                Rows = run.Rows,
                Checkpoint,
            }));
        }
        else if (failure is null)
        {
            string accuracy = test.Correct is { } correct ? Invariant($"accuracy {Percent(test.Accuracy)} ({correct} of {test.Samples}), ") : "";
            shown.WriteLine(Invariant($"{run.Updates} updates in {run.Seconds:F1} s, {Quantity.Number(run.Rate)} updates/s; test {accuracy}loss {Quantity.Number(test.Loss)}"));
        }

        return failure is null ? ExitCode.Done : ExitCode.CheckFailed;
    }

    private Action<TrainingRow?> Reporter<T>(Terminal terminal, TrainingRun<T> run, ProgressLine progress)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double last = 0;
        return row =>
        {
            double now = run.Seconds;
            if (row is not null)
            {
                last = now;
                string accuracy = row.Accuracy is { } a ? $", accuracy {Percent(a)}" : "", test = row.TestAccuracy is { } t ? $", accuracy {Percent(t)}" : "";
                terminal.WriteLine(Invariant($"{now,7:F1} s  epoch {row.Epoch}/{Epochs}: loss {Quantity.Number(row.Loss)}{accuracy}; test loss {Quantity.Number(row.TestLoss)}{test}; {Quantity.Number(row.UpdatesPerSecond)} updates/s"));
                progress.At((double)run.Updates / run.TotalUpdates);
            }
            else if (now - last > (terminal.IsInteractive ? ShortestRedraw : ShortestLine).TotalSeconds)
            {
                last = now;
                EpochSum sum = run.Epoch;
                string accuracy = run.HasAccuracy ? $", {Percent((double)sum.Correct / sum.Samples)}" : "";
                string place = Invariant($"{(run.Updates / run.UpdatesPerEpoch) + 1}/{Epochs}, update {run.Updates}: loss {Quantity.Number(sum.Loss / sum.Samples)}{accuracy}, {Quantity.Number(run.Rate)}/s, {Time((run.TotalUpdates - run.Updates) / run.Rate)} left");
                progress.At((double)run.Updates / run.TotalUpdates);
                progress.Say(place);
                if (!terminal.IsInteractive)
                {
                    terminal.WriteLine(Invariant($"{now,7:F1} s  epoch {place}"));
                }
            }
        };
    }

    private TrainingOptions ReadOptions(out RelaxationDescriptor network)
    {
        network = RelaxationDescriptor.Parse(Text);
        LearningRule rule = Rule switch
        {
            null or "pc" => LearningRule.PredictiveCoding,
            "errors" => LearningRule.ErrorCoordinates,
            "bp" => LearningRule.BackPropagation,
            "exact" => LearningRule.ExactEquilibrium,
            _ => throw new ArgumentException($"--rule: pc, errors, bp or exact expected, '{Rule}' given"),
        };
        OptimizerRule optimizer = Optimizer switch
        {
            null or "adam" => OptimizerRule.Adam,
            "sgd" => OptimizerRule.GradientDescent,
            _ => throw new ArgumentException($"--optimizer: adam or sgd expected, '{Optimizer}' given"),
        };
        bool errors = rule == LearningRule.ErrorCoordinates, relaxes = rule is LearningRule.PredictiveCoding or LearningRule.ErrorCoordinates;
        RelaxationMethod method = Method switch
        {
            null or "gd" => RelaxationMethod.GradientDescent,
            "momentum" => RelaxationMethod.Momentum,
            "nesterov" => RelaxationMethod.Nesterov,
            "heun" => RelaxationMethod.Heun,
            "adaptive" => RelaxationMethod.AdaptiveHeun,
            "cg" => RelaxationMethod.ConjugateGradients,
            "gauss-newton" => RelaxationMethod.GaussNewton,
            _ => throw new ArgumentException($"--method: gd, momentum, nesterov, heun, adaptive, cg or gauss-newton expected, '{Method}' given"),
        };
        bool steps = method is not (RelaxationMethod.ConjugateGradients or RelaxationMethod.GaussNewton);
        Require(relaxes || Method is null, "--method", $"none with --rule {Rule}", Method ?? "");
        Require(relaxes || Steps is null, "--steps", $"none with --rule {Rule}", Steps ?? 0);
        Require(relaxes || Step is null, "--step", $"none with --rule {Rule}", Step ?? "");
        Require(steps || Step is null, "--step", $"none with --method {Method}, which finds its own,", Step ?? "");
        Require(Steps is null or >= 1, "--steps", "1 or more", Steps ?? 0);
        Require(Rate is null || (Rate > 0 && double.IsFinite(Rate.Value)), "--rate", "a finite number above 0", Rate ?? 0);
        Require(Epochs >= 1, "--epochs", "1 or more", Epochs);
        Require(Threads is >= 0 and <= 1024, "--threads", "a number from 1 to 1024, or 0 for one a processor,", Threads);
        Require(Every is null or (>= 0 and <= MostSeconds), "--every", $"seconds from 0 to {MostSeconds}", Every ?? 0);
        TrainingOptions options = new()
        {
            Rule = rule,
            Relaxation = !relaxes ? null : new()
            {
                Method = method,
                Steps = Steps ?? (method == RelaxationMethod.GaussNewton ? 2 : errors ? 4 : network.Depth),
                Step = steps ? ReadStep(errors ? null : DefaultStep) : null,
            },
            Optimizer = optimizer,
            LearningRate = Rate ?? (ParameterisationOf(Text) == Parameterisation.Standard ? DefaultStandardRate : DefaultRate),
        };
        options.Validate();
        return options;
    }

    /// <summary>Null computes a step a minibatch.</summary>
    private double? ReadStep(double? otherwise)
    {
        if (Step is null or "auto")
        {
            return Step is null ? otherwise : null;
        }

        bool isNumber = double.TryParse(Step, NumberStyles.Float, CultureInfo.InvariantCulture, out double step);
        Require(isNumber && step > 0 && double.IsFinite(step), "--step", "a finite number above 0 or auto", Step);
        return step;
    }

    /// <summary>Nothing is overwritten that a run has made, and nothing is found out only after an hour.</summary>
    private void CheckFiles()
    {
        if (Checkpoint is null)
        {
            Require(!Resume, "--resume", "--checkpoint FILE to resume from", "none");
            Require(Every is null, "--every", "--checkpoint FILE to write", "none");
        }
        else
        {
            CheckpointFile.RequireWritable(Checkpoint);
            bool exists = File.Exists(Checkpoint);
            Require(Resume || !exists, "--checkpoint", "a new file, or --resume to continue from it,", $"{Checkpoint}, which exists,");
            Require(!Resume || exists, "--resume", "a checkpoint", $"{Checkpoint}, which does not exist,");
        }

        if (RowFile is not null)
        {
            Require(Resume || new FileInfo(RowFile) is not { Exists: true, Length: > 0 }, "--rows", "a new file", $"{RowFile}, which exists,");
            try
            {
                File.AppendAllText(RowFile, "");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new ArgumentException($"--rows: {e.Message}", e);
            }
        }
    }

    private static void CheckFeatures(LabelledData data, RelaxationDescriptor network)
    {
        if (data.Features != network.Widths[0])
        {
            throw new ArgumentException($"NETWORK: an input of {data.Features}, as in {data.Name}, expected, i{network.Widths[0]} given");
        }
    }

    private static Parameterisation ParameterisationOf(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Contains("mupc") ? Parameterisation.DepthMuP : words.Contains("ntp") ? Parameterisation.NeuralTangent : Parameterisation.Standard;
    }

    private string Explain<T>(TrainingPlan plan, TrainingRun<T> run, TrainingStep step)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double? shorter = step.Relaxation?.SuggestedStep ?? (plan.Options.Relaxation?.Step / 2);
        string advice = step.Status != TrainingStatus.Diverged || shorter is null ? Slower(plan)
            : Invariant($"--step {shorter:G2}") + (run.Updates == 0 ? "" : $", or {Slower(plan)}: weights that have grown need smaller steps");
        return Explain(run, step.ToString(), advice);
    }

    private string Explain<T>(TrainingRun<T> run, string what, string advice)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        string kept = Checkpoint is null ? "" : File.Exists(Checkpoint) ? $"; {Checkpoint} is the last checkpoint" : "; no checkpoint was written";
        return Invariant($"epoch {(run.Updates / run.UpdatesPerEpoch) + 1}, update {run.Updates + 1}: {what}; try {advice}{kept}");
    }

    private static string Slower(TrainingPlan plan) => Invariant($"--rate {plan.Options.LearningRate / 10:G3}");

    private static string Percent(double share) => (100 * share).ToString("F2", CultureInfo.InvariantCulture) + " %";

    private static string Time(double seconds) => seconds < 100 ? Invariant($"{seconds:F0} s") : seconds < 6000 ? Invariant($"{seconds / 60:F0} min") : Invariant($"{seconds / 3600:F1} h");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private static void Require(bool holds, string option, string expected, IFormattable given) => Require(holds, option, expected, given.ToString(null, CultureInfo.InvariantCulture));

    private static void Require(bool holds, string option, string expected, string given)
    {
        if (!holds)
        {
            throw new ArgumentException($"{option}: {expected} expected, {given} given");
        }
    }
}
