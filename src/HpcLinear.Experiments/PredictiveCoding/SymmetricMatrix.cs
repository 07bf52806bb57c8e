namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Small symmetric matrices.</summary>
internal static class SymmetricMatrix
{
    private const int MaxSweeps = 60;

    /// <summary>Eigenvalues, smallest first, and their eigenvectors as rows, by Jacobi's rotations.</summary>
    /// <param name="matrix">Row-major, <c>[size, size]</c>; not changed.</param>
    public static (double[] Values, double[][] Vectors) Eigen(ReadOnlySpan<double> matrix)
    {
        int n = (int)Math.Round(Math.Sqrt(matrix.Length));
        double[][] a = new double[n][], v = new double[n][];
        for (int i = 0; i < n; i++)
        {
            a[i] = matrix.Slice(i * n, n).ToArray();
            v[i] = new double[n];
            v[i][i] = 1;
        }

        double size = a.Sum(row => row.Sum(x => x * x));
        for (int sweep = 0; sweep < MaxSweeps && Enumerable.Range(0, n).Sum(i => a[i].Where((_, j) => j != i).Sum(x => x * x)) > 1e-32 * size; sweep++)
        {
            for (int p = 0; p < n; p++)
            {
                for (int q = p + 1; q < n; q++)
                {
                    if (a[p][q] != 0)
                    {
                        Rotate(a, v, p, q);
                    }
                }
            }
        }

        int[] order = [.. Enumerable.Range(0, n).OrderBy(i => a[i][i])];
        return ([.. order.Select(i => a[i][i])], [.. order.Select(i => v[i])]);
    }

    private static void Rotate(double[][] a, double[][] v, int p, int q)
    {
        double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        double t = (theta >= 0 ? 1 : -1) / (Math.Abs(theta) + Math.Sqrt((theta * theta) + 1)), c = 1 / Math.Sqrt((t * t) + 1), s = t * c;
        for (int k = 0; k < a.Length; k++)
        {
            (a[k][p], a[k][q]) = ((c * a[k][p]) - (s * a[k][q]), (s * a[k][p]) + (c * a[k][q]));
        }

        for (int k = 0; k < a.Length; k++)
        {
            (a[p][k], a[q][k]) = ((c * a[p][k]) - (s * a[q][k]), (s * a[p][k]) + (c * a[q][k]));
            (v[p][k], v[q][k]) = ((c * v[p][k]) - (s * v[q][k]), (s * v[p][k]) + (c * v[q][k]));
        }
    }
}
