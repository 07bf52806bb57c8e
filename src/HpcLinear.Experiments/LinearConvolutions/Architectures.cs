using HpcLinear.Operations;

namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Architectures of one channel by name, e.g. <c>3-2/s2-1</c>: filters of 3 and 2 taps at strides 2 and 1; axes are joined by x.</summary>
internal static class Architectures
{
    public static DeepProductDescriptor Parse(string name, int? networks = null)
    {
        string[] parts = name.Split("/s");
        Shape[] filters = [.. parts[0].Split('-').Select(Axes)], strides = [.. parts[1].Split('-').Select(Axes)];
        return new() { Problems = networks, Channels = Shape.Uniform(filters.Length + 1, 1), Filters = filters, Strides = strides };

        static Shape Axes(string text) => Shape.Create([.. text.Split('x').Select(n => long.Parse(n, System.Globalization.CultureInfo.InvariantCulture))]);
    }

    /// <summary>Whether filter and invariants determine the layers near any flow: one axis and stride one do not.</summary>
    public static bool IsBranched(string name) => Parse(name) is var network && network.Filters[0].Rank == 1 && network.Strides.Take(network.Depth - 1).Any(s => s[0] == 1);
}
