using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>The Hessian of a linear network's equilibrium energy F* in all weights, at the point where every weight is zero.</summary>
/// <remarks>
/// <para>Rows and columns go over vec(W_1), …, vec(W_L), each row-major: the parameter vector of <see cref="RelaxationDescriptor"/>. With Syy = YᵀY/B, Syx = YᵀX/B,
/// Sxx = XᵀX/B, J the layers below L that have no skip, and k the sum of 1/λ_l over those l below L above which (up to L - 1) all layers have skips:</para>
/// <code>
/// W_L, W_L           -λ_L² a_L² k Syy ⊗ I
/// W_j[p,c], W_L[i,p] -λ_L a_j a_L Syx[i,c]      for J = {j}; for every j below L if J is empty; for none otherwise
/// W_L, W_L           + λ_L a_L² I ⊗ Sxx         if J is empty
/// </code>
/// <para>All else is 0, but for weight decay wd and the penalty sp, which add wd - 2 sp to the diagonal. L = 1 is λ_1 a_1² I ⊗ Sxx. Without skips k = 1/λ_(L-1), and only
/// L = 2 has the cross block; with skips on 2 … L - 1, k = Σ_(l&lt;L) 1/λ_l and J = {1}. The smallest eigenvalue is negative for L ≥ 2 and y ≠ 0 (and no decay): the origin is a strict
/// saddle of F*, where the loss without skips is flat to second order for L ≥ 3. Source: arXiv:2408.11979.</para>
/// </remarks>
public sealed class OriginHessian
{
    private const string Operation = "origin_hessian";

    private readonly RelaxationDescriptor network;
    private readonly Matrix outputBlock, inputBlock, crossBlock;
    private readonly int[] crossLayers;
    private readonly bool linearInOutput;

    private OriginHessian(RelaxationDescriptor network, Matrix x, Matrix y)
    {
        this.network = network;
        int depth = network.Depth;
        double output = network.Precision(depth) * network.Scaling(depth);
        int[] unskipped = [.. Enumerable.Range(1, depth - 1).Where(l => !network.Skip(l))];
        int highest = unskipped.Length > 0 ? unskipped[^1] : 1;
        double variance = Enumerable.Range(highest, Math.Max(0, depth - highest)).Sum(l => 1 / network.Precision(l));
        crossLayers = unskipped.Length switch { 0 => [.. Enumerable.Range(1, depth - 1)], 1 => unskipped, _ => [] };
        linearInOutput = unskipped.Length == 0;
        outputBlock = Moment(y, y, -output * output * variance);
        inputBlock = Moment(x, x, output * network.Scaling(depth));
        crossBlock = Moment(y, x, -output);
    }

    /// <summary>Weights of all layers: Σ n_l n_(l-1).</summary>
    public long Dimension => network.ParameterCount;

    /// <summary>Computes the blocks.</summary>
    /// <param name="network">A linear network with squared error, without decay of activities, without biases and, if L is at least 2, without a skip on layer L.</param>
    /// <param name="input">x, <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, <c>[batch, n_L]</c>.</param>
    /// <exception cref="ProblemException">The network is not valid.</exception>
    /// <exception cref="NotSupportedException">The network is not one of those; the message names the value.</exception>
    /// <exception cref="ArgumentException">A span has another length, or an element is not finite; the message names its layer and place.</exception>
    /// <remarks>2 B (n_0 + n_L)² flops in float64, on the calling thread.</remarks>
    public static OriginHessian Create(RelaxationDescriptor network, ReadOnlySpan<double> input, ReadOnlySpan<double> target)
    {
        LinearNetwork.Check(Operation, network);
        if (network.ActivityDecay > 0)
        {
            throw new NotSupportedException($"{Operation}: activity decay {network.ActivityDecay} given, 0 expected");
        }

        if (network.Bias)
        {
            throw new NotSupportedException($"{Operation}: a network without biases expected: the Hessian is in the weights alone");
        }

        if (network.Depth > 1 && network.Skip(network.Depth))
        {
            throw new NotSupportedException($"{Operation}: layer {network.Depth}, the last one, has a skip; none expected there");
        }

        return new(network, LinearNetwork.ReadData(Operation, nameof(input), input, network.InputShape), LinearNetwork.ReadData(Operation, nameof(target), target, network.TargetShape));
    }

