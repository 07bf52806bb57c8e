using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace HpcLinear.Cpu;

/// <summary>One layer of a predictive-coding sweep over a slice of samples; vectors hold samples, <c>lanes = vectors * width</c> of them.</summary>
internal unsafe struct LayerSweep<T>
    where T : unmanaged
{
    /// <summary>W, row-major.</summary>
    public T* Weights;

    /// <summary>Rows of W, the layer's width.</summary>
    public nint Rows;

    /// <summary>Columns of W.</summary>
    public nint Columns;

    /// <summary>b, one a row; null for none.</summary>
    public T* Bias;

    /// <summary>What W is applied to, <c>[columns, lanes]</c>; null: nothing is predicted, the errors are read instead.</summary>
    public T* Input;

    /// <summary>What a skip adds to the prediction, <c>[rows, lanes]</c>; null for none.</summary>
    public T* Through;

    /// <summary>The layer's activities, <c>[rows, lanes]</c>; null: the prediction itself is written.</summary>
    public T* State;

    /// <summary>Errors, state - prediction, <c>[rows, lanes]</c>: written, or read when there is no input.</summary>
    public T* Error;

    /// <summary>Grows by <c>Wᵀ error</c>, <c>[columns, lanes]</c>; null for no way back.</summary>
    public T* Return;

    /// <summary>Grows by the squares of the errors, <c>[lanes]</c>; null for none.</summary>
    public T* Squares;

    /// <summary>a, the factor of <c>W input + b</c>.</summary>
    public T Scale;
}

