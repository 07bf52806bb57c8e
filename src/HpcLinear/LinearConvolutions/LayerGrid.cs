using HpcLinear.Operations;

namespace HpcLinear.LinearConvolutions;

/// <summary>Where a layer's taps fall in the end-to-end filter: tap j at <c>Grid · j</c>, so that the layer is a polynomial in <c>x^Grid</c>.</summary>
/// <param name="Layer">Which layer.</param>
/// <param name="Size">Taps along each axis.</param>
/// <param name="Grid">The product of the strides of the layers before it.</param>
internal sealed record LayerGrid(int Layer, int[] Size, int[] Grid)
{
    /// <summary>The axes along which it has more than one tap.</summary>
    public int[] Axes { get; } = [.. Enumerable.Range(0, Size.Length).Where(a => Size[a] > 1)];

    public int Count => Size.Aggregate(1, (product, k) => product * k);

    public static LayerGrid[] Of(DeepProductDescriptor architecture)
    {
        LayerGrid[] result = new LayerGrid[architecture.Depth];
        long[] grid = [.. Enumerable.Repeat(1L, architecture.Filters[0].Rank)];
        for (int l = 0; l < result.Length; l++)
        {
            // A grid beyond the end-to-end filter belongs to axes of one tap alone, where it has no meaning.
            result[l] = new(l, [.. architecture.Filters[l].Select(k => (int)k)], [.. grid.Select((g, a) => architecture.Filters[l][a] > 1 ? checked((int)g) : 1)]);
            grid = [.. grid.Select((g, a) => checked(g * architecture.Strides[l][a]))];
        }

        return result;
    }

    /// <summary>Extent of the product of layers.</summary>
    public static int[] Extent(IReadOnlyList<LayerGrid> layers, int axes) => [.. Enumerable.Range(0, axes).Select(a => 1 + layers.Sum(l => (l.Size[a] - 1) * l.Grid[a]))];
}
