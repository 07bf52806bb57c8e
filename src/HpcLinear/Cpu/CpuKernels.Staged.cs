using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HpcLinear.Cpu;

/// <remarks>The direct convolution, whose lanes are output channels.</remarks>
internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary>Positions of the largest tile of a direct convolution.</summary>
    public abstract int ChannelPositions { get; }

    /// <summary>The tile for a number of positions and one or two vectors of output channels.</summary>
    public abstract delegate*<ChannelRow<T>*, T*, T*, T*, void> ChannelTile(int positions, int vectors);

    /// <summary>Vectors of the largest tile of a direct convolution whose lanes are positions, for a number of result channels.</summary>
    public abstract int PositionVectors(int rows);

    /// <summary>That tile for a number of result channels and of vectors.</summary>
    public abstract delegate*<PositionRow<T>*, T*, T*, T*, void> PositionTile(int rows, int vectors);

    /// <summary><c>to[i] = alpha from[i] + beta to[i]</c>; with <paramref name="stream"/> past the caches where that can be.</summary>
    public abstract void Emit(T* from, T* to, int count, T alpha, T beta, bool stream);

    /// <summary><c>to[step*i] = from[i]</c> and zeros between; up to a vector more than <paramref name="count"/> is read and up to two are written.</summary>
    public abstract void Spread(T* from, T* to, int count, int step);

    /// <summary><c>to[2i] = alpha even[i] + beta to[2i]</c>, and odd ones likewise; there may be one more of the even ones.</summary>
    public abstract void EmitPairs(T* even, T* odd, T* to, int evenCount, int oddCount, T alpha, T beta);

    /// <summary><c>rows[l*rowLength + i] = sums[i*width + l]</c>; up to a vector more than <paramref name="count"/> positions are read and written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void TransposeSums(T* sums, int count, T* rows, int rowLength)
    {
        int width = Width;
        T** lanes = stackalloc T*[width];
        for (int l = 0; l < width; l++)
        {
            lanes[l] = rows + ((long)l * rowLength);
        }

        SeparatePart(sums, (count + width - 1) / width * width, lanes, width, 0, T.One, T.Zero, null);
    }

    /// <summary>
    /// <c>result[l*plane + i] = sums[i*width + l]</c> for whole vectors of positions, past the caches if <paramref name="stream"/> and possible; returns the positions done.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public long TransposeOut(T* sums, long count, T* result, long plane, bool stream)
    {
        int width = Width;
        if (width * sizeof(T) != 64 || !Avx512F.IsSupported)
        {
            return 0;
        }

        T** lanes = stackalloc T*[width];
        for (int l = 0; l < width; l++)
        {
            lanes[l] = result + (l * plane);
        }

        return TransposeBlocks(lanes, 0, count, sums, true, stream && (nint)result % 64 == 0 && plane * sizeof(T) % 64 == 0);
    }

    /// <summary>Orders what was written past the caches before what follows.</summary>
    public static void Fence()
    {
        if (Sse.IsSupported)
        {
            Sse.StoreFence();
        }
    }

    /// <summary>Asks for a run of elements to be in the second-level cache soon.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(T* from, long count)
    {
        for (long i = 0; i < count && Sse.IsSupported; i += 64 / sizeof(T))
        {
            Sse.Prefetch1(from + i);
        }
    }

    /// <summary><c>to[i] = from[step*i]</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void TakeEvery(T* from, T* to, long count, int step)
    {
        long i = 0;
        if (step == 2)
        {
            TakeEven(from, to, count);
            return;
        }

        for (; step == 1 && i + Vector<T>.Count <= count; i += Vector<T>.Count)
        {
            Vector.Store(Vector.Load(from + i), to + i);
        }

        for (from += i * step; i < count; i++, from += step)
        {
            to[i] = *from;
        }
    }

    /// <summary><c>to[i] = from[2i]</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void TakeEven(T* from, T* to, long count)
    {
        long i = 0;
        if (Width * sizeof(T) == 64 && Avx512F.IsSupported && count > Width)
        {
            // The last vector is read as odd elements, so that nothing beyond the last even one is touched.
            int width = Vector512<T>.Count;
            for (; i + width < count; i += width)
            {
                Pick(from + (2 * i), 0).Store(to + i);
            }

            i = count - width;
            Pick(from + (2 * i) - 1, 1).Store(to + i);
            return;
        }

        if (Width * sizeof(T) == 32 && Avx2.IsSupported && count > Width)
        {
            int width = Vector256<T>.Count;
            for (; i + width < count; i += width)
            {
                PickHalf(from + (2 * i), 0).Store(to + i);
            }

            i = count - width;
            PickHalf(from + (2 * i) - 1, 1).Store(to + i);
            return;
        }

        for (; i < count; i++)
        {
            to[i] = from[2 * i];
        }
    }

    /// <summary>Elements 0, 2, … or 1, 3, … of two vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Pick(T* at, int first)
    {
        if (sizeof(T) == sizeof(float))
        {
            Vector512<int> order = (Vector512<int>.Indices * 2) + Vector512.Create(first);
            return Avx512F.PermuteVar16x32x2(Vector512.Load((float*)at), order, Vector512.Load((float*)at + 16)).As<float, T>();
        }

        Vector512<long> pairs = (Vector512<long>.Indices * 2) + Vector512.Create((long)first);
        return Avx512F.PermuteVar8x64x2(Vector512.Load((double*)at), pairs, Vector512.Load((double*)at + 8)).As<double, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<T> PickHalf(T* at, int first)
    {
        if (sizeof(T) == sizeof(float))
        {
            Vector256<float> a = Vector256.Load((float*)at), b = Vector256.Load((float*)at + 8);
            Vector256<float> mixed = first == 0 ? Avx.Shuffle(a, b, 0x88) : Avx.Shuffle(a, b, 0xDD);
            return Avx2.Permute4x64(mixed.AsDouble(), 0xD8).As<double, T>();
        }

        Vector256<double> c = Vector256.Load((double*)at), d = Vector256.Load((double*)at + 4);
        return Avx2.Permute4x64(first == 0 ? Avx.UnpackLow(c, d) : Avx.UnpackHigh(c, d), 0xD8).As<double, T>();
    }
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    private readonly delegate*<ChannelRow<T>*, T*, T*, T*, void>[] channelTiles = ChannelTilesOf();

    private readonly delegate*<PositionRow<T>*, T*, T*, T*, void>[] positionTiles = PositionTilesOf();

    public override int ChannelPositions => TSimd.Registers >= 32 ? ChannelTiles.MaxPositions : 6;

    public override delegate*<ChannelRow<T>*, T*, T*, T*, void> ChannelTile(int positions, int vectors) => channelTiles[((positions - 1) * 2) + vectors - 1];

    // 24 accumulators, the vectors and a broadcast in 32 registers; 12 in 16.
    public override int PositionVectors(int rows) => TSimd.Registers >= 32 ? (rows > 6 ? 3 : 4) : 2;

    public override delegate*<PositionRow<T>*, T*, T*, T*, void> PositionTile(int rows, int vectors) => positionTiles[((rows - 1) * 4) + vectors - 1];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Emit(T* from, T* to, int count, T alpha, T beta, bool stream)
    {
        TVector a = TSimd.Broadcast(alpha), b = TSimd.Broadcast(beta);
        int width = TSimd.Width, i = 0;
        if (beta != T.Zero)
        {
            for (; i + width <= count; i += width)
            {
                TSimd.Store(TSimd.MulAdd(a, TSimd.Load(from + i), TSimd.Multiply(b, TSimd.Load(to + i))), to + i);
            }
        }
        else if (stream && (nint)to % (width * sizeof(T)) == 0)
        {
            for (; i + width <= count; i += width)
            {
                TSimd.Stream(TSimd.Multiply(a, TSimd.Load(from + i)), to + i);
            }
        }
        else
        {
            for (; i + width <= count; i += width)
            {
                TSimd.Store(TSimd.Multiply(a, TSimd.Load(from + i)), to + i);
            }
        }

        for (; i < count; i++)
        {
            to[i] = beta == T.Zero ? alpha * from[i] : T.MultiplyAddEstimate(alpha, from[i], beta * to[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void EmitPairs(T* even, T* odd, T* to, int evenCount, int oddCount, T alpha, T beta)
    {
        TVector a = TSimd.Broadcast(alpha), b = TSimd.Broadcast(beta);
        int width = TSimd.Width, i = 0;
        for (; i + width <= oddCount; i += width)
        {
            T* at = to + (2 * i);
            TVector x = TSimd.Load(even + i), y = TSimd.Load(odd + i), low = TSimd.Multiply(a, TSimd.InterleaveLow(x, y)), high = TSimd.Multiply(a, TSimd.InterleaveHigh(x, y));
            TSimd.Store(beta == T.Zero ? low : TSimd.Add(low, TSimd.Multiply(b, TSimd.Load(at))), at);
            TSimd.Store(beta == T.Zero ? high : TSimd.Add(high, TSimd.Multiply(b, TSimd.Load(at + width))), at + width);
        }

        if (beta == T.Zero && i > 0 && i < oddCount)
        {
            // The last vector once more where it overlaps.
            i = oddCount - width;
            TVector x = TSimd.Load(even + i), y = TSimd.Load(odd + i);
            TSimd.Store(TSimd.Multiply(a, TSimd.InterleaveLow(x, y)), to + (2 * i));
            TSimd.Store(TSimd.Multiply(a, TSimd.InterleaveHigh(x, y)), to + (2 * i) + width);
            i = oddCount;
        }

        for (; i < evenCount; i++)
        {
            T* at = to + (2 * i);
            *at = beta == T.Zero ? alpha * even[i] : (alpha * even[i]) + (beta * *at);
            if (i < oddCount)
            {
                at[1] = beta == T.Zero ? alpha * odd[i] : (alpha * odd[i]) + (beta * at[1]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Spread(T* from, T* to, int count, int step)
    {
        int width = TSimd.Width;
        if (step == 2)
        {
            TVector zero = TSimd.Broadcast(T.Zero);
            for (int i = 0; i < count; i += width)
            {
                TVector v = TSimd.Load(from + i);
                TSimd.Store(TSimd.InterleaveLow(v, zero), to + (2 * i));
                TSimd.Store(TSimd.InterleaveHigh(v, zero), to + (2 * i) + width);
            }

            return;
        }

        new Span<T>(to, count * step).Clear();
        for (int i = 0; i < count; i++, to += step)
        {
            *to = from[i];
        }
    }

    private static delegate*<ChannelRow<T>*, T*, T*, T*, void>[] ChannelTilesOf()
    {
        var made = new delegate*<ChannelRow<T>*, T*, T*, T*, void>[ChannelTiles.MaxPositions * 2];
        Positions<N1>(made);
        Positions<N2>(made);
        Positions<N3>(made);
        Positions<N4>(made);
        Positions<N5>(made);
        Positions<N6>(made);
        Positions<N7>(made);
        Positions<N8>(made);
        Positions<N9>(made);
        Positions<N10>(made);
        Positions<N11>(made);
        Positions<N12>(made);
        Positions<N13>(made);
        Positions<N14>(made);
        return made;

        static void Positions<TPositions>(delegate*<ChannelRow<T>*, T*, T*, T*, void>[] made)
            where TPositions : struct, INumber
        {
            int at = (TPositions.Value - 1) * 2;
            made[at] = &ChannelTiles.Convolve<T, TVector, TSimd, TPositions, N1>;
            made[at + 1] = &ChannelTiles.Convolve<T, TVector, TSimd, TPositions, N2>;
        }
    }

    private static delegate*<PositionRow<T>*, T*, T*, T*, void>[] PositionTilesOf()
    {
        var made = new delegate*<PositionRow<T>*, T*, T*, T*, void>[MaxRows * 4];
        Rows<N1>(made);
        Rows<N2>(made);
        Rows<N3>(made);
        Rows<N4>(made);
        Rows<N5>(made);
        Rows<N6>(made);
        Rows<N7>(made);
        Rows<N8>(made);
        return made;

        static void Rows<TRows>(delegate*<PositionRow<T>*, T*, T*, T*, void>[] made)
            where TRows : struct, INumber
        {
            int at = (TRows.Value - 1) * 4;
            made[at] = &PositionTiles.Convolve<T, TVector, TSimd, TRows, N1>;
            made[at + 1] = &PositionTiles.Convolve<T, TVector, TSimd, TRows, N2>;
            made[at + 2] = &PositionTiles.Convolve<T, TVector, TSimd, TRows, N3>;
            made[at + 3] = &PositionTiles.Convolve<T, TVector, TSimd, TRows, N4>;
        }
    }
}
