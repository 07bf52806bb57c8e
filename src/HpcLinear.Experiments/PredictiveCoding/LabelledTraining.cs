using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using HpcLinear.Data;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>The training loop of experiments: all arms share the data, their order, the optimizer and the course of the rate.</summary>
internal sealed record LabelledTraining
{
    public required RelaxationDescriptor Network { get; init; }

    public required TrainingOptions Options { get; init; }

    public required WeightInitialisation Weights { get; init; }

    /// <summary>Of the weights and of the order of samples.</summary>
    public required int Seed { get; init; }

    public required int Epochs { get; init; }

    /// <summary>Whether the rate falls to 0 as half a cosine.</summary>
    public bool IsCosine { get; init; }

    /// <summary>Evaluations, evenly spaced, the last at the end.</summary>
    public int Tests { get; init; } = 1;

    /// <summary>Points of the learning curve.</summary>
    public int CurvePoints { get; init; } = 20;

    /// <summary>Whether to count the layers that training moved, as <c>moved_layers</c>.</summary>
    public bool CountsMovedLayers { get; init; }

    /// <summary>A layer that moved less than this share of the one that moved most, relative to their weights, counts as standing still.</summary>
    private const double LeastMove = 0.01;

    /// <summary>Trains, and writes outcome, accuracies, losses and the learning curve to the row.</summary>
    public void Run(Digits data, RowContext row)
    {
        if (row.Type == "f64")
        {
            Run<double>(data, row);
        }
        else
        {
            Run<float>(data, row);
        }
    }

    private void Run<T>(Digits data, RowContext row)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CommandQueue queue = row.Queue;
        MinibatchOrder order = new(data.Training.Count, (int)Network.Batch, (ulong)Seed);
        using PredictiveCodingTrainer<T> trainer = PredictiveCodingTrainer.Create<T>(queue, Network, Options);
        trainer.Initialise(Weights, (ulong)Seed);
        T[] start = CountsMovedLayers ? queue.Download<T>(trainer.Parameters) : [];
        using Tensor<T> x = queue.Device.Allocate<T>(Network.InputShape), y = queue.Device.Allocate<T>(Network.TargetShape);
        using Tensor<T> testInputs = queue.Device.Allocate<T>([data.Test.Count, data.Test.Features]), testTargets = queue.Device.Allocate<T>([data.Test.Count, Digits.Classes]);
        T[] inputs = new T[Network.InputShape.ElementCount], targets = new T[Network.TargetShape.ElementCount];
        Upload(queue, data.Test, [.. Enumerable.Range(0, data.Test.Count)], testInputs, testTargets, new T[testInputs.Shape.ElementCount], new T[testTargets.Shape.ElementCount]);
        LearningCurve curve = new(order.BatchesPerEpoch * Epochs, CurvePoints);
        List<double> testUpdates = [], testAccuracies = [];
        Stopwatch clock = Stopwatch.StartNew();
        Evaluation test = default;
        string outcome = "trained";
        for (long u = 0; u < curve.Updates; u++)
        {
            row.Cancellation.ThrowIfCancellationRequested();
            Upload(queue, data.Training, order.Indices(u), x, y, inputs, targets);
            double rate = IsCosine ? Options.LearningRate * (1 + Math.Cos(Math.PI * u / curve.Updates)) / 2 : Options.LearningRate;
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
        if (CountsMovedLayers)
        {
            row.Set("moved_layers", MovedLayers(start, queue.Download<T>(trainer.Parameters)));
        }

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

    private int MovedLayers<T>(T[] from, T[] to)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double[] moves = new double[Network.Depth];
        for (int l = 1; l <= Network.Depth; l++)
        {
            double move = 0, size = 0;
            int first = (int)Network.WeightOffset(l), count = (int)(Network.Widths[l] * Network.Widths[l - 1]);
            for (int i = first; i < first + count; i++)
            {
                double a = double.CreateTruncating(from[i]), b = double.CreateTruncating(to[i]);
                move += (a - b) * (a - b);
                size += a * a;
            }

            moves[l - 1] = Math.Sqrt(move / size);
        }

        double most = moves.Max();
        return moves.Count(m => m > 0 && m >= LeastMove * most);
    }
}
