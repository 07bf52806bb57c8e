using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using HpcLinear.Data;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Whether networks of more than a hundred layers learn digits: μPC relaxed in activities and in errors, the standard parameterisation, and back-propagation.</summary>
public sealed class MupcTrain : Experiment<MupcTrainSettings>
{
    private const int CurvePoints = 60, Tests = 4, Classes = 10;
    private const double Chance = 0.1;

    private static readonly string[] Places = MupcTrainArm.Names.Split(' ');

    /// <inheritdoc/>
    public override string Name => "mupc-train";

    /// <inheritdoc/>
    public override string Title => "Training a network of 128 hidden layers on MNIST: muPC, the standard parameterisation, back-propagation";

    /// <inheritdoc/>
    public override string Paper => "2505.13124";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f32", "f64"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new("accuracy", "Test accuracy after training, one marker a seed", new("") { Places = Places }, new("test accuracy, %") { Limits = (0, 100) }, Accuracies),
        new("learning", "Accuracy on the minibatches while training, mean over seeds", new("updates of the weights"), new("accuracy, %") { Limits = (0, 100) }, Learning),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(MupcTrainSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Data.Length == 0)
        {
            throw new ArgumentException("mupc-train: no data; set where MNIST's four files lie: --set data=FOLDER");
        }

        // Read once, when the first row asks.
        Lazy<(LabelledData Training, LabelledData Test)> data = new(() => Read(settings));
        return from seed in settings.Seeds
               from arm in settings.Arms.Select(MupcTrainArm.Parse)
               select new PlannedRow([("arm", arm.Name), ("seed", seed)], arm.Passes(settings), row =>
               {
                   if (row.Type == "f64")
                   {
                       Train<double>(settings, arm, seed, data.Value, row);
                   }
                   else
                   {
                       Train<float>(settings, arm, seed, data.Value, row);
                   }
               });
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(MupcTrainSettings settings, IReadOnlyList<Row> rows)
    {
        ArgumentNullException.ThrowIfNull(settings);
        double activities = Mean("mupc-activities"), errors = Mean("mupc-errors"), propagated = Mean("mupc-bp"), standard = Mean("sp-activities");
        yield return Expectation.InRange("muPC relaxed in errors learns: test accuracy, %", "95 or more", 100 * errors, 95, 100);
        yield return Expectation.InRange("muPC relaxed in errors is close to back-propagation (accuracy less that of back-propagation, points)", "0", 100 * (errors - propagated), -2, 2);
        yield return Expectation.InRange("muPC relaxed in activities learns: test accuracy, %", "above chance", 100 * activities, 50, 100);
        yield return Expectation.InRange("muPC relaxed in activities is close to back-propagation (points)", "0", 100 * (activities - propagated), -2, 2);
        yield return settings.Hidden < 64
            ? new("the standard parameterisation stays at chance from 64 hidden layers on", "10", "fewer layers", "", Verdict.Undecided)
            : Expectation.AtMost("the standard parameterisation relaxed in activities stays at chance: test accuracy, %", "10", 100 * standard, 100 * (Chance + 0.05));

        double Mean(string arm) => rows.Where(r => r.Text("arm") == arm).Select(r => r.Number("test_accuracy")).DefaultIfEmpty(double.NaN).Average();
    }

    private static (LabelledData Training, LabelledData Test) Read(MupcTrainSettings settings)
    {
        LabelledData training = LabelledDataFile.ReadFolder(settings.Data, DataPart.Training, Classes), test = LabelledDataFile.ReadFolder(settings.Data, DataPart.Test, Classes);
        if (training.Features != test.Features)
        {
            throw new DataFormatException(test.Name, $"samples of {test.Features} elements", $"{training.Features}, as {training.Name} has");
        }

        if (settings.Samples > training.Count)
        {
            throw new ArgumentException($"samples: {settings.Samples} given, {training.Name} has {training.Count}");
        }

        InputStandardisation standardisation = training.MeasureStandardisation();
        training = settings.Samples > 0 ? training.Take(settings.Samples) : training;
        return (training.Standardise(standardisation), test.Standardise(standardisation));
    }