    /// <summary>The Hessian, <c>[Dimension, Dimension]</c> row-major.</summary>
    /// <exception cref="OverflowException">More than 2^31 - 1 elements.</exception>
    public double[] ToDense() => Dense().Elements;

    /// <summary>The smallest and the largest eigenvalue.</summary>
    /// <exception cref="ArithmeticException">Data so large that a block overflows.</exception>
    /// <remarks>The Hessian is the same block of n_L + n_0 rows n_(L-1) times, besides multiples of the identity: 4/3 (n_L + n_0)³ flops. Only where L ≥ 2 and all layers but the last
    /// have skips, all of it is formed: 4/3 Dimension³ flops.</remarks>
    public (double Smallest, double Largest) ExtremeEigenvalues()
    {
        if (network.Depth > 1 && linearInOutput)
        {
            double[] all = DenseLibrary.Current.SymmetricEigenvalues(Dense());
            return (all[0], all[^1]);
        }

        Matrix repeated = network.Depth == 1 ? inputBlock : outputBlock;
        if (network.Depth > 1 && crossLayers.Length == 1)
        {
            int outputs = outputBlock.Rows, inputs = inputBlock.Rows;
            repeated = new(outputs + inputs, outputs + inputs);
            Matrix cross = crossBlock.Copy();
            cross.Scale(network.Scaling(crossLayers[0]));
            repeated.Place(outputBlock, 0, 0);
            repeated.Place(cross, 0, outputs);
            repeated.Place(cross.Transpose(), outputs, 0);
        }

        // The rows of layers that appear in no block are zero.
        double[] values = DenseLibrary.Current.SymmetricEigenvalues(repeated);
        bool zeros = network.Depth - 1 > crossLayers.Length;
        return (Shift + (zeros ? Math.Min(0, values[0]) : values[0]), Shift + (zeros ? Math.Max(0, values[^1]) : values[^1]));
    }

    /// <summary>What the weights' own energy adds to the diagonal: |WᵀW - I|² is n - 2 |W|² to second order.</summary>
    private double Shift => network.WeightDecay - (2 * network.SpectralPenalty);

    private Matrix Dense()
    {
        int size = checked((int)Dimension), depth = network.Depth, last = (int)network.WeightOffset(depth);
        int inputs = inputBlock.Rows, outputs = outputBlock.Rows, width = (int)network.Widths[depth - 1];
        Matrix dense = Matrix.ScaledIdentity(size, Shift);
        for (int i = 0; i < outputs; i++)
        {
            for (int p = 0; p < width; p++)
            {
                int row = last + (i * width) + p;
                for (int other = 0; depth > 1 && other < outputs; other++)
                {
                    dense[row, last + (other * width) + p] += outputBlock[i, other];
                }

                for (int other = 0; linearInOutput && other < width; other++)
                {
                    dense[row, last + (i * width) + other] += inputBlock[p, other];
                }

                foreach (int layer in crossLayers)
                {
                    for (int c = 0; c < inputs; c++)
                    {
                        int column = (int)network.WeightOffset(layer) + (p * inputs) + c;
                        dense[row, column] = dense[column, row] = network.Scaling(layer) * crossBlock[i, c];
                    }
                }
            }
        }

        return dense;
    }

    /// <summary>factor AᵀB / batch.</summary>
    private Matrix Moment(Matrix a, Matrix b, double factor)
    {
        Matrix moment = Matrix.TransposeMultiply(a, b);
        moment.Scale(factor / network.Batch);
        return moment;
    }
}
