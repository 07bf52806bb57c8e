using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>The Hessian H of a linear network's energy in the hidden activities <c>z = (z_1, …, z_(L-1))</c> of one sample, times the batch.</summary>
/// <remarks>
/// <para>Notation as in <see cref="RelaxationDescriptor"/>; M_l = a_l W_l + s_l I. H is symmetric positive definite and block tridiagonal, the same for every sample:</para>
/// <code>H_ll = (λ_l + α) I + λ_(l+1) M_(l+1)ᵀ M_(l+1)        H_(l,l+1) = -λ_(l+1) M_(l+1)ᵀ</code>
/// <para>Its eigenvalues govern relaxation: gradient descent converges for steps below 2/λ_max, in a number of steps that grows with λ_max/λ_min.
/// Instances are immutable and safe on several threads. All in float64 by plain loops on the calling thread.</para>
/// </remarks>
public sealed class ActivityHessian
{
    private const string Operation = "activity_hessian";

    /// <summary>Up to this dimension all eigenvalues are computed.</summary>
    private const int DenseDimension = 256;

    private readonly LinearNetwork weights;
    private readonly int[] offsets;
    private readonly Lazy<(Cholesky[] Diagonal, Matrix[] Below)> factor;

    private ActivityHessian(LinearNetwork weights)
    {
        this.weights = weights;
        factor = new(() => Factor(null));
        offsets = new int[weights.Depth + 1];
        for (int l = 1; l < weights.Depth; l++)
        {
            offsets[l + 1] = checked(offsets[l] + Width(l));
        }
    }

    /// <summary>n_1 + … + n_(L-1); 0 without hidden layers.</summary>
    public int Dimension => offsets[^1];

    /// <summary>Natural logarithm of det H; 0 without hidden layers. From the block Cholesky factor, which the first use computes.</summary>
    /// <exception cref="ArithmeticException">As for <see cref="Solve"/>.</exception>
    public double LogDeterminant => factor.Value.Diagonal.Sum(d => d.LogDeterminant());

    /// <summary>Reads a network.</summary>
    /// <param name="network">A linear network with squared error; activities may decay. Its batch matters to <see cref="Solve"/> alone.</param>
    /// <param name="parameters">W_1 … W_L row-major, then b_1 … b_L if the network has biases.</param>
    /// <exception cref="ProblemException">The network is not valid.</exception>
    /// <exception cref="NotSupportedException">The network is not linear, or its loss is not the squared error.</exception>
    /// <exception cref="ArgumentException">Another number of parameters, or one is not finite; the message names its layer and place.</exception>
    public static ActivityHessian Create(RelaxationDescriptor network, ReadOnlySpan<double> parameters) => new(LinearNetwork.Read(Operation, network, parameters));

    /// <summary>H_ll, <c>[n_l, n_l]</c> row-major.</summary>
    /// <param name="layer">l, from 1 to L - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such hidden layer.</exception>
    /// <remarks>2 n_l² n_(l+1) flops.</remarks>
    public double[] DiagonalBlock(int layer)
    {
        CheckLayer(layer, weights.Depth - 1);
        return Diagonal(layer).Elements;
    }

    /// <summary>H_(l,l+1) = H_(l+1,l)ᵀ, <c>[n_l, n_(l+1)]</c> row-major.</summary>
    /// <param name="layer">l, from 1 to L - 2.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such pair of hidden layers.</exception>
    public double[] UpperBlock(int layer)
    {
        CheckLayer(layer, weights.Depth - 2);
        return Below(layer).Transpose().Elements;
    }

    /// <summary>All of H, <c>[Dimension, Dimension]</c> row-major.</summary>
    /// <exception cref="OverflowException">More than 2^31 - 1 elements.</exception>
    public double[] ToDense() => Dense().Elements;