/// <summary>
/// The one-pass strip: for up to 8 rows of W it predicts, takes the errors, and sends them back through the same rows while these are in the first-level
/// cache and the errors in registers. W is read once a step, with unit stride.
/// </summary>
/// <remarks>Every sum runs in the order of its index, from the bias or from what the result held: one pass and two passes give the same bits, and so do
/// one vector of samples and two. Source: W z and Wᵀ e of the relaxation, docs/predictive-coding.md.</remarks>
internal static unsafe class RelaxationTiles
{
    private const int CacheLine = 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Strip<T, TVector, TSimd, TRows, TVectors>(LayerSweep<T>* sweep, nint row)
        where T : unmanaged
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
        where TRows : struct, INumber
        where TVectors : struct, INumber
    {
        int w = TSimd.Width, lanes = TVectors.Value * w;
        nint step = sweep->Columns, step2 = 2 * step;
        T* a = sweep->Weights + (row * step), a3 = a + (3 * step), a6 = a + (6 * step);
        T* error = sweep->Error + (row * lanes);

        // The strip after this one is fetched a line of each row at a time, half its rows on either way: at once they would be more than the core can wait for.
        int fetched = CacheLine / sizeof(T), fetchedAhead = sweep->Input == null ? 0 : (TRows.Value + 1) / 2;
        TVector c00 = default, c01 = default;
        TVector c10 = default, c11 = default;
        TVector c20 = default, c21 = default;
        TVector c30 = default, c31 = default;
        TVector c40 = default, c41 = default;
        TVector c50 = default, c51 = default;
        TVector c60 = default, c61 = default;
        TVector c70 = default, c71 = default;
        if (sweep->Input != null)
        {
            if (sweep->Bias != null)
            {
                T* bias = sweep->Bias + row;
                c00 = c01 = TSimd.Broadcast(bias[0]);
                if (TRows.Value > 1)
                {
                    c10 = c11 = TSimd.Broadcast(bias[1]);
                }

                if (TRows.Value > 2)
                {
                    c20 = c21 = TSimd.Broadcast(bias[2]);
                }

                if (TRows.Value > 3)
                {
                    c30 = c31 = TSimd.Broadcast(bias[3]);
                }

                if (TRows.Value > 4)
                {
                    c40 = c41 = TSimd.Broadcast(bias[4]);
                }

                if (TRows.Value > 5)
                {
                    c50 = c51 = TSimd.Broadcast(bias[5]);
                }

                if (TRows.Value > 6)
                {
                    c60 = c61 = TSimd.Broadcast(bias[6]);
                }

                if (TRows.Value > 7)
                {
                    c70 = c71 = TSimd.Broadcast(bias[7]);
                }

            }

            T* b = sweep->Input;
            int until = sweep->Return == null ? TRows.Value : fetchedAhead;
            for (nint left = step; left > 0; left -= fetched)
            {
                if (Sse.IsSupported)
                {
                    T* ahead = a + (TRows.Value * step);
                    for (int r = 0; r < until; r++)
                    {
                        Sse.Prefetch0(ahead + (r * step));
                    }
                }

                for (nint k = left < fetched ? left : fetched; k > 0; k--)
                {
                    TVector b0 = TSimd.Load(b), b1 = default, x;
                    if (TVectors.Value > 1)
                    {
                        b1 = TSimd.Load(b + w);
                    }

                    x = TSimd.Broadcast(*a);
                    c00 = TSimd.MulAdd(x, b0, c00);
                    if (TVectors.Value > 1)
                    {
                        c01 = TSimd.MulAdd(x, b1, c01);
                    }

                    if (TRows.Value > 1)
                    {
                        x = TSimd.Broadcast(a[step]);
                        c10 = TSimd.MulAdd(x, b0, c10);
                        if (TVectors.Value > 1)
                        {
                            c11 = TSimd.MulAdd(x, b1, c11);
                        }
                    }

                    if (TRows.Value > 2)
                    {
                        x = TSimd.Broadcast(a[step2]);
                        c20 = TSimd.MulAdd(x, b0, c20);
                        if (TVectors.Value > 1)
                        {
                            c21 = TSimd.MulAdd(x, b1, c21);
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
                    }

                    if (TRows.Value > 4)
                    {
                        x = TSimd.Broadcast(a3[step]);
                        c40 = TSimd.MulAdd(x, b0, c40);
                        if (TVectors.Value > 1)
                        {
                            c41 = TSimd.MulAdd(x, b1, c41);
                        }
                    }

                    if (TRows.Value > 5)
                    {
                        x = TSimd.Broadcast(a3[step2]);
                        c50 = TSimd.MulAdd(x, b0, c50);
                        if (TVectors.Value > 1)
                        {
                            c51 = TSimd.MulAdd(x, b1, c51);
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
                    }

                    if (TRows.Value > 7)
                    {
                        x = TSimd.Broadcast(a6[step]);
                        c70 = TSimd.MulAdd(x, b0, c70);
                        if (TVectors.Value > 1)
                        {
                            c71 = TSimd.MulAdd(x, b1, c71);
                        }
                    }

                    a++;
                    a3++;
                    a6++;
                    b += lanes;
                }
            }

            TVector scale = TSimd.Broadcast(sweep->Scale), squares0 = default, squares1 = default;
            T* through = sweep->Through == null ? null : sweep->Through + (row * lanes);
            T* state = sweep->State == null ? null : sweep->State + (row * lanes);
            c00 = Finish<T, TVector, TSimd>(c00, scale, through, state, error, 0, ref squares0);
            if (TVectors.Value > 1)
            {
                c01 = Finish<T, TVector, TSimd>(c01, scale, through, state, error, w, ref squares1);
            }

            if (TRows.Value > 1)
            {
                c10 = Finish<T, TVector, TSimd>(c10, scale, through, state, error, (1 * lanes), ref squares0);
                if (TVectors.Value > 1)
                {
                    c11 = Finish<T, TVector, TSimd>(c11, scale, through, state, error, (1 * lanes) + w, ref squares1);
                }
            }

            if (TRows.Value > 2)
            {
                c20 = Finish<T, TVector, TSimd>(c20, scale, through, state, error, (2 * lanes), ref squares0);
                if (TVectors.Value > 1)
                {
                    c21 = Finish<T, TVector, TSimd>(c21, scale, through, state, error, (2 * lanes) + w, ref squares1);
                }
            }

            if (TRows.Value > 3)
            {
                c30 = Finish<T, TVector, TSimd>(c30, scale, through, state, error, (3 * lanes), ref squares0);
                if (TVectors.Value > 1)
                {
                    c31 = Finish<T, TVector, TSimd>(c31, scale, through, state, error, (3 * lanes) + w, ref squares1);
                }
            }

            if (TRows.Value > 4)
            {
                c40 = Finish<T, TVector, TSimd>(c40, scale, through, state, error, (4 * lanes), ref squares0);
                if (TVectors.Value > 1)
                {
                    c41 = Finish<T, TVector, TSimd>(c41, scale, through, state, error, (4 * lanes) + w, ref squares1);
                }
            }

            if (TRows.Value > 5)
            {
                c50 = Finish<T, TVector, TSimd>(c50, scale, through, state, error, (5 * lanes), ref squares0);
                if (TVectors.Value > 1)
                {
                    c51 = Finish<T, TVector, TSimd>(c51, scale, through, state, error, (5 * lanes) + w, ref squares1);
                }
            }

            if (TRows.Value > 6)
            {
                c60 = Finish<T, TVector, TSimd>(c60, scale, through, state, error, (6 * lanes), ref squares0);
                if (TVectors.Value > 1)
                {
                    c61 = Finish<T, TVector, TSimd>(c61, scale, through, state, error, (6 * lanes) + w, ref squares1);
                }
            }

            if (TRows.Value > 7)
            {
                c70 = Finish<T, TVector, TSimd>(c70, scale, through, state, error, (7 * lanes), ref squares0);
                if (TVectors.Value > 1)
                {
                    c71 = Finish<T, TVector, TSimd>(c71, scale, through, state, error, (7 * lanes) + w, ref squares1);
                }
            }

            if (sweep->Squares != null)
            {
                TSimd.Store(TSimd.Add(TSimd.Load(sweep->Squares), squares0), sweep->Squares);
                if (TVectors.Value > 1)
                {
                    TSimd.Store(TSimd.Add(TSimd.Load(sweep->Squares + w), squares1), sweep->Squares + w);
                }
            }

            a = sweep->Weights + (row * step);
            a3 = a + (3 * step);
            a6 = a + (6 * step);
        }
        else
        {
            c00 = TSimd.Load(error);
            if (TVectors.Value > 1)
            {
                c01 = TSimd.Load(error + w);
            }

            if (TRows.Value > 1)
            {
                c10 = TSimd.Load(error + (1 * lanes));
                if (TVectors.Value > 1)
                {
                    c11 = TSimd.Load(error + (1 * lanes) + w);
                }
            }

            if (TRows.Value > 2)
            {
                c20 = TSimd.Load(error + (2 * lanes));
                if (TVectors.Value > 1)
                {
                    c21 = TSimd.Load(error + (2 * lanes) + w);
                }
            }

            if (TRows.Value > 3)
            {
                c30 = TSimd.Load(error + (3 * lanes));
                if (TVectors.Value > 1)
                {
                    c31 = TSimd.Load(error + (3 * lanes) + w);
                }
            }

            if (TRows.Value > 4)
            {
                c40 = TSimd.Load(error + (4 * lanes));
                if (TVectors.Value > 1)
                {
                    c41 = TSimd.Load(error + (4 * lanes) + w);
                }
            }

            if (TRows.Value > 5)
            {
                c50 = TSimd.Load(error + (5 * lanes));
                if (TVectors.Value > 1)
                {
                    c51 = TSimd.Load(error + (5 * lanes) + w);
                }
            }

            if (TRows.Value > 6)
            {
                c60 = TSimd.Load(error + (6 * lanes));
                if (TVectors.Value > 1)
                {
                    c61 = TSimd.Load(error + (6 * lanes) + w);
                }
            }

            if (TRows.Value > 7)
            {
                c70 = TSimd.Load(error + (7 * lanes));
                if (TVectors.Value > 1)
                {
                    c71 = TSimd.Load(error + (7 * lanes) + w);
                }
            }
        }

        T* g = sweep->Return;
        if (g == null)
        {
            return;
        }

        for (nint left = step; left > 0; left -= fetched)
        {
            if (Sse.IsSupported)
            {
                T* ahead = a + (TRows.Value * step);
                for (int r = fetchedAhead; r < TRows.Value; r++)
                {
                    Sse.Prefetch0(ahead + (r * step));
                }
            }

            for (nint k = left < fetched ? left : fetched; k > 0; k--, a++, a3++, a6++, g += lanes)
            {
                TVector g0 = TSimd.Load(g), g1 = default, x;
                if (TVectors.Value > 1)
                {
                    g1 = TSimd.Load(g + w);
                }

                x = TSimd.Broadcast(*a);
                g0 = TSimd.MulAdd(x, c00, g0);
                if (TVectors.Value > 1)
                {
                    g1 = TSimd.MulAdd(x, c01, g1);
                }

                if (TRows.Value > 1)
                {
                    x = TSimd.Broadcast(a[step]);
                    g0 = TSimd.MulAdd(x, c10, g0);
                    if (TVectors.Value > 1)
                    {
                        g1 = TSimd.MulAdd(x, c11, g1);
                    }
                }

                if (TRows.Value > 2)
                {
                    x = TSimd.Broadcast(a[step2]);
                    g0 = TSimd.MulAdd(x, c20, g0);
                    if (TVectors.Value > 1)
                    {
                        g1 = TSimd.MulAdd(x, c21, g1);
                    }
                }

                if (TRows.Value > 3)
                {
                    x = TSimd.Broadcast(*a3);
                    g0 = TSimd.MulAdd(x, c30, g0);
                    if (TVectors.Value > 1)
                    {
                        g1 = TSimd.MulAdd(x, c31, g1);
                    }
                }

                if (TRows.Value > 4)
                {
                    x = TSimd.Broadcast(a3[step]);
                    g0 = TSimd.MulAdd(x, c40, g0);
                    if (TVectors.Value > 1)
                    {
                        g1 = TSimd.MulAdd(x, c41, g1);
                    }
                }

                if (TRows.Value > 5)
                {
                    x = TSimd.Broadcast(a3[step2]);
                    g0 = TSimd.MulAdd(x, c50, g0);
                    if (TVectors.Value > 1)
                    {
                        g1 = TSimd.MulAdd(x, c51, g1);
                    }
                }

                if (TRows.Value > 6)
                {
                    x = TSimd.Broadcast(*a6);
                    g0 = TSimd.MulAdd(x, c60, g0);
                    if (TVectors.Value > 1)
                    {
                        g1 = TSimd.MulAdd(x, c61, g1);
                    }
                }

                if (TRows.Value > 7)
                {
                    x = TSimd.Broadcast(a6[step]);
                    g0 = TSimd.MulAdd(x, c70, g0);
                    if (TVectors.Value > 1)
                    {
                        g1 = TSimd.MulAdd(x, c71, g1);
                    }
                }

                TSimd.Store(g0, g);
                if (TVectors.Value > 1)
                {
                    TSimd.Store(g1, g + w);
                }
            }
        }
    }

    /// <summary>A row's prediction, or its error against the state; stored, and squared.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Finish<T, TVector, TSimd>(TVector sum, TVector scale, T* through, T* state, T* error, int at, ref TVector squares)
        where T : unmanaged
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
    {
        TVector result = through == null ? TSimd.Multiply(scale, sum) : TSimd.MulAdd(scale, sum, TSimd.Load(through + at));
        if (state != null)
        {
            result = TSimd.Subtract(TSimd.Load(state + at), result);
            squares = TSimd.MulAdd(result, result, squares);
        }

        TSimd.Store(result, error + at);
        return result;
    }
}
