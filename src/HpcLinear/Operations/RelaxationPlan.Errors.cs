using System.Numerics;

namespace HpcLinear.Operations;

/// <content>Error coordinates.</content>
public abstract partial class RelaxationPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
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
    /// <exception cref="NotSupportedException">Activities decay.</exception>
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
        RelaxationOperands<T> operands = new(parameters, input, target, activities);
        if (options.Method is RelaxationMethod.ConjugateGradients or RelaxationMethod.GaussNewton)
        {
            return Complete(queue, operands, errors, default, options, SolveErrorsCore(queue, operands, errors, options));
        }

        options = options with { Step = options.Step ?? (ComputedStep(queue, operands, errors, true) * Shortened(options)) };
        return Complete(queue, operands, errors, default, options, RelaxErrorsCore(queue, operands, errors, options));
    }

    private protected abstract void ErrorGradientCore(
        CommandQueue queue,
        in RelaxationOperands<T> operands,
        TensorView<T> errors,
        TensorView<T> gradient,
        TensorView<T> weightGradient);

    private protected abstract RelaxationResult RelaxErrorsCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, RelaxationOptions options);

    /// <summary>Conjugate gradients or Gauss-Newton.</summary>
    private protected abstract RelaxationResult SolveErrorsCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, RelaxationOptions options);

    private void CheckErrors()
    {
        if (Descriptor.ActivityDecay != 0)
        {
            throw new NotSupportedException($"relax: activity decay {Descriptor.ActivityDecay} given, 0 expected in error coordinates and by certificates ({nameof(RelaxationOptions.EnergyTolerance)}); relax the activities without them");
        }
    }
}
