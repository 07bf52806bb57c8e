using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

/// <remarks>Steps of many small ordinary differential equations at once, one a lane: states are rows of lanes, step sizes a vector.</remarks>
internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary><c>to = y + h sum over s of c[s] k_s</c>; stages are <paramref name="stageStride"/> elements apart.</summary>
    public abstract void StepLanes(T* y, T* k, nint stageStride, ReadOnlySpan<T> c, T* h, T* to, nint rows);

    /// <summary><c>sums = sum over rows of (h sum over s of c[s] k_s / (absolute + relative max(|y|, |next|)))²</c>.</summary>
    public abstract void ErrorLanes(T* y, T* next, T* k, nint stageStride, ReadOnlySpan<T> c, T* h, T absolute, T relative, T* sums, nint rows);

    /// <summary><c>to = -g</c>, and <c>squares = sum over rows of g²</c>.</summary>
    public abstract void DescendLanes(T* g, T* to, T* squares, nint rows);

    /// <summary><c>to = s a + t b</c> with a factor a lane.</summary>
    public abstract void CombineLanes(T* a, T* s, T* b, T* t, T* to, nint rows);

    /// <summary><c>to = a</c> in lanes where the mask is above 0, else what it was.</summary>
    public abstract void ReplaceLanes(T* mask, T* a, T* to, nint rows);

    /// <summary><c>sums = sum over rows of v (g - b)</c>, where minusB holds -b.</summary>
    public abstract void LossLanes(T* v, T* g, T* minusB, T* sums, nint rows);

    /// <summary><c>largest = max over rows of |a - b|</c>, NaN if one is.</summary>
    public abstract void ChangeLanes(T* a, T* b, T* largest, nint rows);
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void StepLanes(T* y, T* k, nint stageStride, ReadOnlySpan<T> c, T* h, T* to, nint rows)
    {
        nint w = TSimd.Width;
        TVector step = TSimd.Load(h);
        for (nint i = 0; i < rows; i++, y += w, k += w, to += w)
        {
            TSimd.Store(TSimd.MulAdd(step, Slope(k, stageStride, c), TSimd.Load(y)), to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ErrorLanes(T* y, T* next, T* k, nint stageStride, ReadOnlySpan<T> c, T* h, T absolute, T relative, T* sums, nint rows)
    {
        nint w = TSimd.Width;
        TVector step = TSimd.Load(h), least = TSimd.Broadcast(absolute), part = TSimd.Broadcast(relative), sum = TSimd.Broadcast(T.Zero);
        for (nint i = 0; i < rows; i++, y += w, next += w, k += w)
        {
            TVector scale = TSimd.MulAdd(part, TSimd.Max(TSimd.Abs(TSimd.Load(y)), TSimd.Abs(TSimd.Load(next))), least);
            TVector error = TSimd.Divide(TSimd.Multiply(step, Slope(k, stageStride, c)), scale);
            sum = TSimd.MulAdd(error, error, sum);
        }

        TSimd.Store(sum, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DescendLanes(T* g, T* to, T* squares, nint rows)
    {
        nint w = TSimd.Width;
        TVector zero = TSimd.Broadcast(T.Zero), sum = zero;
        for (nint i = 0; i < rows; i++, g += w, to += w)
        {
            TVector x = TSimd.Load(g);
            sum = TSimd.MulAdd(x, x, sum);
            TSimd.Store(TSimd.Subtract(zero, x), to);
        }

        TSimd.Store(sum, squares);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void CombineLanes(T* a, T* s, T* b, T* t, T* to, nint rows)
    {
        nint w = TSimd.Width;
        TVector first = TSimd.Load(s), second = TSimd.Load(t);
        for (nint i = 0; i < rows; i++, a += w, b += w, to += w)
        {
            TSimd.Store(TSimd.MulAdd(first, TSimd.Load(a), TSimd.Multiply(second, TSimd.Load(b))), to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ReplaceLanes(T* mask, T* a, T* to, nint rows)
    {
        nint w = TSimd.Width;
        TVector keep = TSimd.Load(mask);
        for (nint i = 0; i < rows; i++, a += w, to += w)
        {
            TSimd.Store(TSimd.IfPositive(keep, TSimd.Load(a), TSimd.Load(to)), to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void LossLanes(T* v, T* g, T* minusB, T* sums, nint rows)
    {
        nint w = TSimd.Width;
        TVector sum = TSimd.Broadcast(T.Zero);
        for (nint i = 0; i < rows; i++, v += w, g += w, minusB += w)
        {
            sum = TSimd.MulAdd(TSimd.Load(v), TSimd.Add(TSimd.Load(g), TSimd.Load(minusB)), sum);
        }

        TSimd.Store(sum, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ChangeLanes(T* a, T* b, T* largest, nint rows)
    {
        nint w = TSimd.Width;
        TVector most = TSimd.Broadcast(T.Zero);
        for (nint i = 0; i < rows; i++, a += w, b += w)
        {
            most = TSimd.Max(most, TSimd.Abs(TSimd.Subtract(TSimd.Load(a), TSimd.Load(b))));
        }

        TSimd.Store(most, largest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Slope(T* k, nint stageStride, ReadOnlySpan<T> c)
    {
        TVector sum = TSimd.Multiply(TSimd.Broadcast(c[0]), TSimd.Load(k));
        for (int s = 1; s < c.Length; s++)
        {
            k += stageStride;
            sum = TSimd.MulAdd(TSimd.Broadcast(c[s]), TSimd.Load(k), sum);
        }

        return sum;
    }
}
