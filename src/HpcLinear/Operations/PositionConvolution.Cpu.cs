using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// The staged convolution with positions as lanes, for few output channels and for few positions: the filter is read where it lies, element by element, and
/// each of its elements meets vectors of neighbouring positions.
/// </summary>
/// <remarks>
/// Vectors run along rows of the box, or along whole planes of it with the padding between rows computed in vain, whichever takes fewer.
/// </remarks>
internal sealed unsafe class PositionConvolution<T> : StagedConvolution<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{

    /// <summary>Positions below which a box is not cut for more threads.</summary>
    private const int LeastPositions = 256;

    private readonly StagedWindow<T> window;
    private readonly int tileRows;
    private readonly bool planes;
    private readonly int boxVectors;
    private readonly int rangeRows;
    private readonly int ranges;
    private readonly int blockChannels;
    private readonly long stagedElements;
    private readonly long sumElements;
    private readonly long workerBytes;

    public PositionConvolution(CpuKernels<T> kernels, Target target, int threads, WindowAxis[] axes, StagedLayout layout, long images)
        : base(kernels, threads, axes, layout)
    {
        long rows = layout.ResultChannels, tiles = (rows + kernels.TileRows - 1) / kernels.TileRows;
        tileRows = (int)((rows + tiles - 1) / tiles);
        int classes = axes.Aggregate(1, (n, a) => n * a.Classes);
        long rowBytes = (long)ReachedClasses * sizeof(T);
        ranges = (int)Math.Clamp(rows * rowBytes * LeastPositions / SumBytes, 1, tiles);
        long most = Math.Max(1, SumBytes / (rowBytes * ((rows + ranges - 1) / ranges)));
        StagedBox box = StagedBox.ForThreads(axes, most, LeastPositions, StagedBytes / sizeof(T), (double)images * layout.Groups, threads, ref ranges, tiles);
        window = new(target, axes, box, 1);
        int byRows = window.RowCount * Vectors(window.RowLength), perPlane = Vectors(((window.PlaneRows - 1) * window.RowStride) + window.RowLength);
        int byPlanes = window.RowCount / window.PlaneRows * perPlane;
        planes = byPlanes < byRows;
        boxVectors = Math.Min(byPlanes, byRows);

        // Tiles that divide the vectors: 4 by 8 rows would read the filter twice.
        if (boxVectors % kernels.PositionVectors(tileRows) != 0 && tileRows > 6 && boxVectors % kernels.PositionVectors(6) == 0)
        {
            tiles = (rows + 5) / 6;
            tileRows = (int)((rows + tiles - 1) / tiles);
        }

        rangeRows = (int)((tiles + ranges - 1) / ranges) * tileRows;
        ranges = (int)((rows + rangeRows - 1) / rangeRows);
        long perChannel = window.ChannelElements * sizeof(T), blocks = Math.Max(1, (layout.SourceChannels * perChannel + StagedBytes - 1) / StagedBytes);
        blockChannels = (int)Math.Max(1, (layout.SourceChannels + blocks - 1) / blocks);

        // Behind the staged channels a vector's reach of room: what lanes without a position read.
        stagedElements = Align((blockChannels * window.ChannelElements) + window.RowLength + Width);
        sumElements = Align(((long)rangeRows * window.SumSlots * boxVectors * Width) + window.RowLength + Width);
        workerBytes = ((stagedElements + sumElements) * sizeof(T)) + AlignBytes((window.StagedRows + window.RowCount) * sizeof(long))
            + AlignBytes(sizeof(int) * ((2L * classes * window.RowCount) + ((long)classes * window.RowCount) + (2L * boxVectors)));
        WorkspaceBytes = AlignBytes(layout.Groups * rows * sizeof(T)) + (threads * workerBytes);

        int Vectors(int elements) => (elements + Width - 1) / Width;
    }

    public override string Name => "position-lanes";

    public override string TileText => $"{tileRows} channels x {Kernels.PositionVectors(tileRows) * Width} positions";

    public override void Dispose() => window.Dispose();

    public override void Run(CpuQueue queue, T* source, long sourceImage, T* filter, T* bias, T* result, long resultImage, long images, T alpha, T beta, byte* workspace)
    {
        T* start = (T*)workspace;
        long rows = Layout.Groups * Layout.ResultChannels;
        for (long r = 0; r < rows; r++)
        {
            start[r] = StartOf(bias, r);
        }

        Job job = new()
        {
            Owner = this,
            Source = source,
            SourceImage = sourceImage,
            Filter = filter,
            Start = start,
            Result = result,
            ResultImage = resultImage,
            Alpha = alpha,
            Beta = beta,
            Stream = Streams(images, beta),
            Workspace = workspace + AlignBytes(rows * sizeof(T)),
        };
        queue.Team.Run(checked((int)(images * Layout.Groups * window.BoxCount * ranges)), ref job);
    }

