namespace HpcLinear.LinearConvolutions;

/// <summary>Layers that have taps along one axis alone, the same one and on the same grid: only their product is seen, a polynomial whose roots can be dealt to them in several ways.</summary>
/// <param name="Axis">The axis.</param>
/// <param name="Layers">Two or more layers.</param>
/// <param name="Degrees">The number of roots of each, its taps less one.</param>
public sealed record UnivariateSet(int Axis, IReadOnlyList<int> Layers, IReadOnlyList<int> Degrees)
{
    /// <summary>The number of ways to deal distinct real roots and conjugate pairs: the coefficient of <c>prod z_l^degree_l</c> in <c>(sum z_l)^p (sum z_l²)^q</c>.</summary>
    /// <param name="realRoots">p.</param>
    /// <param name="pairs">q; p + 2q is the sum of the degrees, or no deal exists.</param>
    /// <returns>0 where no real layers have this product. Above 2^53 rounded, at most infinity.</returns>
    public double Deals(int realRoots, int pairs) => realRoots + (2 * pairs) == Degrees.Sum() ? Deals(0, realRoots, pairs) : 0;

    private double Deals(int from, int realRoots, int pairs)
    {
        if (from == Degrees.Count)
        {
            return 1;
        }

        double sum = 0;
        for (int taken = 0; taken <= pairs && 2 * taken <= Degrees[from]; taken++)
        {
            int real = Degrees[from] - (2 * taken);
            if (real <= realRoots)
            {
                sum += Choose(pairs, taken) * Choose(realRoots, real) * Deals(from + 1, realRoots - real, pairs - taken);
            }
        }

        return sum;
    }

    private static double Choose(int from, int count)
    {
        double result = 1;
        for (int i = 1; i <= count; i++)
        {
            result = result * (from - count + i) / i;
        }

        return Math.Round(result);
    }
}
