namespace HpcLinear.LinearAlgebra;

/// <summary>All eigenvalues of a symmetric tridiagonal matrix, by the QL iteration with implicit shifts.</summary>
/// <remarks>About 30 n² flops. Absolute error of the order of the rounding unit times the largest magnitude of an eigenvalue.
/// Source: Martin, Reinsch, Wilkinson, "The implicit QL algorithm", Handbook for Automatic Computation II.</remarks>
internal static class TridiagonalEigenvalues
{
    private const int MostIterations = 60;

    /// <summary>The eigenvalues, ascending, in place of the diagonal.</summary>
    /// <param name="diagonal">n entries; overwritten.</param>
    /// <param name="offDiagonal">n entries, the first n - 1 beside the diagonal, the last of no meaning; destroyed.</param>
    /// <exception cref="ArithmeticException">The iteration does not end.</exception>
    public static void Of(Span<double> diagonal, Span<double> offDiagonal)
    {
        int n = diagonal.Length;
        double largest = 0;
        for (int i = 0; i < n; i++)
        {
            offDiagonal[i] = i < n - 1 ? offDiagonal[i] : 0;
            largest = Math.Max(largest, Math.Max(Math.Abs(diagonal[i]), Math.Abs(offDiagonal[i])));
        }

        double negligible = Math.ScaleB(largest, -53);
        for (int l = 0; l < n; l++)
        {
            for (int iteration = 0; ; iteration++)
            {
                int m = l;
                while (m < n - 1 && Math.Abs(offDiagonal[m]) > negligible)
                {
                    m++;
                }

                if (m == l)
                {
                    break;
                }

                if (iteration == MostIterations)
                {
                    throw new ArithmeticException($"eigenvalues: eigenvalue {l} of {n} does not settle in {MostIterations} iterations");
                }

                Sweep(diagonal, offDiagonal, l, m);
            }
        }

        diagonal.Sort();
    }

    /// <summary>One QL step with Wilkinson's shift on rows l … m.</summary>
    private static void Sweep(Span<double> d, Span<double> e, int l, int m)
    {
        double g = (d[l + 1] - d[l]) / (2 * e[l]);
        double r = double.Hypot(g, 1);
        g = d[m] - d[l] + (e[l] / (g + Math.CopySign(r, g)));
        double s = 1, c = 1, p = 0;
        for (int i = m - 1; i >= l; i--)
        {
            double f = s * e[i], b = c * e[i];
            r = double.Hypot(f, g);
            e[i + 1] = r;
            if (r == 0)
            {
                // The matrix falls apart here: undo the shift and start again on the part that is left.
                d[i + 1] -= p;
                e[m] = 0;
                return;
            }

            s = f / r;
            c = g / r;
            g = d[i + 1] - p;
            r = ((d[i] - g) * s) + (2 * c * b);
            p = s * r;
            d[i + 1] = g + p;
            g = (c * r) - b;
        }

        d[l] -= p;
        e[l] = g;
        e[m] = 0;
    }
}
