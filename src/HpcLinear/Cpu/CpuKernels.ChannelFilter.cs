using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

/// <summary>Operands of <see cref="CpuKernels{T}.FilterTile"/>; strides count elements.</summary>
internal unsafe struct FilterTile<T>
    where T : unmanaged
{
    /// <summary>Source of the tile's first row; its row r reads <see cref="XRow"/> times r further on.</summary>
    public T* X;
    public nint XRow;

    /// <summary>From a position to the next.</summary>
    public nint XStep;

    /// <summary>Vectors of gradients: one position after the other, the next vector of channels <see cref="GVector"/> further on.</summary>
    public T* G;
    public nint GVector;

    /// <summary>Runs of positions as pairs: where each begins in X and in G.</summary>
    public nint* Runs;
    public nint RunCount;

    /// <summary>Positions of each run.</summary>
    public nint Count;

    /// <summary>The sums, added to.</summary>
    public T* C;
    public nint CRow;
    public nint CVector;
}

internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary>
    /// <c>C[r, v] += sum over runs q, positions p of X[Runs[q].x + r*XRow + p*XStep] G[Runs[q].g + v*GVector + p*width …]</c> for 1 … 8 rows and 1 … 3 vectors.
    /// </summary>
    public abstract void FilterTile(int rows, int vectors, FilterTile<T>* tile);
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    private readonly delegate*<FilterTile<T>*, void>[] filterTiles = new delegate*<FilterTile<T>*, void>[MaxRows * MaxVectors];

    public override void FilterTile(int rows, int vectors, FilterTile<T>* tile) => filterTiles[((rows - 1) * MaxVectors) + vectors - 1](tile);

    private void FilterRows<TRows>()
        where TRows : struct, INumber
    {
        int at = (TRows.Value - 1) * MaxVectors;
        filterTiles[at] = &FilterTile<TRows, N1>;
        filterTiles[at + 1] = &FilterTile<TRows, N2>;
        filterTiles[at + 2] = &FilterTile<TRows, N3>;
    }

    /// <remarks>Runs may be as short as a row of a small image: the accumulators stay in registers from run to run.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FilterTile<TRows, TVectors>(FilterTile<T>* tile)
        where TRows : struct, INumber
        where TVectors : struct, INumber
    {
        int w = TSimd.Width;
        nint row = tile->XRow, row2 = 2 * row, step = tile->XStep, vector = tile->GVector, count = tile->Count;
        TVector c00 = default, c01 = default, c02 = default;
        TVector c10 = default, c11 = default, c12 = default;
        TVector c20 = default, c21 = default, c22 = default;
        TVector c30 = default, c31 = default, c32 = default;
        TVector c40 = default, c41 = default, c42 = default;
        TVector c50 = default, c51 = default, c52 = default;
        TVector c60 = default, c61 = default, c62 = default;
        TVector c70 = default, c71 = default, c72 = default;
        nint* run = tile->Runs;
        nint* end = run + (2 * tile->RunCount);
        for (; run != end; run += 2)
        {
            T* a = tile->X + run[0], a3 = a + (3 * row), a6 = a3 + (3 * row), b = tile->G + run[1];
            for (nint p = count; p > 0; p--)
            {
                TVector b0 = TSimd.Load(b), b1 = default, b2 = default, x;
                if (TVectors.Value > 1)
                {
                    b1 = TSimd.Load(b + vector);
                }

                if (TVectors.Value > 2)
                {
                    b2 = TSimd.Load(b + (2 * vector));
                }

                x = TSimd.Broadcast(*a);
                c00 = TSimd.MulAdd(x, b0, c00);
                if (TVectors.Value > 1)
                {
                    c01 = TSimd.MulAdd(x, b1, c01);
                }

                if (TVectors.Value > 2)
                {
                    c02 = TSimd.MulAdd(x, b2, c02);
                }

                if (TRows.Value > 1)
                {
                    x = TSimd.Broadcast(a[row]);
                    c10 = TSimd.MulAdd(x, b0, c10);
                    if (TVectors.Value > 1)
                    {
                        c11 = TSimd.MulAdd(x, b1, c11);
                    }

                    if (TVectors.Value > 2)
                    {
                        c12 = TSimd.MulAdd(x, b2, c12);
                    }
                }

                if (TRows.Value > 2)
                {
                    x = TSimd.Broadcast(a[row2]);
                    c20 = TSimd.MulAdd(x, b0, c20);
                    if (TVectors.Value > 1)
                    {
                        c21 = TSimd.MulAdd(x, b1, c21);
                    }

                    if (TVectors.Value > 2)
                    {
                        c22 = TSimd.MulAdd(x, b2, c22);
                    }
                }

                if (TRows.Value > 3)
                {
                    x = TSimd.Broadcast(*a3);
                    c30 = TSimd.MulAdd(x, b0, c30);
                    if (TVectors.Value > 1)
                    {
                        c31 = TSimd.MulAdd(x, b1, c31);
                    }

                    if (TVectors.Value > 2)
                    {
                        c32 = TSimd.MulAdd(x, b2, c32);
                    }
                }

                if (TRows.Value > 4)
                {
                    x = TSimd.Broadcast(a3[row]);
                    c40 = TSimd.MulAdd(x, b0, c40);
                    if (TVectors.Value > 1)
                    {
                        c41 = TSimd.MulAdd(x, b1, c41);
                    }

                    if (TVectors.Value > 2)
                    {
                        c42 = TSimd.MulAdd(x, b2, c42);
                    }
                }

                if (TRows.Value > 5)
                {
                    x = TSimd.Broadcast(a3[row2]);
                    c50 = TSimd.MulAdd(x, b0, c50);
                    if (TVectors.Value > 1)
                    {
                        c51 = TSimd.MulAdd(x, b1, c51);
                    }

                    if (TVectors.Value > 2)
                    {
                        c52 = TSimd.MulAdd(x, b2, c52);
                    }
                }

                if (TRows.Value > 6)
                {
                    x = TSimd.Broadcast(*a6);
                    c60 = TSimd.MulAdd(x, b0, c60);
                    if (TVectors.Value > 1)
                    {
                        c61 = TSimd.MulAdd(x, b1, c61);
                    }

                    if (TVectors.Value > 2)
                    {
                        c62 = TSimd.MulAdd(x, b2, c62);
                    }
                }

                if (TRows.Value > 7)
                {
                    x = TSimd.Broadcast(a6[row]);
                    c70 = TSimd.MulAdd(x, b0, c70);
                    if (TVectors.Value > 1)
                    {
                        c71 = TSimd.MulAdd(x, b1, c71);
                    }

                    if (TVectors.Value > 2)
                    {
                        c72 = TSimd.MulAdd(x, b2, c72);
                    }
                }

                a += step;
                a3 += step;
                a6 += step;
                b += w;
            }
        }

        T* c = tile->C;
        nint next = tile->CRow, apart = tile->CVector;
        FilterAdd<TVectors>(c00, c01, c02, c, apart);
        if (TRows.Value > 1)
        {
            FilterAdd<TVectors>(c10, c11, c12, c + next, apart);
        }

        if (TRows.Value > 2)
        {
            FilterAdd<TVectors>(c20, c21, c22, c + (2 * next), apart);
        }

        if (TRows.Value > 3)
        {
            FilterAdd<TVectors>(c30, c31, c32, c + (3 * next), apart);
        }

        if (TRows.Value > 4)
        {
            FilterAdd<TVectors>(c40, c41, c42, c + (4 * next), apart);
        }

        if (TRows.Value > 5)
        {
            FilterAdd<TVectors>(c50, c51, c52, c + (5 * next), apart);
        }

        if (TRows.Value > 6)
        {
            FilterAdd<TVectors>(c60, c61, c62, c + (6 * next), apart);
        }

        if (TRows.Value > 7)
        {
            FilterAdd<TVectors>(c70, c71, c72, c + (7 * next), apart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FilterAdd<TVectors>(TVector c0, TVector c1, TVector c2, T* c, nint apart)
        where TVectors : struct, INumber
    {
        TSimd.Store(TSimd.Add(TSimd.Load(c), c0), c);
        if (TVectors.Value > 1)
        {
            TSimd.Store(TSimd.Add(TSimd.Load(c + apart), c1), c + apart);
        }

        if (TVectors.Value > 2)
        {
            TSimd.Store(TSimd.Add(TSimd.Load(c + (2 * apart)), c2), c + (2 * apart));
        }
    }
}
