using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="RelaxationPlan{T}"/>.</summary>
public static class RelaxationPlan
{
    /// <summary>Prepares a predictive-coding network for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static RelaxationPlan<T> Create<T>(Device device, RelaxationDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        RelaxationPlan<T> plan = device switch
        {
            CpuDevice cpu => new CpuRelaxationPlan<T>(cpu, descriptor),
            OpenClDevice openCl => new OpenClRelaxationPlan<T>(openCl, descriptor),
            _ => throw new NotSupportedException($"{device.Target} has no relaxation"),
        };
        plan.Trace();
        return plan;
    }
}

/// <summary>What every call of a <see cref="RelaxationPlan{T}"/> works on.</summary>
internal readonly record struct RelaxationOperands<T>(TensorView<T> Parameters, TensorView<T> Input, TensorView<T> Target, TensorView<T> Activities)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>;

/// <summary>Energies, gradients and relaxations of a predictive-coding network, prepared for one device.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
/// <remarks>Formulas: <see cref="RelaxationDescriptor"/>. Samples are independent and every sum runs in a fixed order: bits do not depend on the thread count.</remarks>
public abstract partial class RelaxationPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Shape parameterShape;
    private readonly Shape inputShape;
    private readonly Shape targetShape;
    private readonly Shape activityShape;
    private readonly Shape energyShape;

    private protected RelaxationPlan(Device device, RelaxationDescriptor descriptor)
        : base(device, descriptor.ToString())
    {
        Descriptor = descriptor;
        parameterShape = descriptor.ParameterShape;
        inputShape = descriptor.InputShape;
        targetShape = descriptor.TargetShape;
        activityShape = descriptor.ActivityShape;
        energyShape = [descriptor.Depth];
    }

    /// <summary>The network and the batch.</summary>
    public RelaxationDescriptor Descriptor { get; }

    /// <summary>Computes the feed-forward state, Z_l = P_l, where every error but the output's is 0.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L; shape <see cref="RelaxationDescriptor.ParameterShape"/>.</param>
    /// <param name="input">x, shape <c>[batch, n_0]</c>.</param>
    /// <param name="activities">Z_1 … Z_(L-1); overwritten.</param>
    /// <param name="prediction">P_L, before a softmax; shape <c>[batch, n_L]</c>; overwritten.</param>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <remarks>2 B Σ n_l n_(l-1) flops.</remarks>
    public void Forward(CommandQueue queue, TensorView<T> parameters, TensorView<T> input, TensorView<T> activities, TensorView<T> prediction)
    {
        CheckInputs(queue, parameters, input);
        CheckOutput(nameof(activities), activities, activityShape, parameters, input);
        CheckOutput(nameof(prediction), prediction, targetShape, parameters, input);
        Throw.IfOverlaps("relax", prediction, activities);
        ForwardCore(queue, new(parameters, input, default, activities), prediction);
    }

    /// <summary>Computes the batch-mean energy of every layer, precisions included; without activity decay and the weights' regularisers.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L.</param>
    /// <param name="input">x, shape <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, shape <c>[batch, n_L]</c>.</param>
    /// <param name="activities">Z_1 … Z_(L-1).</param>
    /// <param name="energies">Shape <c>[L]</c>; overwritten.</param>
    /// <remarks>2 B Σ n_l n_(l-1) flops.</remarks>
    public void Energies(CommandQueue queue, TensorView<T> parameters, TensorView<T> input, TensorView<T> target, TensorView<T> activities, TensorView<T> energies)
    {
        CheckState(queue, parameters, input, target, activities);
        CheckOutput(nameof(energies), energies, energyShape, parameters, input, target, activities);
        EnergiesCore(queue, new(parameters, input, target, activities), energies);
    }

    /// <summary>Computes <c>g_l = B ∂F/∂Z_l = λ_l E_l - vjp_(l+1)(λ_(l+1) E_(l+1)) + α Z_l</c>.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L.</param>
    /// <param name="input">x, shape <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, shape <c>[batch, n_L]</c>.</param>
    /// <param name="activities">Z_1 … Z_(L-1).</param>
    /// <param name="gradient">g_1 … g_(L-1); overwritten.</param>
    /// <remarks>One relaxation step: <see cref="RelaxationDescriptor.StepFlops"/>.</remarks>
    public void ActivityGradient(CommandQueue queue, TensorView<T> parameters, TensorView<T> input, TensorView<T> target, TensorView<T> activities, TensorView<T> gradient)
    {
        CheckState(queue, parameters, input, target, activities);
        CheckOutput(nameof(gradient), gradient, activityShape, parameters, input, target, activities);
        ActivityGradientCore(queue, new(parameters, input, target, activities), gradient);
    }

    /// <summary>Computes ∂F/∂(W_1 … W_L, b_1 … b_L) at fixed activities, the weights' regularisers included.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L.</param>
    /// <param name="input">x, shape <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, shape <c>[batch, n_L]</c>.</param>
    /// <param name="activities">Z_1 … Z_(L-1).</param>
    /// <param name="gradient">Shape of the parameters; overwritten.</param>
    /// <remarks>4 B Σ n_l n_(l-1) flops.</remarks>
    public void WeightGradient(CommandQueue queue, TensorView<T> parameters, TensorView<T> input, TensorView<T> target, TensorView<T> activities, TensorView<T> gradient)
    {
        CheckState(queue, parameters, input, target, activities);
        CheckOutput(nameof(gradient), gradient, parameterShape, parameters, input, target, activities);
        WeightGradientCore(queue, new(parameters, input, target, activities), gradient);
    }

    /// <summary>Moves the activities towards an equilibrium of the energy, all layers in parallel (Jacobi).</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L.</param>
    /// <param name="input">x, shape <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, shape <c>[batch, n_L]</c>.</param>
    /// <param name="activities">Z_1 … Z_(L-1): the start, replaced by the end. Usually from <see cref="Forward"/>.</param>
    /// <param name="options">Method, steps and step size.</param>
    /// <param name="mask">Optional, shape of the activities: 0 clamps a unit, 1 leaves it free.</param>
    /// <exception cref="ArgumentException">Options out of range, negative targets of a cross-entropy, or elements of the inputs that are not finite: the message
    /// names layer and element. Activities are then no longer those of the start: samples without fault may have moved.</exception>
    /// <remarks>T times <see cref="RelaxationDescriptor.StepFlops"/>. A layer's error arrives l - 1 steps after that of the layer above it: with T &lt; L - 1 steps
    /// from the feed-forward state the lowest layers do not move.</remarks>
    public RelaxationResult Relax(
        CommandQueue queue,
        TensorView<T> parameters,
        TensorView<T> input,
        TensorView<T> target,
        TensorView<T> activities,
        RelaxationOptions options,
        TensorView<T> mask = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        CheckInputs(queue, parameters, input);
        CheckTarget(queue, target);
        CheckOutput(nameof(activities), activities, activityShape, parameters, input, target);
        CheckMask(queue, mask);
        if (!mask.IsEmpty)
        {
            Throw.IfOverlaps("relax", activities, mask);
        }

        if (options.Method is RelaxationMethod.ConjugateGradients or RelaxationMethod.GaussNewton)
        {
            throw new ArgumentException($"relax: {options.Method} given, which works in error coordinates alone: see {nameof(RelaxErrors)}", nameof(options));
        }

        if (options.EnergyTolerance > 0)
        {
            CheckErrors();
        }

        RelaxationOperands<T> operands = new(parameters, input, target, activities);
        options = options with { Step = options.Step ?? (ComputedStep(queue, operands, default, false) * Shortened(options)) };
        return Complete(queue, operands, default, mask, options, RelaxCore(queue, operands, options, mask));
    }

    private protected abstract void ForwardCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> prediction);

    private protected abstract void EnergiesCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> energies);

    private protected abstract void ActivityGradientCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> gradient);

    private protected abstract void WeightGradientCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> gradient);

    private protected abstract RelaxationResult RelaxCore(CommandQueue queue, in RelaxationOperands<T> operands, RelaxationOptions options, TensorView<T> mask);

    /// <summary>Index of the first element that is NaN or not from 0 to <paramref name="most"/>; -1 if there is none.</summary>
    private protected abstract long FirstOutside(CommandQueue queue, TensorView<T> view, T most);

    private void CheckInputs(CommandQueue queue, TensorView<T> parameters, TensorView<T> input)
    {
        CheckQueue(queue);
        CheckOperand(nameof(parameters), parameters, parameterShape);
        CheckOperand(nameof(input), input, inputShape);
    }

    private static T ElementAt(CommandQueue queue, TensorView<T> view, long index) => queue.Download(view.Tensor.View(view.Offset + index, [1]))[0];

    private void CheckTarget(CommandQueue queue, TensorView<T> target)
    {
        CheckOperand(nameof(target), target, targetShape);
        if (Descriptor.Loss == OutputLoss.CrossEntropy && FirstOutside(queue, target, T.PositiveInfinity) is var at and >= 0)
        {
            long classes = Descriptor.Widths[^1];
            throw new ArgumentException($"relax: {nameof(target)}[{at / classes}, {at % classes}] is {ElementAt(queue, target, at)}, at least 0 expected with cross-entropy", nameof(target));
        }
    }

    private void CheckMask(CommandQueue queue, TensorView<T> mask)
    {
        if (mask.IsEmpty)
        {
            return;
        }

        CheckOperand(nameof(mask), mask, activityShape);
        if (FirstOutside(queue, mask, T.One) is var at and >= 0)
        {
            throw new ArgumentException($"relax: {nameof(mask)}[{at}] is {ElementAt(queue, mask, at)}, 0 or 1 expected", nameof(mask));
        }
    }

    private void CheckState(CommandQueue queue, TensorView<T> parameters, TensorView<T> input, TensorView<T> target, TensorView<T> activities)
    {
        CheckInputs(queue, parameters, input);
        CheckTarget(queue, target);
        CheckOperand(nameof(activities), activities, activityShape);
    }

    private void CheckOutput(string argument, TensorView<T> view, Shape shape, params ReadOnlySpan<TensorView<T>> inputs)
    {
        CheckOperand(argument, view, shape);
        Throw.IfOverlapsAny("relax", view, inputs);
    }

    /// <summary>Finds what made the energy of the start infinite or NaN. Nothing found: finite numbers overflowed.</summary>
    private void ThrowIfNotFinite(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, bool inErrors)
    {
        RelaxationElements.ThrowIfNotFinite(queue, Descriptor, operands.Parameters, operands.Input, operands.Target);
        TensorView<T> state = inErrors ? errors : operands.Activities;
        if (!state.IsEmpty)
        {
            RelaxationElements.ThrowIfNotFinite(queue, Descriptor, inErrors ? "errors: E" : "activities: Z", state);
        }
    }
}
