using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HpcLinear.Cpu;

/// <remarks>Products of short filters, one problem a lane; filters come and go through transposes of whole vectors.</remarks>
internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary>The most taps that one pass of <see cref="ComposeRow"/> holds in registers.</summary>
    public const int ComposedTaps = 8;

    /// <summary>Rows are transposed this many elements at a time: 128 bits.</summary>
    public static int GatheredElements => 16 / sizeof(T);

    /// <summary>
    /// <c>r[i + stride j] = sum of a[i] b[j]</c> for i &lt; length and j &lt; taps, at most <see cref="ComposedTaps"/>; all elements up to
    /// <c>length + stride (taps - 1)</c> are written, or added to.
    /// </summary>
    public abstract void ComposeRow(T* a, nint length, T* b, int taps, nint stride, T* r, bool accumulate);

    /// <summary>Copies past the caches, where a later reader would not find the result in them anyway. Without <paramref name="last"/> more copies follow, and only the last waits for the stores.</summary>
    public abstract void StreamCopy(T* from, T* to, long count, bool last = true);

    /// <summary>
    /// <c>to[i*width + l] = from[l*stride + i]</c>; absent lanes become zero. Writes <paramref name="count"/> rounded up to
    /// <see cref="GatheredElements"/> vectors, and reads as many elements of a row of fewer.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void GatherLanes(T* from, nint stride, nint count, int lanes, T* to)
    {
        int width = Width, side = GatheredElements;
        bool wide = width * sizeof(T) == 64 && Avx512F.IsSupported;
        if (lanes < width || (!wide && !(width * sizeof(T) == 32 && Avx.IsSupported)))
        {
            NativeClear(to, lanes < width ? count * width : 0);
            for (int l = 0; l < lanes; l++)
            {
                for (nint i = 0; i < count; i++)
                {
                    to[(i * width) + l] = from[(l * stride) + i];
                }
            }

            return;
        }

        for (nint i = 0; ; i += side)
        {
            // The last columns are moved back to end with the row.
            i = i + side > count && count >= side ? count - side : i;
            if (wide)
            {
                GatherWide(from + i, stride, to + (i * width));
            }
            else
            {
                GatherHalf(from + i, stride, to + (i * width));
            }

            if (i + side >= count)
            {
                return;
            }
        }
    }

    /// <summary><c>to[l*stride + i] = from[i*width + l]</c> for the lanes there are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void ScatterLanes(T* from, nint count, int lanes, T* to, nint stride)
    {
        int width = Width, side = GatheredElements;
        bool wide = width * sizeof(T) == 64 && Avx512F.IsSupported;
        if (lanes < width || count < side || (!wide && !(width * sizeof(T) == 32 && Avx.IsSupported)))
        {
            for (int l = 0; l < lanes; l++)
            {
                for (nint i = 0; i < count; i++)
                {
                    to[(l * stride) + i] = from[(i * width) + l];
                }
            }

            return;
        }

        nint done = wide ? ScatterBlocks(from, count, to, stride) : 0;
        while (done < count)
        {
            done = Math.Min(done, count - side);
            if (wide)
            {
                ScatterWide(from + (done * width), to + done, stride);
            }
            else
            {
                ScatterHalf(from + (done * width), to + done, stride);
            }

            done += side;
        }
    }

    /// <summary>Blocks of a vector's width squared.</summary>
    private static nint ScatterBlocks(T* from, nint count, T* to, nint stride)
    {
        int side = Vector512<T>.Count;
        T** rows = stackalloc T*[side];
        T** lanes = stackalloc T*[side];
        for (int l = 0; l < side; l++)
        {
            rows[l] = from + (l * side);
            lanes[l] = to + (l * stride);
        }

        nint i = 0;
        for (; i + side <= count; i += side)
        {
            if (sizeof(T) == sizeof(float))
            {
                Transpose((float**)rows, i * side, (float**)lanes, i);
            }
            else
            {
                Transpose((double**)rows, i * side, (double**)lanes, i);
            }
        }

        return i;
    }

    /// <summary>128 bits of rows 0, hop, 2 hop, 3 hop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<TElement> LoadQuarters<TElement>(TElement* p, nint hop)
        where TElement : unmanaged =>
        Vector512.Create(Vector256.Create(Vector128.Load(p), Vector128.Load(p + hop)), Vector256.Create(Vector128.Load(p + (2 * hop)), Vector128.Load(p + (3 * hop))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreQuarters<TElement>(Vector512<TElement> v, TElement* p, nint hop)
        where TElement : unmanaged
    {
        v.GetLower().GetLower().Store(p);
        v.GetLower().GetUpper().Store(p + hop);
        v.GetUpper().GetLower().Store(p + (2 * hop));
        v.GetUpper().GetUpper().Store(p + (3 * hop));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GatherWide(T* from, nint stride, T* to)
    {
        if (sizeof(T) == sizeof(double))
        {
            Vector512<double> even = LoadQuarters((double*)from, 2 * stride), odd = LoadQuarters((double*)(from + stride), 2 * stride);
            Avx512F.UnpackLow(even, odd).Store((double*)to);
            Avx512F.UnpackHigh(even, odd).Store((double*)to + 8);
            return;
        }

        float* p = (float*)from, q = (float*)to;
        Vector512<float> a = LoadQuarters(p, 4 * stride), b = LoadQuarters(p + stride, 4 * stride), c = LoadQuarters(p + (2 * stride), 4 * stride), d = LoadQuarters(p + (3 * stride), 4 * stride);
        Transpose(ref a, ref b, ref c, ref d);
        a.Store(q);
        b.Store(q + 16);
        c.Store(q + 32);
        d.Store(q + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScatterWide(T* from, T* to, nint stride)
    {
        if (sizeof(T) == sizeof(double))
        {
            Vector512<double> first = Vector512.Load((double*)from), second = Vector512.Load((double*)from + 8);
            StoreQuarters(Avx512F.UnpackLow(first, second), (double*)to, 2 * stride);
            StoreQuarters(Avx512F.UnpackHigh(first, second), (double*)(to + stride), 2 * stride);
            return;
        }

        float* p = (float*)from, q = (float*)to;
        Vector512<float> a = Vector512.Load(p), b = Vector512.Load(p + 16), c = Vector512.Load(p + 32), d = Vector512.Load(p + 48);
        Transpose(ref a, ref b, ref c, ref d);
        StoreQuarters(a, q, 4 * stride);
        StoreQuarters(b, q + stride, 4 * stride);
        StoreQuarters(c, q + (2 * stride), 4 * stride);
        StoreQuarters(d, q + (3 * stride), 4 * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<TElement> LoadHalves<TElement>(TElement* p, nint hop)
        where TElement : unmanaged => Vector256.Create(Vector128.Load(p), Vector128.Load(p + hop));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreHalves<TElement>(Vector256<TElement> v, TElement* p, nint hop)
        where TElement : unmanaged
    {
        v.GetLower().Store(p);
        v.GetUpper().Store(p + hop);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GatherHalf(T* from, nint stride, T* to)
    {
        if (sizeof(T) == sizeof(double))
        {
            Vector256<double> even = LoadHalves((double*)from, 2 * stride), odd = LoadHalves((double*)(from + stride), 2 * stride);
            Avx.UnpackLow(even, odd).Store((double*)to);
            Avx.UnpackHigh(even, odd).Store((double*)to + 4);
            return;
        }

        float* p = (float*)from, q = (float*)to;
        Vector256<float> a = LoadHalves(p, 4 * stride), b = LoadHalves(p + stride, 4 * stride), c = LoadHalves(p + (2 * stride), 4 * stride), d = LoadHalves(p + (3 * stride), 4 * stride);
        Transpose(ref a, ref b, ref c, ref d);
        a.Store(q);
        b.Store(q + 8);
        c.Store(q + 16);
        d.Store(q + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScatterHalf(T* from, T* to, nint stride)
    {
        if (sizeof(T) == sizeof(double))
        {
            Vector256<double> first = Vector256.Load((double*)from), second = Vector256.Load((double*)from + 4);
            StoreHalves(Avx.UnpackLow(first, second), (double*)to, 2 * stride);
            StoreHalves(Avx.UnpackHigh(first, second), (double*)(to + stride), 2 * stride);
            return;
        }

        float* p = (float*)from, q = (float*)to;
        Vector256<float> a = Vector256.Load(p), b = Vector256.Load(p + 8), c = Vector256.Load(p + 16), d = Vector256.Load(p + 24);
        Transpose(ref a, ref b, ref c, ref d);
        StoreHalves(a, q, 4 * stride);
        StoreHalves(b, q + stride, 4 * stride);
        StoreHalves(c, q + (2 * stride), 4 * stride);
        StoreHalves(d, q + (3 * stride), 4 * stride);
    }

    /// <summary>Transposes the 4x4 blocks of each 128 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(ref Vector256<float> a, ref Vector256<float> b, ref Vector256<float> c, ref Vector256<float> d)
    {
        Vector256<double> ab = Avx.UnpackLow(a, b).AsDouble(), cd = Avx.UnpackLow(c, d).AsDouble();
        Vector256<double> abHigh = Avx.UnpackHigh(a, b).AsDouble(), cdHigh = Avx.UnpackHigh(c, d).AsDouble();
        a = Avx.UnpackLow(ab, cd).AsSingle();
        b = Avx.UnpackHigh(ab, cd).AsSingle();
        c = Avx.UnpackLow(abHigh, cdHigh).AsSingle();
        d = Avx.UnpackHigh(abHigh, cdHigh).AsSingle();
    }
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void StreamCopy(T* from, T* to, long count, bool last)
    {
        int width = TSimd.Width;
        for (; count > 0 && (nuint)to % (nuint)(width * sizeof(T)) != 0; count--)
        {
            *to++ = *from++;
        }

        for (; count >= width; count -= width, from += width, to += width)
        {
            TSimd.Stream(TSimd.Load(from), to);
        }

        for (; count > 0; count--)
        {
            *to++ = *from++;
        }

        if (last && Sse.IsSupported)
        {
            Sse.StoreFence();
        }
    }

    public override void ComposeRow(T* a, nint length, T* b, int taps, nint stride, T* r, bool accumulate)
    {
        switch (taps)
        {
            case 1:
                ComposeTaps<N1>(a, length, b, stride, r, accumulate);
                break;
            case 2:
                ComposeTaps<N2>(a, length, b, stride, r, accumulate);
                break;
            case 3:
                ComposeTaps<N3>(a, length, b, stride, r, accumulate);
                break;
            case 4:
                ComposeTaps<N4>(a, length, b, stride, r, accumulate);
                break;
            case 5:
                ComposeTaps<N5>(a, length, b, stride, r, accumulate);
                break;
            case 6:
                ComposeTaps<N6>(a, length, b, stride, r, accumulate);
                break;
            case 7:
                ComposeTaps<N7>(a, length, b, stride, r, accumulate);
                break;
            default:
                ComposeTaps<N8>(a, length, b, stride, r, accumulate);
                break;
        }
    }

    /// <remarks>
    /// Each element of a is loaded once: it ends one sum, which is stored, and goes into those of the next taps - 1 results, which wait in registers.
    /// A sum begins with a zero that is added, never multiplied, so the ends of a need no other code. With a stride, residues modulo it are apart.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ComposeTaps<TTaps>(T* a, nint length, T* b, nint stride, T* r, bool accumulate)
        where TTaps : struct, INumber
    {
        nint w = TSimd.Width, hop = stride * w;
        TVector zero = TSimd.Broadcast(T.Zero);
        TVector b0 = TSimd.Load(b), b1 = zero, b2 = zero, b3 = zero, b4 = zero, b5 = zero, b6 = zero, b7 = zero;
        if (TTaps.Value > 1) { b1 = TSimd.Load(b + w); }
        if (TTaps.Value > 2) { b2 = TSimd.Load(b + (2 * w)); }
        if (TTaps.Value > 3) { b3 = TSimd.Load(b + (3 * w)); }
        if (TTaps.Value > 4) { b4 = TSimd.Load(b + (4 * w)); }
        if (TTaps.Value > 5) { b5 = TSimd.Load(b + (5 * w)); }
        if (TTaps.Value > 6) { b6 = TSimd.Load(b + (6 * w)); }
        if (TTaps.Value > 7) { b7 = TSimd.Load(b + (7 * w)); }
        for (nint residue = 0; residue < stride; residue++, a += w, r += w)
        {
            T* from = a, to = r;
            TVector s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero;
            for (nint i = residue; i < length; i += stride, from += hop, to += hop)
            {
                TVector v = TSimd.Load(from);
                TVector sum = TSimd.MulAdd(b0, v, s0);
                TSimd.Store(accumulate ? TSimd.Add(TSimd.Load(to), sum) : sum, to);
                if (TTaps.Value > 1) { s0 = TSimd.MulAdd(b1, v, s1); }
                if (TTaps.Value > 2) { s1 = TSimd.MulAdd(b2, v, s2); }
                if (TTaps.Value > 3) { s2 = TSimd.MulAdd(b3, v, s3); }
                if (TTaps.Value > 4) { s3 = TSimd.MulAdd(b4, v, s4); }
                if (TTaps.Value > 5) { s4 = TSimd.MulAdd(b5, v, s5); }
                if (TTaps.Value > 6) { s5 = TSimd.MulAdd(b6, v, s6); }
                if (TTaps.Value > 7) { s6 = TSimd.MulAdd(b7, v, zero); }
            }

            if (TTaps.Value > 1) { TSimd.Store(accumulate ? TSimd.Add(TSimd.Load(to), s0) : s0, to); }
            if (TTaps.Value > 2) { TSimd.Store(accumulate ? TSimd.Add(TSimd.Load(to + hop), s1) : s1, to + hop); }
            if (TTaps.Value > 3) { TSimd.Store(accumulate ? TSimd.Add(TSimd.Load(to + (2 * hop)), s2) : s2, to + (2 * hop)); }
            if (TTaps.Value > 4) { TSimd.Store(accumulate ? TSimd.Add(TSimd.Load(to + (3 * hop)), s3) : s3, to + (3 * hop)); }
            if (TTaps.Value > 5) { TSimd.Store(accumulate ? TSimd.Add(TSimd.Load(to + (4 * hop)), s4) : s4, to + (4 * hop)); }
            if (TTaps.Value > 6) { TSimd.Store(accumulate ? TSimd.Add(TSimd.Load(to + (5 * hop)), s5) : s5, to + (5 * hop)); }
            if (TTaps.Value > 7) { TSimd.Store(accumulate ? TSimd.Add(TSimd.Load(to + (6 * hop)), s6) : s6, to + (6 * hop)); }
        }
    }
}
