namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Sectional curvatures of a metric in three coordinates, by finite differences of it at a point.</summary>
internal sealed class MetricCurvature
{
    private readonly double[,] metric;
    private readonly double[,] inverse;

    /// <summary>First derivatives, [coordinate][i, j].</summary>
    private readonly double[][,] first = new double[3][,];

    /// <summary>Second derivatives, [coordinate, coordinate][i, j].</summary>
    private readonly double[,][,] second = new double[3, 3][,];

    /// <summary>Evaluates a metric at 19 points around 0; errors are of the order of the step's square.</summary>
    public MetricCurvature(Func<double[], double[,]> at, double step)
    {
        metric = at([0, 0, 0]);
        inverse = Inverse(metric);
        for (int a = 0; a < 3; a++)
        {
            double[,] ahead = At((a, 1)), behind = At((a, -1));
            first[a] = Combine((i, j) => (ahead[i, j] - behind[i, j]) / (2 * step));
            second[a, a] = Combine((i, j) => (ahead[i, j] - (2 * metric[i, j]) + behind[i, j]) / (step * step));
            for (int b = 0; b < a; b++)
            {
                double[,] pp = At((a, 1), (b, 1)), pm = At((a, 1), (b, -1)), mp = At((a, -1), (b, 1)), mm = At((a, -1), (b, -1));
                second[a, b] = second[b, a] = Combine((i, j) => (pp[i, j] - pm[i, j] - mp[i, j] + mm[i, j]) / (4 * step * step));
            }
        }

        double[,] At(params (int Coordinate, int Sign)[] moves)
        {
            double[] x = new double[3];
            foreach ((int coordinate, int sign) in moves)
            {
                x[coordinate] = sign * step;
            }

            return at(x);
        }
    }

    /// <summary>Curvature of the plane of coordinates i and k.</summary>
    public double Sectional(int i, int k)
    {
        double riemann = second[i, k][i, k] - ((second[k, k][i, i] + second[i, i][k, k]) / 2) + Product(Christoffel(i, k), Christoffel(i, k)) - Product(Christoffel(k, k), Christoffel(i, i));
        return riemann / ((metric[i, i] * metric[k, k]) - (metric[i, k] * metric[i, k]));

        double[] Christoffel(int a, int b) => [.. Enumerable.Range(0, 3).Select(n => (first[a][n, b] + first[b][n, a] - first[n][a, b]) / 2)];
        double Product(double[] a, double[] b) => Enumerable.Range(0, 9).Sum(n => a[n / 3] * inverse[n / 3, n % 3] * b[n % 3]);
    }

    private static double[,] Combine(Func<int, int, double> element)
    {
        double[,] result = new double[3, 3];
        for (int n = 0; n < 9; n++)
        {
            result[n / 3, n % 3] = element(n / 3, n % 3);
        }

        return result;
    }

    private static double[,] Inverse(double[,] m)
    {
        double determinant = Enumerable.Range(0, 3).Sum(j => m[0, j] * Cofactor(0, j));
        return Combine((i, j) => Cofactor(j, i) / determinant);

        double Cofactor(int i, int j) => (m[(i + 1) % 3, (j + 1) % 3] * m[(i + 2) % 3, (j + 2) % 3]) - (m[(i + 1) % 3, (j + 2) % 3] * m[(i + 2) % 3, (j + 1) % 3]);
    }
}
