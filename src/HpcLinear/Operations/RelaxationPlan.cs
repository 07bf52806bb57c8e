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
public abstract class RelaxationPlan<T> : Plan
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
        if (!mask.IsEmpty)
        {
            CheckOperand(nameof(mask), mask, activityShape);
            Throw.IfOverlaps("relax", activities, mask);
            if (FirstOutside(queue, mask, T.One) is var at and >= 0)
            {
                throw new ArgumentException($"relax: {nameof(mask)}[{at}] is {ElementAt(queue, mask, at)}, 0 or 1 expected", nameof(mask));
            }
        }

        if (options.Method is RelaxationMethod.ConjugateGradients or RelaxationMethod.GaussNewton)
        {
            throw new ArgumentException($"relax: {options.Method} given, which works in error coordinates alone: see {nameof(RelaxErrors)}", nameof(options));
        }

        if (options.EnergyTolerance > 0)
        {
            CheckErrors();
        }

        CheckStops(queue, options);
        RelaxationOperands<T> operands = new(parameters, input, target, activities);
        options = options with { Step = options.Step ?? (ComputedStep(queue, operands, default, false) * Shortened(options)) };
        return Complete(queue, operands, default, options, RelaxCore(queue, operands, options, mask));
    }

    /// <summary>Builds the activities of given errors, <c>Z_l = P_l(Z_(l-1)) + E_l</c>, and the gradient of the energy in these coordinates, <c>λ_l e_l - d_l</c>,
    /// <c>d_L = λ_L E_L</c>, <c>d_(l-1) = vjp_l(d_l)</c>.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L.</param>
    /// <param name="input">x, shape <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, shape <c>[batch, n_L]</c>.</param>
    /// <param name="errors">E_1 … E_(L-1), laid out as activities.</param>
    /// <param name="activities">Z_1 … Z_(L-1); overwritten.</param>
    /// <param name="gradient">Per sample, laid out as activities; overwritten. At zero errors it is minus the back-propagated error.</param>
    /// <param name="weightGradient">Optional: ∂F/∂(W, b) at fixed errors, regularisers included; at zero errors the gradient of back-propagation.</param>
    /// <remarks>4 B Σ n_l n_(l-1) flops, and half as many for the weights. No activity decay.</remarks>
    public void ErrorGradient(
        CommandQueue queue,
        TensorView<T> parameters,
        TensorView<T> input,
        TensorView<T> target,
        TensorView<T> errors,
        TensorView<T> activities,
        TensorView<T> gradient,
        TensorView<T> weightGradient = default)
    {
        CheckErrors();
        CheckInputs(queue, parameters, input);
        CheckTarget(queue, target);
        CheckOperand(nameof(errors), errors, activityShape);
        CheckOutput(nameof(activities), activities, activityShape, parameters, input, target, errors);
        CheckOutput(nameof(gradient), gradient, activityShape, parameters, input, target, errors, activities);
        if (!weightGradient.IsEmpty)
        {
            CheckOutput(nameof(weightGradient), weightGradient, parameterShape, parameters, input, target, errors, activities, gradient);
        }

        ErrorGradientCore(queue, new(parameters, input, target, activities), errors, gradient, weightGradient);
    }

    /// <summary>Moves errors towards an equilibrium in error coordinates; a step of descent costs one forward and one backward pass.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L.</param>
    /// <param name="input">x, shape <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, shape <c>[batch, n_L]</c>.</param>
    /// <param name="errors">E_1 … E_(L-1): the start (zeros are the feed-forward state), replaced by the end.</param>
    /// <param name="activities">Z_1 … Z_(L-1) of the final errors; overwritten.</param>
    /// <param name="options">Steps, step size and tolerances; the method is one of gradient descent, momentum, Nesterov, conjugate gradients and Gauss-Newton.</param>
    /// <exception cref="ArgumentException">As for <see cref="Relax"/>.</exception>
    /// <exception cref="NotSupportedException">Activities decay, or the device has no such method.</exception>
    /// <remarks>In these coordinates the Hessian of a linear network is Λ + λ_L JᵀJ: well conditioned at any depth.
    /// The residual of the tolerances is the certificate |g_e| (for linear networks <c>|e - e*| ≤ |g_e| / min λ</c>).
    /// An iteration of conjugate gradients costs a step, and half a one more where the network is not linear or the loss a cross-entropy; of Gauss-Newton
    /// 1.5 + n_L/2 steps; a length that does not lower the energy half a step more. Linear networks with squared error need at most n_L + 1 and 1 of them.</remarks>
    public RelaxationResult RelaxErrors(
        CommandQueue queue,
        TensorView<T> parameters,
        TensorView<T> input,
        TensorView<T> target,
        TensorView<T> errors,
        TensorView<T> activities,
        RelaxationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        CheckErrors();
        if (options.Method is RelaxationMethod.Heun or RelaxationMethod.AdaptiveHeun)
        {
            throw new ArgumentException($"relax: {options.Method} given, gradient descent, momentum, Nesterov, conjugate gradients or Gauss-Newton expected in error coordinates", nameof(options));
        }

        CheckInputs(queue, parameters, input);
        CheckTarget(queue, target);
        CheckOutput(nameof(errors), errors, activityShape, parameters, input, target);
        CheckOutput(nameof(activities), activities, activityShape, parameters, input, target, errors);
        CheckStops(queue, options);
        RelaxationOperands<T> operands = new(parameters, input, target, activities);
        if (options.Method is RelaxationMethod.ConjugateGradients or RelaxationMethod.GaussNewton)
        {
            return Complete(queue, operands, errors, options, SolveErrorsCore(queue, operands, errors, options));
        }

        options = options with { Step = options.Step ?? (ComputedStep(queue, operands, errors, true) * Shortened(options)) };
        return Complete(queue, operands, errors, options, RelaxErrorsCore(queue, operands, errors, options));
    }

    /// <summary>A step just short of the longest stable one for descent of activities: 1.9/λmax(H), H the Hessian of a sample's energy, the largest over the batch.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L.</param>
    /// <param name="input">x, shape <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, shape <c>[batch, n_L]</c>.</param>
    /// <param name="activities">Z_1 … Z_(L-1), where H is taken; empty: at the feed-forward state. Linear networks with squared error have one H.</param>
    /// <returns>1 without hidden layers.</returns>
    /// <exception cref="ArgumentException">Elements that are not finite; the message names layer and element.</exception>
    /// <exception cref="ArithmeticException">Finite elements whose products overflow.</exception>
    /// <exception cref="NotSupportedException">The device computes no steps.</exception>
    /// <remarks>Lanczos iterations with differences of gradients, from above: 13 times <see cref="RelaxationDescriptor.StepFlops"/>. Deterministic.</remarks>
    public double StableStep(CommandQueue queue, TensorView<T> parameters, TensorView<T> input, TensorView<T> target, TensorView<T> activities = default)
    {
        CheckOptionalState(queue, parameters, input, target, nameof(activities), activities);
        return ComputedStep(queue, new(parameters, input, target, activities), default, false);
    }

    /// <summary>A step for descent in error coordinates: 1.5/λmax(H_e), H_e the Hessian of a sample's energy there (linear networks: Λ + λ_L JᵀJ), the largest over the batch.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L.</param>
    /// <param name="input">x, shape <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, shape <c>[batch, n_L]</c>.</param>
    /// <param name="errors">E_1 … E_(L-1), where H_e is taken; empty: at zero errors.</param>
    /// <returns>1 without hidden layers.</returns>
    /// <remarks>Errors as for <see cref="StableStep"/>, and activities may not decay. 13 steps of descent.</remarks>
    public double StableErrorStep(CommandQueue queue, TensorView<T> parameters, TensorView<T> input, TensorView<T> target, TensorView<T> errors = default)
    {
        CheckErrors();
        CheckOptionalState(queue, parameters, input, target, nameof(errors), errors);
        return ComputedStep(queue, new(parameters, input, target, default), errors, true);
    }

    /// <summary>Bounds the distance of any activities from the equilibrium, by one pass down in error coordinates.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L.</param>
    /// <param name="input">x, shape <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, shape <c>[batch, n_L]</c>.</param>
    /// <param name="activities">Z_1 … Z_(L-1).</param>
    /// <exception cref="ArgumentException">Elements that are not finite; the message names layer and element.</exception>
    /// <exception cref="NotSupportedException">Activities decay, or the device has no certificates.</exception>
    /// <remarks>4 B Σ n_l n_(l-1) flops.</remarks>
    public RelaxationCertificate Certificate(CommandQueue queue, TensorView<T> parameters, TensorView<T> input, TensorView<T> target, TensorView<T> activities)
    {
        CheckErrors();
        CheckState(queue, parameters, input, target, activities);
        RelaxationOperands<T> operands = new(parameters, input, target, activities);
        RelaxationCertificate certificate = Certify(queue, operands);
        if (!double.IsFinite(certificate.EnergyGap))
        {
            ThrowIfNotFinite(queue, operands, default, false);
        }

        return certificate;
    }

    private protected abstract void ForwardCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> prediction);

    private protected abstract void EnergiesCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> energies);

    private protected abstract void ActivityGradientCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> gradient);

    private protected abstract void WeightGradientCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> gradient);

    private protected abstract RelaxationResult RelaxCore(CommandQueue queue, in RelaxationOperands<T> operands, RelaxationOptions options, TensorView<T> mask);

    private protected abstract void ErrorGradientCore(
        CommandQueue queue,
        in RelaxationOperands<T> operands,
        TensorView<T> errors,
        TensorView<T> gradient,
        TensorView<T> weightGradient);

    private protected abstract RelaxationResult RelaxErrorsCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, RelaxationOptions options);

    /// <summary>Conjugate gradients or Gauss-Newton.</summary>
    private protected virtual RelaxationResult SolveErrorsCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, RelaxationOptions options) =>
        throw new NotSupportedException($"{queue.Device.Target} has no relaxation by {options.Method}: CPU targets have");

    /// <summary>Whether <see cref="LargestCurvatureCore"/> is there.</summary>
    private protected virtual bool ComputesSteps => false;

    /// <summary>The largest eigenvalue of the Hessian over all samples, NaN on overflow: of the activities, at the feed-forward state where the operands have none; or of
    /// the errors, at zero where these are empty. Only called with hidden layers.</summary>
    private protected virtual double LargestCurvatureCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, bool inErrors) => double.NaN;

    /// <summary>Σ |g_e|² over the batch. Only called with hidden layers.</summary>
    private protected virtual double ErrorGradientSquaresCore(CommandQueue queue, in RelaxationOperands<T> operands) =>
        throw new NotSupportedException($"{queue.Device.Target} has no certificates of relaxations: CPU targets have");

    /// <summary>Index of the first element that is NaN or not from 0 to <paramref name="most"/>; -1 if there is none.</summary>
    private protected abstract long FirstOutside(CommandQueue queue, TensorView<T> view, T most);

    /// <summary>Part of the stable step of descent that Nesterov's momentum allows.</summary>
    private static double Shortened(RelaxationOptions options) => options.Method == RelaxationMethod.Nesterov ? (1 + options.Momentum) / (1 + (2 * options.Momentum)) : 1;

    private void CheckStops(CommandQueue queue, RelaxationOptions options)
    {
        if (!ComputesSteps && (options.EnergyTolerance > 0 || options.EnergyChange > 0))
        {
            throw new NotSupportedException($"{queue.Device.Target} does not stop relaxations by their energy: CPU targets do");
        }
    }

    private double ComputedStep(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, bool inErrors)
    {
        if (!ComputesSteps)
        {
            throw new NotSupportedException($"{queue.Device.Target} computes no steps of relaxations: give {nameof(RelaxationOptions.Step)}, or take a CPU target");
        }

        double step = StepAt(queue, operands, errors, inErrors);
        if (!double.IsFinite(step))
        {
            ThrowIfNotFinite(queue, operands, errors, inErrors);
            throw new ArithmeticException($"relax: the curvature of the energy overflows: no step is stable ({Descriptor})");
        }

        return step;
    }

    private double StepAt(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, bool inErrors)
    {
        // Short of the limit 2: the curvature is an estimate, and that of networks that are not linear changes on the way.
        const double Activities = 1.9, Errors = 1.5;
        if (Descriptor.Depth == 1)
        {
            return 1;
        }

        double least = Enumerable.Range(1, Descriptor.Depth - 1).Min(Descriptor.Precision);
        return (inErrors ? Errors : Activities) / Math.Max(least, LargestCurvatureCore(queue, operands, errors, inErrors));
    }

    /// <summary>Adds to a result what it takes another look for: whose fault a divergence is, and how far the end is from the equilibrium.</summary>
    private RelaxationResult Complete(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, RelaxationOptions options, RelaxationResult result)
    {
        bool inErrors = !errors.IsEmpty;
        if (result.Status != RelaxationStatus.Diverged)
        {
            return options.EnergyTolerance > 0 ? result with { Certificate = Certify(queue, operands) } : result;
        }

        if (result.DivergedStep == 0)
        {
            ThrowIfNotFinite(queue, operands, errors, inErrors);
            return result;
        }

        // The start is overwritten; the feed-forward state has the same weights.
        bool stepped = options.Method is RelaxationMethod.GradientDescent or RelaxationMethod.Momentum or RelaxationMethod.Nesterov or RelaxationMethod.Heun;
        double stable = stepped && ComputesSteps ? StepAt(queue, operands with { Activities = default }, default, inErrors) * Shortened(options) : double.NaN;
        return stable < options.Step ? result with { SuggestedStep = stable } : result;
    }

    private RelaxationCertificate Certify(CommandQueue queue, in RelaxationOperands<T> operands)
    {
        int depth = Descriptor.Depth;
        double least = Enumerable.Range(1, Math.Max(1, depth - 1)).Min(Descriptor.Precision);
        double squares = depth == 1 ? 0 : ErrorGradientSquaresCore(queue, operands);
        return new()
        {
            EnergyGap = squares / (2 * Descriptor.Batch * least),
            ErrorDistance = Math.Sqrt(squares) / least,
            Proved = Descriptor.Activation == Activation.Linear,
        };
    }

    private void CheckOptionalState(CommandQueue queue, TensorView<T> parameters, TensorView<T> input, TensorView<T> target, string argument, TensorView<T> state)
    {
        CheckInputs(queue, parameters, input);
        CheckTarget(queue, target);
        if (!state.IsEmpty)
        {
            CheckOperand(argument, state, activityShape);
        }
    }

    private void CheckErrors()
    {
        if (Descriptor.ActivityDecay != 0)
        {
            throw new NotSupportedException($"relax: activity decay {Descriptor.ActivityDecay} given, 0 expected in error coordinates and by certificates ({nameof(RelaxationOptions.EnergyTolerance)}); relax the activities without them");
        }
    }

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
