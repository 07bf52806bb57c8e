using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HpcLinear.Cpu;

/// <remarks>
/// Interleaved data: lane l of vector i is element i of problem l, so that many small problems are one problem of vectors. Positions and steps below
/// count vectors.
/// </remarks>
internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary><c>y[i] += sum over t of w[t] x[i*step + offsets[t]]</c>.</summary>
    public abstract void ForwardRow(T* x, nint step, int* offsets, T* w, int taps, T* y, int count);

    /// <summary><c>target[i*step] += w source[i]</c>.</summary>
    public abstract void ScatterRow(T* target, nint step, T* source, T* w, int count);

    /// <summary><c>dw[t] += sum over i of dy[i] x[i*step + offsets[t]]</c>.</summary>
    public abstract void FilterRow(T* x, nint step, int* offsets, T* dy, int count, T* dw, int taps);

    /// <summary>Elements of a lane that are transposed before the next lanes are: their vectors stay in the first-level cache.</summary>
    private const long TransposedElements = 128;

    /// <summary><c>to[i*width + l] = lanes[l][i]</c> for the lanes there are; the others become zero.</summary>
    public void Interleave(T** lanes, int laneCount, long offset, long count, T* to)
    {
        int width = Width;
        if (laneCount < width)
        {
            NativeClear(to, count * width);
        }

        for (long start = 0; start < count; start += TransposedElements)
        {
            InterleavePart(lanes, laneCount, offset + start, Math.Min(TransposedElements, count - start), to + (start * width));
        }
    }

    /// <summary><c>lanes[l][i] = alpha (from[i*width + l] + bias[l]) + beta lanes[l][i]</c>; a null bias is zero.</summary>
    public void Separate(T* from, long count, T** lanes, int laneCount, long offset, T alpha, T beta, T* bias)
    {
        for (long start = 0; start < count; start += TransposedElements)
        {
            SeparatePart(from + (start * Width), Math.Min(TransposedElements, count - start), lanes, laneCount, offset + start, alpha, beta, bias);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void InterleavePart(T** lanes, int laneCount, long offset, long count, T* to)
    {
        int width = Width;
        if (laneCount == width && sizeof(T) * width == 64 && Avx512F.IsSupported)
        {
            long whole = TransposeBlocks(lanes, offset, count, to, false);
            offset += whole;
            count -= whole;
            to += whole * width;
        }

        int quads = sizeof(T) == sizeof(float) && Sse.IsSupported ? laneCount / 4 * 4 : 0;
        for (int l = 0; l < quads; l += 4)
        {
            float* a = (float*)(lanes[l] + offset), b = (float*)(lanes[l + 1] + offset), c = (float*)(lanes[l + 2] + offset), d = (float*)(lanes[l + 3] + offset);
            float* target = (float*)to + l;
            long i = 0;
            for (; i + 4 <= count; i += 4, target += 4 * width)
            {
                Transpose(Vector128.Load(a + i), Vector128.Load(b + i), Vector128.Load(c + i), Vector128.Load(d + i), out Vector128<float> r0, out Vector128<float> r1, out Vector128<float> r2, out Vector128<float> r3);
                r0.Store(target);
                r1.Store(target + width);
                r2.Store(target + (2 * width));
                r3.Store(target + (3 * width));
            }

            for (; i < count; i++, target += width)
            {
                target[0] = a[i];
                target[1] = b[i];
                target[2] = c[i];
                target[3] = d[i];
            }
        }

        for (int l = quads; l < laneCount; l++)
        {
            T* from = lanes[l] + offset;
            T* target = to + l;
            for (long i = 0; i < count; i++, target += width)
            {
                *target = from[i];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SeparatePart(T* from, long count, T** lanes, int laneCount, long offset, T alpha, T beta, T* bias)
    {
        int width = Width;
        bool plain = alpha == T.One && beta == T.Zero && bias is null;
        if (plain && laneCount == width && sizeof(T) * width == 64 && Avx512F.IsSupported)
        {
            long whole = TransposeBlocks(lanes, offset, count, from, true);
            offset += whole;
            count -= whole;
            from += whole * width;
        }

        int quads = plain && sizeof(T) == sizeof(float) && Sse.IsSupported ? laneCount / 4 * 4 : 0;
        for (int l = 0; l < quads; l += 4)
        {
            float* a = (float*)(lanes[l] + offset), b = (float*)(lanes[l + 1] + offset), c = (float*)(lanes[l + 2] + offset), d = (float*)(lanes[l + 3] + offset);
            float* source = (float*)from + l;
            long i = 0;
            for (; i + 4 <= count; i += 4, source += 4 * width)
            {
                Transpose(
                    Vector128.Load(source),
                    Vector128.Load(source + width),
                    Vector128.Load(source + (2 * width)),
                    Vector128.Load(source + (3 * width)),
                    out Vector128<float> r0,
                    out Vector128<float> r1,
                    out Vector128<float> r2,
                    out Vector128<float> r3);
                r0.Store(a + i);
                r1.Store(b + i);
                r2.Store(c + i);
                r3.Store(d + i);
            }

            for (; i < count; i++, source += width)
            {
                a[i] = source[0];
                b[i] = source[1];
                c[i] = source[2];
                d[i] = source[3];
            }
        }

        for (int l = quads; l < laneCount; l++)
        {
            T* to = lanes[l] + offset;
            T* source = from + l;
            T add = bias is null ? T.Zero : bias[l];
            for (long i = 0; i < count; i++, source += width)
            {
                T value = plain ? *source : alpha * (*source + add);
                to[i] = beta == T.Zero ? value : value + (beta * to[i]);
            }
        }
    }

    /// <summary>
    /// Transposes blocks of 16x16 floats or 8x8 doubles between rows (of lanes) and rows (of elements), whole cache lines at a time: planes a power of two
    /// apart share the sets of a cache, and half-written lines would be evicted and fetched again. Returns the elements of each lane done.
    /// </summary>
    private static long TransposeBlocks(T** lanes, long offset, long count, T* vectors, bool separate, bool stream = false)
    {
        int side = Vector512<T>.Count;
        T** rows = stackalloc T*[side];
        for (int r = 0; r < side; r++)
        {
            rows[r] = vectors + (r * side);
        }

        long i = 0;
        for (; i + side <= count; i += side)
        {
            T** from = separate ? rows : lanes;
            T** to = separate ? lanes : rows;
            (long fromAt, long toAt) = separate ? (i * side, offset + i) : (offset + i, i * side);
            for (int l = 0; !stream && l < side; l++)
            {
                Sse.Prefetch1(lanes[l] + offset + i + (8 * side));
            }

            if (sizeof(T) == sizeof(float))
            {
                Transpose((float**)from, fromAt, (float**)to, toAt, stream);
            }
            else
            {
                Transpose((double**)from, fromAt, (double**)to, toAt, stream);
            }
        }

        return i;
    }

    /// <summary>Columns become rows: in blocks of 4x4 within 128 bits, then the blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Transpose(float** from, long fromAt, float** to, long toAt, bool stream = false)
    {
        Vector512<float> a0 = Vector512.Load(from[0] + fromAt), a1 = Vector512.Load(from[1] + fromAt), a2 = Vector512.Load(from[2] + fromAt), a3 = Vector512.Load(from[3] + fromAt);
        Transpose(ref a0, ref a1, ref a2, ref a3);
        Vector512<float> b0 = Vector512.Load(from[4] + fromAt), b1 = Vector512.Load(from[5] + fromAt), b2 = Vector512.Load(from[6] + fromAt), b3 = Vector512.Load(from[7] + fromAt);
        Transpose(ref b0, ref b1, ref b2, ref b3);
        Vector512<float> c0 = Vector512.Load(from[8] + fromAt), c1 = Vector512.Load(from[9] + fromAt), c2 = Vector512.Load(from[10] + fromAt), c3 = Vector512.Load(from[11] + fromAt);
        Transpose(ref c0, ref c1, ref c2, ref c3);
        Vector512<float> d0 = Vector512.Load(from[12] + fromAt), d1 = Vector512.Load(from[13] + fromAt), d2 = Vector512.Load(from[14] + fromAt), d3 = Vector512.Load(from[15] + fromAt);
        Transpose(ref d0, ref d1, ref d2, ref d3);
        StoreBlocks(a0, b0, c0, d0, to, toAt, 4, stream);
        StoreBlocks(a1, b1, c1, d1, to + 1, toAt, 4, stream);
        StoreBlocks(a2, b2, c2, d2, to + 2, toAt, 4, stream);
        StoreBlocks(a3, b3, c3, d3, to + 3, toAt, 4, stream);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Transpose(double** from, long fromAt, double** to, long toAt, bool stream = false)
    {
        Vector512<double> a0 = Vector512.Load(from[0] + fromAt), a1 = Vector512.Load(from[1] + fromAt), b0 = Vector512.Load(from[2] + fromAt), b1 = Vector512.Load(from[3] + fromAt);
        Vector512<double> c0 = Vector512.Load(from[4] + fromAt), c1 = Vector512.Load(from[5] + fromAt), d0 = Vector512.Load(from[6] + fromAt), d1 = Vector512.Load(from[7] + fromAt);
        StoreBlocks(Avx512F.UnpackLow(a0, a1), Avx512F.UnpackLow(b0, b1), Avx512F.UnpackLow(c0, c1), Avx512F.UnpackLow(d0, d1), to, toAt, 2, stream);
        StoreBlocks(Avx512F.UnpackHigh(a0, a1), Avx512F.UnpackHigh(b0, b1), Avx512F.UnpackHigh(c0, c1), Avx512F.UnpackHigh(d0, d1), to + 1, toAt, 2, stream);
    }

    /// <summary>Row <paramref name="hop"/> times i takes the i-th 128 bits of each operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreBlocks<TElement>(Vector512<TElement> a, Vector512<TElement> b, Vector512<TElement> c, Vector512<TElement> d, TElement** to, long at, int hop, bool stream)
        where TElement : unmanaged
    {
        Vector512<double> low0 = Avx512F.Shuffle4x128(a.AsDouble(), b.AsDouble(), 0x44), low1 = Avx512F.Shuffle4x128(c.AsDouble(), d.AsDouble(), 0x44);
        Vector512<double> high0 = Avx512F.Shuffle4x128(a.AsDouble(), b.AsDouble(), 0xEE), high1 = Avx512F.Shuffle4x128(c.AsDouble(), d.AsDouble(), 0xEE);
        Store(Avx512F.Shuffle4x128(low0, low1, 0x88).As<double, TElement>(), to[0] + at, stream);
        Store(Avx512F.Shuffle4x128(low0, low1, 0xDD).As<double, TElement>(), to[hop] + at, stream);
        Store(Avx512F.Shuffle4x128(high0, high1, 0x88).As<double, TElement>(), to[2 * hop] + at, stream);
        Store(Avx512F.Shuffle4x128(high0, high1, 0xDD).As<double, TElement>(), to[3 * hop] + at, stream);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TElement>(Vector512<TElement> v, TElement* to, bool stream)
        where TElement : unmanaged
    {
        if (stream)
        {
            v.StoreAlignedNonTemporal(to);
        }
        else
        {
            v.Store(to);
        }
    }

    /// <summary>Transposes the 4x4 blocks of each 128 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(ref Vector512<float> a, ref Vector512<float> b, ref Vector512<float> c, ref Vector512<float> d)
    {
        Vector512<double> ab = Avx512F.UnpackLow(a, b).AsDouble(), cd = Avx512F.UnpackLow(c, d).AsDouble();
        Vector512<double> abHigh = Avx512F.UnpackHigh(a, b).AsDouble(), cdHigh = Avx512F.UnpackHigh(c, d).AsDouble();
        a = Avx512F.UnpackLow(ab, cd).AsSingle();
        b = Avx512F.UnpackHigh(ab, cd).AsSingle();
        c = Avx512F.UnpackLow(abHigh, cdHigh).AsSingle();
        d = Avx512F.UnpackHigh(abHigh, cdHigh).AsSingle();
    }

    /// <summary>Sets elements to zero.</summary>
    public static void NativeClear(T* p, long count) => System.Runtime.InteropServices.NativeMemory.Clear(p, (nuint)(count * sizeof(T)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Transpose(
        Vector128<float> a,
        Vector128<float> b,
        Vector128<float> c,
        Vector128<float> d,
        out Vector128<float> r0,
        out Vector128<float> r1,
        out Vector128<float> r2,
        out Vector128<float> r3)
    {
        Vector128<float> ab = Sse.UnpackLow(a, b), cd = Sse.UnpackLow(c, d), abHigh = Sse.UnpackHigh(a, b), cdHigh = Sse.UnpackHigh(c, d);
        r0 = Sse.MoveLowToHigh(ab, cd);
        r1 = Sse.MoveHighToLow(cd, ab);
        r2 = Sse.MoveLowToHigh(abHigh, cdHigh);
        r3 = Sse.MoveHighToLow(cdHigh, abHigh);
    }
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ForwardRow(T* x, nint step, int* offsets, T* w, int taps, T* y, int count)
    {
        nint v = TSimd.Width, hop = step * v;
        int i = 0;
        for (; i + 4 <= count; i += 4, y += 4 * v, x += 4 * hop)
        {
            TVector s0 = TSimd.Load(y), s1 = TSimd.Load(y + v), s2 = TSimd.Load(y + (2 * v)), s3 = TSimd.Load(y + (3 * v));
            for (int t = 0; t < taps; t++)
            {
                TVector tap = TSimd.Load(w + (t * v));
                T* at = x + (offsets[t] * v);
                s0 = TSimd.MulAdd(tap, TSimd.Load(at), s0);
                s1 = TSimd.MulAdd(tap, TSimd.Load(at + hop), s1);
                s2 = TSimd.MulAdd(tap, TSimd.Load(at + (2 * hop)), s2);
                s3 = TSimd.MulAdd(tap, TSimd.Load(at + (3 * hop)), s3);
            }

            TSimd.Store(s0, y);
            TSimd.Store(s1, y + v);
            TSimd.Store(s2, y + (2 * v));
            TSimd.Store(s3, y + (3 * v));
        }

        for (; i < count; i++, y += v, x += hop)
        {
            TVector sum = TSimd.Load(y);
            for (int t = 0; t < taps; t++)
            {
                sum = TSimd.MulAdd(TSimd.Load(w + (t * v)), TSimd.Load(x + (offsets[t] * v)), sum);
            }

            TSimd.Store(sum, y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ScatterRow(T* target, nint step, T* source, T* w, int count)
    {
        nint v = TSimd.Width, hop = step * v;
        TVector tap = TSimd.Load(w);
        for (int i = 0; i < count; i++, target += hop, source += v)
        {
            TSimd.Store(TSimd.MulAdd(tap, TSimd.Load(source), TSimd.Load(target)), target);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void FilterRow(T* x, nint step, int* offsets, T* dy, int count, T* dw, int taps)
    {
        nint v = TSimd.Width, hop = step * v;
        int t = 0;
        for (; t + 3 <= taps; t += 3, dw += 3 * v)
        {
            // Two sums a tap: one would wait for its own additions.
            TVector s0 = TSimd.Load(dw), s1 = TSimd.Load(dw + v), s2 = TSimd.Load(dw + (2 * v)), zero = TSimd.Broadcast(T.Zero), r0 = zero, r1 = zero, r2 = zero;
            T* x0 = x + (offsets[t] * v), x1 = x + (offsets[t + 1] * v), x2 = x + (offsets[t + 2] * v), g = dy;
            int i = 0;
            for (; i + 2 <= count; i += 2, g += 2 * v, x0 += 2 * hop, x1 += 2 * hop, x2 += 2 * hop)
            {
                TVector even = TSimd.Load(g), odd = TSimd.Load(g + v);
                s0 = TSimd.MulAdd(even, TSimd.Load(x0), s0);
                s1 = TSimd.MulAdd(even, TSimd.Load(x1), s1);
                s2 = TSimd.MulAdd(even, TSimd.Load(x2), s2);
                r0 = TSimd.MulAdd(odd, TSimd.Load(x0 + hop), r0);
                r1 = TSimd.MulAdd(odd, TSimd.Load(x1 + hop), r1);
                r2 = TSimd.MulAdd(odd, TSimd.Load(x2 + hop), r2);
            }

            if (i < count)
            {
                TVector last = TSimd.Load(g);
                r0 = TSimd.MulAdd(last, TSimd.Load(x0), r0);
                r1 = TSimd.MulAdd(last, TSimd.Load(x1), r1);
                r2 = TSimd.MulAdd(last, TSimd.Load(x2), r2);
            }

            s0 = TSimd.Add(s0, r0);
            s1 = TSimd.Add(s1, r1);
            s2 = TSimd.Add(s2, r2);
            TSimd.Store(s0, dw);
            TSimd.Store(s1, dw + v);
            TSimd.Store(s2, dw + (2 * v));
        }

        for (; t < taps; t++, dw += v)
        {
            TVector sum = TSimd.Load(dw);
            T* at = x + (offsets[t] * v), g = dy;
            for (int i = 0; i < count; i++, g += v, at += hop)
            {
                sum = TSimd.MulAdd(TSimd.Load(g), TSimd.Load(at), sum);
            }

            TSimd.Store(sum, dw);
        }
    }
}