    private struct Job : ITeamJob
    {
        public PositionConvolution<T> Owner;
        public T* Source;
        public long SourceImage;
        public T* Filter;
        public T* Start;
        public T* Result;
        public long ResultImage;
        public T Alpha;
        public T Beta;
        public bool Stream;
        public byte* Workspace;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Execute(int index, int worker)
        {
            PositionConvolution<T> o = Owner;
            StagedWindow<T> window = o.window;
            StagedLayout l = o.Layout;
            (int range, long box, long group, long image) = o.Item(index, o.ranges, window.BoxCount);
            long firstRow = range * (long)o.rangeRows;
            int rows = (int)Math.Min(o.rangeRows, l.ResultChannels - firstRow), last = window.Rank - 1;

            int* start = stackalloc int[StagedWindow<T>.MaxRank], extent = stackalloc int[StagedWindow<T>.MaxRank];
            Scratch at = new() { Staged = (T*)(Workspace + (worker * o.workerBytes)), Start = start, Extent = extent };
            at.Sums = at.Staged + o.stagedElements;
            at.SourceRows = (long*)(at.Sums + o.sumElements);
            at.ResultRows = at.SourceRows + window.StagedRows;
            at.Offsets = (int*)((byte*)at.SourceRows + AlignBytes((window.StagedRows + window.RowCount) * sizeof(long)));
            at.Lists = at.Offsets + ((long)window.ClassCount * window.RowCount);
            at.RowSums = at.Lists + ((long)window.ClassCount * window.RowCount);
            at.VectorOffsets = at.RowSums + ((long)window.ClassCount * window.RowCount);
            at.VectorLists = at.VectorOffsets + o.boxVectors;
            window.Open(box, at.Start, at.Extent, at.SourceRows, at.Offsets, at.Lists);

            T* source = Source + (image * SourceImage) + (group * l.SourceChannels * o.SourcePlane);
            T* filter = Filter + (group * l.ResultChannels * l.SourceChannels * l.FilterTaps) + (firstRow * l.FilterResultStride);
            T* begin = Start + (group * l.ResultChannels) + firstRow;
            for (long from = 0; from == 0 || from < l.SourceChannels; from += o.blockChannels)
            {
                int channels = (int)Math.Min(o.blockChannels, l.SourceChannels - from);
                window.Stage(o.Kernels, source + (from * o.SourcePlane), o.SourcePlane, channels, at.SourceRows, at.Start[last], at.Staged);
                for (int c = 0; c < window.ClassCount; c++)
                {
                    if (window.SumSlot(c) >= 0)
                    {
                        Block(c, rows, channels, filter + (from * l.FilterSourceStride), from == 0 ? begin : null, at);
                    }
                }
            }

            Write(Result + (image * ResultImage) + (((group * l.ResultChannels) + firstRow) * o.ResultPlane), rows, at);
            if (Stream)
            {
                CpuKernels<T>.Fence();
            }
        }