    /// <summary>H v without forming H: an error pass upwards and an adjoint one downwards.</summary>
    /// <param name="vector">v, <see cref="Dimension"/> elements: one sample's z_1, …, z_(L-1).</param>
    /// <param name="result">H v, as many elements; overwritten, may not overlap the vector.</param>
    /// <exception cref="ArgumentException">A span has another length, or they overlap.</exception>
    /// <remarks>4 Σ_(l≥2) n_l n_(l-1) flops.</remarks>
    public void Multiply(ReadOnlySpan<double> vector, Span<double> result)
    {
        Throw.IfCountDiffers(nameof(vector), vector.Length, [Dimension]);
        Throw.IfCountDiffers(nameof(result), result.Length, [Dimension]);
        if (vector.Overlaps(result))
        {
            throw new ArgumentException($"{Operation}: output overlaps an input", nameof(result));
        }

        // With e_l = v_l - M_l v_(l-1), v_0 = v_L = 0:  (H v)_l = λ_l e_l - λ_(l+1) M_(l+1)ᵀ e_(l+1) + α v_l.
        for (int l = 1; l < weights.Depth; l++)
        {
            ReadOnlySpan<double> v = vector.Slice(offsets[l], Width(l));
            Span<double> own = result.Slice(offsets[l], Width(l));
            double precision = weights.Descriptor.Precision(l), next = weights.Descriptor.Precision(l + 1);
            for (int i = 0; i < own.Length; i++)
            {
                double prediction = l > 1 ? Matrix.Dot(weights.Maps[l].Row(i), vector.Slice(offsets[l - 1], Width(l - 1))) : 0;
                own[i] = (precision * (v[i] - prediction)) + (weights.Descriptor.ActivityDecay * v[i]);
            }

            for (int j = 0; j < weights.Maps[l + 1].Rows; j++)
            {
                ReadOnlySpan<double> row = weights.Maps[l + 1].Row(j);
                double error = (l + 1 < weights.Depth ? vector[offsets[l + 1] + j] : 0) - Matrix.Dot(row, v);
                Matrix.AddScaled(-next * error, row, own);
            }
        }
    }

    /// <summary>The smallest and the largest eigenvalue.</summary>
    /// <exception cref="InvalidOperationException">There is no hidden layer.</exception>
    /// <exception cref="ArithmeticException">As for <see cref="Solve"/>.</exception>
    /// <remarks>Up to dimension 256 from all eigenvalues, 4/3 Dimension³ flops; beyond it, to about ten digits, from Lanczos iterations on products with H and with H⁻¹.</remarks>
    public (double Smallest, double Largest) ExtremeEigenvalues()
    {
        if (Dimension == 0)
        {
            throw new InvalidOperationException($"{Operation}: a network without hidden layers has no eigenvalues");
        }

        if (Dimension <= DenseDimension)
        {
            double[] values = DenseLibrary.Current.SymmetricEigenvalues(Dense());
            return (values[0], values[^1]);
        }

        return (1 / Lanczos.Largest(Dimension, MultiplyInverse), Lanczos.Largest(Dimension, Multiply));
    }

    /// <summary>Solves for the equilibrium by block tridiagonal Cholesky factorisation: H z = b for every sample.</summary>
    /// <param name="input">x, <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, <c>[batch, n_L]</c>.</param>
    /// <exception cref="ArgumentException">A span has another length, or an element is not finite; the message names its layer and place.</exception>
    /// <exception cref="ArithmeticException">Weights so large that H is not positive definite in float64; the message names layer and pivot.</exception>
    /// <remarks>
    /// <code>
    /// R_l R_lᵀ = H_ll - C_(l-1) C_(l-1)ᵀ     C_l = H_(l+1,l) R_l⁻ᵀ     u_l = R_l⁻¹ (b_l - C_(l-1) u_(l-1))     z_l = R_l⁻ᵀ (u_l - C_lᵀ z_(l+1))
    /// </code>
    /// The factor costs 10/3 n³ flops a layer of width n, once; then 6 B n² a layer. Also for networks whose activities decay, where
    /// <see cref="LinearEquilibrium.Solve"/> does not apply. The result has no S.
    /// </remarks>
    public LinearEquilibrium Solve(ReadOnlySpan<double> input, ReadOnlySpan<double> target)
    {
        RelaxationDescriptor network = weights.Descriptor;
        Matrix x = LinearNetwork.ReadData(Operation, nameof(input), input, network.InputShape);
        Matrix y = LinearNetwork.ReadData(Operation, nameof(target), target, network.TargetShape);
        Matrix[] states = RightHandSides(x, y);
        SolveBlocks(states, factor.Value);
        return Finish(states, x, y, LogDeterminant);
    }

