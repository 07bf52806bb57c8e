using HpcLinear.LinearAlgebra;

namespace HpcLinear.LinearNetworks;

/// <summary>Other weights of the same end-to-end map: layers scaled against each other.</summary>
public static class Gauge
{
    /// <summary>The same directions and signs with other norms, so that |W_l|² - |W_{l+1}|² are the given differences and the end-to-end map is what it was.</summary>
    /// <param name="network">The weights; no layer may be zero.</param>
    /// <param name="delta">The L - 1 differences.</param>
    /// <exception cref="ArgumentException">Another number of differences, one that is not finite, or a layer that is zero: it has no direction.</exception>
    /// <exception cref="ArithmeticException">A norm, or the product of all, is outside of the normal range of float64.</exception>
    /// <remarks>A pass over the weights and <see cref="LayerNorms"/>. Source: arXiv:2507.06367; docs/linear-networks.md.</remarks>
    public static DeepLinearNetwork Regauge(DeepLinearNetwork network, ReadOnlySpan<double> delta)
    {
        double[] present = Invariants.SquaredNorms(network);
        Throw.IfCountDiffers(nameof(delta), delta.Length, 1, network.Depth - 1);
        double product = 1;
        for (int l = 0; l < present.Length; l++)
        {
            if (present[l] == 0)
            {
                throw new ArgumentException($"network: layer {l} is zero or vanishes when squared, so that it has no direction", nameof(network));
            }

            product *= present[l];
        }

        if (!double.IsNormal(product))
        {
            throw new ArithmeticException($"regauge: the product of the squared norms leaves the range of float64: {product}");
        }

        double[] norms = LayerNorms.Solve(product, delta);
        double[][] layers = network.ToLayers();
        for (int l = 0; l < layers.Length; l++)
        {
            double factor = Math.Sqrt(norms[l] / present[l]);
            foreach (ref double w in layers[l].AsSpan())
            {
                w *= factor;
            }
        }

        return network.With(layers);
    }

    /// <summary>The same directions and signs with equal norms: <see cref="Regauge"/> with differences of 0.</summary>
    /// <inheritdoc cref="Regauge" path="/exception"/>
    public static DeepLinearNetwork BalanceNorms(DeepLinearNetwork network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return Regauge(network, new double[network.Depth - 1]);
    }

    /// <summary>Weights of the same map whose matrices <see cref="Invariants.ChannelMatrix"/> are all zero: the layers with the least sum of squared norms.</summary>
    /// <param name="network">The weights.</param>
    /// <param name="tolerance">The residual at which it ends.</param>
    /// <param name="mostSweeps">Passes over all pairs of layers at most.</param>
    /// <exception cref="ArgumentOutOfRangeException">The tolerance is negative or not a number, or there are no sweeps.</exception>
    /// <exception cref="ArithmeticException">A singular value overflows.</exception>
    /// <remarks>
    /// <para>A sweep balances one pair after another. With N the upper layer as a matrix of a column for each channel between, and M the lower one of a row for each,
    /// <c>N M = U S Vᵀ</c> has the balanced factors <c>U S^½ R</c> and <c>Rᵀ S^½ Vᵀ</c> for every orthogonal R; the one taken is nearest to the layers as they were, which is the g of
    /// <c>N g⁻¹, g M</c> with g² the solution Q of <c>Q M Mᵀ Q = Nᵀ N</c> where that exists. Directions between the layers that no weight reaches or reads are set to zero, so
    /// that layers wider than the map's rank are balanced too. A pair costs four singular value decompositions of layers.</para>
    /// <para>Pairs disturb each other: the residual falls by a factor a sweep, about cos²(π/L) for L layers of equal width. Source: arXiv:1802.06509; docs/linear-networks.md.</para>
    /// </remarks>
    public static BalanceResult Balance(DeepLinearNetwork network, double tolerance = 1e-12, int mostSweeps = 1000)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (!(tolerance >= 0))
        {
            throw new ArgumentOutOfRangeException(nameof(tolerance), tolerance, "tolerance: a number from 0 on expected");
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(mostSweeps);
        DeepLinearNetwork found = double.IsNormal(Invariants.SquaredNorms(network).Aggregate(1.0, (product, n) => product * n)) ? BalanceNorms(network) : network;
        for (int sweeps = 0; ; sweeps++)
        {
            double largest = Invariants.SquaredNorms(found).Max();
            double residual = largest == 0 ? 0 : Enumerable.Range(0, found.Depth - 1).Select(l => Norm(Invariants.ChannelMatrix(found, l))).DefaultIfEmpty(0).Max() / largest;
            if (largest == 0 || residual <= tolerance || sweeps == mostSweeps)
            {
                return new(found, largest == 0 ? BalanceStatus.Zero : residual <= tolerance ? BalanceStatus.Balanced : BalanceStatus.SweepLimit, sweeps, residual);
            }

            double[][] layers = found.ToLayers();
            for (int l = 0; l < layers.Length - 1; l++)
            {
                Matrix below = Invariants.Below(found.Architecture, l, layers[l]), above = Invariants.Above(found.Architecture, l + 1, layers[l + 1]);
                BalancePair(ref above, ref below);
                (layers[l], layers[l + 1]) = (below.Elements, Invariants.FromAbove(found.Architecture, l + 1, above));
            }

            found = found.With(layers);
        }
    }

