using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// A box of result positions and the piece of every source channel that it reads, staged so that a tap is a constant offset: padding is written out, and
/// coordinates are split by their residue modulo the step, so that neighbouring positions read neighbouring elements.
/// </summary>
/// <remarks>A staged axis holds, for each residue that some tap needs, as many elements as the box has positions and those that taps reach beyond.</remarks>
internal sealed unsafe class StagedWindow<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Spatial axes there may be.</summary>
    public const int MaxRank = 8;

    /// <summary>Numbers in all lists of taps; with more, taps in the padding are multiplied instead of left out.</summary>
    private const long MaxListed = 1 << 20;

    /// <summary>Channels between the one that is copied and the one that is fetched: their planes are too far apart for a processor to guess.</summary>
    private const int FetchedAhead = 4;

    private readonly WindowAxis[] axes;
    private readonly int last;
    private readonly int[] beyond;
    private readonly int[][] residues;
    private readonly int[] box;
    private readonly int[] strides;
    private readonly int[][] sources;
    private readonly int[][][] patterns;
    private readonly int[][][][] used;
    private readonly int[] sumSlots;
    private readonly int[] fullList;
    private readonly int[] firstList;
    private readonly int[] straightFrom;
    private readonly int[] straightTo;
    private readonly long[] sourceStrides;
    private readonly int stagedRows;
    private readonly NativeBlock lists;

    /// <summary>Prepares tables for such boxes; the filter's offsets count in steps of so many elements.</summary>
    public StagedWindow(Target target, WindowAxis[] axes, StagedBox extents, int filterStep)
    {
        this.axes = axes;
        int rank = axes.Length;
        last = rank - 1;
        (beyond, residues, sources, strides) = (new int[rank], new int[rank][], new int[rank][], new int[rank]);
        int[] lowest = new int[rank];
        box = extents.Extents(axes);
        sourceStrides = new long[rank];
        (ChannelElements, long sourceStride) = (1, 1);
        for (int a = last; a >= 0; a--)
        {
            WindowAxis axis = axes[a];
            (lowest[a], beyond[a], residues[a]) = axis.Reach();
            (strides[a], sourceStrides[a]) = ((int)ChannelElements, sourceStride);
            ChannelElements *= (box[a] + beyond[a]) * residues[a].Length;
            sourceStride *= axis.Source;
            int length = axis.Most + beyond[a], step = axis.Step, low = lowest[a];
            sources[a] = [.. residues[a].SelectMany(r => Enumerable.Range(0, length).Select(j => axis.Resolve(low + (step * j) + r)))];
        }

        stagedRows = (int)(ChannelElements / ((box[last] + beyond[last]) * residues[last].Length));
        BoxPositions = box.Aggregate(1L, (n, b) => n * b);
        BoxCount = axes.Select((a, i) => ((long)a.Most + box[i] - 1) / box[i]).Aggregate(1L, (n, c) => n * c);
        RowCount = (int)(BoxPositions / box[last]);
        ClassCount = axes.Aggregate(1, (n, a) => n * a.Classes);

        sumSlots = new int[ClassCount];
        for (int c = 0; c < ClassCount; c++)
        {
            bool reached = true;
            for (int a = last, rest = c; a >= 0; rest /= axes[a].Classes, a--)
            {
                reached &= axes[a].Taps[rest % axes[a].Classes].Length > 0;
            }

            sumSlots[c] = reached ? SumSlots++ : -1;
        }

        // An odd number of cache lines between channels: a power of two would put them all into the same sets of the cache.
        long line = 64 / sizeof(T), lines = (ChannelElements + line - 1) / line;
        ChannelElements = (lines | 1) * line;
        (straightFrom, straightTo) = StraightRuns();
        (patterns, used) = Patterns(lowest);
        (lists, firstList, fullList) = Lists(target, lowest, filterStep);
    }

    public long BoxCount { get; }

    /// <summary>Positions of a whole box, of one class.</summary>
    public long BoxPositions { get; }

    /// <summary>Rows of a whole box.</summary>
    public int RowCount { get; }

    public int RowLength => box[last];

    /// <summary>Classes of all axes together.</summary>
    public int ClassCount { get; }

    /// <summary>Classes that some tap reaches: the only ones with sums.</summary>
    public int SumSlots { get; }

    public int LastClasses => axes[last].Classes;

    /// <summary>Staged elements of a channel, with room between channels.</summary>
    public long ChannelElements { get; }

    public int Rank => axes.Length;

    /// <summary>Rows staged of a channel.</summary>
    public int StagedRows => stagedRows;

    /// <summary>Which of the sums are a class's; -1 when no tap reaches it.</summary>
    public int SumSlot(int classIndex) => sumSlots[classIndex];

    public void Dispose() => lists.Dispose();

    /// <summary>The first position and the extents of a box, and its tables: see <see cref="SourceRows"/> and <see cref="Rows"/>, one after the other for each class.</summary>
    public void Open(long index, int* start, int* extent, long* sourceRows, int* offsets, int* lists)
    {
        Locate(index, start, extent);
        SourceRows(start, sourceRows);
        for (int c = 0; c < ClassCount; c++)
        {
            Rows(c, start, extent, offsets + (c * RowCount), lists + (c * RowCount));
        }
    }

    private void Locate(long index, int* start, int* extent)
    {
        for (int a = last; a >= 0; a--)
        {
            int most = axes[a].Most, count = (most + box[a] - 1) / box[a];
            start[a] = (int)(index % count) * box[a];
            extent[a] = Math.Min(box[a], most - start[a]);
            index /= count;
        }
    }

    /// <summary>For each staged row of a channel the offset of the source's row, or -1 for a row of zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SourceRows(int* start, long* rows)
    {
        for (int row = 0; row < stagedRows; row++)
        {
            int rest = row;
            long offset = 0;
            for (int a = last - 1; a >= 0; a--)
            {
                int length = box[a] + beyond[a], count = length * residues[a].Length, at = rest % count;
                rest /= count;
                int source = Source(a, at / length, start[a] + (at % length));
                if (source < 0)
                {
                    offset = -1;
                    break;
                }

                offset += source * sourceStrides[a];
            }

            rows[row] = offset;
        }
    }

    /// <summary>Copies what a box reads of a number of channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Stage(CpuKernels<T> kernels, T* source, long plane, int channels, long* rows, int lastStart, T* to)
    {
        int length = box[last] + beyond[last], residueCount = residues[last].Length, rowElements = length * residueCount, step = axes[last].Step;
        long fetched = Math.Min(axes[last].Source, (long)length * step);
        int available = sources[last].Length / residueCount;
        int valid = Math.Min(length, available - lastStart);
        fixed (int* table = sources[last])
        {
            for (int c = 0; c < channels; c++, source += plane, to += ChannelElements)
            {
                T* target = to;
                for (int row = 0; row < stagedRows; row++)
                {
                    if (rows[row] < 0)
                    {
                        new Span<T>(target, rowElements).Clear();
                        target += rowElements;
                        continue;
                    }

                    T* from = source + rows[row];
                    if (c + FetchedAhead < channels)
                    {
                        CpuKernels<T>.Fetch(from + (FetchedAhead * plane), fetched);
                    }

                    for (int r = 0; r < residueCount; r++, target += length)
                    {
                        int* at = table + (r * available) + lastStart;
                        int begin = Math.Clamp(straightFrom[r] - lastStart, 0, valid), end = Math.Clamp(straightTo[r] - lastStart, begin, valid);
                        Copy(from, at, target, 0, begin);
                        if (end > begin)
                        {
                            kernels.TakeEvery(from + at[begin], target + begin, end - begin, step);
                        }

                        Copy(from, at, target, end, valid);
                    }
                }
            }
        }
    }

    /// <summary>For each row of the box where its staged elements begin, and the list of taps that a class of it needs; -1 for a row beyond the class.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Rows(int classIndex, int* start, int* extent, int* offsets, int* lists)
    {
        int* classes = stackalloc int[axes.Length];
        Classes(classIndex, classes);
        for (int row = 0; row < RowCount; row++)
        {
            int rest = row, offset = 0, pattern = 0, scale = 1;
            bool inside = true;
            for (int a = last - 1; a >= 0; a--)
            {
                int j = rest % box[a];
                rest /= box[a];
                offset += j * strides[a];
                inside &= j < extent[a] && start[a] + j < axes[a].Positions[classes[a]];
                if (inside)
                {
                    pattern += patterns[a][classes[a]][start[a] + j] * scale;
                    scale *= used[a][classes[a]].Length;
                }
            }

            offsets[row] = offset;
            lists[row] = inside ? firstList[classIndex] + pattern : -1;
        }
    }

    /// <summary>The residue class of each axis.</summary>
    public void Classes(int classIndex, int* classes)
    {
        for (int a = last; a >= 0; a--)
        {
            classes[a] = classIndex % axes[a].Classes;
            classIndex /= axes[a].Classes;
        }
    }

    /// <summary>Positions of a row of a class.</summary>
    public int LengthOf(int lastClass, int* start, int* extent) => Math.Max(0, Math.Min(extent[last], axes[last].Positions[lastClass] - start[last]));

    /// <summary>A list of taps: pairs of an offset in the staged channel and one in the filter.</summary>
    public int* List(int index, out int taps)
    {
        int* found = (int*)lists.Pointer + ((int*)lists.Pointer)[index];
        taps = *found;
        return found + 1;
    }

    /// <summary>The list of all taps of a class, padding included.</summary>
    public int FullList(int classIndex) => fullList[classIndex];

    /// <summary>Staged elements between rows that are neighbours along the last axis but one.</summary>
    public int RowStride => last == 0 ? 0 : strides[last - 1];

    /// <summary>Rows of the box along the last axis but one.</summary>
    public int PlaneRows => last == 0 ? 1 : box[last - 1];

    /// <summary>Where a row of the box begins in the result's plane.</summary>
    public long ResultOffset(int row, int* classes, int* start)
    {
        long offset = classes[last] + ((long)axes[last].Classes * start[last]), stride = axes[last].Result;
        for (int a = last - 1; a >= 0; a--)
        {
            offset += (classes[a] + ((long)axes[a].Classes * (start[a] + (row % box[a])))) * stride;
            row /= box[a];
            stride *= axes[a].Result;
        }

        return offset;
    }

    private int Source(int axis, int residue, int position)
    {
        int length = sources[axis].Length / residues[axis].Length;
        return position < length ? sources[axis][(residue * length) + position] : -1;
    }

    private (int[] From, int[] To) StraightRuns()
    {
        int count = residues[last].Length, length = sources[last].Length / count, step = axes[last].Step;
        int[] from = new int[count], to = new int[count];
        for (int r = 0; r < count; r++)
        {
            ReadOnlySpan<int> table = sources[last].AsSpan(r * length, length);
            for (int start = 0; start < length;)
            {
                int end = start + 1;
                while (table[start] >= 0 && end < length && table[end] == table[end - 1] + step)
                {
                    end++;
                }

                if (table[start] >= 0 && end - start > to[r] - from[r])
                {
                    (from[r], to[r]) = (start, end);
                }

                start = end;
            }
        }

        return (from, to);
    }

    /// <summary>For each axis but the last, class and position the number of the set of taps that read something; and these sets.</summary>
    private (int[][][] Patterns, int[][][][] Used) Patterns(int[] lowest)
    {
        int[][][] found = new int[last][][];
        int[][][][] sets = new int[axes.Length][][][];
        for (int a = 0; a <= last; a++)
        {
            WindowAxis axis = axes[a];
            sets[a] = new int[axis.Classes][][];
            if (a == last)
            {
                for (int c = 0; c < axis.Classes; c++)
                {
                    sets[a][c] = [[.. Enumerable.Range(0, axis.Taps[c].Length)]];
                }

                continue;
            }

            found[a] = new int[axis.Classes][];
            for (int c = 0; c < axis.Classes; c++)
            {
                List<int[]> known = [];
                found[a][c] = new int[axis.Positions[c]];
                for (int j = 0; j < axis.Positions[c]; j++)
                {
                    int[] first = axis.First[c], set = [.. Enumerable.Range(0, first.Length).Where(i => axis.Resolve((axis.Step * j) + first[i]) >= 0)];
                    int at = known.FindIndex(k => k.AsSpan().SequenceEqual(set));
                    if (at < 0)
                    {
                        at = known.Count;
                        known.Add(set);
                    }

                    found[a][c][j] = at;
                }

                sets[a][c] = [.. known];
            }
        }

        double entries = Enumerable.Range(0, axes.Length).Aggregate(1.0, (n, a) => n * sets[a].Sum(s => s.Sum(k => 1.0 + k.Length)));
        if (entries > MaxListed)
        {
            for (int a = 0; a < last; a++)
            {
                for (int c = 0; c < axes[a].Classes; c++)
                {
                    Array.Clear(found[a][c]);
                    sets[a][c] = [[.. Enumerable.Range(0, axes[a].Taps[c].Length)]];
                }
            }
        }

        return (found, sets);
    }

    private (NativeBlock Lists, int[] First, int[] Full) Lists(Target target, int[] lowest, int filterStep)
    {
        List<int[]> made = [];
        int[] first = new int[ClassCount], full = new int[ClassCount];
        int* classes = stackalloc int[axes.Length];
        for (int c = 0; c < ClassCount; c++)
        {
            Classes(c, classes);
            first[c] = made.Count;
            int patternCount = 1;
            for (int a = 0; a < last; a++)
            {
                patternCount *= Math.Max(1, used[a][classes[a]].Length);
            }

            full[c] = made.Count + patternCount;
            for (int p = 0; p <= patternCount; p++)
            {
                // From the first axis on, so that taps come in the filter's own order.
                List<(int Staged, int Filter)> list = [(0, 0)];
                int[][] sets = new int[axes.Length][];
                for (int a = last, rest = p; a >= 0; a--)
                {
                    int[][] known = used[a][classes[a]];
                    sets[a] = p == patternCount ? [.. Enumerable.Range(0, axes[a].Taps[classes[a]].Length)] : known.Length == 0 ? [] : known[a == last ? 0 : rest % known.Length];
                    rest = a == last || known.Length == 0 ? rest : rest / known.Length;
                }

                for (int a = 0; a < axes.Length; a++)
                {
                    WindowAxis axis = axes[a];
                    int length = box[a] + beyond[a];
                    int[] at = axis.First[classes[a]], filter = axis.Taps[classes[a]];
                    list = [.. list.SelectMany(l => sets[a].Select(i =>
                    {
                        int relative = at[i] - lowest[a];
                        int staged = (Array.IndexOf(residues[a], relative % axis.Step) * length) + (relative / axis.Step);
                        return (l.Staged + (staged * strides[a]), (l.Filter * axis.Filter) + filter[i]);
                    }))];
                }

                made.Add([list.Count, .. list.SelectMany(l => new[] { l.Staged, l.Filter * filterStep })]);
            }
        }

        NativeBlock block = new(target, sizeof(int) * (made.Count + made.Sum(m => (long)m.Length)));
        int* to = (int*)block.Pointer;
        int next = made.Count;
        for (int i = 0; i < made.Count; i++)
        {
            to[i] = next;
            made[i].CopyTo(new Span<int>(to + next, made[i].Length));
            next += made[i].Length;
        }

        return (block, first, full);
    }

    private static void Copy(T* from, int* table, T* to, int begin, int end)
    {
        for (int i = begin; i < end; i++)
        {
            to[i] = table[i] < 0 ? default : from[table[i]];
        }
    }
}
