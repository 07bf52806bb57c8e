using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

/// <summary>What the tiles of one row of positions have in common.</summary>
internal unsafe struct ChannelRow<T>
    where T : unmanaged
{
    /// <summary>Elements between channels of the staged input.</summary>
    public nint InputChannel;

    public nint Channels;

    /// <summary>For each tap its offset in the staged input and in the filter.</summary>
    public int* Taps;
    public nint TapCount;

    /// <summary>Filter vectors of the first channel; elements to the next channel and to the next vector of output channels.</summary>
    public T* Filter;
    public nint FilterChannel;
    public nint FilterVector;

    /// <summary>Elements between a position's vectors of sums.</summary>
    public nint SumVector;

    /// <summary>Steps between what positions and vectors start from.</summary>
    public nint StartPosition;
    public nint StartVector;
}

/// <summary>The register tile of the direct convolution: neighbouring positions of a row against one or two vectors of output channels.</summary>
/// <remarks><code>
///              w   w
///            +---+---+   filter vector of (channel c, tap t)   Filter[c*FilterChannel + Taps[2t+1] …]
///  positions |   |   |   input of position p                   x[c*InputChannel + Taps[2t] + p]
///            +---+---+   sums of position p                    sums[p*w …], starting from start[p*StartPosition …]
/// </code>
/// The input is read as single elements, which costs nothing beside the multiply-adds, so that it needs no packing: a tap is an offset. Channels are the
/// outer sum and taps the inner one, always in this order.</remarks>
internal static unsafe class ChannelTiles
{
    /// <summary>Positions of the largest tile: 28 accumulators, 2 filter vectors and a broadcast in 32 registers.</summary>
    public const int MaxPositions = 14;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Convolve<T, TVector, TSimd, TPositions, TVectors>(ChannelRow<T>* row, T* x, T* start, T* sums)
        where T : unmanaged
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
        where TPositions : struct, INumber
        where TVectors : struct, INumber
    {
        TVector s0 = default, t0 = default;
        TVector s1 = default, t1 = default;
        TVector s2 = default, t2 = default;
        TVector s3 = default, t3 = default;
        TVector s4 = default, t4 = default;
        TVector s5 = default, t5 = default;
        TVector s6 = default, t6 = default;
        TVector s7 = default, t7 = default;
        TVector s8 = default, t8 = default;
        TVector s9 = default, t9 = default;
        TVector s10 = default, t10 = default;
        TVector s11 = default, t11 = default;
        TVector s12 = default, t12 = default;
        TVector s13 = default, t13 = default;
        nint startPosition = row->StartPosition, startVector = row->StartVector;
        Begin<T, TVector, TSimd, TVectors>(start, startVector, ref s0, ref t0);
        if (TPositions.Value > 1)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (1 * startPosition), startVector, ref s1, ref t1);
        }

        if (TPositions.Value > 2)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (2 * startPosition), startVector, ref s2, ref t2);
        }

        if (TPositions.Value > 3)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (3 * startPosition), startVector, ref s3, ref t3);
        }

        if (TPositions.Value > 4)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (4 * startPosition), startVector, ref s4, ref t4);
        }

        if (TPositions.Value > 5)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (5 * startPosition), startVector, ref s5, ref t5);
        }

        if (TPositions.Value > 6)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (6 * startPosition), startVector, ref s6, ref t6);
        }

        if (TPositions.Value > 7)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (7 * startPosition), startVector, ref s7, ref t7);
        }

        if (TPositions.Value > 8)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (8 * startPosition), startVector, ref s8, ref t8);
        }

        if (TPositions.Value > 9)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (9 * startPosition), startVector, ref s9, ref t9);
        }

        if (TPositions.Value > 10)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (10 * startPosition), startVector, ref s10, ref t10);
        }

        if (TPositions.Value > 11)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (11 * startPosition), startVector, ref s11, ref t11);
        }

        if (TPositions.Value > 12)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (12 * startPosition), startVector, ref s12, ref t12);
        }

        if (TPositions.Value > 13)
        {
            Begin<T, TVector, TSimd, TVectors>(start + (13 * startPosition), startVector, ref s13, ref t13);
        }

        int* taps = row->Taps;
        nint tapCount = row->TapCount, inputChannel = row->InputChannel, filterChannel = row->FilterChannel, filterVector = row->FilterVector;
        T* filter = row->Filter;
        for (nint channels = row->Channels; channels > 0; channels--, x += inputChannel, filter += filterChannel)
        {
            int* tap = taps;
            for (nint left = tapCount; left > 0; left--, tap += 2)
            {
                T* p = x + tap[0];
                T* f = filter + tap[1];
                TVector f0 = TSimd.Load(f), f1 = TVectors.Value > 1 ? TSimd.Load(f + filterVector) : default;
                Step<T, TVector, TSimd, TVectors>(p, f0, f1, ref s0, ref t0);
                if (TPositions.Value > 1)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 1, f0, f1, ref s1, ref t1);
                }

                if (TPositions.Value > 2)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 2, f0, f1, ref s2, ref t2);
                }

                if (TPositions.Value > 3)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 3, f0, f1, ref s3, ref t3);
                }

                if (TPositions.Value > 4)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 4, f0, f1, ref s4, ref t4);
                }

                if (TPositions.Value > 5)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 5, f0, f1, ref s5, ref t5);
                }

                if (TPositions.Value > 6)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 6, f0, f1, ref s6, ref t6);
                }

                if (TPositions.Value > 7)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 7, f0, f1, ref s7, ref t7);
                }

                if (TPositions.Value > 8)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 8, f0, f1, ref s8, ref t8);
                }

                if (TPositions.Value > 9)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 9, f0, f1, ref s9, ref t9);
                }

                if (TPositions.Value > 10)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 10, f0, f1, ref s10, ref t10);
                }

                if (TPositions.Value > 11)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 11, f0, f1, ref s11, ref t11);
                }

                if (TPositions.Value > 12)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 12, f0, f1, ref s12, ref t12);
                }

                if (TPositions.Value > 13)
                {
                    Step<T, TVector, TSimd, TVectors>(p + 13, f0, f1, ref s13, ref t13);
                }
            }
        }

        nint sumVector = row->SumVector;
        int w = TSimd.Width;
        Store<T, TVector, TSimd, TVectors>(sums, sumVector, s0, t0);
        if (TPositions.Value > 1)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (1 * w), sumVector, s1, t1);
        }

        if (TPositions.Value > 2)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (2 * w), sumVector, s2, t2);
        }

        if (TPositions.Value > 3)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (3 * w), sumVector, s3, t3);
        }

        if (TPositions.Value > 4)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (4 * w), sumVector, s4, t4);
        }

        if (TPositions.Value > 5)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (5 * w), sumVector, s5, t5);
        }

        if (TPositions.Value > 6)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (6 * w), sumVector, s6, t6);
        }

        if (TPositions.Value > 7)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (7 * w), sumVector, s7, t7);
        }

        if (TPositions.Value > 8)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (8 * w), sumVector, s8, t8);
        }

        if (TPositions.Value > 9)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (9 * w), sumVector, s9, t9);
        }

        if (TPositions.Value > 10)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (10 * w), sumVector, s10, t10);
        }

        if (TPositions.Value > 11)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (11 * w), sumVector, s11, t11);
        }

        if (TPositions.Value > 12)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (12 * w), sumVector, s12, t12);
        }

        if (TPositions.Value > 13)
        {
            Store<T, TVector, TSimd, TVectors>(sums + (13 * w), sumVector, s13, t13);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Begin<T, TVector, TSimd, TVectors>(T* start, nint startVector, ref TVector s, ref TVector t)
        where T : unmanaged
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
        where TVectors : struct, INumber
    {
        s = TSimd.Load(start);
        if (TVectors.Value > 1)
        {
            t = TSimd.Load(start + startVector);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<T, TVector, TSimd, TVectors>(T* x, TVector f0, TVector f1, ref TVector s, ref TVector t)
        where T : unmanaged
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
        where TVectors : struct, INumber
    {
        TVector v = TSimd.Broadcast(*x);
        s = TSimd.MulAdd(v, f0, s);
        if (TVectors.Value > 1)
        {
            t = TSimd.MulAdd(v, f1, t);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T, TVector, TSimd, TVectors>(T* sums, nint sumVector, TVector s, TVector t)
        where T : unmanaged
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
        where TVectors : struct, INumber
    {
        TSimd.Store(s, sums);
        if (TVectors.Value > 1)
        {
            TSimd.Store(t, sums + sumVector);
        }
    }
}
