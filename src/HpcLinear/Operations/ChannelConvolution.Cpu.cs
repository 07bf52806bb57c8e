using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// The staged convolution with output channels as lanes: a tile is a run of neighbouring positions against vectors of channels, and every element of the
/// filter a vector that stands ready for all of them. For that the filter is transposed, once a call.
/// </summary>
internal sealed unsafe class ChannelConvolution<T> : StagedConvolution<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Bytes of the filters of a block of staged channels.</summary>
    private const int FilterBytes = 256 << 10;


    /// <summary>Positions that are brought into rows at a time: 8 KB.</summary>
    private const int PieceLength = 128;

    /// <summary>Positions that make it worth while to load a block of filters.</summary>
    private const int LeastPositions = 196;

    private readonly StagedWindow<T> window;
    private readonly int vectors;
    private readonly int rangeVectors;
    private readonly int ranges;
    private readonly int blockChannels;
    private readonly long filterElements;
    private readonly long stagedElements;
    private readonly long sumElements;
    private readonly long rowElements;
    private readonly long workerBytes;

    public ChannelConvolution(CpuKernels<T> kernels, Target target, int threads, WindowAxis[] axes, StagedLayout layout, long images)
        : base(kernels, threads, axes, layout)
    {
        vectors = (int)((layout.ResultChannels + Width - 1) / Width);
        int classes = axes.Aggregate(1, (n, a) => n * a.Classes);

        // Ranges of channels until a box of enough positions has room for its sums; then the largest such box.
        long positions = axes.Aggregate(1L, (n, a) => n * a.Most), least = Math.Min(positions, LeastPositions);
        long vectorBytes = (long)ReachedClasses * Width * sizeof(T);
        ranges = (int)Math.Clamp((vectors * vectorBytes * least + SumBytes - 1) / SumBytes, 1, (vectors + 1) / 2);
        long most = Math.Max(1, SumBytes / (vectorBytes * Pairs(vectors, ranges)));
        StagedBox box = StagedBox.ForThreads(axes, most, 2 * kernels.ChannelPositions, StagedBytes / sizeof(T), (double)images * layout.Groups, threads, ref ranges, (vectors + 1) / 2);
        rangeVectors = Pairs(vectors, ranges);
        ranges = (vectors + rangeVectors - 1) / rangeVectors;
        window = new(target, axes, box, Width);
        long perChannel = Math.Max(window.ChannelElements * sizeof(T), 1), filterChannel = layout.FilterTaps * 2 * Width * sizeof(T);
        long blocks = Math.Max(1, (layout.SourceChannels + BlockOf(perChannel, filterChannel) - 1) / BlockOf(perChannel, filterChannel));
        blockChannels = (int)Math.Max(1, (layout.SourceChannels + blocks - 1) / blocks);
        filterElements = layout.Groups * vectors * layout.SourceChannels * layout.FilterTaps * Width;
        stagedElements = Align(blockChannels * window.ChannelElements);
        sumElements = Align(rangeVectors * (long)window.SumSlots * window.BoxPositions * Width);
        rowElements = Align((long)window.LastClasses * PieceLength * Width);
        workerBytes = ((stagedElements + sumElements + rowElements) * sizeof(T)) + AlignBytes(window.StagedRows * sizeof(long)) + AlignBytes(2L * classes * window.RowCount * sizeof(int));
        WorkspaceBytes = AlignBytes(filterElements * sizeof(T)) + AlignBytes(Layout.Groups * vectors * Width * sizeof(T)) + (threads * workerBytes);

        int BlockOf(long perChannel, long filterChannel) => (int)Math.Clamp(Math.Min(StagedBytes / perChannel, FilterBytes / Math.Max(1, filterChannel)), 1, Math.Max(1, layout.SourceChannels));
    }

    public override string Name => "channel-lanes";

    public override string TileText => $"{Kernels.ChannelPositions} positions x {2 * Width} channels";

    public override void Dispose() => window.Dispose();

    public override void Run(CpuQueue queue, T* source, long sourceImage, T* filter, T* bias, T* result, long resultImage, long images, T alpha, T beta, byte* workspace)
    {
        T* packed = (T*)workspace, start = (T*)(workspace + AlignBytes(filterElements * sizeof(T)));
        PackJob pack = new() { Owner = this, Filter = filter, Bias = bias, Packed = packed, Start = start };
        pack.Chunks = Math.Clamp(4L * Threads / Math.Max(1, Layout.Groups * vectors), 1, Math.Max(1, Layout.SourceChannels / 16));
        queue.Team.Run(checked((int)(Layout.Groups * vectors * pack.Chunks)), ref pack);
        Job job = new()
        {
            Owner = this,
            Source = source,
            SourceImage = sourceImage,
            Packed = packed,
            Start = start,
            Result = result,
            ResultImage = resultImage,
            Alpha = alpha,
            Beta = beta,
            Stream = Streams(images, beta),
            Workspace = (byte*)start + AlignBytes(Layout.Groups * vectors * Width * sizeof(T)),
        };
        queue.Team.Run(checked((int)(images * Layout.Groups * window.BoxCount * ranges)), ref job);
    }

    /// <summary>Vectors of a range of channels: pairs, as tiles take them.</summary>
    private static int Pairs(int vectors, int ranges) => ranges == 1 ? vectors : (((vectors + ranges - 1) / ranges) + 1) / 2 * 2;

    /// <summary>Brings the filter into vectors of output channels, <c>[group][vector][source channel][tap][lane]</c>.</summary>
    private struct PackJob : ITeamJob
    {
        public ChannelConvolution<T> Owner;
        public T* Filter;
        public T* Bias;
        public T* Packed;
        public T* Start;
        public long Chunks;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Execute(int index, int worker)
        {
            ChannelConvolution<T> o = Owner;
            StagedLayout l = o.Layout;
            long chunk = index % Chunks, vector = index / Chunks, group = vector / o.vectors, first = vector % o.vectors * o.Width;
            int count = (int)Math.Min(o.Width, l.ResultChannels - first);
            long from = l.SourceChannels * chunk / Chunks, to = l.SourceChannels * (chunk + 1) / Chunks, taps = l.FilterTaps;
            T* packed = Packed + (((vector * l.SourceChannels) + from) * taps * o.Width);
            T** lanes = stackalloc T*[count];
            for (int i = 0; i < count; i++)
            {
                lanes[i] = Filter + (group * l.ResultChannels * l.SourceChannels * taps) + ((first + i) * l.FilterResultStride);
            }

            if (chunk == 0)
            {
                T* start = Start + (vector * o.Width);
                for (int i = 0; i < o.Width; i++)
                {
                    start[i] = i < count ? StartOf(Bias, (group * l.ResultChannels) + first + i) : T.Zero;
                }
            }

            if (l.FilterSourceStride == taps)
            {
                o.Kernels.Interleave(lanes, count, from * taps, (to - from) * taps, packed);
                return;
            }

            for (long c = from; c < to; c++, packed += taps * o.Width)
            {
                o.Kernels.Interleave(lanes, count, c * l.FilterSourceStride, taps, packed);
            }
        }
    }

    private struct Job : ITeamJob
    {
        public ChannelConvolution<T> Owner;
        public T* Source;
        public long SourceImage;
        public T* Packed;
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
            ChannelConvolution<T> o = Owner;
            StagedWindow<T> window = o.window;
            StagedLayout l = o.Layout;
            (int range, long box, long group, long image) = o.Item(index, o.ranges, window.BoxCount);
            int firstVector = range * o.rangeVectors, vectorCount = Math.Min(o.rangeVectors, o.vectors - firstVector);

            T* staged = (T*)(Workspace + (worker * o.workerBytes)), sums = staged + o.stagedElements, row = sums + o.sumElements;
            long* sourceRows = (long*)(row + o.rowElements);
            int* offsets = (int*)((byte*)sourceRows + AlignBytes(window.StagedRows * sizeof(long)));
            int* lists = offsets + ((long)window.ClassCount * window.RowCount);
            int* start = stackalloc int[StagedWindow<T>.MaxRank], extent = stackalloc int[StagedWindow<T>.MaxRank];
            window.Open(box, start, extent, sourceRows, offsets, lists);

            T* source = Source + (image * SourceImage) + (group * l.SourceChannels * o.SourcePlane);
            int last = window.Rank - 1;
            for (long from = 0; from == 0 || from < l.SourceChannels; from += o.blockChannels)
            {
                int channels = (int)Math.Min(o.blockChannels, l.SourceChannels - from);
                window.Stage(o.Kernels, source + (from * o.SourcePlane), o.SourcePlane, channels, sourceRows, start[last], staged);
                Block(group, firstVector, vectorCount, from, channels, staged, sums, start, extent, offsets, lists);
            }

            for (int v = 0; v < vectorCount; v++)
            {
                Write(image, group, firstVector + v, sums + (v * window.SumSlots * window.BoxPositions * o.Width), row, start, extent, lists);
            }

            if (Stream)
            {
                CpuKernels<T>.Fence();
            }
        }

        /// <summary>Adds what a block of channels contributes to the sums of the box.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Block(long group, int firstVector, int vectorCount, long from, int channels, T* staged, T* sums, int* start, int* extent, int* offsets, int* lists)
        {
            ChannelConvolution<T> o = Owner;
            StagedWindow<T> window = o.window;
            long taps = o.Layout.FilterTaps, filterVector = o.Layout.SourceChannels * taps * o.Width, classSums = window.BoxPositions * o.Width, vectorSums = window.SumSlots * classSums;
            ChannelRow<T> shared = new()
            {
                InputChannel = (nint)window.ChannelElements,
                Channels = channels,
                FilterChannel = (nint)(taps * o.Width),
                FilterVector = (nint)filterVector,
                SumVector = (nint)vectorSums,
                StartPosition = from == 0 ? 0 : o.Width,
                StartVector = from == 0 ? o.Width : (nint)vectorSums,
            };
            for (int v = 0; v < vectorCount; v += 2)
            {
                int pair = Math.Min(2, vectorCount - v);
                long vector = (group * o.vectors) + firstVector + v;
                shared.Filter = Packed + (vector * filterVector) + (from * taps * o.Width);
                for (int c = 0; c < window.ClassCount; c++)
                {
                    int length = window.LengthOf(c % window.LastClasses, start, extent), slot = window.SumSlot(c);
                    if (length == 0 || slot < 0)
                    {
                        continue;
                    }

                    // A row in tiles of nearly equal length.
                    int tiles = (length + o.Kernels.ChannelPositions - 1) / o.Kernels.ChannelPositions, longer = length % tiles, positions = length / tiles;
                    var longTile = o.Kernels.ChannelTile(positions + (longer > 0 ? 1 : 0), pair);
                    var tile = o.Kernels.ChannelTile(positions, pair);
                    T* classStart = sums + (v * vectorSums) + (slot * classSums);
                    for (int r = 0; r < window.RowCount; r++)
                    {
                        int list = lists[(c * window.RowCount) + r];
                        if (list < 0)
                        {
                            continue;
                        }

                        shared.Taps = window.List(list, out int tapCount);
                        shared.TapCount = tapCount;
                        T* x = staged + offsets[(c * window.RowCount) + r], sum = classStart + ((long)r * window.RowLength * o.Width);
                        T* begin = from == 0 ? Start + (vector * o.Width) : sum;
                        for (int t = 0; t < tiles; t++)
                        {
                            int count = t < longer ? positions + 1 : positions;
                            (t < longer ? longTile : tile)(&shared, x, begin, sum);
                            x += count;
                            sum += count * o.Width;
                            begin += count * shared.StartPosition;
                        }
                    }
                }
            }
        }

        /// <summary>Brings a vector of channels of the box into rows and writes them out, a piece at a time.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Write(long image, long group, int vector, T* sums, T* rows, int* start, int* extent, int* lists)
        {
            ChannelConvolution<T> o = Owner;
            StagedWindow<T> window = o.window;
            int lanes = (int)Math.Min(o.Width, o.Layout.ResultChannels - ((long)vector * o.Width)), lastClasses = window.LastClasses, last = window.Rank - 1;
            T* result = Result + (image * ResultImage) + (((group * o.Layout.ResultChannels) + ((long)vector * o.Width)) * o.ResultPlane);
            int* classes = stackalloc int[StagedWindow<T>.MaxRank];
            if (window.ClassCount == 1)
            {
                // Without classes a box is one run of the result.
                long positions = 1;
                for (int a = 0; a <= last; a++)
                {
                    positions *= extent[a];
                }

                window.Classes(0, classes);
                Piece(sums, positions, rows, result + window.ResultOffset(0, classes, start), lanes);
                return;
            }

            // In the order of memory, so that rows of two classes that share a cache line meet there.
            long classSums = window.BoxPositions * o.Width;
            for (int r = 0; r < window.RowCount; r++)
            {
                for (int c = 0; c < window.ClassCount; c += lastClasses)
                {
                    if (lists[(c * window.RowCount) + r] < 0)
                    {
                        continue;
                    }

                    window.Classes(c, classes);
                    T* target = result + window.ResultOffset(r, classes, start);
                    Row(c, (long)r * window.RowLength * o.Width, sums, classSums, rows, target, lanes, start, extent);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Piece(T* sums, long positions, T* rows, T* result, int lanes)
        {
            ChannelConvolution<T> o = Owner;
            long done = lanes == o.Width && Alpha == T.One && Beta == T.Zero ? o.Kernels.TransposeOut(sums, positions, result, o.ResultPlane, Stream) : 0;
            for (long at = done; at < positions; at += PieceLength)
            {
                int length = (int)Math.Min(PieceLength, positions - at);
                o.Kernels.TransposeSums(sums + (at * o.Width), length, rows, PieceLength);
                for (int l = 0; l < lanes; l++)
                {
                    o.Kernels.Emit(rows + ((long)l * PieceLength), result + (l * o.ResultPlane) + at, length, Alpha, Beta, Stream);
                }
            }
        }

        /// <summary>Writes a row of the result, in which the classes of the last axis alternate.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Row(int firstClass, long rowSums, T* sums, long classSums, T* rows, T* result, int lanes, int* start, int* extent)
        {
            ChannelConvolution<T> o = Owner;
            int classes = o.window.LastClasses, most = o.window.LengthOf(0, start, extent);
            long classRows = (long)PieceLength * o.Width;
            for (int at = 0; at < most; at += PieceLength)
            {
                for (int c = 0; c < classes; c++)
                {
                    int slot = o.window.SumSlot(firstClass + c), length = Math.Min(PieceLength, o.window.LengthOf(c, start, extent) - at);
                    if (slot < 0)
                    {
                        new Span<T>(rows + (c * classRows), (int)classRows).Clear();
                    }
                    else if (length > 0)
                    {
                        o.Kernels.TransposeSums(sums + (slot * classSums) + rowSums + ((long)at * o.Width), length, rows + (c * classRows), PieceLength);
                    }
                }

                for (int l = 0; l < lanes; l++)
                {
                    T* to = result + (l * o.ResultPlane) + ((long)at * classes), row = rows + ((long)l * PieceLength);
                    int length = Math.Min(PieceLength, most - at);
                    CpuKernels<T>.Fetch(to + (length * classes), length * classes);
                    if (classes == 2)
                    {
                        o.Kernels.EmitPairs(row, row + classRows, to, length, Math.Clamp(o.window.LengthOf(1, start, extent) - at, 0, PieceLength), Alpha, Beta);
                        continue;
                    }

                    for (int c = 0; c < classes; c++, row += classRows, to++)
                    {
                        int count = Math.Min(PieceLength, o.window.LengthOf(c, start, extent) - at);
                        for (int j = 0; j < count; j++)
                        {
                            T value = Alpha * row[j];
                            to[j * classes] = Beta == T.Zero ? value : value + (Beta * to[j * classes]);
                        }
                    }
                }
            }
        }
    }
}
