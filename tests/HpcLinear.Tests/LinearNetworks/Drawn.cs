using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Tests.LinearNetworks;

/// <summary>Random networks and numbers.</summary>
internal static class Drawn
{
    /// <summary>A network of up to five layers of up to four axes.</summary>
    public static DeepLinearNetwork Network(Random random, int? axes = null, int? depth = null, int mostChannels = 3)
    {
        int rank = axes ?? random.Next(5), layers = depth ?? (1 + random.Next(5));
        int largest = rank switch { 0 => 1, 1 => 4, 2 => 3, _ => 2 };
        DeepProductDescriptor d = new()
        {
            Channels = [.. Enumerable.Range(0, layers + 1).Select(_ => (long)(1 + random.Next(mostChannels)))],
            Filters = [.. Enumerable.Range(0, layers).Select(_ => Extents(largest))],
            Strides = [.. Enumerable.Range(0, layers).Select(_ => Extents(rank > 2 ? 1 + random.Next(2) : 2))],
        };
        return new(d, Layers(d, random));

        Shape Extents(int most) => [.. Enumerable.Range(0, rank).Select(_ => (long)(1 + random.Next(most)))];
    }

    /// <summary>Arrays of the layers' sizes.</summary>
    public static double[][] Layers(DeepProductDescriptor d, Random random) =>
        [.. Enumerable.Range(0, d.Depth).Select(l => Numbers((int)d.FilterShape(l).ElementCount, random))];

    public static double[] Numbers(int count, Random random) => [.. Enumerable.Range(0, count).Select(_ => (2 * random.NextDouble()) - 1)];

    public static double Dot(IEnumerable<double> a, IEnumerable<double> b) => a.Zip(b, (x, y) => x * y).Sum();

    public static DeepLinearNetwork Moved(DeepLinearNetwork network, double step, double[][] directions) =>
        network.With([.. network.ToLayers().Zip(directions, (w, d) => w.Zip(d, (a, b) => a + (step * b)).ToArray())]);
}
