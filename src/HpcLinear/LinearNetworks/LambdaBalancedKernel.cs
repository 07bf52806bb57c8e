using HpcLinear.LinearAlgebra;

namespace HpcLinear.LinearNetworks;

/// <summary>
/// The kernel <c>K = J Jᵀ</c> of a fully connected network from its end-to-end matrix alone, where <c>W_{l+1}ᵀ W_{l+1} - W_l W_lᵀ = lambda_l I</c> and all hidden widths are
/// the rank: the layers then share singular vectors, and for each singular value sigma their squares n_l solve <c>prod n_l = sigma²</c>, <c>n_{l+1} - n_l = lambda_l</c>.
/// </summary>
/// <remarks>Gradient flow keeps lambda, so K is that of the matrix all along the flow. Source: arXiv:2507.06367; docs/operations/gradient-flow.md.</remarks>
public static class LambdaBalancedKernel
{
    /// <summary>Singular values below this share of the largest are zero.</summary>
    private const double RankThreshold = 1e-9;

    /// <summary>K, row-major, as many rows and columns as the map has elements.</summary>
    /// <param name="rows">Outputs of the network.</param>
    /// <param name="columns">Inputs of the network.</param>
    /// <param name="hidden">The width of every hidden layer, the rank of the map.</param>
    /// <param name="map">The end-to-end matrix, row-major.</param>
    /// <param name="lambda">lambda_l, one for each pair of neighbouring layers; none for one layer.</param>
    /// <exception cref="ArgumentException">Sizes that do not fit, a map of another rank, or a lambda that is not finite.</exception>
    /// <exception cref="ArithmeticException">A norm is outside of the normal range of float64.</exception>
    public static double[] Of(int rows, int columns, int hidden, ReadOnlySpan<double> map, ReadOnlySpan<double> lambda)
    {
        if (rows < 1 || columns < 1 || map.Length != (long)rows * columns || hidden < 1 || hidden > Math.Min(rows, columns))
        {
            throw new ArgumentException($"map: {rows} x {columns} elements and a hidden width from 1 to the smaller of them expected, {map.Length} and {hidden} given", nameof(map));
        }

        (Matrix left, double[] values, Matrix right) = DenseLibrary.Current.Svd(Matrix.Of(rows, columns, map));
        int rank = values.Count(s => s > RankThreshold * values[0]), depth = lambda.Length + 1;
        if (depth > 1 && rank != hidden)
        {
            throw new ArgumentException($"map: rank {hidden} expected, the width of the hidden layers, {rank} found", nameof(map));
        }

        double[] differences = new double[depth - 1];
        for (int l = 0; l < differences.Length; l++)
        {
            differences[l] = -lambda[l];
        }

        double[][] norms = [.. values.Take(rank).Select(s => LayerNorms.Solve(s * s, differences))];
        double[] kernel = new double[map.Length * map.Length];
        for (int l = 0; l < depth; l++)
        {
            // A Aᵀ of the layers above and Bᵀ B of those below; products of none are identities.
            int layer = l;
            Matrix above = l == depth - 1 ? Matrix.ScaledIdentity(rows, 1) : Spread(rows, rank, (r, i) => left[r, i], i => norms[i].Skip(layer + 1).Aggregate(1.0, (p, n) => p * n));
            Matrix below = l == 0 ? Matrix.ScaledIdentity(columns, 1) : Spread(columns, rank, (c, i) => right[i, c], i => norms[i].Take(layer).Aggregate(1.0, (p, n) => p * n));
            for (int at = 0; at < kernel.Length; at++)
            {
                (int first, int second) = (at / map.Length, at % map.Length);
                kernel[at] += above[first / columns, second / columns] * below[first % columns, second % columns];
            }
        }

        return kernel;
    }

    /// <summary>Sum over i of weight(i) v_i v_iᵀ.</summary>
    private static Matrix Spread(int size, int rank, Func<int, int, double> vector, Func<int, double> weight)
    {
        Matrix sum = new(size, size);
        for (int i = 0; i < rank; i++)
        {
            double scale = weight(i);
            for (int r = 0; r < size; r++)
            {
                for (int c = 0; c < size; c++)
                {
                    sum[r, c] += scale * vector(r, i) * vector(c, i);
                }
            }
        }

        return sum;
    }
}
