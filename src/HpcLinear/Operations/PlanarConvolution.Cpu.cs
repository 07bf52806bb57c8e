using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// Convolutions of one channel with one channel, plane by plane: depthwise ones, and problems with a filter of their own. A plane's rows are copied into
/// scratch memory with the padding of their last axis, so that every tap reads whole vectors at a fixed offset. Filters of 3x3 whose result is as large as
/// the plane read it where it lies.
/// </summary>
/// <remarks>Staged zeros are multiplied: right for finite weights only, and for a filter's gradient whenever the result is finite.</remarks>
internal sealed unsafe class PlanarConvolution<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The largest scratch memory of a worker for which this algorithm is taken: half of a second-level cache.</summary>
    private const long MaxWorkerBytes = 512 << 10;

    /// <summary>Neighbouring filters whose gradients are summed together, image by image: their planes lie side by side in memory.</summary>
    private const long MaxCellsEach = 16;

    /// <summary>Elements of output worth handing to another thread.</summary>
    private const long Grain = 16 << 10;

    private readonly CpuKernels<T> kernels;
    private readonly int threads;
    private readonly NativeBlock tables;
    private readonly int* rowOffsets;
    private readonly int* tapOffsets;
    private readonly int* rims;
    private readonly int rimCount;
    private readonly int interior;
    private readonly int interiorCount;
    private readonly int interiorSource;
    private readonly int stagedRow;
    private readonly int taps;
    private readonly int outerTaps;
    private readonly int extent;
    private readonly int positions;
    private readonly int aligned;
    private readonly long sourceRows;
    private readonly int rows;
    private readonly long plane;
    private readonly CpuKernels<T>.Plane3x3? inPlace;

    /// <summary>Prepares tables.</summary>
    /// <param name="kernels">The instruction set.</param>
    /// <param name="narrow">One of shorter vectors, for planes narrower than a vector.</param>
    /// <param name="target">Names the device in errors.</param>
    /// <param name="threads">Workers there may be.</param>
    /// <param name="map">All axes but the last are read from it.</param>
    /// <param name="first">For each tap of the last axis the coordinate that position 0 reads; position o reads o further on.</param>
    /// <param name="resolve">The source element behind a coordinate; -1 for zero.</param>
    public PlanarConvolution(CpuKernels<T> kernels, CpuKernels<T>? narrow, Target target, int threads, GatherMap.Fields* map, int[] first, Func<int, int> resolve)
    {
        inPlace = InPlace(map, first, resolve);
        if (inPlace is { } sizes && sizes.Columns < kernels.Width)
        {
            (kernels, inPlace) = sizes.Columns >= narrow?.Width ? (narrow, inPlace) : (kernels, null);
        }

        this.kernels = kernels;
        this.threads = threads;
        int last = map->Rank - 1, width = kernels.Width, low = first.Min(), reach = first.Max() - low;
        (taps, outerTaps, extent, positions) = (first.Length, map->OuterTaps, map->Inputs[last], map->Positions[last]);
        plane = map->PlaneCount;
        sourceRows = plane / extent;
        long outRows = map->PositionCount / positions;
        if (inPlace is not null)
        {
            (rows, tables, IsUsable) = ((int)outRows, new(target, 3L * width * sizeof(T)), true);
            kernels.Plane3x3Masks(positions, (T*)tables.Pointer);
            WorkerBytes = Align(Math.Max(plane, MaxCellsEach * outerTaps * taps * width) * sizeof(T));
            return;
        }

        long wholeVectors = ((long)positions + width - 1) / width * width, staged = (wholeVectors + reach + width - 1) / width * width;
        WorkerBytes = Align((((sourceRows + 1) * staged) + ((outRows + 1) * wholeVectors) + (MaxCellsEach * outerTaps * taps * width)) * sizeof(T));

        // A row that is written as whole vectors may spill into no more than the next one.
        IsUsable = WorkerBytes <= MaxWorkerBytes && 2L * positions >= wholeVectors;
        if (!IsUsable)
        {
            tables = new(target, 1);
            return;
        }

        (rows, aligned, stagedRow) = ((int)outRows, (int)wholeVectors, (int)staged);

        // Where every staged element comes from; the longest straight piece is copied, the rest is listed.
        List<(int To, int From)> found = [.. Enumerable.Range(0, positions + reach).Select(i => (i, resolve(low + i))).Where(f => f.Item2 >= 0)];
        int start = found.FindIndex(f => f.From == f.To + low);
        interiorCount = start < 0 ? 0 : found.Skip(start).TakeWhile(f => f.From == f.To + low).Count();
        if (interiorCount > 0)
        {
            (interior, interiorSource) = found[start];
            found.RemoveRange(start, interiorCount);
        }

        rimCount = found.Count;
        tables = new(target, sizeof(int) * ((outRows * outerTaps) + taps + (2L * rimCount)));
        rowOffsets = (int*)tables.Pointer;
        tapOffsets = rowOffsets + (outRows * outerTaps);
        rims = tapOffsets + taps;
        for (int t = 0; t < taps; t++)
        {
            tapOffsets[t] = first[t] - low;
        }

        for (int i = 0; i < rimCount; i++)
        {
            (rims[2 * i], rims[(2 * i) + 1]) = found[i];
        }

        for (int row = 0; row < rows; row++)
        {
            int* offsets = rowOffsets + ((long)row * outerTaps);
            map->OuterRows(row, offsets);
            for (int q = 0; q < outerTaps; q++)
            {
                offsets[q] = (offsets[q] < 0 ? (int)sourceRows : offsets[q]) * stagedRow;
            }
        }
    }

    /// <summary>Whether planes fit the scratch memory and rows are long enough.</summary>
    public bool IsUsable { get; }

    private long WorkerBytes { get; }

    /// <summary>What this is called.</summary>
    public string Name => inPlace is null ? "planar" : "planar, in place";

    /// <summary>Elements of a vector.</summary>
    public int Width => kernels.Width;

    private int TapCount => outerTaps * taps;

    /// <summary>The plane's rows, and one of zeros for rows of padding.</summary>
    private long StagedCount => (sourceRows + 1) * stagedRow;

    private long OutPlane => (long)rows * positions;

    /// <summary>Scratch bytes of the plane's own direction, for a number of filters in the gradient of them.</summary>
    public long WorkspaceBytes(long cells) => (threads * WorkerBytes) + Align(cells * TapCount * sizeof(T));

    public void Dispose() => tables.Dispose();

    /// <summary>Output (or gradient of the input): <c>y = alpha (bias + x * w) + beta y</c> for every plane.</summary>
    public void Forward(CpuQueue queue, in Planes planes, T* x, T* w, T* bias, T* y, T alpha, T beta, byte* workspace)
    {
        Job job = new() { Owner = this, Planes = planes, X = x, W = w, Bias = bias, Y = y, Alpha = alpha, Beta = beta, Workspace = workspace };
        long count = planes.Problems * planes.Batch * planes.Groups;
        job.PlanesEach = Math.Clamp(Grain / Math.Max(1, OutPlane), 1, Math.Max(1, count / (4L * threads)));
        queue.Team.Run(checked((int)((count + job.PlanesEach - 1) / job.PlanesEach)), ref job);
    }

    /// <summary>The gradient of the filters, <c>dw = alpha dy * x + beta dw</c>; false when it is not finite, and then dw is as it was or beta is 0.</summary>
    public bool TryBackwardFilter(CpuQueue queue, in Planes planes, T* x, T* dy, T* dw, T alpha, T beta, byte* workspace)
    {
        long cells = planes.Problems * planes.Groups, count = cells * TapCount;
        int nonFinite = 0;
        T* sums = beta == T.Zero ? dw : (T*)(workspace + (threads * WorkerBytes));
        Job job = new() { Owner = this, Planes = planes, X = x, Y = dy, W = sums, Alpha = alpha, IsFilter = true, NonFinite = &nonFinite, Workspace = workspace };
        job.CellsEach = planes.Groups == 1 ? 1 : Math.Clamp(cells / (4L * threads), 1, MaxCellsEach);
        queue.Team.Run(checked((int)((cells + job.CellsEach - 1) / job.CellsEach)), ref job);
        for (long i = 0; nonFinite == 0 && beta != T.Zero && i < count; i++)
        {
            dw[i] = sums[i] + (beta * dw[i]);
        }

        return nonFinite == 0;
    }

    /// <summary>The sizes for reading planes where they lie; null where filter, padding or stride do not allow it.</summary>
    private static CpuKernels<T>.Plane3x3? InPlace(GatherMap.Fields* map, int[] first, Func<int, int> resolve)
    {
        if (map->Rank != 2 || map->OuterTaps != 3 || first.Length != 3)
        {
            return null;
        }

        int count = map->Inputs[0], columns = map->Inputs[1], column = first[1] - first[0], row = 0;
        bool fits = map->Positions[0] == count && map->Positions[1] == columns && Math.Abs(column) == 1 && first[1] == 0 && first[2] == column
            && resolve(-1) < 0 && resolve(columns) < 0;
        int* read = stackalloc int[3];
        for (int r = 0; r < count && fits; r++)
        {
            map->OuterRows(r, read);
            row = r == 0 ? (read[0] < 0 ? 1 : -1) : row;
            fits = read[1] == r && read[1 - row] == r - 1 && read[1 + row] == (r + 1 < count ? r + 1 : -1);
        }

        return fits ? new(count, columns, row * 3, column) : null;
    }

    private static long Align(long bytes) => (bytes + 127) & ~63L;

    /// <summary>Copies a plane's rows with their padding. Elements that are zero stay as they are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Stage(T* from, T* to)
    {
        for (long row = 0; row < sourceRows; row++, from += extent, to += stagedRow)
        {
            Copy(from + interiorSource, to + interior, interiorCount);
            for (int i = 0; i < rimCount; i++)
            {
                to[rims[2 * i]] = from[rims[(2 * i) + 1]];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Copy(T* from, T* to, int count)
    {
        int width = Vector<T>.Count, i = 0;
        for (; i + width <= count; i += width)
        {
            Vector.Store(Vector.Load(from + i), to + i);
        }

        if (i < count && count >= width)
        {
            Vector.Store(Vector.Load(from + count - width), to + count - width);
            return;
        }

        for (; i < count; i++)
        {
            to[i] = from[i];
        }
    }

    /// <summary>The planes of an operation: image b of problem p has one plane a group.</summary>
    internal readonly record struct Planes(long Problems, long Batch, long Groups, bool SharedInput);

    private struct Job : ITeamJob
    {
        public PlanarConvolution<T> Owner;
        public Planes Planes;
        public bool IsFilter;
        public long PlanesEach;
        public long CellsEach;
        public T* X;
        public T* W;
        public T* Bias;
        public T* Y;
        public T Alpha;
        public T Beta;
        public int* NonFinite;
        public byte* Workspace;

        public readonly void Execute(int index, int worker)
        {
            T* staged = (T*)(Workspace + (worker * Owner.WorkerBytes));
            CpuKernels<T>.NativeClear(staged, Owner.inPlace is null ? Owner.StagedCount : 0);
            if (IsFilter)
            {
                Filter(index, staged);
                return;
            }

            long count = Planes.Problems * Planes.Batch * Planes.Groups;
            for (long n = index * PlanesEach; n < Math.Min(count, (index + 1) * PlanesEach); n++)
            {
                Plane(n, staged);
            }
        }

        private readonly void Plane(long n, T* staged)
        {
            PlanarConvolution<T> o = Owner;
            long cell = (n / Planes.Groups / Planes.Batch * Planes.Groups) + (n % Planes.Groups);
            T* apart = staged + o.StagedCount;
            T* y = Y + (n * o.OutPlane);
            T start = Bias is null ? T.Zero : Bias[cell];
            if (o.inPlace is { } sizes)
            {
                T* x = X + (SourceOf(n) * o.plane), w = W + (cell * o.TapCount);
                if (Beta == T.Zero)
                {
                    o.kernels.Plane3x3Forward(sizes, x, w, start, Alpha, y);
                    return;
                }

                // Apart, because strips repeat lanes.
                o.kernels.Plane3x3Forward(sizes, x, w, start, T.One, staged);
                o.kernels.Emit(staged, y, (int)o.plane, Alpha, Beta, false);
                return;
            }

            o.Stage(X + (SourceOf(n) * o.plane), staged);

            // Rows are whole vectors: each spills into the next one, which is written after it; the last one would spill out of the plane.
            bool direct = Beta == T.Zero;
            T* last = apart + ((o.rows - 1L) * o.aligned);
            o.kernels.PlanarForward(
                staged, o.rowOffsets, o.rows, o.outerTaps, W + (cell * o.TapCount), o.tapOffsets, o.taps, start, Alpha,
                direct ? y : apart, direct ? o.positions : o.aligned, o.aligned / o.kernels.Width, last);
            if (direct)
            {
                Copy(last, y + ((o.rows - 1L) * o.positions), o.positions);
                return;
            }

            for (int row = 0; row < o.rows; row++, y += o.positions, apart += o.aligned)
            {
                for (int i = 0; i < o.positions; i++)
                {
                    y[i] = apart[i] + (Beta * y[i]);
                }
            }
        }

        private readonly void Filter(long index, T* staged)
        {
            PlanarConvolution<T> o = Owner;
            int width = o.kernels.Width;
            long first = index * CellsEach, last = Math.Min(Planes.Problems * Planes.Groups, first + CellsEach), vectors = (long)o.TapCount * width;
            T* gradient = staged + (o.inPlace is null ? o.StagedCount : 0);
            T* sums = gradient + ((long)o.rows * o.aligned);
            CpuKernels<T>.NativeClear(gradient, ((long)o.rows * o.aligned) + ((last - first) * vectors));
            for (long b = 0; b < Planes.Batch; b++)
            {
                for (long cell = first; cell < last; cell++)
                {
                    long n = (((cell / Planes.Groups * Planes.Batch) + b) * Planes.Groups) + (cell % Planes.Groups);
                    T* dy = Y + (n * o.OutPlane);
                    if (o.inPlace is { } sizes)
                    {
                        o.kernels.Plane3x3Filter(sizes, X + (SourceOf(n) * o.plane), dy, (T*)o.tables.Pointer, sums + ((cell - first) * vectors));
                        continue;
                    }

                    o.Stage(X + (SourceOf(n) * o.plane), staged);
                    for (int row = 0; row < o.rows; row++)
                    {
                        Copy(dy + ((long)row * o.positions), gradient + ((long)row * o.aligned), o.positions);
                    }

                    o.kernels.PlanarFilter(
                        staged, o.rowOffsets, o.rows, o.outerTaps, o.tapOffsets, o.taps, gradient, o.aligned, o.aligned / width, sums + ((cell - first) * vectors));
                }
            }

            T* result = W + (first * o.TapCount);
            o.kernels.SumLanes(sums, (last - first) * o.TapCount, Alpha, result);
            if (o.kernels.HasNonFinite(result, (last - first) * o.TapCount))
            {
                *NonFinite = 1;
            }
        }

        private readonly long SourceOf(long n) => Planes.SharedInput ? n % (Planes.Batch * Planes.Groups) : n;
    }
}
