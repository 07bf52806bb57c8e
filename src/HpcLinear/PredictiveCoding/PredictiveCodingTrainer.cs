using System.Globalization;
using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>Makes <see cref="PredictiveCodingTrainer{T}"/>.</summary>
public static class PredictiveCodingTrainer
{
    /// <summary>Prepares training on a queue's device. All parameters are 0: initialise or restore them next.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <param name="queue">Orders the work; the caller's, to be disposed after the trainer.</param>
    /// <param name="network">The network; its batch is that of a full minibatch.</param>
    /// <param name="options">Learning rule, relaxation and optimizer.</param>
    /// <exception cref="ProblemException">The network is not valid.</exception>
    /// <exception cref="ArgumentException">Options do not go together.</exception>
    /// <exception cref="NotSupportedException">The device has no relaxation or no such element type, or the network does not go with the rule: its activity decay or,
    /// where the equilibrium is solved for, its activation or loss.</exception>
    public static PredictiveCodingTrainer<T> Create<T>(CommandQueue queue, RelaxationDescriptor network, TrainingOptions options)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        network.Validate();
        options.Validate();
        if (options.Rule == LearningRule.ExactEquilibrium)
        {
            LinearNetwork.Check("training", network);
        }

        return options.Rule == LearningRule.PredictiveCoding || network.ActivityDecay == 0
            ? new(queue, network, options)
            : throw new NotSupportedException(string.Create(CultureInfo.InvariantCulture, $"training: activity decay {network.ActivityDecay} given, 0 expected by {options.Rule}"));
    }
}

