using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>The Hessian of the equilibrium energy F* in the last layer's weights at a zero-rank saddle: W_L = 0 and M_(L-1) … M_1 = 0, the other weights as they may be.</summary>
/// <remarks>
/// <para>Notation as in <see cref="LinearEquilibrium"/>. Nothing is predicted there and nothing flows back, so every gradient is 0. The block is, over row-major vec(W_L), Syy = YᵀY/B,</para>
/// <code>∂²F*/∂W_L² = -λ_L² a_L² Syy ⊗ K_(L-1)        K_1 = I/λ_1,  K_(l+1) = I/λ_(l+1) + M_(l+1) K_l M_(l+1)ᵀ</code>
/// <para>K_l is the covariance that errors of variance 1/λ give layer l. It is at least I/λ_l: for y ≠ 0 there is a direction of negative curvature, and the saddle is strict, whatever
/// the other blocks are; <see cref="EquilibratedEnergy.HessianMultiply"/> has those. Source: arXiv:2408.11979.</para>
/// </remarks>
public sealed class ZeroRankSaddle
{
    private const string Operation = "zero_rank_saddle";

    private readonly Matrix outputMoment, covariance;

    private ZeroRankSaddle(Matrix outputMoment, Matrix covariance)
    {
        this.outputMoment = outputMoment;
        this.covariance = covariance;
    }

    /// <summary>Weights of the last layer, n_L n_(L-1): rows and columns of the block.</summary>
    public long Dimension => (long)outputMoment.Rows * covariance.Rows;

    /// <summary>K_(L-1), <c>[n_(L-1), n_(L-1)]</c>.</summary>
    public ReadOnlySpan<double> Covariance => covariance.Elements;

    /// <summary>Checks that a point is a zero-rank saddle, and computes the block's factors.</summary>
    /// <param name="network">A linear network with squared error and at least one hidden layer; no biases, no decays, no penalty, no skip on layer L.</param>
    /// <param name="parameters">W_1 … W_L row-major.</param>
    /// <param name="target">y, <c>[batch, n_L]</c>. The input does not matter.</param>
    /// <exception cref="ProblemException">The network is not valid.</exception>
    /// <exception cref="NotSupportedException">The network is not one of those; the message names the value.</exception>
    /// <exception cref="ArgumentException">A span has another length, an element is not finite, or the point is no zero-rank saddle; the message names the element.
    /// The product M_(L-1) … M_1 may differ from 0 by what its rounding errors can be.</exception>
    /// <remarks>About 8 n³ flops a layer of width n in float64, on the calling thread.</remarks>
    public static ZeroRankSaddle Create(RelaxationDescriptor network, ReadOnlySpan<double> parameters, ReadOnlySpan<double> target)
    {
        LinearNetwork.Check(Operation, network);
        int depth = network.Depth;
        string? wrong = depth < 2 ? "1 layer given, at least 2 expected"
            : network.Bias ? "a network without biases expected"
            : network.Skip(depth) ? $"layer {depth}, the last one, has a skip; none expected there"
            : network.ActivityDecay > 0 || network.WeightDecay > 0 || network.SpectralPenalty > 0 ? "decay or penalty given, none expected: the point is critical without them"
            : null;
        if (wrong is not null)
        {
            throw new NotSupportedException($"{Operation}: {wrong}");
        }

        LinearNetwork weights = LinearNetwork.Read(Operation, network, parameters);
        Matrix y = LinearNetwork.ReadData(Operation, nameof(target), target, network.TargetShape);
        CheckPoint(nameof(parameters), weights);
        Matrix covariance = Matrix.ScaledIdentity((int)network.Widths[1], 1 / network.Precision(1));
        for (int l = 2; l < depth; l++)
        {
            covariance = Matrix.MultiplyTranspose(Matrix.Multiply(weights.Maps[l], covariance), weights.Maps[l]);
            covariance.AddToDiagonal(1 / network.Precision(l));
        }

        Matrix moment = Matrix.TransposeMultiply(y, y);
        double factor = network.Precision(depth) * network.Scaling(depth);
        moment.Scale(factor * factor / network.Batch);
        return new(moment, covariance);
    }

    /// <summary>The block, <c>[Dimension, Dimension]</c> row-major.</summary>
    /// <exception cref="OverflowException">More than 2^31 - 1 elements.</exception>
    public double[] ToDense()
    {
        int width = covariance.Rows, size = checked((int)Dimension);
        Matrix dense = new(size, size);
        for (int i = 0; i < outputMoment.Rows; i++)
        {
            for (int j = 0; j < outputMoment.Rows; j++)
            {
                Matrix part = covariance.Copy();
                part.Scale(-outputMoment[i, j]);
                dense.Place(part, i * width, j * width);
            }
        }

        return dense.Elements;
    }

    /// <summary>The smallest and the largest eigenvalue of the block: products of those of its two factors. The Hessian's smallest is at most the first.</summary>
    /// <exception cref="ArithmeticException">Weights or data so large that a factor overflows.</exception>
    /// <remarks>4/3 (n_L³ + n_(L-1)³) flops.</remarks>
    public (double Smallest, double Largest) ExtremeEigenvalues()
    {
        double[] outputs = DenseLibrary.Current.SymmetricEigenvalues(outputMoment), hidden = DenseLibrary.Current.SymmetricEigenvalues(covariance);
        return (-outputs[^1] * hidden[^1], -Math.Max(0, outputs[0]) * hidden[0]);
    }

    private static void CheckPoint(string argument, LinearNetwork weights)
    {
        int depth = weights.Depth;
        Matrix last = weights.Weights[depth];
        for (int i = 0; i < last.Elements.Length; i++)
        {
            if (last.Elements[i] != 0)
            {
                throw NoSaddle(argument, $"W_{depth}[{i / last.Columns}, {i % last.Columns}]", last.Elements[i]);
            }
        }

        // What rounding can make of a product that is 0: the same product of magnitudes, times the length of its sums.
        Matrix product = weights.Maps[1], magnitude = Magnitude(product);
        double terms = product.Columns;
        for (int l = 2; l < depth; l++)
        {
            terms += weights.Maps[l].Columns;
            product = Matrix.Multiply(weights.Maps[l], product);
            magnitude = Matrix.Multiply(Magnitude(weights.Maps[l]), magnitude);
        }

        for (int i = 0; i < product.Elements.Length; i++)
        {
            if (!(Math.Abs(product.Elements[i]) <= 4 * Math.ScaleB(1, -52) * terms * magnitude.Elements[i] * (depth > 2 ? 1 : 0)))
            {
                throw NoSaddle(argument, $"{(depth > 3 ? $"M_{depth - 1} … M_1" : depth == 3 ? "M_2 M_1" : "M_1")}[{i / product.Columns}, {i % product.Columns}]", product.Elements[i]);
            }
        }
    }

    private static ArgumentException NoSaddle(string argument, string what, double value) =>
        new($"{Operation}: {what} is {value}, 0 expected: the point is no zero-rank saddle", argument);

    private static Matrix Magnitude(Matrix matrix)
    {
        Matrix magnitude = matrix.Copy();
        foreach (ref double element in magnitude.Elements.AsSpan())
        {
            element = Math.Abs(element);
        }

        return magnitude;
    }
}