    private static void Train<T>(MupcTrainSettings settings, MupcTrainArm arm, int seed, (LabelledData Training, LabelledData Test) data, RowContext row)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CommandQueue queue = row.Queue;
        RelaxationDescriptor network = arm.Network(settings, data.Training.Features, Classes);
        TrainingOptions options = arm.Options(settings);
        MinibatchOrder order = new(data.Training.Count, settings.Batch, (ulong)seed);
        using PredictiveCodingTrainer<T> trainer = PredictiveCodingTrainer.Create<T>(queue, network, options);
        trainer.Initialise(WeightInitialisation.Of(arm.Parameterisation), (ulong)seed);
        using Tensor<T> x = queue.Device.Allocate<T>(network.InputShape), y = queue.Device.Allocate<T>(network.TargetShape);
        using Tensor<T> testInputs = queue.Device.Allocate<T>([data.Test.Count, data.Test.Features]), testTargets = queue.Device.Allocate<T>([data.Test.Count, Classes]);
        T[] inputs = new T[network.InputShape.ElementCount], targets = new T[network.TargetShape.ElementCount];
        Upload(queue, data.Test, [.. Enumerable.Range(0, data.Test.Count)], testInputs, testTargets, new T[testInputs.Shape.ElementCount], new T[testTargets.Shape.ElementCount]);
        Curve curve = new(order.BatchesPerEpoch * settings.Epochs);
        List<double> testUpdates = [], testAccuracies = [];
        Stopwatch clock = Stopwatch.StartNew();
        Evaluation test = default;
        string outcome = "trained";
        for (long u = 0; u < curve.Updates; u++)
        {
            row.Cancellation.ThrowIfCancellationRequested();
            Upload(queue, data.Training, order.Indices(u), x, y, inputs, targets);
            double rate = settings.Course == "cosine" ? options.LearningRate * (1 + Math.Cos(Math.PI * u / curve.Updates)) / 2 : options.LearningRate;
            TrainingStep step = trainer.Step(x, y, rate);
            if (step.Status != TrainingStatus.Updated)
            {
                outcome = $"stopped at update {u}: {step}";
                break;
            }

            curve.Add(step);
            row.Report((u + 1.0) / curve.Updates, string.Create(CultureInfo.InvariantCulture, $"{100 * curve.Recent:F1} % of a minibatch, {(u + 1) / clock.Elapsed.TotalSeconds:F1} updates/s"));
            if ((u + 1) * Tests / curve.Updates > u * Tests / curve.Updates)
            {
                test = trainer.Evaluate(testInputs, testTargets);
                testUpdates.Add(u + 1);
                testAccuracies.Add(test.Accuracy);
            }
        }

        if (outcome != "trained")
        {
            test = trainer.Evaluate(testInputs, testTargets);
        }

        row.Set("outcome", outcome);
        row.Set("updates", trainer.Updates);
        row.Set("training_seconds", Math.Round(clock.Elapsed.TotalSeconds, 3));
        row.Set("test_accuracy", test.Accuracy);
        row.Set("test_loss", test.Loss);
        row.Set("test_updates", testUpdates);
        row.Set("test_accuracies", testAccuracies);
        row.Set("curve_updates", curve.Places);
        row.Set("curve_accuracies", curve.Accuracies);
        row.Set("curve_losses", curve.Losses);
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"{outcome}, test accuracy {100 * test.Accuracy:F2} %");
    }

    private static void Upload<T>(CommandQueue queue, LabelledData data, ReadOnlySpan<int> samples, Tensor<T> x, Tensor<T> y, T[] inputs, T[] targets)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        data.Gather<T>(samples, inputs, targets);
        queue.Upload(inputs, x);
        queue.Upload(targets, y);
    }

    private static IEnumerable<Experiments.Curve> Accuracies(IReadOnlyList<Row> rows)
    {
        foreach (IGrouping<string, Row> arm in rows.GroupBy(r => r.Text("arm")))
        {
            double place = Array.IndexOf(Places, arm.Key);
            yield return new("seeds", [.. arm.Select(r => (place, 100 * r.Number("test_accuracy")))], CurveForm.Markers);
            yield return new("mean", [(place, 100 * arm.Average(r => r.Number("test_accuracy")))], CurveForm.Bars);
        }
    }

    private static IEnumerable<Experiments.Curve> Learning(IReadOnlyList<Row> rows) => rows.GroupBy(r => r.Text("arm")).Select(arm => new Experiments.Curve(
        arm.Key,
        [.. arm.SelectMany(r => r.Numbers("curve_updates").Zip(r.Numbers("curve_accuracies"))).GroupBy(p => p.First).OrderBy(g => g.Key).Select(g => (g.Key, 100 * g.Average(p => p.Second)))],
        CurveForm.Line));

    /// <summary>Means over equal stretches of the training.</summary>
    private sealed class Curve(long updates)
    {
        private double loss, correct;
        private long samples, made, steps;

        public long Updates => updates;

        public List<double> Places { get; } = [];

        public List<double> Accuracies { get; } = [];

        public List<double> Losses { get; } = [];

        /// <summary>Accuracy over the last stretch.</summary>
        public double Recent => Accuracies.Count > 0 ? Accuracies[^1] : samples > 0 ? correct / samples : 0;

        public void Add(TrainingStep step)
        {
            (loss, correct, samples, steps) = (loss + step.Loss, correct + step.Correct!.Value, samples + step.Samples, steps + 1);
            made++;
            if (made * CurvePoints / updates > (made - 1) * CurvePoints / updates)
            {
                Places.Add(made);
                Accuracies.Add(correct / samples);
                Losses.Add(loss / steps);
                (loss, correct, samples, steps) = (0, 0, 0, 0);
            }
        }
    }
}
