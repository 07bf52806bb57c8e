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

    /// <summary><c>to[i*width + l] = lanes[l][i]</c> for the lanes there are; the others become zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Interleave(T** lanes, int laneCount, long offset, long count, T* to)
    {
        int width = Width;
        if (laneCount < width)
        {
            NativeClear(to, count * width);
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

    /// <summary><c>lanes[l][i] = alpha (from[i*width + l] + bias[l]) + beta lanes[l][i]</c>; a null bias is zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Separate(T* from, long count, T** lanes, int laneCount, long offset, T alpha, T beta, T* bias)
    {
        int width = Width;
        bool plain = alpha == T.One && beta == T.Zero && bias is null;
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

    /// <summary>Sets elements to zero.</summary>
    public static void NativeClear(T* p, long count) => System.Runtime.InteropServices.NativeMemory.Clear(p, (nuint)(count * sizeof(T)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(
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
            TVector s0 = TSimd.Load(dw), s1 = TSimd.Load(dw + v), s2 = TSimd.Load(dw + (2 * v));
            T* x0 = x + (offsets[t] * v), x1 = x + (offsets[t + 1] * v), x2 = x + (offsets[t + 2] * v), g = dy;
            for (int i = 0; i < count; i++, g += v, x0 += hop, x1 += hop, x2 += hop)
            {
                TVector gradient = TSimd.Load(g);
                s0 = TSimd.MulAdd(gradient, TSimd.Load(x0), s0);
                s1 = TSimd.MulAdd(gradient, TSimd.Load(x1), s1);
                s2 = TSimd.MulAdd(gradient, TSimd.Load(x2), s2);
            }

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
