using HpcLinear.LinearConvolutions;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Layers of one filter and one set of invariants: found, counted, set in motion.</summary>
internal static class LayerClasses
{
    /// <summary>Normal weights.</summary>
    public static DeepLinearNetwork Draw(DeepProductDescriptor architecture, Random random) =>
        new(architecture, [.. Enumerable.Range(0, architecture.Depth).Select(l => Normal((int)architecture.FilterShape(l).ElementCount, random))]);

    public static double[] Normal(int count, Random random) =>
        [.. Enumerable.Range(0, count).Select(_ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];

    /// <summary>The number of different layers, up to signs, that Gauss-Newton finds over a filter from random starts.</summary>
    public static int Census(DeepLinearNetwork network, IReadOnlyList<double> delta, int starts, Random random, CancellationToken cancellation)
    {
        double[] v = network.EndToEnd(), invariants = [.. delta];
        List<DeepLinearNetwork> found = [];
        for (int start = 0; start < starts; start++)
        {
            cancellation.ThrowIfCancellationRequested();
            FilterFactorisation reached = FilterFactorisation.Track(Draw(network.Architecture, random), v, invariants, new() { TrackingSteps = 200 });
            if (reached.Status == FactorisationStatus.Found && !found.Any(f => Distance(f, reached.Network!) < 1e-5))
            {
                found.Add(reached.Network!);
            }
        }

        return found.Count;
    }

    /// <summary>Different ones among matrices: apart by more than 1e-8 of their norm.</summary>
    public static int Different(IReadOnlyList<double[]> kernels)
    {
        List<double[]> different = [];
        different.AddRange(kernels.Where(k => !different.Any(d => Difference(d, k) <= 1e-8)));
        return different.Count;
    }

    /// <summary>The largest relative difference between two of several matrices.</summary>
    public static double Spread(IReadOnlyList<double[]> kernels) => kernels.SelectMany((a, i) => kernels.Skip(i + 1).Select(b => Difference(a, b))).DefaultIfEmpty(0).Max();

    /// <summary>The smallest one.</summary>
    public static double Gap(IReadOnlyList<double[]> kernels) => kernels.SelectMany((a, i) => kernels.Skip(i + 1).Select(b => Difference(a, b))).DefaultIfEmpty(double.NaN).Min();

    public static double Difference(double[] a, double[] b) => Math.Sqrt(a.Zip(b, (x, y) => (x - y) * (x - y)).Sum() / a.Sum(x => x * x));

    /// <summary>The largest distance of filters and invariants of classes from those given, relative.</summary>
    public static double Error(IReadOnlyList<FilterFactorisation> classes, double[] v, IReadOnlyList<double> delta) => classes.Max(c =>
    {
        double[] norms = Invariants.SquaredNorms(c.Network!), own = Invariants.NormDifferences(c.Network!);
        return Math.Max(Difference(v, c.Network!.EndToEnd()), own.Zip(delta, (x, y) => Math.Abs(x - y)).DefaultIfEmpty(0).Max() / norms.Max());
    });

    /// <summary>The end-to-end filter after gradient flow of the weights on <c>|v|²/2 - &lt;b, v&gt;</c>, by Runge and Kutta's method in equal steps.</summary>
    public static double[] Flow(DeepLinearNetwork start, double[] b, double time, int steps = 400)
    {
        double h = time / steps;
        DeepLinearNetwork at = start;
        for (int step = 0; step < steps; step++)
        {
            double[][] k1 = Slope(at), k2 = Slope(Moved(at, k1, h / 2)), k3 = Slope(Moved(at, k2, h / 2)), k4 = Slope(Moved(at, k3, h));
            at = at.With([.. at.ToLayers().Select((w, l) => w.Select((x, i) => x + (h / 6 * (k1[l][i] + (2 * (k2[l][i] + k3[l][i])) + k4[l][i]))).ToArray())]);
        }

        return at.EndToEnd();

        double[][] Slope(DeepLinearNetwork n) => n.JacobianTransposeProduct([.. b.Zip(n.EndToEnd(), (x, y) => x - y)]);
        static DeepLinearNetwork Moved(DeepLinearNetwork n, double[][] along, double h) => n.With([.. n.ToLayers().Select((w, l) => w.Select((x, i) => x + (h * along[l][i])).ToArray())]);
    }

    private static double Distance(DeepLinearNetwork a, DeepLinearNetwork b)
    {
        double worst = 0;
        for (int l = 0; l < a.Depth; l++)
        {
            double plus = 0, minus = 0, norm = 0;
            for (int i = 0; i < a.Layer(l).Length; i++)
            {
                (double x, double y) = (a.Layer(l)[i], b.Layer(l)[i]);
                (plus, minus, norm) = (plus + ((x + y) * (x + y)), minus + ((x - y) * (x - y)), norm + (x * x));
            }

            worst = Math.Max(worst, Math.Sqrt(Math.Min(plus, minus) / norm));
        }

        return worst;
    }
}