    /// <summary>Balances a pair; <paramref name="above"/> is Nᵀ.</summary>
    private static void BalancePair(ref Matrix above, ref Matrix below)
    {
        DenseLibrary library = DenseLibrary.Current;

        // N M through the factors' own decompositions: squares would lose half of the digits.
        (Matrix leftN, double[] valuesN, Matrix rightN) = library.Svd(above);
        (Matrix leftM, double[] valuesM, Matrix rightM) = library.Svd(below);
        Matrix core = Matrix.TransposeMultiply(leftN, leftM);
        for (int i = 0; i < core.Rows; i++)
        {
            for (int j = 0; j < core.Columns; j++)
            {
                core[i, j] *= valuesN[i] * valuesM[j];
            }
        }

        (Matrix u, double[] values, Matrix v) = library.Svd(core);
        double noise = 1e-15 * above.Rows * valuesN[0] * valuesM[0];
        int rank = values.Count(s => s > noise);
        if (rank == 0)
        {
            (above, below) = (new(above.Rows, above.Columns), new(below.Rows, below.Columns));
            return;
        }

        // Rows of S^½ Uᵀ and S^½ Vᵀ, and what both would turn the channels by: (S^-½ Uᵀ N + (M V S^-½)ᵀ).
        Matrix upper = new(rank, u.Rows), lower = new(rank, v.Columns), turnN = new(rank, u.Rows), turnM = new(rank, v.Columns);
        for (int i = 0; i < rank; i++)
        {
            double root = Math.Sqrt(values[i]);
            for (int j = 0; j < u.Rows; j++)
            {
                upper[i, j] = root * u[j, i];
                turnN[i, j] = u[j, i] * valuesN[j] / root;
            }

            for (int j = 0; j < v.Columns; j++)
            {
                lower[i, j] = root * v[i, j];
                turnM[i, j] = v[i, j] * valuesM[j] / root;
            }
        }

        Matrix turn = Matrix.MultiplyTranspose(turnN, leftN);
        turn.Add(1, Matrix.MultiplyTranspose(turnM, leftM));
        (Matrix p, _, Matrix q) = library.Svd(turn);
        Matrix nearest = Matrix.Multiply(p, q);
        above = Matrix.TransposeMultiply(nearest, Matrix.Multiply(upper, rightN));
        below = Matrix.TransposeMultiply(nearest, Matrix.Multiply(lower, rightM));
    }

    private static double Norm(double[] elements) => Math.Sqrt(Matrix.Dot(elements, elements));
}
