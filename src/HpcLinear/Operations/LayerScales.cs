namespace HpcLinear.Operations;

/// <summary>Factors that bring the differences of layers' squared norms back without changing the end-to-end map.</summary>
internal static class LayerScales
{
    /// <summary>
    /// Replaces <paramref name="wanted"/>, squared norms with the differences to restore, by the factors of the layers: <c>n_l = t + off_l</c>, with t such that
    /// the product of the n_l is that of <paramref name="norms"/>. False where a norm is not positive and finite: nothing is to be scaled.
    /// </summary>
    /// <remarks>Σ log(t + off_l) grows and is convex in log t: Newton's method falls to the only root from its second iterate on.</remarks>
    public static bool Solve(ReadOnlySpan<double> norms, Span<double> wanted)
    {
        double least = double.PositiveInfinity, product = 0, smallest = double.PositiveInfinity;
        for (int l = 0; l < norms.Length; l++)
        {
            if (!(norms[l] > 0 && double.IsFinite(norms[l])))
            {
                return false;
            }

            least = Math.Min(least, wanted[l]);
            smallest = Math.Min(smallest, norms[l]);
            product += Math.Log(norms[l]);
        }

        double t = smallest;
        for (int iteration = 0; iteration < 60; iteration++)
        {
            double sum = -product, slope = 0;
            foreach (double n in wanted)
            {
                sum += Math.Log(t + (n - least));
                slope += t / (t + (n - least));
            }

            double change = Math.Exp(-sum / slope);
            t *= change;
            if (Math.Abs(change - 1) < 1e-15 * norms.Length || !double.IsFinite(t))
            {
                break;
            }
        }

        if (!(t > 0 && double.IsFinite(t)))
        {
            return false;
        }

        for (int l = 0; l < norms.Length; l++)
        {
            wanted[l] = Math.Sqrt((t + (wanted[l] - least)) / norms[l]);
        }

        return true;
    }
}
