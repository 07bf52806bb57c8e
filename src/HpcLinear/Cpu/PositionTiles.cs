using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace HpcLinear.Cpu;

/// <summary>What the tiles of one run of channels have in common.</summary>
internal unsafe struct PositionRow<T>
    where T : unmanaged
{
    /// <summary>Elements between channels of the staged input.</summary>
    public nint InputChannel;

    public nint Channels;

    /// <summary>For each tap its offset in the staged input and in the filter.</summary>
    public int* Taps;
    public nint TapCount;

    /// <summary>Elements of the filter between result channels and between source channels.</summary>
    public nint FilterRow;
    public nint FilterChannel;

    /// <summary>Elements between rows of sums.</summary>
    public nint SumRow;

    /// <summary>Where the second, third and fourth vector of positions begin, from the first.</summary>
    public nint Vector1;
    public nint Vector2;
    public nint Vector3;

    /// <summary>Cache lines of filter that a tile reads of one source channel, to be fetched ahead; 0 where these lie one after the other.</summary>
    public nint FetchedLines;

    /// <summary>One start a row instead of the sums so far; null when there are sums.</summary>
    public T* Start;
}

/// <summary>The register tile of the direct convolution whose lanes are positions: up to 8 result channels against up to 4 vectors of positions.</summary>
/// <remarks>Element (row r, channel c, tap t) of the filter is <c>filter[r*FilterRow + c*FilterChannel + Taps[2t+1]]</c>, read where it lies; the input's vector v is
/// <c>x[c*InputChannel + Taps[2t] + Vector_v …]</c>. Channels are the outer sum and taps the inner one, always in this order.</remarks>
internal static unsafe class PositionTiles
{
    /// <summary>Source channels between the filter that is read and the one that is fetched.</summary>
    private const int FetchedAhead = 4;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Convolve<T, TVector, TSimd, TRows, TVectors>(PositionRow<T>* run, T* x, T* filter, T* sums)
        where T : unmanaged
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
        where TRows : struct, INumber
        where TVectors : struct, INumber
    {
        TVector s00 = default, s01 = default, s02 = default, s03 = default;
        TVector s10 = default, s11 = default, s12 = default, s13 = default;
        TVector s20 = default, s21 = default, s22 = default, s23 = default;
        TVector s30 = default, s31 = default, s32 = default, s33 = default;
        TVector s40 = default, s41 = default, s42 = default, s43 = default;
        TVector s50 = default, s51 = default, s52 = default, s53 = default;
        TVector s60 = default, s61 = default, s62 = default, s63 = default;
        TVector s70 = default, s71 = default, s72 = default, s73 = default;
        nint sumRow = run->SumRow;
        T* start = run->Start;
        Begin<T, TVector, TSimd, TVectors>(start, 0, sums + (0 * sumRow), ref s00, ref s01, ref s02, ref s03);
        if (TRows.Value > 1)
        {
            Begin<T, TVector, TSimd, TVectors>(start, 1, sums + (1 * sumRow), ref s10, ref s11, ref s12, ref s13);
        }

        if (TRows.Value > 2)
        {
            Begin<T, TVector, TSimd, TVectors>(start, 2, sums + (2 * sumRow), ref s20, ref s21, ref s22, ref s23);
        }

        if (TRows.Value > 3)
        {
            Begin<T, TVector, TSimd, TVectors>(start, 3, sums + (3 * sumRow), ref s30, ref s31, ref s32, ref s33);
        }

        if (TRows.Value > 4)
        {
            Begin<T, TVector, TSimd, TVectors>(start, 4, sums + (4 * sumRow), ref s40, ref s41, ref s42, ref s43);
        }

        if (TRows.Value > 5)
        {
            Begin<T, TVector, TSimd, TVectors>(start, 5, sums + (5 * sumRow), ref s50, ref s51, ref s52, ref s53);
        }

        if (TRows.Value > 6)
        {
            Begin<T, TVector, TSimd, TVectors>(start, 6, sums + (6 * sumRow), ref s60, ref s61, ref s62, ref s63);
        }

        if (TRows.Value > 7)
        {
            Begin<T, TVector, TSimd, TVectors>(start, 7, sums + (7 * sumRow), ref s70, ref s71, ref s72, ref s73);
        }

        int* taps = run->Taps;
        nint tapCount = run->TapCount, inputChannel = run->InputChannel, filterChannel = run->FilterChannel, fetchedLines = run->FetchedLines;
        nint row = run->FilterRow, row2 = 2 * row, row3 = 3 * row, row6 = 6 * row, vector1 = run->Vector1, vector2 = run->Vector2, vector3 = run->Vector3;
        for (nint channels = run->Channels; channels > 0; channels--, x += inputChannel, filter += filterChannel)
        {
            for (nint i = 0; i < fetchedLines; i++)
            {
                Fetch(filter + (FetchedAhead * filterChannel) + (i * (64 / sizeof(T))));
            }

            int* tap = taps;
            for (nint left = tapCount; left > 0; left--, tap += 2)
            {
                T* p = x + tap[0];
                T* f = filter + tap[1];
                TVector x0 = TSimd.Load(p), x1 = default, x2 = default, x3 = default;
                if (TVectors.Value > 1)
                {
                    x1 = TSimd.Load(p + vector1);
                }

                if (TVectors.Value > 2)
                {
                    x2 = TSimd.Load(p + vector2);
                }

                if (TVectors.Value > 3)
                {
                    x3 = TSimd.Load(p + vector3);
                }

                T* f3 = f + row3, f6 = f + row6;
                Step<T, TVector, TSimd, TVectors>(*f, x0, x1, x2, x3, ref s00, ref s01, ref s02, ref s03);
                if (TRows.Value > 1)
                {
                    Step<T, TVector, TSimd, TVectors>(f[row], x0, x1, x2, x3, ref s10, ref s11, ref s12, ref s13);
                }

                if (TRows.Value > 2)
                {
                    Step<T, TVector, TSimd, TVectors>(f[row2], x0, x1, x2, x3, ref s20, ref s21, ref s22, ref s23);
                }

                if (TRows.Value > 3)
                {
                    Step<T, TVector, TSimd, TVectors>(*f3, x0, x1, x2, x3, ref s30, ref s31, ref s32, ref s33);
                }

                if (TRows.Value > 4)
                {
                    Step<T, TVector, TSimd, TVectors>(f3[row], x0, x1, x2, x3, ref s40, ref s41, ref s42, ref s43);
                }

                if (TRows.Value > 5)
                {
                    Step<T, TVector, TSimd, TVectors>(f3[row2], x0, x1, x2, x3, ref s50, ref s51, ref s52, ref s53);
                }

                if (TRows.Value > 6)
                {
                    Step<T, TVector, TSimd, TVectors>(*f6, x0, x1, x2, x3, ref s60, ref s61, ref s62, ref s63);
                }

                if (TRows.Value > 7)
                {
                    Step<T, TVector, TSimd, TVectors>(f6[row], x0, x1, x2, x3, ref s70, ref s71, ref s72, ref s73);
                }
            }
        }

        Store<T, TVector, TSimd, TVectors>(sums + (0 * sumRow), s00, s01, s02, s03);
        if (TRows.Value > 1)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (1 * sumRow), s10, s11, s12, s13);
        }

        if (TRows.Value > 2)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (2 * sumRow), s20, s21, s22, s23);
        }

        if (TRows.Value > 3)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (3 * sumRow), s30, s31, s32, s33);
        }

        if (TRows.Value > 4)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (4 * sumRow), s40, s41, s42, s43);
        }

        if (TRows.Value > 5)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (5 * sumRow), s50, s51, s52, s53);
        }

        if (TRows.Value > 6)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (6 * sumRow), s60, s61, s62, s63);
        }

        if (TRows.Value > 7)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (7 * sumRow), s70, s71, s72, s73);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch<T>(T* at)
        where T : unmanaged
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(at);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Begin<T, TVector, TSimd, TVectors>(T* start, int row, T* sums, ref TVector s0, ref TVector s1, ref TVector s2, ref TVector s3)
        where T : unmanaged
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
        where TVectors : struct, INumber
    {
        if (start is not null)
        {
            s0 = s1 = s2 = s3 = TSimd.Broadcast(start[row]);
            return;
        }

        s0 = TSimd.Load(sums);
        if (TVectors.Value > 1)
        {
            s1 = TSimd.Load(sums + (1 * TSimd.Width));
        }

        if (TVectors.Value > 2)
        {
            s2 = TSimd.Load(sums + (2 * TSimd.Width));
        }

        if (TVectors.Value > 3)
        {
            s3 = TSimd.Load(sums + (3 * TSimd.Width));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<T, TVector, TSimd, TVectors>(T f, TVector x0, TVector x1, TVector x2, TVector x3, ref TVector s0, ref TVector s1, ref TVector s2, ref TVector s3)
        where T : unmanaged
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
        where TVectors : struct, INumber
    {
        TVector v = TSimd.Broadcast(f);
        s0 = TSimd.MulAdd(v, x0, s0);
        if (TVectors.Value > 1)
        {
            s1 = TSimd.MulAdd(v, x1, s1);
        }

        if (TVectors.Value > 2)
        {
            s2 = TSimd.MulAdd(v, x2, s2);
        }

        if (TVectors.Value > 3)
        {
            s3 = TSimd.MulAdd(v, x3, s3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T, TVector, TSimd, TVectors>(T* sums, TVector s0, TVector s1, TVector s2, TVector s3)
        where T : unmanaged
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
        where TVectors : struct, INumber
    {
        TSimd.Store(s0, sums);
        if (TVectors.Value > 1)
        {
            TSimd.Store(s1, sums + (1 * TSimd.Width));
        }

        if (TVectors.Value > 2)
        {
            TSimd.Store(s2, sums + (2 * TSimd.Width));
        }

        if (TVectors.Value > 3)
        {
            TSimd.Store(s3, sums + (3 * TSimd.Width));
        }
    }
}