        /// <summary>Lists the vectors of a class: where each begins, which taps it needs, and where the sums of each row will be. Returns their number.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly int ListVectors(int c, in Scratch at)
        {
            PositionConvolution<T> o = Owner;
            StagedWindow<T> window = o.window;
            int first = c * window.RowCount, step = o.planes ? window.PlaneRows : 1, count = 0, length = window.LengthOf(c % window.LastClasses, at.Start, at.Extent);
            for (int r = 0; r < window.RowCount; r += step)
            {
                int used = 0, list = at.Lists[first + r];
                for (int i = 0; i < step && at.Lists[first + r + i] >= 0; i++, used++)
                {
                    at.RowSums[first + r + i] = (count * o.Width) + (i * window.RowStride);
                    list = list == at.Lists[first + r + i] ? list : window.FullList(c);
                }

                int elements = used == 0 || length == 0 ? 0 : ((used - 1) * window.RowStride) + length;
                for (int i = 0; i < elements; i += o.Width, count++)
                {
                    at.VectorOffsets[count] = at.Offsets[first + r] + i;
                    at.VectorLists[count] = list;
                }
            }

            return count;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Block(int c, int rows, int channels, T* filter, T* start, in Scratch at)
        {
            PositionConvolution<T> o = Owner;
            StagedWindow<T> window = o.window;
            long sumRow = (long)window.SumSlots * o.boxVectors * o.Width;
            T* classSums = at.Sums + ((long)window.SumSlot(c) * o.boxVectors * o.Width);
            PositionRow<T> shared = new()
            {
                InputChannel = (nint)window.ChannelElements,
                Channels = channels,
                FilterRow = (nint)o.Layout.FilterResultStride,
                FilterChannel = (nint)o.Layout.FilterSourceStride,
                SumRow = (nint)sumRow,
                FetchedLines = o.Layout.FilterSourceStride > o.Layout.FilterResultStride ? (nint)((o.tileRows * o.Layout.FilterResultStride * sizeof(T) / 64) + 1) : 0,
            };
            int count = ListVectors(c, at);
            for (int r = 0; r < rows; r += o.tileRows)
            {
                int height = Math.Min(o.tileRows, rows - r);
                shared.Start = start is null ? null : start + r;
                for (int v = 0; v < count;)
                {
                    // Vectors in nearly equal groups.
                    int left = (count - v + o.Kernels.PositionVectors(o.tileRows) - 1) / o.Kernels.PositionVectors(o.tileRows), taken = (count - v + left - 1) / left, list = at.VectorLists[v];
                    int* offsets = at.VectorOffsets + v;
                    for (int i = 1; i < taken; i++)
                    {
                        list = list == at.VectorLists[v + i] ? list : window.FullList(c);
                    }

                    shared.Taps = window.List(list, out int tapCount);
                    shared.TapCount = tapCount;
                    shared.Vector1 = taken > 1 ? offsets[1] - offsets[0] : 0;
                    shared.Vector2 = taken > 2 ? offsets[2] - offsets[0] : 0;
                    shared.Vector3 = taken > 3 ? offsets[3] - offsets[0] : 0;
                    o.Kernels.PositionTile(height, taken)(&shared, at.Staged + offsets[0], filter + (r * o.Layout.FilterResultStride), classSums + (r * sumRow) + (v * o.Width));
                    v += taken;
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Write(T* result, int rows, in Scratch at)
        {
            PositionConvolution<T> o = Owner;
            StagedWindow<T> window = o.window;
            int* classes = stackalloc int[StagedWindow<T>.MaxRank];
            int lastClasses = window.LastClasses;
            T* zeros = at.Sums + ((long)o.rangeRows * window.SumSlots * o.boxVectors * o.Width);
            new Span<T>(zeros, window.RowLength).Clear();
            for (int c = 0; c < window.ClassCount; c += lastClasses)
            {
                window.Classes(c, classes);
                for (int r = 0; r < window.RowCount; r++)
                {
                    at.ResultRows[r] = at.Lists[(c * window.RowCount) + r] < 0 ? -1 : window.ResultOffset(r, classes, at.Start);
                }

                for (int row = 0; row < rows; row++)
                {
                    T* sums = at.Sums + ((long)row * window.SumSlots * o.boxVectors * o.Width), plane = result + (row * o.ResultPlane);
                    for (int r = 0; r < window.RowCount; r++)
                    {
                        if (at.ResultRows[r] >= 0)
                        {
                            Row(c, r, sums, plane + at.ResultRows[r], zeros, at);
                        }
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Row(int c, int r, T* sums, T* to, T* zeros, in Scratch at)
        {
            PositionConvolution<T> o = Owner;
            StagedWindow<T> window = o.window;
            int classes = window.LastClasses;
            if (classes == 1)
            {
                o.Kernels.Emit(Sums(c, zeros, at), to, window.LengthOf(0, at.Start, at.Extent), Alpha, Beta, Stream);
                return;
            }

            if (classes == 2)
            {
                o.Kernels.EmitPairs(Sums(c, zeros, at), Sums(c + 1, zeros, at), to, window.LengthOf(0, at.Start, at.Extent), window.LengthOf(1, at.Start, at.Extent), Alpha, Beta);
                return;
            }

            for (int k = 0; k < classes; k++)
            {
                T* from = Sums(c + k, zeros, at);
                int length = window.LengthOf(k, at.Start, at.Extent);
                for (int j = 0; j < length; j++)
                {
                    T* target = to + k + (j * classes);
                    *target = Beta == T.Zero ? Alpha * from[j] : (Alpha * from[j]) + (Beta * *target);
                }
            }

            T* Sums(int k, T* zeros, in Scratch at)
            {
                int slot = o.window.SumSlot(k);
                return slot < 0 ? zeros : sums + ((long)slot * o.boxVectors * o.Width) + at.RowSums[(k * o.window.RowCount) + r];
            }
        }
    }

    /// <summary>Where a worker keeps what.</summary>
    private ref struct Scratch
    {
        public T* Staged;
        public T* Sums;
        public long* SourceRows;
        public long* ResultRows;
        public int* Offsets;
        public int* Lists;
        public int* RowSums;
        public int* VectorOffsets;
        public int* VectorLists;
        public int* Start;
        public int* Extent;
    }
}
