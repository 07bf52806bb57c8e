using HpcLinear.Experiments.PredictiveCoding;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>A single-channel network as a point of its leaf: squared norms and unit filters, with two unit directions across each filter.</summary>
internal sealed class LeafPoint
{
    private readonly DeepLinearNetwork network;

    private LeafPoint(DeepLinearNetwork network, double[] norms, double[][] units, double[][][] across) =>
        (this.network, Norms, Units, Across) = (network, norms, units, across);

    public double[] Norms { get; }

    public double[][] Units { get; }

    /// <summary>For each layer as many orthonormal directions across its filter as it has, two at most.</summary>
    public double[][][] Across { get; }

    public int Depth => Norms.Length;

    /// <summary>Normal directions with the norms that c² and delta give.</summary>
    public static LeafPoint Draw(DeepProductDescriptor architecture, double c2, double[] delta, int seed)
    {
        Random random = new(seed);
        double[][] units = new double[architecture.Depth][];
        double[][][] across = new double[architecture.Depth][][];
        for (int l = 0; l < units.Length; l++)
        {
            int size = (int)architecture.FilterShape(l).ElementCount;
            List<double[]> basis = [];
            while (basis.Count < Math.Min(3, size))
            {
                double[] next = [.. Enumerable.Range(0, size).Select(_ => (2 * random.NextDouble()) - 1)];
                for (int pass = 0; pass < 2; pass++)
                {
                    foreach (double[] one in basis)
                    {
                        double share = Dot(one, next);
                        next = [.. next.Zip(one, (x, y) => x - (share * y))];
                    }
                }

                double length = Math.Sqrt(Dot(next, next));
                basis.Add([.. next.Select(x => x / length)]);
            }

            (units[l], across[l]) = (basis[0], [.. basis.Skip(1)]);
        }

        double[] norms = LayerNorms.Solve(c2, delta);
        return new(new(architecture, [.. units.Select((u, l) => u.Select(x => Math.Sqrt(norms[l]) * x).ToArray())]), norms, units, across);
    }

    /// <summary>The metric of the function space, <c>g(a, b) = aᵀ K⁺ b</c>, of the derivatives of v along a chart of three dimensions.</summary>
    /// <param name="x">log t, and how far the first and the second direction are added to their filters.</param>
    /// <param name="first">Layer and number of the first direction.</param>
    /// <param name="second">The same of the second.</param>
    /// <param name="rank">Eigenvalues of K that are not zero.</param>
    public double[,] Metric(double[] x, (int Layer, int Number) first, (int Layer, int Number) second, int rank)
    {
        double least = Norms.Min(), shift = least * (Math.Exp(x[0]) - 1);
        double[][] layers = new double[Depth][];
        double[][][] steps = [new double[Depth][], new double[Depth][], new double[Depth][]];
        for (int l = 0; l < Depth; l++)
        {
            double n = Norms[l] + shift;
            (double[] unit, double[] one, double[] two) = Turn(l);
            layers[l] = Scaled(unit, Math.Sqrt(n));
            steps[0][l] = Scaled(unit, 0.5 * (least + shift) / Math.Sqrt(n));
            (steps[1][l], steps[2][l]) = (Scaled(one, Math.Sqrt(n)), Scaled(two, Math.Sqrt(n)));
        }

        DeepLinearNetwork here = network.With(layers);
        double[][] tangents = [.. steps.Select(here.JacobianProduct)];
        (double[] values, double[][] vectors) = SymmetricMatrix.Eigen(here.Kernel());
        double[,] metric = new double[3, 3];
        for (int e = values.Length - rank; e < values.Length; e++)
        {
            double[] shares = [.. tangents.Select(t => Dot(t, vectors[e]))];
            for (int i = 0; i < 3; i++)
            {
                for (int j = 0; j < 3; j++)
                {
                    metric[i, j] += shares[i] * shares[j] / values[e];
                }
            }
        }

        return metric;

        // The unit filter at x and its derivatives by the two coordinates.
        (double[] Unit, double[] One, double[] Two) Turn(int layer)
        {
            double[] sum = (double[])Units[layer].Clone(), one = new double[sum.Length], two = new double[sum.Length];
            for (int i = 0; i < sum.Length; i++)
            {
                one[i] = first.Layer == layer ? Across[layer][first.Number][i] : 0;
                two[i] = second.Layer == layer ? Across[layer][second.Number][i] : 0;
                sum[i] += (x[1] * one[i]) + (x[2] * two[i]);
            }

            double length = Math.Sqrt(Dot(sum, sum));
            double[] unit = Scaled(sum, 1 / length);
            return (unit, Projected(one), Projected(two));

            double[] Projected(double[] step)
            {
                double share = Dot(step, unit);
                return [.. step.Zip(unit, (s, u) => (s - (share * u)) / length)];
            }
        }
    }

    /// <summary>Sectional curvature by the Gauss equation for the leaf as a surface in the space of weights.</summary>
    /// <param name="a">A unit tangent: lengths along the radius (layer -1) or one of a layer's directions.</param>
    /// <param name="b">Another, orthogonal to it.</param>
    public double GaussCurvature((int Layer, int Number) a, (int Layer, int Number) b)
    {
        double[][] x = Tangent(a), y = Tangent(b);
        double[] xx = Second(x, x), yy = Second(y, y), xy = Second(x, y);
        return Dot(xx, Solve(yy)) - Dot(xy, Solve(xy));

        // Second fundamental form in the normals, the gradients of |W_l|² - |W_(l+1)|²; factors of two cancel against those of their Gram matrix.
        double[] Second(double[][] p, double[][] q) => [.. Enumerable.Range(0, Depth - 1).Select(l => Dot(p[l], q[l]) - Dot(p[l + 1], q[l + 1]))];

        // The Gram matrix of the normals is tridiagonal: n_l + n_(l+1), and -n_(l+1) beside it.
        double[] Solve(double[] right)
        {
            double[] result = (double[])right.Clone(), diagonal = [.. Enumerable.Range(0, Depth - 1).Select(l => Norms[l] + Norms[l + 1])];
            for (int l = 1; l < result.Length; l++)
            {
                double factor = -Norms[l] / diagonal[l - 1];
                diagonal[l] += factor * Norms[l];
                result[l] -= factor * result[l - 1];
            }

            for (int l = result.Length - 1; l >= 0; l--)
            {
                result[l] = (result[l] + (l + 1 < result.Length ? Norms[l + 1] * result[l + 1] : 0)) / diagonal[l];
            }

            return result;
        }
    }

    /// <summary>A unit tangent vector in the space of weights.</summary>
    private double[][] Tangent((int Layer, int Number) direction)
    {
        if (direction.Layer >= 0)
        {
            return [.. Units.Select((u, l) => l == direction.Layer ? Across[l][direction.Number] : new double[u.Length])];
        }

        double length = Math.Sqrt(Norms.Sum(n => 1 / n));
        return [.. Units.Select((u, l) => Scaled(u, 1 / (Math.Sqrt(Norms[l]) * length)))];
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static double[] Scaled(double[] a, double factor) => Array.ConvertAll(a, x => factor * x);
}
