namespace HpcLinear.Operations;

/// <summary>Squared norms n_l = t + off_l of layers whose differences are given and whose product is.</summary>
internal static class SquaredNorms
{
    // A guard only: 7 iterations are the most that random rows need.
    private const int MostIterations = 200;

    /// <summary>log t with <c>sum log(t + off_l) = logProduct</c>; offsets are not negative, and one is 0.</summary>
    /// <remarks>The sum is increasing and convex in log t: Newton's method from logProduct/L, an upper bound, falls to the only root.</remarks>
    public static double LogSmallest(ReadOnlySpan<double> offsets, double logProduct)
    {
        double s = logProduct / offsets.Length;
        for (int iteration = 0; iteration < MostIterations; iteration++)
        {
            double t = Math.Exp(s), value = -logProduct, slope = 0;
            foreach (double off in offsets)
            {
                // A t that vanishes beside nothing is still known by its logarithm.
                value += off == 0 ? s : Math.Log(t + off);
                slope += off == 0 ? 1 : t / (t + off);
            }

            double step = value / slope;
            s -= step;
            if (Math.Abs(step) <= 1e-15 * (1 + Math.Abs(s)) || step < 0)
            {
                break;
            }
        }

        return s;
    }

    /// <summary>
    /// Replaces <paramref name="wanted"/>, squared norms with the differences to restore, by the factors of the layers that bring these differences back without changing
    /// the end-to-end map. False where a norm is not positive and finite: nothing is to be scaled.
    /// </summary>
    public static bool Scales(ReadOnlySpan<double> norms, Span<double> wanted)
    {
        double least = double.PositiveInfinity, product = 0;
        for (int l = 0; l < norms.Length; l++)
        {
            if (!(norms[l] > 0 && double.IsFinite(norms[l])))
            {
                return false;
            }

            least = Math.Min(least, wanted[l]);
            product += Math.Log(norms[l]);
        }

        foreach (ref double n in wanted)
        {
            n -= least;
        }

        double t = Math.Exp(LogSmallest(wanted, product));
        if (!(t > 0 && double.IsFinite(t)))
        {
            return false;
        }

        for (int l = 0; l < norms.Length; l++)
        {
            wanted[l] = Math.Sqrt((t + wanted[l]) / norms[l]);
        }

        return true;
    }
}
