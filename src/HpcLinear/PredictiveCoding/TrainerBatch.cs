using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>What a trainer holds for minibatches of one size: the plan, activities, and host memory for predictions and targets.</summary>
internal sealed class TrainerBatch<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CommandQueue queue;
    private readonly Shape lastActivity;
    private readonly T[] hostPrediction;
    private readonly T[] hostTarget;

    private readonly OutputLayer<T>? output;

    public TrainerBatch(CommandQueue queue, RelaxationDescriptor network, TrainingOptions options)
    {
        this.queue = queue;
        Device device = queue.Device;
        Plan = RelaxationPlan.Create<T>(device, network);
        InputShape = network.InputShape;
        TargetShape = network.TargetShape;
        Activities = device.Allocate<T>(network.ActivityShape);
        Prediction = device.Allocate<T>(TargetShape);
        hostPrediction = new T[TargetShape.ElementCount];
        hostTarget = new T[TargetShape.ElementCount];
        lastActivity = network.Depth > 1 ? [network.Batch, network.Widths[^2]] : [0];
        if (options.Rule is LearningRule.ErrorCoordinates or LearningRule.BackPropagation || options.WarmStart)
        {
            Errors = device.Allocate<T>(network.ActivityShape);
        }

        if (options.Rule == LearningRule.BackPropagation)
        {
            ErrorGradient = device.Allocate<T>(network.ActivityShape);
            output = network.Depth > 1 ? new(queue, network) : null;
        }

        if (options.Rule == LearningRule.ExactEquilibrium)
        {
            Equilibrium = LinearEquilibriumPlan.Create<T>(device, network);
        }

        if (options.Schedule == LearningSchedule.Incremental)
        {
            Energies = device.Allocate<T>([network.Depth]);
        }
    }

    public RelaxationPlan<T> Plan { get; }

    public Shape InputShape { get; }

    public Shape TargetShape { get; }

    public Tensor<T> Activities { get; }

    public Tensor<T> Prediction { get; }

    /// <summary>E_1 … E_(L-1) of error coordinates; zeros of back-propagation; the feed-forward state of a warm start.</summary>
    public Tensor<T>? Errors { get; }

    public Tensor<T>? ErrorGradient { get; }

    public Tensor<T>? Energies { get; }

    public LinearEquilibriumPlan<T>? Equilibrium { get; }

    /// <summary>F* of the last minibatch; NaN where it overflowed.</summary>
    public double EquilibriumEnergy { get; private set; }

    /// <summary>Whether the activities are those that an earlier step ended with.</summary>
    public bool IsWarm { get; set; }

    /// <summary>Computes <see cref="Prediction"/> from the parameters and from <see cref="Activities"/>, or from x where there are none.</summary>
    public void PredictFromActivities(TensorView<T> parameters, TensorView<T> input)
    {
        if (output is null)
        {
            Plan.Forward(queue, parameters, input, Activities, Prediction);
            return;
        }

        output.Predict(parameters, Activities.View(Activities.Shape.ElementCount - lastActivity.ElementCount, lastActivity), Prediction);
    }

    /// <summary>Computes <see cref="EquilibriumEnergy"/>, the gradient there and <see cref="Prediction"/>; of weights too large for an equilibrium the prediction alone.</summary>
    public void SolveForEquilibrium(TensorView<T> parameters, TensorView<T> input, TensorView<T> target, TensorView<T> gradient)
    {
        try
        {
            EquilibriumEnergy = Equilibrium!.Solve(queue, parameters, input, target, weightGradient: gradient, prediction: Prediction).Energy;
        }
        catch (ArithmeticException)
        {
            EquilibriumEnergy = double.NaN;
            Plan.Forward(queue, parameters, input, Activities, Prediction);
        }
    }

    /// <summary>Sum of the losses of the first <paramref name="count"/> samples, and how many of them are predicted correctly.</summary>
    public (double Loss, long Correct) Measure(TensorView<T> target, long count)
    {
        queue.Download(Prediction.AsView(), hostPrediction);
        int width = (int)TargetShape[1];
        queue.Download(target, hostTarget.AsSpan(0, (int)(count * width)));
        double loss = 0;
        long correct = 0;
        for (int s = 0; s < count; s++)
        {
            ReadOnlySpan<T> p = hostPrediction.AsSpan(s * width, width), y = hostTarget.AsSpan(s * width, width);
            loss += Plan.Descriptor.Loss == OutputLoss.CrossEntropy ? CrossEntropy(p, y) : SquaredError(p, y);
            correct += Largest(p) is var best and >= 0 && best == Largest(y) ? 1 : 0;
        }

        return (loss, correct);
    }

    public void Dispose()
    {
        Plan.Dispose();
        Activities.Dispose();
        Prediction.Dispose();
        Errors?.Dispose();
        ErrorGradient?.Dispose();
        Energies?.Dispose();
        Equilibrium?.Dispose();
        output?.Dispose();
    }

    private static double SquaredError(ReadOnlySpan<T> prediction, ReadOnlySpan<T> target)
    {
        double sum = 0;
        for (int i = 0; i < prediction.Length; i++)
        {
            double e = double.CreateTruncating(target[i]) - double.CreateTruncating(prediction[i]);
            sum += e * e;
        }

        return sum / 2;
    }

    /// <summary>-Σ y_k log softmax(p)_k with the largest p taken out of the exponentials.</summary>
    private static double CrossEntropy(ReadOnlySpan<T> prediction, ReadOnlySpan<T> target)
    {
        double largest = double.NegativeInfinity, sum = 0, loss = 0;
        foreach (T p in prediction)
        {
            largest = Math.Max(largest, double.CreateTruncating(p));
        }

        foreach (T p in prediction)
        {
            sum += Math.Exp(double.CreateTruncating(p) - largest);
        }

        double log = largest + Math.Log(sum);
        for (int i = 0; i < prediction.Length; i++)
        {
            loss -= double.CreateTruncating(target[i]) * (double.CreateTruncating(prediction[i]) - log);
        }

        return loss;
    }

    /// <summary>Index of the largest element, the first of equals; -1 where an element is NaN.</summary>
    private static int Largest(ReadOnlySpan<T> values)
    {
        int best = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (T.IsNaN(values[i]))
            {
                return -1;
            }

            best = values[i] > values[best] ? i : best;
        }

        return best;
    }
}
