using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// The gradient of the filter with output channels as lanes: <c>dw[m, c, t] = sum over images, positions of dy[m, o] x[c, stride·o + dilation·t - low]</c>.
/// A chunk of positions at a time, dy is transposed in scratch memory into vectors of channels, and register tiles of rows x vectors add the chunk's part to
/// sums that stay in the second-level cache.
/// </summary>
/// <remarks>
/// The rows of a tile are input channels, read where they are, and every tap runs over the positions where it reads inside of the plane: no padding is
/// multiplied. Rows of x are copied only where a boundary adds elements to them, and with few input channels: the rows of a tile are then the taps of the last
/// axis, and the zeros of the padding are multiplied, right whenever the result is finite. Through a single tap that reads straight, x and dy change places
/// when x has fewer channels to transpose. Chunks, blocks and parts of the sum are fixed by the shape.
/// </remarks>
internal sealed unsafe partial class ChannelFilterGradient<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Positions of a chunk: sums are fetched and stored once a chunk, and rows that neighbouring positions share are copied once.</summary>
    private const int ChunkPositions = 256;

    /// <summary>Bytes of a block's sums: with the staged rows they stay in the second-level cache.</summary>
    private const long SumBytes = 320 << 10;

    /// <summary>The largest scratch memory of a worker for which this algorithm is taken.</summary>
    private const long MaxWorkerBytes = 1 << 20;

    /// <summary>Items there should be, so that threads share the work evenly.</summary>
    private const long Items = 8;

    /// <summary>Chunks of a part at least: every part has sums of its own to be cleared and added.</summary>
    private const long PartChunks = 3;

    /// <summary>Multiply-adds of a 64-byte vector in the time in which a sum is cleared, added to, transposed and written.</summary>
    private const double SumCost = 3;

    /// <summary>The same for an element of a patch that a product packs.</summary>
    private const double PatchCost = 3.5;

    private readonly CpuKernels<T> kernels;
    private readonly ConvolutionSizes s;
    private readonly int threads;
    private readonly ConvolutionAxis axis;
    private readonly bool tapRows;
    private readonly bool inPlace;
    private readonly bool swapped;
    private readonly int positions;
    private readonly int taps;
    private readonly int outerTaps;
    private readonly long outerPositions;
    private readonly long sourceRows;
    private readonly int segments;
    private readonly int segment;
    private readonly int chunkRows;
    private readonly long chunks;
    private readonly int span;
    private readonly int pitch;
    private readonly long inBlock;
    private readonly long outBlock;
    private readonly long inBlocks;
    private readonly long outBlocks;
    private readonly long parts;

    /// <summary>Cuts the problem.</summary>
    /// <param name="wide">The instruction set.</param>
    /// <param name="narrow">One with shorter vectors, for few output channels; null if there is none.</param>
    /// <param name="threads">Workers there may be.</param>
    /// <param name="axis">The last axis of the map.</param>
    /// <param name="sizes">The problem.</param>
    public ChannelFilterGradient(CpuKernels<T> wide, CpuKernels<T>? narrow, int threads, ConvolutionAxis axis, in ConvolutionSizes sizes)
    {
        s = sizes;
        this.threads = threads;
        this.axis = axis;

        // A single tap that reads straight through: x and dy may change places, and the one with fewer channels is transposed.
        swapped = s.Map->Rank == 1 && s.Map->TapCount == 1 && axis.Stride == 1 && axis.Low == 0 && axis.Input == axis.Output
            && Pass(s.InGroup, s.OutGroup, wide.Width) < Pass(s.OutGroup, s.InGroup, wide.Width);
        s = swapped ? s with { InGroup = s.OutGroup, OutGroup = s.InGroup } : s;
        kernels = narrow is not null && Lanes(narrow) <= 0.8 * Lanes(wide) ? narrow : wide;
        GatherMap.Fields* map = s.Map;
        int last = map->Rank - 1;
        (positions, taps, outerTaps) = (map->Positions[last], map->Taps[last], map->OuterTaps);
        outerPositions = map->PositionCount / positions;
        sourceRows = map->PlaneCount / axis.Input;
        tapRows = s.InGroup < kernels.TileRows / 2 && taps > s.InGroup;

        inPlace = !tapRows && (axis.Boundary == Boundary.Zero || (axis.Low <= 0 && axis.High <= 0));

        // Long rows are cut, short ones taken together.
        segments = (positions + ChunkPositions - 1) / ChunkPositions;
        segment = segments == 1 ? positions : Math.Min(positions, ((((positions + segments - 1) / segments) + 15) & ~15));
        segments = (positions + segment - 1) / segment;
        chunkRows = segments > 1 ? 1 : Math.Max(1, ChunkPositions / positions);
        chunkRows = (int)Math.Clamp(s.Batch * outerPositions, 1, chunkRows);
        long spanned = ((segment - 1L) * axis.Stride) + axis.Extent;
        span = (int)Math.Min(int.MaxValue / 2, spanned);

        // Copied rows a power of two apart would share the sets of a cache.
        pitch = (span * sizeof(T)) % 1024 < 64 ? span + (128 / sizeof(T)) : span;

        int width = kernels.Width;
        (inBlock, outBlock) = (s.InGroup, s.OutGroup);
        while (inBlock * Round(outBlock, width) * TapCount * sizeof(T) > SumBytes && (inBlock > kernels.TileRows || outBlock > kernels.TileVectors * width))
        {
            if (inBlock > outBlock || outBlock <= kernels.TileVectors * width)
            {
                inBlock = Round((inBlock + 1) / 2, kernels.TileRows);
            }
            else
            {
                outBlock = Round((outBlock + 1) / 2, width);
            }
        }

        while (WorkerBytes > MaxWorkerBytes && chunkRows > 1)
        {
            chunkRows /= 2;
        }

        chunks = segments > 1 ? s.Batch * outerPositions * segments : ((s.Batch * outerPositions) + chunkRows - 1) / chunkRows;
        inBlocks = (s.InGroup + inBlock - 1) / inBlock;
        outBlocks = (s.OutGroup + outBlock - 1) / outBlock;
        long blocks = Math.Max(1, s.Problems * s.Groups * inBlocks * outBlocks);
        parts = Math.Clamp((Items + blocks - 1) / blocks, 1, Math.Max(1, chunks / PartChunks));
        WhyNot = Refusal(spanned, wide);
    }

    /// <summary>Null when this algorithm is the one to take; otherwise the reason against it.</summary>
    public string? WhyNot { get; }

    /// <summary>Whether <see cref="TryRun"/> may have to be followed by another algorithm.</summary>
    public bool MayFail => tapRows;

    /// <summary>The algorithm as text.</summary>
    public string Text => "channel-lanes" + (tapRows ? ", rows of taps" : "") + (parts == 1 ? "" : $", sum in {parts} parts");

    /// <summary>The largest register tile as text.</summary>
    public string TileText => $"{Rows(tapRows ? taps : inBlock, Vectors(outBlock))}x{Vectors(outBlock) * kernels.Width}";

    /// <summary>Scratch bytes of all workers, and of sums that are kept until all are done.</summary>
    public long WorkspaceBytes => (threads * WorkerBytes) + (Keeps ? Align(Blocks * parts * BlockSums * sizeof(T)) : 0);

    private long TapCount => (long)outerTaps * taps;

    private long Blocks => s.Problems * s.Groups * inBlocks * outBlocks;

    /// <summary>Whether sums are written to dw only when all are known: they are added, or looked at first.</summary>
    private bool Keeps => parts > 1 || tapRows;

    /// <summary>Sums of a block: vector (v, c, t) belongs to channels v·width …, input channel c and tap t.</summary>
    private long BlockSums => Round(outBlock, kernels.Width) * inBlock * TapCount;

    /// <summary>Rows of x that a chunk reads at most: of every image it touches, all.</summary>
    private long Slots => Math.Min(chunkRows * (long)outerTaps, Math.Min(s.Batch, ((chunkRows - 2L) / outerPositions) + 2) * sourceRows);

    private long StagedCount => inPlace ? 0 : Slots * inBlock * pitch;

    private int GradientVector => chunkRows * segment * kernels.Width;

    private long WorkerBytes => Align((Keeps ? 0 : BlockSums * sizeof(T)) + (kernels.TileVectors * (long)GradientVector * sizeof(T)) + (StagedCount * sizeof(T)) + (Ints * sizeof(int)));

    /// <summary>Runs of every outer tap and how many they are; the rows of one position; the staged rows and their table.</summary>
    private long Ints => 128 + (4L * chunkRows * outerTaps) + (2L * outerTaps) + (chunkRows * (long)outerTaps) + (2L * Buckets);

    private int Buckets => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(1 << 20, 2L * chunkRows * outerTaps));

    /// <summary><c>dw = alpha dy * x + beta dw</c>; false, with dw as it was, when padding has been multiplied and the result is not finite.</summary>
    public bool TryRun(CpuQueue queue, T* x, T* dy, T* dw, T alpha, T beta, byte* workspace)
    {
        T* kept = (T*)(workspace + (threads * WorkerBytes));
        Job job = new() { Owner = this, X = swapped ? dy : x, Y = swapped ? x : dy, W = dw, Kept = kept, Workspace = workspace, Alpha = alpha, Beta = beta };
        queue.Team.Run(checked((int)(Blocks * parts)), ref job);
        if (!Keeps)
        {
            return true;
        }

        if (tapRows && kernels.HasNonFinite(kept, Blocks * parts * BlockSums))
        {
            return false;
        }

        FinishJob finish = new() { Owner = this, Kept = kept, W = dw, Alpha = alpha, Beta = beta };
        queue.Team.Run(checked((int)(Blocks * OutVectors)), ref finish);
        return true;
    }

    private static long Align(long bytes) => (bytes + 127) & ~63L;

    private static long Round(long count, long unit) => (count + unit - 1) / unit * unit;

    /// <summary>What a position costs with some channels as lanes: multiply-adds of vectors, and transposing.</summary>
    private static double Pass(long lanes, long rows, int width) => ((double)Round(lanes, width) / width * rows) + (0.5 * lanes);

    private long Lanes(CpuKernels<T> menu) => Round(s.OutGroup, menu.Width);

    private int OutVectors => (int)((outBlock + kernels.Width - 1) / kernels.Width);

    /// <summary>Vectors of the tiles that divide a number of output channels most evenly.</summary>
    private int Vectors(long channels)
    {
        int vectors = (int)((channels + kernels.Width - 1) / kernels.Width), tiles = (vectors + kernels.TileVectors - 1) / kernels.TileVectors;
        return (vectors + tiles - 1) / tiles;
    }

    /// <summary>Rows of the tiles that divide a number of rows most evenly.</summary>
    private int Rows(long rows, int vectors)
    {
        int most = vectors == 1 ? 8 : kernels.TileRows;
        long tiles = (rows + most - 1) / most;
        return (int)((rows + tiles - 1) / tiles);
    }

    private string? Refusal(long spanned, CpuKernels<T> wide)
    {
        double bytes = inPlace ? WorkerBytes : Math.Max(WorkerBytes, (double)Slots * inBlock * spanned * sizeof(T));
        if (bytes > MaxWorkerBytes)
        {
            return $"channel-lanes: {bytes:G6} bytes of rows and sums a worker exceed {MaxWorkerBytes}";
        }

        // In multiply-adds of a vector of 64 bytes, a position of the output.
        double filter = (double)s.InGroup * TapCount, count = Math.Max(1, (double)s.Batch * outerPositions * positions), unit = sizeof(T) / 64.0;
        double lanes = (Round(s.OutGroup, kernels.Width) * filter * unit * (tapRows ? 1 : Inside())) + (SumCost * s.OutGroup * filter / count);
        double product = (Round(s.OutGroup, wide.TileRows) * Round((long)filter, wide.Width) * unit) + (PatchCost * filter);
        return lanes > product ? $"channel-lanes: {count:G6} positions a sum cost {product:G3} as patches, {lanes:G3} and the transposed sums here" : null;
    }

    /// <summary>The share of taps that read inside of the plane.</summary>
    private double Inside()
    {
        double share = 1;
        for (int a = 0; a < s.Map->Rank; a++)
        {
            ReadOnlySpan<int> table = new((int*)s.Map->Tables[a], s.Map->Positions[a] * s.Map->Taps[a]);
            share *= 1 - ((double)table.Count(-1) / table.Length);
        }

        return share;
    }

    /// <summary>Transposes sums of a vector of output channels into the filter.</summary>
    private void Write(T* sums, long pair, long outFirst, long outCount, long inFirst, long inCount, T* dw, T alpha, T beta)
    {
        if (swapped)
        {
            for (long c = 0; c < inCount; c++, sums += kernels.Width)
            {
                T* row = dw + ((((pair * s.InGroup) + inFirst + c) * s.OutGroup) + outFirst);
                for (int l = 0; l < outCount; l++)
                {
                    row[l] = beta == T.Zero ? alpha * sums[l] : (alpha * sums[l]) + (beta * row[l]);
                }
            }

            return;
        }

        T** lanes = stackalloc T*[kernels.Width];
        for (long l = 0; l < outCount; l++)
        {
            lanes[l] = dw + (((((pair * s.OutGroup) + outFirst + l) * s.InGroup) + inFirst) * TapCount);
        }

        kernels.Separate(sums, inCount * TapCount, lanes, (int)outCount, 0, alpha, beta, null);
    }

    /// <summary>One block of channels over one part of the sum.</summary>
    private struct Job : ITeamJob
    {
        public ChannelFilterGradient<T> Owner;
        public T* X;
        public T* Y;
        public T* W;
        public T* Kept;
        public byte* Workspace;
        public T Alpha;
        public T Beta;

        public readonly void Execute(int index, int worker)
        {
            ChannelFilterGradient<T> o = Owner;
            long part = index / o.Blocks, block = index % o.Blocks;
            T* gradients = (T*)(Workspace + (worker * o.WorkerBytes));
            T* own = gradients + (o.kernels.TileVectors * (long)o.GradientVector);
            T* sums = o.Keeps ? Kept + (((block * o.parts) + part) * o.BlockSums) : own;
            T* staged = own + (o.Keeps ? 0 : o.BlockSums);
            nint* runs = (nint*)(own + Round((o.Keeps ? 0 : o.BlockSums) + o.StagedCount, 64));
            int* ints = (int*)(runs + (2L * o.chunkRows * o.outerTaps));
            long pair = block / o.inBlocks / o.outBlocks, inFirst = block % o.inBlocks * o.inBlock, outFirst = block / o.inBlocks % o.outBlocks * o.outBlock;
            Block b = new()
            {
                Owner = o,
                Gradients = gradients,
                Staged = staged,
                Sums = sums,
                Runs = runs,
                RunCounts = ints,
                InCount = Math.Min(o.inBlock, o.s.InGroup - inFirst),
                OutCount = Math.Min(o.outBlock, o.s.OutGroup - outFirst),
            };
            b.Rows = b.RunCounts + o.outerTaps;
            b.Sources = b.Rows + o.outerTaps;
            b.Table = b.Sources + (o.chunkRows * (long)o.outerTaps);
            long problem = pair / o.s.Groups, group = pair % o.s.Groups, plane = o.sourceRows * o.axis.Input, outPlane = o.outerPositions * o.positions;
            b.XImage = o.s.Groups * o.s.InGroup * plane;
            b.X = X + (o.s.SharedInput && !o.swapped ? 0 : problem * o.s.Batch * b.XImage) + (((group * o.s.InGroup) + inFirst) * plane);
            b.YImage = o.s.Groups * o.s.OutGroup * outPlane;
            b.Y = Y + (o.s.SharedInput && o.swapped ? 0 : problem * o.s.Batch * b.YImage) + (((group * o.s.OutGroup) + outFirst) * outPlane);
            CpuKernels<T>.NativeClear(sums, o.BlockSums);
            for (long chunk = o.chunks * part / o.parts; chunk < o.chunks * (part + 1) / o.parts; chunk++)
            {
                b.Chunk(chunk);
            }

            int width = o.kernels.Width;
            for (int v = 0; !o.Keeps && v * width < b.OutCount; v++)
            {
                o.Write(sums + (v * o.inBlock * o.TapCount * width), pair, outFirst + (v * width), Math.Min(width, b.OutCount - (v * width)), inFirst, b.InCount, W, Alpha, Beta);
            }
        }
    }

    /// <summary>Adds the parts of a vector of output channels in order and writes it.</summary>
    private struct FinishJob : ITeamJob
    {
        public ChannelFilterGradient<T> Owner;
        public T* Kept;
        public T* W;
        public T Alpha;
        public T Beta;

        public readonly void Execute(int index, int worker)
        {
            ChannelFilterGradient<T> o = Owner;
            int width = o.kernels.Width;
            long block = index / o.OutVectors, v = index % o.OutVectors, count = o.inBlock * o.TapCount * width;
            long pair = block / o.inBlocks / o.outBlocks, inFirst = block % o.inBlocks * o.inBlock, outFirst = (block / o.inBlocks % o.outBlocks * o.outBlock) + (v * width);
            long channels = Math.Min(width, o.s.OutGroup - outFirst);
            T* sums = Kept + (block * o.parts * o.BlockSums) + (v * count);
            for (long part = 1; part < o.parts; part++)
            {
                o.kernels.Elementwise(ElementwiseOperation.Add, sums, sums + (part * o.BlockSums), sums, count, T.One, T.Zero);
            }

            if (channels > 0)
            {
                o.Write(sums, pair, outFirst, channels, inFirst, Math.Min(o.inBlock, o.s.InGroup - inFirst), W, Alpha, Beta);
            }
        }
    }
}