    /// <summary>Solves for the equilibrium while some hidden units stay where they are: rows and columns of clamped units are deleted from H.</summary>
    /// <param name="input">x, <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, <c>[batch, n_L]</c>.</param>
    /// <param name="activities">Z_1 … Z_(L-1), an activity vector of the descriptor, of which the clamped units are read.</param>
    /// <param name="mask">As many elements: 0 clamps a unit of a sample, 1 leaves it free.</param>
    /// <exception cref="ArgumentException">A span has another length, an element of the mask is neither 0 nor 1, or an element is not finite; the message names its layer and place.</exception>
    /// <exception cref="ArithmeticException">As for <see cref="Solve"/>.</exception>
    /// <remarks>Samples with the same mask share a factor; each mask costs one, 10/3 n³ flops a layer. The gradient of the result is that of the energy's minimum over the free units;
    /// its determinant is that of what is left of H, its logarithm averaged over the samples.</remarks>
    public LinearEquilibrium SolveClamped(ReadOnlySpan<double> input, ReadOnlySpan<double> target, ReadOnlySpan<double> activities, ReadOnlySpan<double> mask)
    {
        RelaxationDescriptor network = weights.Descriptor;
        Matrix x = LinearNetwork.ReadData(Operation, nameof(input), input, network.InputShape);
        Matrix y = LinearNetwork.ReadData(Operation, nameof(target), target, network.TargetShape);
        Throw.IfCountDiffers(nameof(activities), activities.Length, network.ActivityShape);
        Throw.IfCountDiffers(nameof(mask), mask.Length, network.ActivityShape);
        Matrix[] states = RightHandSides(x, y);
        Dictionary<string, (bool[] Clamped, List<int> Samples)> groups = [];
        double[] held = new double[Dimension], pull = new double[Dimension];
        for (int sample = 0; sample < network.Batch; sample++)
        {
            bool[] clamped = ReadMask(activities, mask, sample, held);
            Multiply(held, pull);
            for (int l = 1; l < weights.Depth; l++)
            {
                Span<double> b = states[l].Row(sample);
                for (int i = 0; i < b.Length; i++)
                {
                    int at = offsets[l] + i;
                    b[i] = clamped[at] ? held[at] : b[i] - pull[at];
                }
            }

            string key = string.Concat(clamped.Select(c => c ? '0' : '1'));
            if (!groups.TryGetValue(key, out (bool[] Clamped, List<int> Samples) group))
            {
                groups[key] = group = (clamped, []);
            }

            group.Samples.Add(sample);
        }

        double logDeterminants = 0;
        foreach ((bool[] clamped, List<int> samples) in groups.Values)
        {
            (Cholesky[] Diagonal, Matrix[] Below) own = Factor(clamped);
            Matrix[] rows = [.. states.Select((s, l) => l == 0 ? null! : s.Gather(samples))];
            SolveBlocks(rows, own);
            for (int l = 1; l < weights.Depth; l++)
            {
                for (int i = 0; i < samples.Count; i++)
                {
                    rows[l].Row(i).CopyTo(states[l].Row(samples[i]));
                }
            }

            logDeterminants += samples.Count * own.Diagonal.Sum(d => d.LogDeterminant());
        }

        return Finish(states, x, y, logDeterminants / network.Batch);
    }

    /// <summary>Which units of a sample are clamped; their activities, and 0 for the others, as a vector of H.</summary>
    private bool[] ReadMask(ReadOnlySpan<double> activities, ReadOnlySpan<double> mask, int sample, double[] held)
    {
        bool[] clamped = new bool[Dimension];
        for (int l = 1; l < weights.Depth; l++)
        {
            for (int i = 0; i < Width(l); i++)
            {
                int from = (int)weights.Descriptor.ActivityOffset(l) + (sample * Width(l)) + i, at = offsets[l] + i;
                if (mask[from] is not (0 or 1))
                {
                    throw new ArgumentException($"{Operation}: the mask of Z_{l}[{sample}, {i}] is {mask[from]}, 0 or 1 expected", nameof(mask));
                }

                clamped[at] = mask[from] == 0;
                held[at] = clamped[at] ? activities[from] : 0;
                if (!double.IsFinite(held[at]))
                {
                    throw new ArgumentException($"{Operation}: Z_{l}[{sample}, {i}] is {held[at]}, a finite number expected", nameof(activities));
                }
            }
        }

        return clamped;
    }

    private LinearEquilibrium Finish(Matrix[] states, Matrix x, Matrix y, double logDeterminant)
    {
        RelaxationDescriptor network = weights.Descriptor;
        states[0] = x;
        Matrix[] duals = new Matrix[weights.Depth + 1];
        for (int l = 1; l <= weights.Depth; l++)
        {
            duals[l] = weights.Predict(l, states[l - 1]);
            duals[l].Scale(-network.Precision(l));
            duals[l].Add(network.Precision(l), l < weights.Depth ? states[l] : y);
        }

        double loss = LinearEquilibrium.Residual(weights, x, y).SquaredNorm() / (2.0 * network.Batch);
        return new(weights, states, duals, loss, null, logDeterminant);
    }

    /// <summary>b_l of l = 1 … L - 1, <c>[batch, n_l]</c> each: λ_l u_l - λ_(l+1) M_(l+1)ᵀ u_(l+1), u what e does not owe to z: M_1 x + c_1, c_2, …, c_L - y.</summary>
    internal Matrix[] RightHandSides(Matrix x, Matrix y)
    {
        Matrix[] b = new Matrix[weights.Depth];
        Matrix constant = weights.Predict(1, x);
        for (int l = 1; l < weights.Depth; l++)
        {
            b[l] = constant;
            b[l].Scale(weights.Descriptor.Precision(l));
            constant = weights.Predict(l + 1, new(x.Rows, Width(l)));
            if (l + 1 == weights.Depth)
            {
                constant.Add(-1, y);
            }

            b[l].Add(-weights.Descriptor.Precision(l + 1), Matrix.Multiply(constant, weights.Maps[l + 1]));
        }

        return b;
    }

