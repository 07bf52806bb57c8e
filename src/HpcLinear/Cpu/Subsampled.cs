using System.Numerics;
using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

/// <summary>Every s-th element of every axis of a plane: position p of row r is element <c>Rows[r] + Step*p</c>, and <c>Rows[RowCount]</c> is the plane's end.</summary>
internal unsafe struct Subsampling
{
    public long* Rows;
    public long Length;
    public int Step;

    /// <summary>The element at which a column's own run of the plane begins: its element and what no tap reaches behind it.</summary>
    public readonly long Start(long column) => Rows[column / Length] + (column % Length * Step);
}

/// <summary>Subsampled planes as columns of a product, whose depth is channels: filters of one tap.</summary>
internal unsafe struct SubsampledOperand<T> : IOperand<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Columns taken at a time, 2 or 4 KB.</summary>
    private const int PieceLength = 512;

    /// <summary>Channels fetched ahead: they lie pages apart.</summary>
    private const int FetchedAhead = 4;

    public CpuKernels<T> Kernels;
    public Subsampling Positions;
    public T* Source;
    public long ImageStride;
    public long Plane;

    private T* current;

    public void Select(long product) => current = Source + (product * ImageStride);

    public readonly T* InPlace(out nint lineStride, out nint depthStride)
    {
        lineStride = depthStride = 0;
        return null;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly long PackPanels(CpuKernels<T> kernels, T* panels, int panel, long line, long lines, long from, int depth)
    {
        T* taken = stackalloc T[PieceLength];
        int most = Math.Max(1, PieceLength / panel) * panel;
        for (long done = 0; done < lines; done += most, panels += (long)most * depth)
        {
            int count = (int)Math.Min(most, lines - done);
            T* channel = current + (from * Plane);
            for (int p = 0; p < depth; p++, channel += Plane)
            {
                Take(channel, taken, line + done, count, p + FetchedAhead < depth);
                kernels.PackRows(taken, 0, count, 1, panels + ((long)p * panel), panel, (nint)panel * depth);
            }
        }

        return lines;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Pack(T* panel, int width, long line, int lines, long from, int depth, int worker)
    {
        T* channel = current + (from * Plane);
        for (int p = 0; p < depth; p++, channel += Plane, panel += width)
        {
            Take(channel, panel, line, lines, false);
            new Span<T>(panel + lines, width - lines).Clear();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Take(T* channel, T* to, long line, int lines, bool fetch)
    {
        long row = line / Positions.Length, at = line % Positions.Length;
        for (int done = 0; done < lines; row++, at = 0)
        {
            int run = (int)Math.Min(lines - done, Positions.Length - at);
            T* source = channel + Positions.Rows[row] + (at * Positions.Step);
            if (fetch)
            {
                CpuKernels<T>.Fetch(source + (FetchedAhead * Plane), (long)run * Positions.Step);
            }

            Kernels.TakeEvery(source, to + done, run, Positions.Step);
            done += run;
        }
    }
}

/// <summary>Planes that hold a product's columns at every s-th element and zeros elsewhere. Rows are channels; whole runs of memory are written once, zeros included.</summary>
internal unsafe struct SubsampledResult<T> : IResult<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Elements collected before they are written, 4 or 8 KB, and room for what is left of a line and for a vector too many.</summary>
    private const int PieceLength = 1024;
    private const int Room = 64;

    public CpuKernels<T> Kernels;
    public Subsampling Positions;
    public T* Origin;
    public long ImageStride;
    public long Plane;
    public T Beta;

    /// <summary>Past the caches.</summary>
    public bool Stream;

    private T* current;

    public static bool IsStaged => true;

    public void Select(long product) => current = Origin + (product * ImageStride);

    public readonly void Begin(long row, long rows, long column, long columns)
    {
    }

    public readonly T* InPlace(long row, long column, int columns, out nint rowStride)
    {
        rowStride = 0;
        return null;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Scatter(T* tile, nint stride, long row, int rows, long column, int columns, bool accumulate)
    {
        T* buffer = stackalloc T[PieceLength + Room + 16];
        buffer = (T*)(((nint)buffer + 63) & ~63);
        // The rows to come, so that they are there when they are written.
        long start = Positions.Start(column), length = Positions.Start(column + columns) - start;
        for (int r = 0; r < rows; r++, tile += stride)
        {
            if (!Stream)
            {
                CpuKernels<T>.Fetch(current + ((row + r + rows) * Plane) + start, length);
            }

            Row(tile, current + ((row + r) * Plane), column, columns, buffer);
        }

        if (Stream)
        {
            CpuKernels<T>.Fence();
        }
    }

    /// <summary>A channel's run: collected in a buffer that is as far from a cache line as its place in memory, and written from there in whole lines.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Row(T* values, T* channel, long column, int columns, T* buffer)
    {
        int step = Positions.Step;
        T* to = channel + Positions.Start(column);
        int begin = (int)((nint)to % 64 / sizeof(T)), end = begin;
        to -= begin;
        long at = column % Positions.Length, row = column / Positions.Length;
        for (int done = 0; done < columns;)
        {
            int run = (int)Math.Min(Math.Min(columns - done, Positions.Length - at), PieceLength / 2 / step);
            if (end + (run * step) > PieceLength)
            {
                Flush(buffer, ref to, ref begin, ref end, false);
            }

            Kernels.Spread(values + done, buffer + end, run, step);
            done += run;
            at += run;
            end += run * step;
            if (at < Positions.Length)
            {
                continue;
            }

            // What lies between the last element and the next row; less than a step when the plane ends there.
            long gap = Positions.Rows[row + 1] - Positions.Rows[row] - (Positions.Length * step);
            (at, row) = (0, row + 1);
            for (end += (int)Math.Min(gap, 0); gap > 0;)
            {
                int zeros = (int)Math.Min(gap, PieceLength - end);
                new Span<T>(buffer + end, zeros).Clear();
                end += zeros;
                gap -= zeros;
                if (gap > 0)
                {
                    Flush(buffer, ref to, ref begin, ref end, false);
                }
            }
        }

        Flush(buffer, ref to, ref begin, ref end, true);
    }

    /// <summary>Writes whole lines, or everything, and keeps the rest.</summary>
    private readonly void Flush(T* buffer, ref T* to, ref int begin, ref int end, bool all)
    {
        int line = 64 / sizeof(T), whole = all ? end : end / line * line, from = begin;
        if (whole <= from)
        {
            return;
        }

        if (from > 0)
        {
            int head = Math.Min(whole, line) - from;
            Kernels.Emit(buffer + from, to + from, head, T.One, Beta, false);
            from += head;
        }

        Kernels.Emit(buffer + from, to + from, whole - from, T.One, Beta, Stream);
        new Span<T>(buffer + whole, end - whole).CopyTo(new Span<T>(buffer, line));
        to += whole;
        (begin, end) = (0, end - whole);
    }
}