/// <summary>Trains a predictive-coding network, one minibatch a step.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
/// <remarks>Parameters, gradient and moments are tensors of the queue's device, allocated once. A step allocates only what a relaxation reports. Results are a
/// function of parameters, moments and minibatches: on CPUs bits do not depend on the thread count.</remarks>
public sealed class PredictiveCodingTrainer<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>A larger gradient has no square, and would silence Adam for good.</summary>
    private static readonly T LargestGradient = T.CreateChecked(typeof(T) == typeof(float) ? 9e18 : 6e153);

    private readonly CommandQueue queue;
    private readonly Tensor<T> gradient;
    private readonly Tensor<T>[] moments;
    private readonly Tensor<T> magnitude;
    private readonly T[] hostMagnitude = new T[1];
    private readonly OptimizerPlan<T> optimizer;
    private readonly ReductionPlan<T> largest;
    private readonly IncrementalSchedule? schedule;
    private readonly Dictionary<long, TrainerBatch<T>> batches = [];
    private readonly TrainerBatch<T> full;
    private Tensor<T>? padded;

    internal PredictiveCodingTrainer(CommandQueue queue, RelaxationDescriptor network, TrainingOptions options)
    {
        this.queue = queue;
        Network = network;
        Options = options;
        Device device = queue.Device;
        batches[network.Batch] = full = new(queue, network, options);
        Parameters = device.Allocate<T>(network.ParameterShape);
        gradient = device.Allocate<T>(network.ParameterShape);
        magnitude = device.Allocate<T>(Shape.Scalar);
        OptimizerDescriptor descriptor = options.OptimizerFor(network.ParameterShape);
        optimizer = OptimizerPlan.Create<T>(device, descriptor);
        moments = [.. Enumerable.Range(0, descriptor.Moments).Select(_ => device.Allocate<T>(network.ParameterShape))];
        largest = ReductionPlan.Create<T>(device, new() { Kind = ReductionKind.MaximumMagnitude, Shape = network.ParameterShape });
        schedule = options.Schedule == LearningSchedule.Incremental ? new(options) : null;
        Description = TrainerText.Describe<T>(network, options);
    }

    /// <summary>The network.</summary>
    public RelaxationDescriptor Network { get; }

    /// <summary>The options.</summary>
    public TrainingOptions Options { get; }

    /// <summary>W_1 … W_L, b_1 … b_L on the device, to be read and, between steps, written.</summary>
    public Tensor<T> Parameters { get; }

    /// <summary>Steps that updated the weights.</summary>
    public long Updates { get; private set; }

    /// <summary>Updates by the optimizer: t of Adam's correction. More than <see cref="Updates"/> where weights move within a relaxation.</summary>
    public long OptimizerUpdates { get; private set; }

    /// <summary>Network, options and element type as text, the same in every culture.</summary>
    public string Description { get; }

    /// <summary>Draws all parameters and forgets moments and counters.</summary>
    /// <param name="weights">The distribution.</param>
    /// <param name="seed">Equal seeds give equal weights.</param>
    public void Initialise(WeightInitialisation weights, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(weights);
        weights.Fill<T>(queue, Network, Parameters, seed);
        foreach (Tensor<T> moment in moments)
        {
            queue.Fill(moment, T.Zero);
        }

        (Updates, OptimizerUpdates, full.IsWarm) = (0, 0, false);
    }

    /// <summary>Trains on one minibatch.</summary>
    /// <param name="input">x, shape <c>[batch, n_0]</c>; a last minibatch may have fewer samples.</param>
    /// <param name="target">y, shape <c>[batch, n_L]</c>.</param>
    /// <param name="learningRate">In place of <see cref="TrainingOptions.LearningRate"/>, for schedules of rates.</param>
    /// <exception cref="ShapeException">A shape does not fit the network.</exception>
    /// <exception cref="ArgumentException">x, y or the parameters have elements that are not finite; the message names one. Nothing was updated.</exception>
    /// <remarks>A relaxation that diverges, or a loss or gradient that is not finite, leaves the weights alone from there on and is reported. Cost: the relaxation, a
    /// forward pass (back-propagation: none), the gradient (4 B Σ n_l n_(l-1) flops; back-propagation 6) and a pass over the parameters.
    /// Of exact equilibria that of <see cref="LinearEquilibriumPlan{T}"/> in place of the first three.</remarks>
    public TrainingStep Step(TensorView<T> input, TensorView<T> target, double? learningRate = null)
    {
        double rate = learningRate ?? Options.LearningRate;
        TrainingOptions.CheckRate(rate, nameof(learningRate));
        TrainerBatch<T> batch = BatchOf(input, target);
        bool warm = FeedForward(batch, input, target);
        batch.IsWarm = false;
        (double sum, long correct) = batch.Measure(target, batch.InputShape[0]);
        TrainingStep step = new()
        {
            Status = TrainingStatus.NotFinite,
            Samples = batch.InputShape[0],
            Loss = sum / batch.InputShape[0],
            Correct = Network.Widths[^1] > 1 ? correct : null,
            Energy = Network.Precision(Network.Depth) * sum / batch.InputShape[0],
            GradientMagnitude = double.NaN,
        };
        if (!double.IsFinite(step.Loss))
        {
            return step with { Layer = FiniteCheck.FirstLayer<T>(queue, Network, Parameters, input, target, warm ? batch.Errors! : batch.Activities) };
        }

        step = Options.Rule switch
        {
            LearningRule.ExactEquilibrium => double.IsNaN(batch.EquilibriumEnergy) ? step : Update(step with { Energy = batch.EquilibriumEnergy }, rate),
            LearningRule.BackPropagation => Update(step, rate),
            LearningRule.ErrorCoordinates => StepByErrors(batch, input, target, step, rate),
            _ when schedule is not null => StepIncrementally(batch, input, target, step, rate),
            _ => StepByActivities(batch, input, target, step, rate),
        };
        batch.IsWarm = Options.WarmStart && step.Status == TrainingStatus.Updated;
        Updates += step.Status == TrainingStatus.Updated ? 1 : 0;
        return step;
    }

    /// <summary>Computes the network's predictions, before a softmax, for any number of samples.</summary>
    /// <param name="input">x, shape <c>[samples, n_0]</c>.</param>
    /// <param name="output">Shape <c>[samples, n_L]</c>; overwritten.</param>
    /// <remarks>A feed-forward pass: with a free output the feed-forward state is the minimum of the energy.</remarks>
    public void Predict(TensorView<T> input, TensorView<T> output)
    {
        (long samples, Shape outputs) = SamplesOf(input);
        CheckShape(nameof(output), output, outputs);
        Throw.IfOverlaps("training", output, input);
        for (long at = 0; at < samples; at += Network.Batch)
        {
            long count = ForwardWindow(input, at, samples);
            Shape shape = count == Network.Batch ? full.TargetShape : [count, Network.Widths[^1]];
            queue.Copy(full.Prediction.View(0, shape), output.Tensor.View(output.Offset + (at * Network.Widths[^1]), shape));
        }
    }

    /// <summary>Mean loss and correct predictions over any number of samples.</summary>
    /// <param name="input">x, shape <c>[samples, n_0]</c>.</param>
    /// <param name="target">y, shape <c>[samples, n_L]</c>.</param>
    /// <remarks>Sums run in order in float64. A loss that is not finite is returned as it is.</remarks>
    public Evaluation Evaluate(TensorView<T> input, TensorView<T> target)
    {
        (long samples, Shape targets) = SamplesOf(input);
        CheckShape(nameof(target), target, targets);
        double loss = 0;
        long correct = 0;
        for (long at = 0; at < samples; at += Network.Batch)
        {
            long count = ForwardWindow(input, at, samples);
            Shape shape = count == Network.Batch ? full.TargetShape : [count, Network.Widths[^1]];
            (double sum, long right) = full.Measure(target.Tensor.View(target.Offset + (at * Network.Widths[^1]), shape), count);
            loss += sum;
            correct += right;
        }

        return new() { Samples = samples, Loss = loss / samples, Correct = Network.Widths[^1] > 1 ? correct : null };
    }

    /// <summary>Copies what a checkpoint needs to the host.</summary>
    public TrainerState<T> Snapshot()
    {
        Dictionary<string, T[]> arrays = new() { ["parameters"] = queue.Download<T>(Parameters) };
        for (int i = 0; i < moments.Length; i++)
        {
            arrays[NameOf(i)] = queue.Download<T>(moments[i]);
        }

        if (full.IsWarm)
        {
            arrays["activities"] = queue.Download<T>(full.Activities);
        }

        return new() { Description = Description, Updates = Updates, OptimizerUpdates = OptimizerUpdates, Arrays = arrays };
    }

    /// <summary>Continues where <see cref="Snapshot"/> was taken.</summary>
    /// <exception cref="ArgumentException">The state is of another network, of other options or of another type; an array is missing, unknown or of another length; a
    /// counter is negative. The trainer is then unchanged.</exception>
    public void Restore(TrainerState<T> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        TrainerText.CheckSame(Description, state.Description);
        List<(string Name, Tensor<T> Tensor)> expected = [("parameters", Parameters), .. moments.Select((m, i) => (NameOf(i), m))];
        bool warm = Options.WarmStart && state.Arrays.ContainsKey("activities");
        if (warm)
        {
            expected.Add(("activities", full.Activities));
        }

        TrainerText.CheckArrays([.. expected.Select(e => (e.Name, e.Tensor.Shape.ElementCount))], state);
        foreach ((string name, Tensor<T> tensor) in expected)
        {
            queue.Upload(state.Arrays[name], tensor);
        }

        (Updates, OptimizerUpdates, full.IsWarm) = (state.Updates, state.OptimizerUpdates, warm);
    }

    /// <summary>Gives all tensors and plans back.</summary>
    public void Dispose()
    {
        foreach (TrainerBatch<T> batch in batches.Values)
        {
            batch.Dispose();
        }

        foreach (Tensor<T> moment in moments)
        {
            moment.Dispose();
        }

        Parameters.Dispose();
        gradient.Dispose();
        magnitude.Dispose();
        padded?.Dispose();
        optimizer.Dispose();
        largest.Dispose();
    }

    /// <summary>Computes the prediction and, but for a warm start, the feed-forward state; for back-propagation and exact equilibria the gradient too. Whether the start is warm.</summary>
    private bool FeedForward(TrainerBatch<T> batch, TensorView<T> input, TensorView<T> target)
    {
        if (Options.Rule == LearningRule.BackPropagation)
        {
            batch.Plan.ErrorGradient(queue, Parameters, input, target, batch.Errors!, batch.Activities, batch.ErrorGradient!, gradient);
            batch.PredictFromActivities(Parameters, input);
            return false;
        }

        if (Options.Rule == LearningRule.ExactEquilibrium)
        {
            batch.SolveForEquilibrium(Parameters, input, target, gradient);
            return false;
        }

        bool warm = Options.WarmStart && batch.IsWarm;
        batch.Plan.Forward(queue, Parameters, input, warm ? batch.Errors! : batch.Activities, batch.Prediction);
        return warm;
    }

    private TrainingStep StepByActivities(TrainerBatch<T> batch, TensorView<T> input, TensorView<T> target, TrainingStep step, double rate)
    {
        RelaxationResult result = batch.Plan.Relax(queue, Parameters, input, target, batch.Activities, Options.Relaxation!);
        return Settled(ref step, result) ? UpdateAtActivities(batch, input, target, step, rate) : step;
    }

    private TrainingStep StepByErrors(TrainerBatch<T> batch, TensorView<T> input, TensorView<T> target, TrainingStep step, double rate)
    {
        queue.Fill(batch.Errors!, T.Zero);
        RelaxationResult result = batch.Plan.RelaxErrors(queue, Parameters, input, target, batch.Errors!, batch.Activities, Options.Relaxation!);
        return Settled(ref step, result) ? UpdateAtActivities(batch, input, target, step, rate) : step;
    }

    private TrainingStep StepIncrementally(TrainerBatch<T> batch, TensorView<T> input, TensorView<T> target, TrainingStep step, double rate)
    {
        int steps = Options.Relaxation!.Steps, made = 0;
        double first = double.NaN;
        step = step with { Status = TrainingStatus.Updated };
        while (made < steps)
        {
            // The gradient at the point from which the next relaxation step starts, applied once that step is known to be sound.
            int ahead = schedule!.NextRun(made, out bool updates);
            if (updates)
            {
                batch.Plan.WeightGradient(queue, Parameters, input, target, batch.Activities, gradient);
            }

            RelaxationResult result = batch.Plan.Relax(queue, Parameters, input, target, batch.Activities, schedule.OptionsOf(ahead));
            first = made == 0 ? result.InitialEnergy : first;
            result = result with { InitialEnergy = first, Steps = made + result.Steps, DivergedStep = result.DivergedStep >= 0 ? made + result.DivergedStep : -1 };
            if (result.Status != RelaxationStatus.Diverged && !(result.LastEnergy <= Options.Relaxation.DivergenceFactor * first))
            {
                // Within its own steps the run kept its bounds; the minibatch's are those of its first energy.
                batch.Plan.Energies(queue, Parameters, input, target, batch.Activities, batch.Energies!);
                result = result with { Status = RelaxationStatus.Diverged, DivergedStep = made, DivergedLayer = FiniteCheck.LargestLayer<T>(queue, batch.Energies!) };
            }

            if (!Settled(ref step, result))
            {
                return step;
            }

            if (updates)
            {
                step = Update(step, rate);
                if (step.Status != TrainingStatus.Updated)
                {
                    return step;
                }
            }

            made += ahead;
        }

        return step;
    }

    /// <summary>Notes how a relaxation went; false where it diverged.</summary>
    private static bool Settled(ref TrainingStep step, RelaxationResult result)
    {
        bool settled = result.Status != RelaxationStatus.Diverged;
        step = step with
        {
            Relaxation = result,
            Energy = result.Steps > 0 ? result.LastEnergy : step.Energy,
            Status = settled ? step.Status : TrainingStatus.Diverged,
            Layer = settled ? 0 : result.DivergedLayer,
        };
        return settled;
    }

    private TrainingStep UpdateAtActivities(TrainerBatch<T> batch, TensorView<T> input, TensorView<T> target, TrainingStep step, double rate)
    {
        batch.Plan.WeightGradient(queue, Parameters, input, target, batch.Activities, gradient);
        return Update(step, rate);
    }

    /// <summary>Applies the gradient unless it is too large.</summary>
    private TrainingStep Update(TrainingStep step, double rate)
    {
        largest.Execute(queue, gradient, magnitude);
        queue.Download(magnitude.AsView(), hostMagnitude.AsSpan());
        step = step with { GradientMagnitude = double.CreateTruncating(hostMagnitude[0]) };
        if (!(hostMagnitude[0] <= LargestGradient))
        {
            return step with { Status = TrainingStatus.NotFinite, Layer = FiniteCheck.LargestGradient<T>(queue, Network, gradient) };
        }

        OptimizerUpdates++;
        switch (moments.Length)
        {
            case 0:
                optimizer.Execute(queue, gradient, Parameters, rate);
                break;
            case 1:
                optimizer.Execute(queue, gradient, Parameters, moments[0], rate);
                break;
            default:
                optimizer.Execute(queue, gradient, Parameters, moments[0], moments[1], rate, OptimizerUpdates);
                break;
        }

        return step with { Status = TrainingStatus.Updated };
    }

    private string NameOf(int moment) => moments.Length == 1 ? "velocity" : moment == 0 ? "first_moment" : "second_moment";

    /// <summary>Predicts up to a batch of samples from <paramref name="at"/> on; zeros fill the batch. How many samples there were.</summary>
    private long ForwardWindow(TensorView<T> input, long at, long samples)
    {
        long count = Math.Min(Network.Batch, samples - at), width = Network.Widths[0];
        TensorView<T> window;
        if (count == Network.Batch)
        {
            window = input.Tensor.View(input.Offset + (at * width), full.InputShape);
        }
        else
        {
            padded ??= queue.Device.Allocate<T>(full.InputShape);
            queue.Fill(padded, T.Zero);
            queue.Copy(input.Tensor.View(input.Offset + (at * width), [count, width]), padded.View(0, [count, width]));
            window = padded;
        }

        // A warm start's activities outlive an evaluation.
        full.Plan.Forward(queue, Parameters, window, Options.WarmStart ? full.Errors! : full.Activities, full.Prediction);
        return count;
    }

    private (long Samples, Shape Outputs) SamplesOf(TensorView<T> input)
    {
        queue.CheckView(input, nameof(input));
        long samples = input.Shape.Rank > 0 ? input.Shape[0] : 0;
        return samples < 1 ? throw new ArgumentException($"input: at least 1 sample expected, shape {input.Shape} given", nameof(input)) : Check();

        (long, Shape) Check()
        {
            CheckShape(nameof(input), input, samples == Network.Batch ? full.InputShape : [samples, Network.Widths[0]]);
            return (samples, samples == Network.Batch ? full.TargetShape : [samples, Network.Widths[^1]]);
        }
    }

    private TrainerBatch<T> BatchOf(TensorView<T> input, TensorView<T> target)
    {
        (long samples, Shape targets) = SamplesOf(input);
        CheckShape(nameof(target), target, targets);
        if (samples > Network.Batch || (Options.WarmStart && samples != Network.Batch))
        {
            throw new ShapeException(nameof(input), full.InputShape, input.Shape, $"training {Network}");
        }

        if (!batches.TryGetValue(samples, out TrainerBatch<T>? batch))
        {
            batches[samples] = batch = new(queue, Network with { Batch = samples }, Options);
        }

        return batch;
    }

    private void CheckShape(string argument, TensorView<T> view, Shape expected)
    {
        queue.CheckView(view, argument);
        if (!view.Shape.Equals(expected))
        {
            throw new ShapeException(argument, expected, view.Shape, $"training {Network}");
        }
    }
}