    private void MultiplyInverse(ReadOnlySpan<double> vector, Span<double> result)
    {
        Matrix[] blocks = new Matrix[weights.Depth];
        for (int l = 1; l < weights.Depth; l++)
        {
            blocks[l] = Matrix.Of(1, Width(l), vector[offsets[l]..]);
        }

        SolveBlocks(blocks, factor.Value);
        for (int l = 1; l < weights.Depth; l++)
        {
            blocks[l].Elements.CopyTo(result[offsets[l]..]);
        }
    }

    /// <summary>Rows b become rows H⁻¹ b.</summary>
    private void SolveBlocks(Matrix[] rows, (Cholesky[] Diagonal, Matrix[] Below) blocks)
    {
        (Cholesky[] diagonal, Matrix[] below) = blocks;
        for (int l = 1; l < weights.Depth; l++)
        {
            if (l > 1)
            {
                rows[l].Add(-1, Matrix.MultiplyTranspose(rows[l - 1], below[l - 2]));
            }

            diagonal[l - 1].SolveLower(rows[l]);
        }

        for (int l = weights.Depth - 1; l >= 1; l--)
        {
            if (l < weights.Depth - 1)
            {
                rows[l].Add(-1, Matrix.Multiply(rows[l + 1], below[l - 1]));
            }

            diagonal[l - 1].SolveUpper(rows[l]);
        }
    }

    /// <summary>R_l and C_l from l = 1 on, at l - 1. A clamped unit's row and column become those of the identity: what is left solves as if they were deleted.</summary>
    private (Cholesky[] Diagonal, Matrix[] Below) Factor(bool[]? clamped)
    {
        Cholesky[] diagonal = new Cholesky[weights.Depth - 1];
        Matrix[] below = new Matrix[Math.Max(0, weights.Depth - 2)];
        for (int l = 1; l < weights.Depth; l++)
        {
            Matrix block = Diagonal(l);
            Cut(block, l, l);
            if (l > 1)
            {
                block.Add(-1, Matrix.MultiplyTranspose(below[l - 2], below[l - 2]));
            }

            diagonal[l - 1] = Cholesky.Factor(block, $"{Operation}: layer {l}");
            if (l < weights.Depth - 1)
            {
                below[l - 1] = Below(l);
                Cut(below[l - 1], l + 1, l);
                diagonal[l - 1].SolveLower(below[l - 1]);
            }
        }

        return (diagonal, below);

        void Cut(Matrix block, int rowLayer, int columnLayer)
        {
            for (int i = 0; clamped is not null && i < block.Rows; i++)
            {
                for (int j = 0; j < block.Columns; j++)
                {
                    if (clamped[offsets[rowLayer] + i] || clamped[offsets[columnLayer] + j])
                    {
                        block[i, j] = rowLayer == columnLayer && i == j ? 1 : 0;
                    }
                }
            }
        }
    }

    private Matrix Dense()
    {
        Matrix dense = new(Dimension, Dimension);
        for (int l = 1; l < weights.Depth; l++)
        {
            dense.Place(Diagonal(l), offsets[l], offsets[l]);
            if (l < weights.Depth - 1)
            {
                Matrix below = Below(l);
                dense.Place(below, offsets[l + 1], offsets[l]);
                dense.Place(below.Transpose(), offsets[l], offsets[l + 1]);
            }
        }

        return dense;
    }

    /// <summary>H_ll.</summary>
    private Matrix Diagonal(int layer)
    {
        Matrix block = Matrix.TransposeMultiply(weights.Maps[layer + 1], weights.Maps[layer + 1]);
        block.Scale(weights.Descriptor.Precision(layer + 1));
        block.AddToDiagonal(weights.Descriptor.Precision(layer) + weights.Descriptor.ActivityDecay);
        return block;
    }

    /// <summary>H_(l+1,l).</summary>
    private Matrix Below(int layer)
    {
        Matrix block = weights.Maps[layer + 1].Copy();
        block.Scale(-weights.Descriptor.Precision(layer + 1));
        return block;
    }

    private int Width(int layer) => (int)weights.Descriptor.Widths[layer];

    private static void CheckLayer(int layer, int last)
    {
        if (layer < 1 || layer > last)
        {
            throw new ArgumentOutOfRangeException(nameof(layer), layer, last < 1 ? $"{Operation}: the network has no such block" : $"{Operation}: layer {layer} given, 1 to {last} expected");
        }
    }
}
