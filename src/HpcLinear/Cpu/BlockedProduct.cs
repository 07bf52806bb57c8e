using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace HpcLinear.Cpu;

/// <summary>One side of a product, seen as lines (rows of A, columns of B) of a common depth. A struct: each worker has a copy of its own.</summary>
internal unsafe interface IOperand<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Moves to one of the independent products.</summary>
    void Select(long product);

    /// <summary>Where kernels may read in place: element (line, depth) is at <c>origin[line*lineStride + depth*depthStride]</c>; null when it must be packed.</summary>
    T* InPlace(out nint lineStride, out nint depthStride);

    /// <summary>Packs whole panels of lines side by side, as <see cref="CpuKernels{T}.PackRows"/>, where that is faster than one after the other; returns the lines packed.</summary>
    long PackPanels(CpuKernels<T> kernels, T* panels, int panel, long line, long lines, long from, int depth);

    /// <summary>Writes lines <c>line … line + lines</c>, depths <c>from … from + depth</c> as <c>panel[p*width + l]</c>, lanes up to width zero.</summary>
    void Pack(T* panel, int width, long line, int lines, long from, int depth, int worker);
}

/// <summary>Where a product's tiles go. A struct: each worker has a copy of its own.</summary>
internal unsafe interface IResult<T>
    where T : unmanaged
{
    /// <summary>Moves to one of the independent products.</summary>
    void Select(long product);

    /// <summary>Prepares a region to be added to: beta times what it holds, plus what else the operation starts from.</summary>
    void Begin(long row, long rows, long column, long columns);

    /// <summary>Where a tile of whole columns may be written in place; null when it must be scattered.</summary>
    T* InPlace(long row, long column, int columns, out nint rowStride);

    /// <summary>Takes a finished tile, <c>tile[r*stride + j]</c>.</summary>
    void Scatter(T* tile, nint stride, long row, int rows, long column, int columns, bool accumulate);

    /// <summary>Whether rows are kept until they are finished: then <see cref="Scatter"/> takes whole rows of a region once, not tiles, and nothing is added to.</summary>
    static virtual bool IsStaged => false;
}

/// <summary>Sizes of a number of independent products.</summary>
internal readonly record struct ProductShape(long Products, long Rows, long Columns, long Depth)
{
    /// <summary>When positive, product p covers depths of the common range <c>[(p % Parts) * Depth, min(…, TotalDepth))</c> only.</summary>
    public long Parts { get; init; }

    /// <summary>Length of the range that parts divide.</summary>
    public long TotalDepth { get; init; }

    public double MultiplyAdds => (double)Products * Rows * Columns * Depth;

    public long DepthOf(long product) => Parts == 0 ? Depth : Math.Min(Depth, TotalDepth - (product % Parts * Depth));
}

/// <summary>
/// C = alpha A B by cache blocks: a worker takes a region of C, packs a block of B that stays in its second-level cache, and runs register tiles over it.
/// Matrix products and all three directions of a convolution end here; they differ in how operands are packed and tiles written.
/// </summary>
/// <remarks>The sum over the depth runs in blocks fixed by the shape, always in order: neither thread count nor the division into regions changes a bit.</remarks>
internal static unsafe class BlockedProduct
{
    /// <summary>Longest depth block: an A panel of 8 rows takes 12 KB of the first-level cache in float32.</summary>
    private const int MaxDepthBlockBytes = 1536;

    /// <summary>Rows of a region and their bytes when they are kept over several depth blocks.</summary>
    private const int StagedRows = 256;
    private const int StagedBytes = 256 << 10;

    /// <summary>Bytes of a packed block of B: half of a 1 MB second-level cache.</summary>
    private const int BlockBytes = 512 << 10;

    /// <summary>Multiply-adds worth handing to another thread, about 2 µs.</summary>
    private const double Grain = 100e3;

    /// <summary>Multiply-adds of small products that are claimed together.</summary>
    private const double GroupGrain = 400e3;

    /// <summary>Multiply-adds in the time of packing one element.</summary>
    private const double PackingCost = 16;

    /// <summary>Depth from which a tile of C is fetched before it is computed.</summary>
    private const int FetchedDepth = 256;

    /// <summary>B is read in place while its rows are at most this many bytes apart; farther, every depth step would touch a page of its own.</summary>
    private const int InPlaceStride = 2048;

