using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>The exact equilibrium of a linear predictive-coding network: the activities that minimise its energy at given weights, and the energy F* there.</summary>
/// <remarks>
/// <para>Notation as in <see cref="RelaxationDescriptor"/>; M_l = a_l W_l + s_l I, Q_l = M_L … M_(l+1), yhat the prediction of the feed-forward pass, r = y - yhat:</para>
/// <code>
/// S = I/λ_L + Σ_(l&lt;L) Q_l Q_lᵀ/λ_l        q = S⁻¹ r        λ_l e_l = Q_lᵀ q        F* = 1/(2B) Σ_samples rᵀ q + R
/// log det H = log det S + n_L log λ_L + Σ_(l&lt;L) n_l log λ_l                      ∂F*/∂W_l = -a_l/B Σ_samples λ_l e_l z_(l-1)ᵀ + ∂R/∂W_l
/// </code>
/// <para>R is the part of the energy that depends on weights alone. Source: arXiv:2408.11979 and docs/predictive-coding-linear.md.</para>
/// </remarks>
public sealed class LinearEquilibrium
{
    private readonly double[] activities, errors, outputDual, outputCovariance, layerEnergies, weightGradient;

    /// <summary>From λ_l e_l of every layer, which everything but S and the determinant follows from.</summary>
    /// <param name="weights">The network.</param>
    /// <param name="states">Z_0 … Z_(L-1).</param>
    /// <param name="duals">λ_l e_l by layer; entry 0 is not used.</param>
    /// <param name="loss">Loss of the feed-forward pass.</param>
    /// <param name="covariance">S; null where there is none.</param>
    /// <param name="logDeterminant">log det H.</param>
    internal LinearEquilibrium(LinearNetwork weights, Matrix[] states, Matrix[] duals, double loss, Matrix? covariance, double logDeterminant)
    {
        RelaxationDescriptor network = weights.Descriptor;
        int depth = network.Depth;
        double samples = network.Batch;
        activities = new double[network.ActivityCount];
        errors = new double[network.ActivityCount + network.TargetShape.ElementCount];
        layerEnergies = new double[depth];
        weightGradient = new double[network.ParameterCount];
        outputDual = duals[depth].Elements;
        outputCovariance = covariance?.Elements ?? [];
        Loss = loss;
        LogDeterminant = logDeterminant;
        for (int l = 1; l <= depth; l++)
        {
            int at = (int)network.ActivityOffset(l);
            if (l < depth)
            {
                states[l].Elements.CopyTo(activities, at);
                Energy += network.ActivityDecay / (2 * samples) * states[l].SquaredNorm();
            }

            Matrix.AddScaled(1 / network.Precision(l), duals[l].Elements, errors.AsSpan(at, duals[l].Elements.Length));
            layerEnergies[l - 1] = duals[l].SquaredNorm() / (2 * samples * network.Precision(l));
            Energy += layerEnergies[l - 1] + AddWeightGradient(weights, l, duals[l], states[l - 1]);
        }
    }

    /// <summary>Z_1 … Z_(L-1), each <c>[batch, n_l]</c>: an activity vector of the descriptor.</summary>
    public ReadOnlySpan<double> Activities => activities;

    /// <summary>E_1 … E_L, E_l = Z_l - P_l, each <c>[batch, n_l]</c>.</summary>
    public ReadOnlySpan<double> Errors => errors;

    /// <summary>q = λ_L E_L, <c>[batch, n_L]</c>: the derivative of B F* with respect to the target.</summary>
    public ReadOnlySpan<double> OutputDual => outputDual;

    /// <summary>S, <c>[n_L, n_L]</c>; empty where activities decay, as the equilibrium then has no such form.</summary>
    public ReadOnlySpan<double> OutputCovariance => outputCovariance;

    /// <summary>Natural logarithm of the determinant of the activities' Hessian H of one sample; see <see cref="ActivityHessian"/>.</summary>
    public double LogDeterminant { get; }

    /// <summary>F*, the energy at the equilibrium, decays and penalties included.</summary>
    public double Energy { get; }

