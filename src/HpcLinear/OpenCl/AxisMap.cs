namespace HpcLinear.OpenCl;

/// <summary>Which element of a source each (position, tap) of an axis reads, for a subset of the axis's positions and taps.</summary>
/// <param name="Positions">Where on the target's axis the positions are.</param>
/// <param name="Taps">Where in the filter the taps are.</param>
/// <param name="Sources">Entry <c>position * Taps.Length + tap</c>: the source element; -1 for zero.</param>
internal sealed record AxisMap(int[] Positions, int[] Taps, int[] Sources)
{
    // Entries of a table; 1 GiB.
    private const long MostEntries = 1L << 28;

    /// <summary>An axis of one element that is always read: the outer part of a problem with one axis.</summary>
    public static AxisMap Single { get; } = new([0], [0], [0]);

    /// <summary>Whether a tap falls on padding.</summary>
    public bool HasPadding { get; } = Array.IndexOf(Sources, -1) >= 0;

    /// <summary>Throws unless a table of this size can be made.</summary>
    /// <exception cref="NotSupportedException">It cannot.</exception>
    public static void CheckEntries(double entries, string problem)
    {
        if (entries > MostEntries)
        {
            throw new NotSupportedException($"{problem}: OpenCL kernels need a table of {entries:G4} entries, at most {MostEntries} are supported");
        }
    }

    /// <summary>Two axes as one, the last fastest; the extents are those of <paramref name="inner"/>.</summary>
    public static AxisMap Combine(AxisMap outer, AxisMap inner, int positionExtent, int tapExtent, int sourceExtent, string problem)
    {
        CheckEntries((double)outer.Sources.Length * inner.Sources.Length, problem);
        int[] positions = Cross(outer.Positions, inner.Positions, positionExtent), taps = Cross(outer.Taps, inner.Taps, tapExtent);
        int[] sources = new int[outer.Sources.Length * inner.Sources.Length];
        int at = 0;
        for (int p = 0; p < outer.Positions.Length; p++)
        {
            for (int q = 0; q < inner.Positions.Length; q++)
            {
                for (int t = 0; t < outer.Taps.Length; t++)
                {
                    int high = outer.Sources[(p * outer.Taps.Length) + t];
                    for (int u = 0; u < inner.Taps.Length; u++)
                    {
                        int low = inner.Sources[(q * inner.Taps.Length) + u];
                        sources[at++] = (high | low) < 0 ? -1 : checked((high * sourceExtent) + low);
                    }
                }
            }
        }

        return new(positions, taps, sources);
    }

    private static int[] Cross(int[] outer, int[] inner, int extent)
    {
        int[] crossed = new int[outer.Length * inner.Length];
        for (int i = 0, at = 0; i < outer.Length; i++)
        {
            foreach (int j in inner)
            {
                crossed[at++] = checked((outer[i] * extent) + j);
            }
        }

        return crossed;
    }
}
