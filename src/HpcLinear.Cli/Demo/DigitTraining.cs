using System.Globalization;
using System.Numerics;
using HpcLinear.Cli.Training;
using HpcLinear.Data;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Demo;

/// <summary>A deep predictive-coding network learns the digits by three rules: the same network, weights, minibatches and optimizer.</summary>
/// <remarks>The first four fifths of the digits are for training, the rest for the test.</remarks>
internal sealed class DigitTraining
{
    private const string Network = "relax n32 i784 w64 h32 o10 relu mupc skip";
    private const int Classes = 10, Epochs = 5, QuickEpochs = 8;
    private const ulong Seed = 1;
    private const double Rate = 0.03, RedrawSeconds = 0.2;

    /// <summary>Below it a guess of the remaining time says nothing.</summary>
    private const double LeastShare = 0.02;

    private readonly RelaxationDescriptor network = RelaxationDescriptor.Parse(Network);
    private readonly LabelledData training, test;
    private readonly bool isQuick;

    /// <summary>Takes the first <paramref name="count"/> digits; quick training makes fewer updates, and less is expected of it.</summary>
    public DigitTraining(LabelledData digits, int count, bool isQuick)
    {
        this.isQuick = isQuick;
        training = digits.Take(count * 4 / 5);
        InputStandardisation inputs = training.MeasureStandardisation();
        training = training.Standardise(inputs);
        test = digits.Slice(training.Count, count - training.Count).Standardise(inputs);
    }

    /// <summary>The rules, best known first, with accuracies a few points below the lowest of five seeds.</summary>
    /// <remarks>With only the output layer trained the test gives 74 %, 62 % with few digits.</remarks>
    public static IReadOnlyList<DemoRule> Rules { get; } =
    [
        new("back-propagation", LearningRule.BackPropagation, null, 0.94, 0.8),
        new("muPC, errors", LearningRule.ErrorCoordinates, new() { Steps = 2, Step = 0.005 }, 0.94, 0.8),
        new("muPC, activities", LearningRule.PredictiveCoding, new() { Steps = 32, Step = 0.3 }, 0.85, 0.68),
    ];

    private int EpochCount => isQuick ? QuickEpochs : Epochs;

    /// <exception cref="DataFormatException">A file is missing or damaged.</exception>
    public static LabelledData ReadDigits(string images, string labels) => LabelledDataFile.ReadIdx(images, labels, Classes);

    public string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"training: {network}, the first {training.Count} digits, tested with the last {test.Count}; Adam, rate {Rate} falling to 0 in {EpochCount} epochs");

    /// <summary>Trains and tests; reports the share done and how it goes.</summary>
    public DemoTrainingRow Train<T>(CommandQueue queue, DemoRule rule, Action<double, string> report, CancellationToken cancellation)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TrainingPlan plan = new()
        {
            Network = network,
            Weights = WeightInitialisation.Of(Parameterisation.DepthMuP),
            Options = new() { Rule = rule.Rule, Relaxation = rule.Relaxation, LearningRate = Rate },
            IsCosine = true,
            Training = training,
            Test = test,
            Epochs = EpochCount,
            Seed = Seed,
        };
        using TrainingRun<T> run = new(plan, queue);
        run.Start();
        string? failure = null;
        double last = 0;
        try
        {
            failure = run.Train(Progress, cancellation)?.ToString();
        }
        catch (ArgumentException e) when (run.Updates > 0)
        {
            // The data were checked: it is the weights that are no longer finite.
            failure = Messages.OneLine(e);
        }

        return new(
            queue.Device.Target.ToString(),
            typeof(T) == typeof(float) ? "f32" : "f64",
            rule.Name,
            training.Count,
            EpochCount,
            run.Updates,
            run.Seconds,
            run.Rate,
            failure is null ? run.Test().Accuracy : double.NaN,
            isQuick ? rule.LeastQuickAccuracy : rule.LeastAccuracy,
            failure);

        void Progress(TrainingRow? epoch)
        {
            if (epoch is not null || run.Seconds - last > RedrawSeconds)
            {
                last = run.Seconds;
                string accuracy = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{(epoch is null ? "" : "test ")}{100 * (epoch?.TestAccuracy ?? ((double)run.Epoch.Correct / run.Epoch.Samples)):F1} %");
                double share = (double)run.Updates / run.TotalUpdates;
                string left = share < LeastShare ? "" : string.Create(CultureInfo.InvariantCulture, $", {(run.TotalUpdates - run.Updates) / run.Rate:F0} s left");
                report(share, $"{rule.Name}: epoch {epoch?.Epoch ?? (run.Updates / run.UpdatesPerEpoch) + 1}/{EpochCount}, {accuracy}, {Quantity.Number(run.Rate)} updates/s{left}");
            }
        }
    }
}