    /// <summary>How a product is cut; a function of the shape and the thread count.</summary>
    public readonly record struct Cut(int DepthBlock, long RowBlock, long ColumnBlock, long RowBlocks, long ColumnBlocks, long ProductsPerItem, int PanelBytesA, int BlockBytesB, int TileBytes)
    {
        /// <summary>Rows that are staged between depth blocks, and their bytes.</summary>
        public long StagedRows { get; init; }

        public long StagedBytes { get; init; }

        public long WorkerBytes => PanelBytesA + BlockBytesB + TileBytes + StagedBytes;
    }

    /// <summary>Scratch bytes that a product takes.</summary>
    public static long WorkspaceBytes<T>(CpuKernels<T> kernels, ProductShape shape, int threads, bool staged = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Divide(kernels, shape, threads, staged: staged).WorkerBytes * threads;

    /// <summary>Runs all products, <c>alpha A B</c>. <paramref name="begin"/>: the result starts from <see cref="IResult{T}.Begin"/> and is added to; otherwise it is overwritten.</summary>
    public static void Run<T, TA, TB, TC>(CpuQueue queue, CpuKernels<T> kernels, ProductShape shape, TA a, TB b, TC c, T alpha, bool begin, byte* workspace)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IOperand<T>
        where TB : struct, IOperand<T>
        where TC : struct, IResult<T>
    {
        Run(queue, kernels, shape, Divide(kernels, shape, queue.Team.Size, staged: TC.IsStaged), a, b, c, alpha, begin, workspace);
    }

    /// <summary>As above, with a division made before.</summary>
    public static void Run<T, TA, TB, TC>(CpuQueue queue, CpuKernels<T> kernels, ProductShape shape, Cut cut, TA a, TB b, TC c, T alpha, bool begin, byte* workspace)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IOperand<T>
        where TB : struct, IOperand<T>
        where TC : struct, IResult<T>
    {
        Job<T, TA, TB, TC> job = new() { Kernels = kernels, Shape = shape, Cut = cut, A = a, B = b, C = c, Alpha = alpha, Begin = begin, Workspace = workspace };
        long perProduct = cut.RowBlocks * cut.ColumnBlocks;
        long items = perProduct == 1 ? (shape.Products + cut.ProductsPerItem - 1) / cut.ProductsPerItem : shape.Products * perProduct;
        queue.Team.Run(checked((int)items), ref job);
    }

    /// <summary>Divides a product among threads. <paramref name="inPlaceA"/>, <paramref name="inPlaceB"/>: the operand will not be packed, so reading it again costs nothing.
    /// <paramref name="staged"/>: for a result that is <see cref="IResult{T}.IsStaged"/>.</summary>
    public static Cut Divide<T>(CpuKernels<T> kernels, ProductShape shape, int threads, bool inPlaceA = false, bool inPlaceB = false, bool staged = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int panel = kernels.TileVectors * kernels.Width, rows = kernels.TileRows;
        long depthBlocks = Math.Max(1, ((shape.Depth * sizeof(T)) + MaxDepthBlockBytes - 1) / MaxDepthBlockBytes);
        int depthBlock = (int)Math.Max(1, (shape.Depth + depthBlocks - 1) / depthBlocks);
        long columnBlock = Math.Max(panel, BlockBytes / (depthBlock * sizeof(T)) / panel * panel);
        columnBlock = Math.Min(columnBlock, (shape.Columns + panel - 1) / panel * panel);
        columnBlock = Math.Max(columnBlock, panel);
        long rowBlock = shape.Rows, perItem = 1;
        double product = (double)shape.Rows * shape.Columns * shape.Depth;

        // Few products: cut them until every thread finds several regions. Many: several products an item.
        if (shape.Products > 0 && shape.Products < 4L * threads && threads > 1)
        {
            long panels = (shape.Columns + panel - 1) / panel, tiles = (shape.Rows + rows - 1) / rows;
            long least = Math.Max(1, (shape.Columns + columnBlock - 1) / columnBlock);
            double most = Math.Min(8.0 * threads, shape.Products * product / Grain);
            (long columnCuts, long rowCuts) = Cuts(
                shape.Products,
                panels,
                tiles,
                least,
                most,
                threads,
                inPlaceA ? 0 : PackingCost / Math.Max(1, shape.Columns),
                inPlaceB ? 0 : PackingCost / Math.Max(1, shape.Rows));
            columnBlock = Math.Clamp((panels + columnCuts - 1) / columnCuts * panel, panel, columnBlock);
            rowBlock = (tiles + rowCuts - 1) / rowCuts * rows;
        }
        else
        {
            perItem = Math.Max(1, Math.Min((long)(GroupGrain / Math.Max(1, product)), shape.Products / (4L * threads)));
        }

        rowBlock = Math.Max(1, Math.Min(rowBlock, shape.Rows));
        long stagedRows = 0;
        if (staged)
        {
            stagedRows = depthBlocks == 1 ? rows : rowBlock = Math.Min(rowBlock, StagedRows);
            columnBlock = Math.Min(columnBlock, Math.Max(1, StagedBytes / (stagedRows * sizeof(T) * panel)) * panel);
        }

        return new(
            depthBlock,
            rowBlock,
            columnBlock,
            Math.Max(1, (shape.Rows + rowBlock - 1) / rowBlock),
            Math.Max(1, (shape.Columns + columnBlock - 1) / columnBlock),
            perItem,
            Align(rows * depthBlock * sizeof(T)),
            Align(checked((int)columnBlock * depthBlock * sizeof(T))),
            Align(rows * panel * sizeof(T)))
        {
            StagedRows = stagedRows,
            StagedBytes = stagedRows == 0 ? 0 : Align(checked((int)(stagedRows * columnBlock * sizeof(T)))),
        };
    }

    /// <summary>The numbers of pieces of columns and of rows that cost least: threads wait for the last region, every cut of columns packs A again, every cut
    /// of rows B.</summary>
    private static (long Columns, long Rows) Cuts(long products, long panels, long tiles, long least, double most, int threads, double again, double againB)
    {
        double best = double.MaxValue;
        long columns = least, rows = 1;
        for (long c = least; c <= Math.Max(least, panels); c++)
        {
            for (long r = 1; r <= Math.Max(1, tiles); r++)
            {
                double items = (double)products * c * r;
                if ((c > least || r > 1) && items > most)
                {
                    break;
                }

                // The largest region's share; regions come in whole tiles.
                double share = (double)((panels + c - 1) / c) * ((tiles + r - 1) / r) / Math.Max(1.0, (double)products * panels * tiles);
                double last = Math.Min(Math.Ceiling(items / threads) * share, (1.0 / threads) + (share * (threads - 1) / threads));
                double cost = (last + (share / 4)) * (1 + (c * again) + (r * againB));
                if (cost < best)
                {
                    best = cost;
                    columns = c;
                    rows = r;
                }
            }

            if (products * (double)(c + 1) > most)
            {
                break;
            }
        }

        return (columns, rows);
    }

    /// <summary>Whether lines of A that lie in memory are packed all the same: several tiles would read them across pages.</summary>
    public static bool PacksRows<T>(nint depthStride, bool severalTiles)
        where T : unmanaged => depthStride != 1 && depthStride * sizeof(T) > 512 && severalTiles;

    /// <summary>Whether B that lies in memory is packed all the same. In place, a row of it must be whole vectors and near its neighbour, or be read by a single row of tiles.</summary>
    public static bool PacksColumns<T>(nint lineStride, nint depthStride, bool severalTiles)
        where T : unmanaged => lineStride != 1 || (depthStride * sizeof(T) > InPlaceStride && severalTiles);

    private static int Align(int bytes) => (bytes + 127) & ~63;

    private struct Job<T, TA, TB, TC> : ITeamJob
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IOperand<T>
        where TB : struct, IOperand<T>
        where TC : struct, IResult<T>
    {
        public CpuKernels<T> Kernels;
        public ProductShape Shape;
        public Cut Cut;
        public TA A;
        public TB B;
        public TC C;
        public T Alpha;
        public bool Begin;
        public byte* Workspace;

        public readonly void Execute(int index, int worker)
        {
            TA a = A;
            TB b = B;
            TC c = C;
            byte* scratch = Workspace + (worker * Cut.WorkerBytes);
            long perProduct = Cut.RowBlocks * Cut.ColumnBlocks;
            long first = perProduct == 1 ? index * Cut.ProductsPerItem : index / perProduct;
            long last = perProduct == 1 ? Math.Min(Shape.Products, first + Cut.ProductsPerItem) : first + 1;
            long block = perProduct == 1 ? 0 : index % perProduct;
            long row = block / Cut.ColumnBlocks * Cut.RowBlock, column = block % Cut.ColumnBlocks * Cut.ColumnBlock;
            for (long product = first; product < last; product++)
            {
                a.Select(product);
                b.Select(product);
                c.Select(product);
                Region(
                    ref a,
                    ref b,
                    ref c,
                    row,
                    Math.Min(Cut.RowBlock, Shape.Rows - row),
                    column,
                    Math.Min(Cut.ColumnBlock, Shape.Columns - column),
                    Shape.DepthOf(product),
                    scratch,
                    worker);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Region(ref TA a, ref TB b, ref TC c, long row, long rows, long column, long columns, long depth, byte* scratch, int worker)
        {
            int width = Kernels.Width, tileRows = Kernels.TileRows, panel = Kernels.TileVectors * width;
            T* panelA = (T*)scratch;
            T* blockB = (T*)(scratch + Cut.PanelBytesA);
            T* tile = (T*)(scratch + Cut.PanelBytesA + Cut.BlockBytesB), staged = (T*)((byte*)tile + Cut.TileBytes);
            T* placeA = a.InPlace(out nint aLine, out nint aDepth);
            T* placeB = b.InPlace(out nint bLine, out nint bDepth);

            bool packB = placeB is null || PacksColumns<T>(bLine, bDepth, rows > tileRows);
            long whole = packB ? 0 : columns / width * width;
            bool packA = placeA is null || PacksRows<T>(aDepth, columns > panel);
            if (Begin)
            {
                c.Begin(row, rows, column, columns);
            }

            long from = 0;
            do
            {
                int block = (int)Math.Min(Cut.DepthBlock, depth - from);
                bool accumulate = Begin || from > 0;
                long packed0 = 0;
                if (packB)
                {
                    packed0 = b.PackPanels(Kernels, blockB, panel, column, columns / panel * panel, from, block);
                }

                for (long j = packed0; j < columns; j += panel)
                {
                    int count = (int)Math.Min(panel, columns - j);
                    if (j + count > whole)
                    {
                        b.Pack(blockB + (j * block), PanelWidth(count, width), column + j, count, from, block, worker);
                    }
                }

                for (long i = 0; i < rows; i += tileRows)
                {
                    int height = (int)Math.Min(tileRows, rows - i);
                    T* tileA = placeA + ((row + i) * aLine) + (from * aDepth);
                    nint lineA = aLine, stepA = aDepth;
                    if (packA)
                    {
                        a.Pack(panelA, height, row + i, height, from, block, worker);
                        tileA = panelA;
                        lineA = 1;
                        stepA = height;
                    }

                    T* rowsOut = staged + (i % Math.Max(1, Cut.StagedRows) * Cut.ColumnBlock);
                    for (long j = 0; j < columns; j += panel)
                    {
                        int count = (int)Math.Min(panel, columns - j), vectors = (count + width - 1) / width;
                        bool packed = j + count > whole;
                        T* tileB = packed ? blockB + (j * block) : placeB + column + j + (from * bDepth);
                        nint stepB = packed ? PanelWidth(count, width) : bDepth;
                        if (TC.IsStaged)
                        {
                            Kernels.Tile(height, vectors, block, tileA, lineA, stepA, tileB, stepB, rowsOut + j, (nint)Cut.ColumnBlock, Alpha, accumulate);
                            continue;
                        }

                        T* target = count == vectors * width ? c.InPlace(row + i, column + j, count, out nint stride) : Null(out stride);
                        if (target is not null)
                        {
                            if (block >= FetchedDepth)
                            {
                                Fetch(target, stride, height, count);
                            }

                            Kernels.Tile(height, vectors, block, tileA, lineA, stepA, tileB, stepB, target, stride, Alpha, accumulate);
                        }
                        else
                        {
                            Kernels.Tile(height, vectors, block, tileA, lineA, stepA, tileB, stepB, tile, panel, Alpha, false);
                            c.Scatter(tile, panel, row + i, height, column + j, count, accumulate);
                        }
                    }

                    if (TC.IsStaged && from + block >= depth)
                    {
                        c.Scatter(rowsOut, (nint)Cut.ColumnBlock, row + i, height, column, (int)columns, false);
                    }
                }

                from += block;
            }
            while (from < depth);
        }

        /// <summary>Asks for a tile of C while the tile is computed.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Fetch(T* c, nint stride, int rows, int columns)
        {
            if (Sse.IsSupported)
            {
                for (int r = 0; r < rows; r++, c += stride)
                {
                    for (int j = 0; j < columns; j += 64 / sizeof(T))
                    {
                        Sse.Prefetch0(c + j);
                    }
                }
            }
        }

        private static int PanelWidth(int count, int width) => (count + width - 1) / width * width;

        private static T* Null(out nint stride)
        {
            stride = 0;
            return null;
        }
    }
}
