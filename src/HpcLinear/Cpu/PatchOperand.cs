using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace HpcLinear.Cpu;

/// <summary>
/// The patches of a convolution as one side of a product: pairs (image, position) against pairs (channel, tap), read through a <see cref="GatherMap"/>.
/// Nothing but one panel at a time is ever written out.
/// </summary>
internal unsafe struct PatchOperand<T> : IOperand<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public GatherMap.Fields* Map;
    public T* Source;
    public long ProblemStride;
    public long GroupStride;
    public long ImageStride;
    public long Groups;

    /// <summary>Lines are (channel, tap) and the depth is (image, position): the gradient of the filter.</summary>
    public bool Transposed;

    /// <summary>Parts that the depth is cut into, with <see cref="Transposed"/>; 0 for none.</summary>
    public long Parts;
    public long PartDepth;

    /// <summary>Room for the outer rows of one position, one piece a worker.</summary>
    public int* Rows;

    private T* current;
    private long depthOffset;

    public void Select(long product)
    {
        long index = Parts == 0 ? product : product / Parts;
        depthOffset = Parts == 0 ? 0 : product % Parts * PartDepth;
        current = Source + (index / Groups * ProblemStride) + (index % Groups * GroupStride);
    }

    public readonly T* InPlace(out nint lineStride, out nint depthStride)
    {
        lineStride = depthStride = 0;
        return null;
    }

    public readonly long PackPanels(CpuKernels<T> kernels, T* panels, int panel, long line, long lines, long from, int depth) => 0;

    public readonly void Pack(T* panel, int width, long line, int lines, long from, int depth, int worker)
    {
        int* rows = Rows + ((long)worker * Map->OuterTaps);
        if (Transposed)
        {
            Gather(panel, width, 1, from + depthOffset, depth, line, lines, rows);
            for (int p = 0; p < depth && lines < width; p++)
            {
                new Span<T>(panel + ((long)p * width) + lines, width - lines).Clear();
            }
        }
        else
        {
            Gather(panel, 1, width, line, lines, from, depth, rows);
            for (int p = 0; p < depth && lines < width; p++)
            {
                new Span<T>(panel + ((long)p * width) + lines, width - lines).Clear();
            }
        }
    }

    /// <summary>Writes pair (position n, tap p) to <c>to[n*positionStep + p*tapStep]</c>, row by row of the plane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Gather(T* to, nint positionStep, nint tapStep, long position, int positions, long tap, int taps, int* rows)
    {
        GatherMap.Fields* map = Map;
        int last = map->Rank - 1, rowLength = map->Positions[last], lastTaps = map->Taps[last], outerTaps = map->OuterTaps, extent = map->Inputs[last];
        long outerPositions = map->PositionCount / rowLength;
        for (int done = 0; done < positions;)
        {
            int start = (int)(position % rowLength), run = Math.Min(positions - done, rowLength - start);
            long outer = position / rowLength;
            map->OuterRows(outer % outerPositions, rows);
            T* image = current + (outer / outerPositions * ImageStride);
            int t = (int)(tap % lastTaps), q = (int)(tap / lastTaps % outerTaps);
            long channel = tap / lastTaps / outerTaps;
            T* target = to + (done * positionStep);
            for (int p = 0; p < taps; p++, target += tapStep)
            {
                if (rows[q] < 0)
                {
                    Zero(target, positionStep, run);
                }
                else
                {
                    T* row = image + (channel * map->PlaneCount) + ((long)rows[q] * extent);
                    Row(map, target, positionStep, row, t, start, run);
                    if (map->TapCount == 1 && map->Step == 1)
                    {
                        // Channels lie pages apart, and without other taps nothing has fetched what the next panel reads of them.
                        FetchAhead(row + start + run, run);
                    }
                }

                if (++t == lastTaps)
                {
                    t = 0;
                    if (++q == outerTaps)
                    {
                        q = 0;
                        channel++;
                    }
                }
            }

            done += run;
            position += run;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchAhead(T* at, int count)
    {
        for (int i = 0; Sse.IsSupported && i < count; i += 64 / sizeof(T))
        {
            Sse.Prefetch1(at + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Zero(T* to, nint step, int count)
    {
        for (int i = 0; i < count; i++, to += step)
        {
            *to = T.Zero;
        }
    }

    /// <summary>What tap t reads for a run of positions within one row: table look-ups at the rims, a copy between.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row(GatherMap.Fields* map, T* to, nint positionStep, T* row, int t, int start, int run)
    {
        int taps = map->Taps[map->Rank - 1], end = start + run;
        int* table = map->LastTable + t;
        int from = Math.Clamp(map->InteriorFrom[t], start, end), until = Math.Clamp(map->InteriorTo[t], from, end);
        for (int o = start; o < from; o++, to += positionStep)
        {
            int source = table[(long)o * taps];
            *to = source < 0 ? T.Zero : row[source];
        }

        if (until > from)
        {
            T* at = row + table[(long)from * taps];
            nint step = map->Step;
            int count = until - from;
            if (positionStep == 1 && step == 1)
            {
                for (; count >= Vector<T>.Count; count -= Vector<T>.Count, at += Vector<T>.Count, to += Vector<T>.Count)
                {
                    Vector.Store(Vector.Load(at), to);
                }

                for (; count > 0; count--)
                {
                    *to++ = *at++;
                }
            }
            else
            {
                for (int i = 0; i < count; i++, to += positionStep, at += step)
                {
                    *to = *at;
                }
            }
        }

        for (int o = until; o < end; o++, to += positionStep)
        {
            int source = table[(long)o * taps];
            *to = source < 0 ? T.Zero : row[source];
        }
    }
}

/// <summary>Planes as one side of a product: lines are channels, the depth is (image, position). The gradient side of a filter's gradient.</summary>
internal unsafe struct PlaneOperand<T> : IOperand<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public T* Source;
    public long ProblemStride;
    public long GroupStride;
    public long ImageStride;
    public long Plane;
    public long Groups;
    public long Parts;
    public long PartDepth;

    private T* current;
    private long depthOffset;

    public void Select(long product)
    {
        long index = product / Parts;
        depthOffset = product % Parts * PartDepth;
        current = Source + (index / Groups * ProblemStride) + (index % Groups * GroupStride);
    }

    public readonly T* InPlace(out nint lineStride, out nint depthStride)
    {
        lineStride = depthStride = 0;
        return null;
    }

    public readonly long PackPanels(CpuKernels<T> kernels, T* panels, int panel, long line, long lines, long from, int depth) => 0;

    public readonly void Pack(T* panel, int width, long line, int lines, long from, int depth, int worker)
    {
        long position = from + depthOffset;
        for (int done = 0; done < depth;)
        {
            long image = position / Plane, at = position % Plane;
            int run = (int)Math.Min(depth - done, Plane - at);
            DenseOperand<T>.PackStrided(panel + ((long)done * width), width, current + (image * ImageStride) + (line * Plane) + at, (nint)Plane, 1, lines, run);
            done += run;
            position += run;
        }
    }
}

/// <summary>The filter as the left side of the gradient of the input: lines are input channels, the depth is (output channel, tap of one residue class).</summary>
internal unsafe struct FilterClassOperand<T> : IOperand<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public T* Source;
    public long ProblemStride;
    public long GroupStride;
    public long Groups;
    public long ChannelStride;
    public long OutChannelStride;

    /// <summary>Offset of each tap of the class in the filter.</summary>
    public int* Taps;
    public int TapCount;

    private T* current;

    public void Select(long product) => current = Source + (product / Groups * ProblemStride) + (product % Groups * GroupStride);

    public readonly T* InPlace(out nint lineStride, out nint depthStride)
    {
        lineStride = depthStride = 0;
        return null;
    }

    public readonly long PackPanels(CpuKernels<T> kernels, T* panels, int panel, long line, long lines, long from, int depth) => 0;

    public readonly void Pack(T* panel, int width, long line, int lines, long from, int depth, int worker)
    {
        if (TapCount == 0)
        {
            return;
        }

        long m = from / TapCount;
        int t = (int)(from % TapCount);
        T* channels = current + (m * OutChannelStride) + (line * ChannelStride);
        nint step = (nint)ChannelStride, step2 = 2 * step, step3 = 3 * step, step4 = 4 * step;
        for (int p = 0; p < depth; p++, panel += width)
        {
            T* at = channels + Taps[t];
            int l0 = 0;
            for (; l0 + 4 <= lines; l0 += 4, at += step4)
            {
                panel[l0] = *at;
                panel[l0 + 1] = at[step];
                panel[l0 + 2] = at[step2];
                panel[l0 + 3] = at[step3];
            }

            for (; l0 < lines; l0++, at += step)
            {
                panel[l0] = *at;
            }

            for (int l = lines; l < width; l++)
            {
                panel[l] = T.Zero;
            }

            if (++t == TapCount)
            {
                t = 0;
                channels += OutChannelStride;
                Prefetch(channels + (3 * OutChannelStride), lines * ChannelStride * sizeof(T));
            }
        }

        // Output channels lie pages apart: no processor guesses the next ones.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Prefetch(T* first, long bytes)
        {
            for (long at = 0; at < Math.Min(bytes, 1024) && Sse.IsSupported; at += 64)
            {
                Sse.Prefetch0((byte*)first + at);
            }
        }
    }
}