    /// <summary>λ_l/(2B) |E_l|² of l = 1 … L. Their sum is F* where nothing decays and nothing is penalised.</summary>
    public ReadOnlySpan<double> LayerEnergies => layerEnergies;

    /// <summary>1/(2B) |y - yhat|² of the feed-forward pass, which backpropagation would minimise. Without decay of activities F* - R is at most λ_L times it.</summary>
    public double Loss { get; }

    /// <summary>∂F*/∂W_1 … ∂F*/∂W_L, then those of the biases where there are any: a parameter vector of the descriptor.</summary>
    /// <remarks>The derivative at fixed activities, which at the equilibrium is the total one.</remarks>
    public ReadOnlySpan<double> WeightGradient => weightGradient;

    /// <summary>Solves for the equilibrium in the space of outputs.</summary>
    /// <param name="network">A linear network with squared error and without decay of activities; biases, skips, scalings and precisions are free.</param>
    /// <param name="parameters">W_1 … W_L row-major, then b_1 … b_L if the network has biases.</param>
    /// <param name="input">x, <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, <c>[batch, n_L]</c>.</param>
    /// <exception cref="ProblemException">The network is not valid.</exception>
    /// <exception cref="NotSupportedException">The network is not linear, its loss is not the squared error, or activities decay (see <see cref="ActivityHessian.Solve"/>).</exception>
    /// <exception cref="ArgumentException">A span has another length, or an element is not finite; the message names its layer and place.</exception>
    /// <exception cref="ArithmeticException">Finite weights so large that S overflows.</exception>
    /// <remarks>About 8 B Σ n_l n_(l-1) + 2 n_L Σ n_l n_(l-1) + n_L² Σ n_l + n_L³/3 flops in float64, by plain loops on the calling thread;
    /// <see cref="LinearEquilibriumPlan{T}"/> does it on a device. S is at least I/λ_L, so weights of any
    /// rank, zero included, are fine; L = 1 too, where F* is λ_L times the loss.</remarks>
    public static LinearEquilibrium Solve(RelaxationDescriptor network, ReadOnlySpan<double> parameters, ReadOnlySpan<double> input, ReadOnlySpan<double> target) =>
        EquilibratedEnergy.Create(network, parameters, input, target).Equilibrium;

    /// <summary>y less the prediction of the feed-forward pass.</summary>
    internal static Matrix Residual(LinearNetwork weights, Matrix x, Matrix y)
    {
        Matrix state = x;
        for (int l = 1; l <= weights.Depth; l++)
        {
            state = weights.Predict(l, state);
        }

        Matrix residual = y.Copy();
        residual.Add(-1, state);
        return residual;
    }

    /// <summary>Adds layer l's part of the gradient; returns its part of R.</summary>
    private double AddWeightGradient(LinearNetwork weights, int layer, Matrix dual, Matrix below)
    {
        RelaxationDescriptor network = weights.Descriptor;
        double factor = -network.Scaling(layer) / network.Batch;
        Matrix weight = weights.Weights[layer];
        Matrix gradient = Matrix.TransposeMultiply(dual, below);
        gradient.Scale(factor);
        gradient.Add(network.WeightDecay, weight);
        double penalty = network.WeightDecay / 2 * weight.SquaredNorm();
        if (network.SpectralPenalty > 0)
        {
            Matrix excess = Matrix.TransposeMultiply(weight, weight);
            excess.AddToDiagonal(-1);
            gradient.Add(2 * network.SpectralPenalty, Matrix.Multiply(weight, excess));
            penalty += network.SpectralPenalty / 2 * excess.SquaredNorm();
        }

        gradient.Elements.CopyTo(weightGradient, (int)network.WeightOffset(layer));
        if (network.Bias)
        {
            Span<double> biases = weightGradient.AsSpan((int)network.BiasOffset(layer), dual.Columns);
            for (int i = 0; i < dual.Rows; i++)
            {
                Matrix.AddScaled(factor, dual.Row(i), biases);
            }
        }

        return penalty;
    }
}
