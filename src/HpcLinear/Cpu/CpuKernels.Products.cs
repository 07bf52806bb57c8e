using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace HpcLinear.Cpu;

/// <summary>A number of small products one after the other; steps count elements from one product to the next.</summary>
internal unsafe struct ProductBatch<T>
    where T : unmanaged
{
    public long Count;
    public int Rows;
    public int Depth;

    /// <summary>Tiles side by side in a row.</summary>
    public int Across;

    public T* A;
    public nint RowA;
    public nint DepthA;
    public nint StepA;
    public T* B;
    public nint DepthB;
    public nint StepB;
    public T* C;
    public nint RowC;
    public nint StepC;
    public T Alpha;
    public bool Accumulate;

    /// <summary>Products that operands are fetched ahead; 0 leaves it to the processor.</summary>
    public int Ahead;

    /// <summary>The tile of the rows that a multiple of a tile leaves.</summary>
    public delegate*<nint, T*, nint, nint, T*, nint, T*, nint, T, bool, void> RestTile;
}

/// <remarks>Small products: the loop over problems is inside the kernel and everything is read in place, so that a product costs little more than its arithmetic.</remarks>
internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary>Multiplies a batch with tiles of <paramref name="rows"/> rows and <paramref name="vectors"/> vectors; its columns are <c>Across</c> tiles, exactly.</summary>
    public abstract void MultiplyBatch(int rows, int vectors, ProductBatch<T> batch);

    /// <summary>The tile for small products: vectors that divide the columns, rows that divide the rows if any from four on do.</summary>
    public (int Rows, int Vectors) ProductTile(long rows, long columns)
    {
        long vectors = columns / Width;
        int across = TileVectors > 2 && vectors % 3 == 0 ? 3 : vectors % 2 == 0 ? 2 : 1;
        int most = across == 1 ? 8 : TileRows, high = (int)Math.Min(rows, most);
        for (int r = high; r >= 4; r--)
        {
            if (rows % r == 0)
            {
                return (r, across);
            }
        }

        return (high, across);
    }
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    private readonly delegate*<ProductBatch<T>*, void>[] batches = new delegate*<ProductBatch<T>*, void>[MaxRows * MaxVectors];

    public override void MultiplyBatch(int rows, int vectors, ProductBatch<T> batch)
    {
        int rest = batch.Rows % rows;
        batch.RestTile = tiles[(Math.Max(0, rest - 1) * MaxVectors) + vectors - 1];
        batches[((rows - 1) * MaxVectors) + vectors - 1](&batch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyBatch<TRows, TVectors>(ProductBatch<T>* batch)
        where TRows : struct, INumber
        where TVectors : struct, INumber
    {
        nint columns = TSimd.Width * TVectors.Value;
        int whole = batch->Rows / TRows.Value, rest = batch->Rows - (whole * TRows.Value), tilesEach = batch->Across * (whole + (rest > 0 ? 1 : 0));
        nint rowA = batch->RowA, depthA = batch->DepthA, depthB = batch->DepthB, rowC = batch->RowC, hopA = TRows.Value * rowA, hopC = TRows.Value * rowC;
        int depth = batch->Depth, across = batch->Across;
        T alpha = batch->Alpha;
        bool accumulate = batch->Accumulate;
        T* a = batch->A, b = batch->B, c = batch->C;
        nint stepA = batch->StepA, stepB = batch->StepB, stepC = batch->StepC;
        nint ahead = batch->Ahead, shareA = 0, shareB = 0, shareC = 0;
        if (ahead > 0)
        {
            shareA = Share(stepA, batch->Rows * depth, tilesEach);
            shareB = Share(stepB, columns * across * depth, tilesEach);
            shareC = Share(stepC, columns * across * batch->Rows, tilesEach);
        }

        for (long product = batch->Count; product > 0; product--, a += stepA, b += stepB, c += stepC)
        {
            T* nextA = a + (ahead * stepA), nextB = b + (ahead * stepB), nextC = c + (ahead * stepC);
            for (int j = 0; j < across; j++)
            {
                T* rowsA = a, rowsC = c + (j * columns);
                for (int i = 0; i < whole; i++, rowsA += hopA, rowsC += hopC)
                {
                    if (ahead > 0)
                    {
                        nextA = Fetch(nextA, shareA);
                        nextB = Fetch(nextB, shareB);
                        nextC = Fetch(nextC, shareC);
                    }

                    Tiles.Multiply<T, TVector, TSimd, TRows, TVectors>(depth, rowsA, rowA, depthA, b + (j * columns), depthB, rowsC, rowC, alpha, accumulate);
                }

                if (rest > 0)
                {
                    batch->RestTile(depth, rowsA, rowA, depthA, b + (j * columns), depthB, rowsC, rowC, alpha, accumulate);
                }
            }
        }
    }

    /// <summary>Elements of an operand fetched with each tile; none of one that products share or that has wide gaps.</summary>
    private static nint Share(nint step, nint elements, int tilesEach) => step == 0 || step > 2 * elements ? 0 : (elements + tilesEach - 1) / tilesEach;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T* Fetch(T* from, nint elements)
    {
        if (Sse.IsSupported)
        {
            for (nint i = 0; i < elements; i += 64 / sizeof(T))
            {
                Sse.Prefetch1(from + i);
            }
        }

        return from + elements;
    }

    private void Batches<TRows>()
        where TRows : struct, INumber
    {
        int at = (TRows.Value - 1) * MaxVectors;
        batches[at] = &MultiplyBatch<TRows, N1>;
        batches[at + 1] = &MultiplyBatch<TRows, N2>;
        batches[at + 2] = &MultiplyBatch<TRows, N3>;
    }
}
