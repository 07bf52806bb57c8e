using System.Numerics;

namespace HpcLinear.Operations;

/// <content>Computed steps and certificates.</content>
public abstract partial class RelaxationPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>A step just short of the longest stable one for descent of activities: 1.9/λmax(H), H the Hessian of a sample's energy, the largest over the batch.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L.</param>
    /// <param name="input">x, shape <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, shape <c>[batch, n_L]</c>.</param>
    /// <param name="activities">Z_1 … Z_(L-1), where H is taken; empty: at the feed-forward state. Linear networks with squared error have one H.</param>
    /// <returns>1 without hidden layers.</returns>
    /// <exception cref="ArgumentException">Elements that are not finite; the message names layer and element.</exception>
    /// <exception cref="ArithmeticException">Finite elements whose products overflow.</exception>
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
    /// <param name="mask">Optional, shape of the activities: units at 0 are clamped, and the equilibrium is that of the others.</param>
    /// <exception cref="ArgumentException">Elements that are not finite, the message names layer and element; a mask outside 0 to 1.</exception>
    /// <exception cref="NotSupportedException">Activities decay.</exception>
    /// <remarks>4 B Σ n_l n_(l-1) flops.</remarks>
    public RelaxationCertificate Certificate(
        CommandQueue queue,
        TensorView<T> parameters,
        TensorView<T> input,
        TensorView<T> target,
        TensorView<T> activities,
        TensorView<T> mask = default)
    {
        CheckErrors();
        CheckState(queue, parameters, input, target, activities);
        CheckMask(queue, mask);
        RelaxationOperands<T> operands = new(parameters, input, target, activities);
        RelaxationCertificate certificate = Certify(queue, operands, mask);
        if (!double.IsFinite(certificate.EnergyGap))
        {
            ThrowIfNotFinite(queue, operands, default, false);
        }

        return certificate;
    }

    /// <summary>The largest eigenvalue of the Hessian over all samples, NaN on overflow: of the activities, at the feed-forward state where the operands have none; or of
    /// the errors, at zero where these are empty. Only called with hidden layers.</summary>
    private protected abstract double LargestCurvatureCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, bool inErrors);

    /// <summary>Σ |g_e|² over the batch, of free units. Only called with hidden layers.</summary>
    private protected abstract double ErrorGradientSquaresCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> mask);

    /// <summary>Part of the stable step of descent that Nesterov's momentum allows.</summary>
    private static double Shortened(RelaxationOptions options) => options.Method == RelaxationMethod.Nesterov ? (1 + options.Momentum) / (1 + (2 * options.Momentum)) : 1;

    private double ComputedStep(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, bool inErrors)
    {
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
    private RelaxationResult Complete(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, TensorView<T> mask, RelaxationOptions options, RelaxationResult result)
    {
        bool inErrors = !errors.IsEmpty;
        if (result.Status != RelaxationStatus.Diverged)
        {
            return options.EnergyTolerance > 0 ? result with { Certificate = Certify(queue, operands, mask) } : result;
        }

        if (result.DivergedStep == 0)
        {
            ThrowIfNotFinite(queue, operands, errors, inErrors);
            return result;
        }

        // The start is overwritten; the feed-forward state has the same weights.
        bool stepped = options.Method is RelaxationMethod.GradientDescent or RelaxationMethod.Momentum or RelaxationMethod.Nesterov or RelaxationMethod.Heun;
        double stable = stepped ? StepAt(queue, operands with { Activities = default }, default, inErrors) * Shortened(options) : double.NaN;
        return stable < options.Step ? result with { SuggestedStep = stable } : result;
    }

    private RelaxationCertificate Certify(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> mask)
    {
        int depth = Descriptor.Depth;
        double least = Enumerable.Range(1, Math.Max(1, depth - 1)).Min(Descriptor.Precision);
        double squares = depth == 1 ? 0 : ErrorGradientSquaresCore(queue, operands, mask);
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
}
