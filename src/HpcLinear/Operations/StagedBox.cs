namespace HpcLinear.Operations;

/// <summary>How positions are cut into boxes: single positions of the axes before <paramref name="Cut"/>, a range of that one, all of those behind it.</summary>
internal readonly record struct StagedBox(int Cut, int Range)
{
    /// <summary>The largest box of at most so many positions whose channel takes at most so many staged elements; of at least <paramref name="least"/> where these allow it.</summary>
    public static StagedBox Largest(WindowAxis[] axes, long most, long least, double elements)
    {
        int last = axes.Length - 1;
        for (int cut = 0; ; cut++)
        {
            long range = Math.Min(Math.Max(most, least) / new StagedBox(cut, 1).Positions(axes), axes[cut].Most);
            while (range > 1 && new StagedBox(cut, (int)range).StagedElements(axes) > elements)
            {
                range /= 2;
            }

            if (range >= 1 && (cut == last || new StagedBox(cut, (int)range).StagedElements(axes) <= elements))
            {
                // Boxes of nearly equal size.
                int all = axes[cut].Most, count = (int)((all + range - 1) / range);
                return new(cut, (all + count - 1) / count);
            }
        }
    }

    /// <summary>The same, but smaller, and channels in more ranges, until there are several pieces of work for each thread.</summary>
    public static StagedBox ForThreads(WindowAxis[] axes, long most, long least, double elements, double images, int threads, ref int ranges, long mostRanges)
    {
        StagedBox box = Largest(axes, most, 1, elements);
        while (threads > 1 && images * ranges * box.Count(axes) < 3 * threads)
        {
            StagedBox smaller = Largest(axes, box.Positions(axes) / 2, least, elements);
            if (smaller.Positions(axes) < box.Positions(axes))
            {
                box = smaller;
            }
            else if (ranges < mostRanges)
            {
                ranges++;
            }
            else
            {
                break;
            }
        }

        return box;
    }

    /// <summary>Boxes that cover the positions.</summary>
    public double Count(WindowAxis[] axes)
    {
        double count = (axes[Cut].Most + Range - 1) / Range;
        for (int a = 0; a < Cut; a++)
        {
            count *= axes[a].Most;
        }

        return count;
    }

    /// <summary>Positions of a box.</summary>
    public long Positions(WindowAxis[] axes)
    {
        long count = Range;
        for (int a = Cut + 1; a < axes.Length; a++)
        {
            count *= axes[a].Most;
        }

        return count;
    }

    /// <summary>Positions along each axis.</summary>
    public int[] Extents(WindowAxis[] axes)
    {
        int[] extents = new int[axes.Length];
        for (int a = 0; a < axes.Length; a++)
        {
            extents[a] = a < Cut ? 1 : a == Cut ? Math.Min(Range, axes[a].Most) : axes[a].Most;
        }

        return extents;
    }

    /// <summary>Elements staged of a channel.</summary>
    public double StagedElements(WindowAxis[] axes)
    {
        int[] extents = Extents(axes);
        double count = 1;
        for (int a = 0; a < axes.Length; a++)
        {
            (_, int beyond, int[] residues) = axes[a].Reach();
            count *= (extents[a] + (double)beyond) * residues.Length;
        }

        return count;
    }
}
