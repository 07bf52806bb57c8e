namespace HpcLinear.LinearAlgebra;

/// <summary>All eigenvalues of a symmetric matrix: reflections to tridiagonal form, then the QL iteration with implicit shifts.</summary>
/// <remarks>4/3 n³ flops. Absolute error of the order of the rounding unit times the largest magnitude of an eigenvalue.
/// Source: Martin, Reinsch, Wilkinson, "Householder's tridiagonalization" and "The implicit QL algorithm", Handbook for Automatic Computation II.</remarks>
internal static class SymmetricEigenvalues
{
    private const int MostIterations = 60;

    /// <summary>The eigenvalues in ascending order.</summary>
    /// <param name="symmetric">n × n, of which the lower triangle is read; kept as it is.</param>
    /// <exception cref="ArithmeticException">An element is not finite, or the iteration does not end.</exception>
    public static double[] Of(Matrix symmetric)
    {
        double largest = 0;
        foreach (double element in symmetric.Elements)
        {
            largest = double.IsFinite(element) ? Math.Max(largest, Math.Abs(element)) : throw new ArithmeticException($"eigenvalues: an element is {element}");
        }

        double[] diagonal = new double[symmetric.Rows], offDiagonal = new double[symmetric.Rows];
        if (largest == 0)
        {
            return diagonal;
        }

        // A power of two, so that squares neither overflow nor vanish and nothing is rounded.
        int exponent = Math.ILogB(largest);
        Matrix a = new(symmetric.Rows, symmetric.Rows);
        for (int i = 0; i < a.Elements.Length; i++)
        {
            a.Elements[i] = Math.ScaleB(symmetric.Elements[i], -exponent);
        }

        Tridiagonalise(a, diagonal, offDiagonal);
        OfTridiagonal(diagonal, offDiagonal);
        for (int i = 0; i < diagonal.Length; i++)
        {
            diagonal[i] = Math.ScaleB(diagonal[i], exponent);
        }

        return diagonal;
    }

    /// <summary>The eigenvalues of a symmetric tridiagonal matrix, ascending, in place of its diagonal.</summary>
    /// <param name="diagonal">n entries; overwritten.</param>
    /// <param name="offDiagonal">n entries, the first n - 1 beside the diagonal, the last of no meaning; destroyed.</param>
    /// <exception cref="ArithmeticException">The iteration does not end.</exception>
    public static void OfTridiagonal(Span<double> diagonal, Span<double> offDiagonal)
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

    /// <summary>Reflections from both sides, one a column; the lower triangle of a is destroyed.</summary>
    private static void Tridiagonalise(Matrix a, Span<double> diagonal, Span<double> offDiagonal)
    {
        int n = a.Rows;
        double[] v = new double[n], w = new double[n];
        for (int k = 0; k < n; k++)
        {
            diagonal[k] = a[k, k];
            if (k == n - 1)
            {
                return;
            }

            for (int i = k + 1; i < n; i++)
            {
                v[i] = a[i, k];
            }

            double norm = Math.Sqrt(Matrix.Dot(v.AsSpan(k + 1), v.AsSpan(k + 1)));
            if (k == n - 2 || norm == 0)
            {
                offDiagonal[k] = a[k + 1, k];
                continue;
            }

            // (I - v vᵀ/h) x = -sign(x_0) |x| e_0 with v = x + sign(x_0) |x| e_0 and h = |v|²/2 = |x| (|x| + |x_0|).
            double length = Math.CopySign(norm, v[k + 1]);
            offDiagonal[k] = -length;
            double h = norm * (norm + Math.Abs(v[k + 1]));
            v[k + 1] += length;
            Reflect(a, k + 1, v, w, h);
        }
    }

    /// <summary>A becomes (I - v vᵀ/h) A (I - v vᵀ/h) on rows and columns from first on: A - v qᵀ - q vᵀ, q = p - (vᵀp/2h) v, p = A v/h.</summary>
    private static void Reflect(Matrix a, int first, double[] v, double[] q, double h)
    {
        int n = a.Rows;
        Array.Clear(q);
        for (int i = first; i < n; i++)
        {
            ReadOnlySpan<double> row = a.Row(i)[first..i];
            q[i] += (Matrix.Dot(row, v.AsSpan(first, i - first)) + (a[i, i] * v[i])) / h;
            Matrix.AddScaled(v[i] / h, row, q.AsSpan(first, i - first));
        }

        double share = Matrix.Dot(v.AsSpan(first), q.AsSpan(first)) / (2 * h);
        Matrix.AddScaled(-share, v.AsSpan(first), q.AsSpan(first));
        for (int i = first; i < n; i++)
        {
            Span<double> row = a.Row(i)[first..(i + 1)];
            Matrix.AddScaled(-v[i], q.AsSpan(first, i + 1 - first), row);
            Matrix.AddScaled(-q[i], v.AsSpan(first, i + 1 - first), row);
        }
    }
}
