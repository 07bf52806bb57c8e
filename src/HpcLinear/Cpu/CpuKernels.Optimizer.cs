using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary><c>w -= r g</c>.</summary>
    public abstract void Descend(T* gradient, T* parameters, long count, T rate);

    /// <summary><c>v = μ v + g</c>, <c>w -= r v</c>.</summary>
    public abstract void DescendWithMomentum(T* gradient, T* parameters, T* velocity, long count, T rate, T momentum);

    /// <summary><c>m = b1 m + c1 g</c>, <c>v = b2 v + c2 g²</c>, <c>w -= r m / (s √v + ε)</c>; s is <paramref name="correction"/>.</summary>
    public abstract void Adam(T* gradient, T* parameters, T* first, T* second, long count, T rate, T b1, T c1, T b2, T c2, T correction, T epsilon);
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Descend(T* gradient, T* parameters, long count, T rate)
    {
        int w = TSimd.Width;
        TVector rates = TSimd.Broadcast(-rate);
        long i = 0;
        for (; i + w <= count; i += w)
        {
            TSimd.Store(TSimd.MulAdd(rates, TSimd.Load(gradient + i), TSimd.Load(parameters + i)), parameters + i);
        }

        if (i < count)
        {
            // The rest goes through whole vectors on the stack, so that it is rounded alike.
            T* lanes = stackalloc T[2 * 64];
            int rest = (int)(count - i);
            Fetch(gradient + i, lanes, rest);
            Fetch(parameters + i, lanes + 64, rest);
            Descend(lanes, lanes + 64, w, rate);
            PutBack(lanes + 64, parameters + i, rest);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DescendWithMomentum(T* gradient, T* parameters, T* velocity, long count, T rate, T momentum)
    {
        int w = TSimd.Width;
        TVector rates = TSimd.Broadcast(-rate), decays = TSimd.Broadcast(momentum);
        long i = 0;
        for (; i + w <= count; i += w)
        {
            TVector v = TSimd.MulAdd(decays, TSimd.Load(velocity + i), TSimd.Load(gradient + i));
            TSimd.Store(v, velocity + i);
            TSimd.Store(TSimd.MulAdd(rates, v, TSimd.Load(parameters + i)), parameters + i);
        }

        if (i < count)
        {
            T* lanes = stackalloc T[3 * 64];
            int rest = (int)(count - i);
            Fetch(gradient + i, lanes, rest);
            Fetch(parameters + i, lanes + 64, rest);
            Fetch(velocity + i, lanes + 128, rest);
            DescendWithMomentum(lanes, lanes + 64, lanes + 128, w, rate, momentum);
            PutBack(lanes + 64, parameters + i, rest);
            PutBack(lanes + 128, velocity + i, rest);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Adam(T* gradient, T* parameters, T* first, T* second, long count, T rate, T b1, T c1, T b2, T c2, T correction, T epsilon)
    {
        int w = TSimd.Width;
        TVector rates = TSimd.Broadcast(-rate), corrections = TSimd.Broadcast(correction), epsilons = TSimd.Broadcast(epsilon);
        TVector decay1 = TSimd.Broadcast(b1), gain1 = TSimd.Broadcast(c1), decay2 = TSimd.Broadcast(b2), gain2 = TSimd.Broadcast(c2);
        long i = 0;
        for (; i + w <= count; i += w)
        {
            TVector g = TSimd.Load(gradient + i);
            TVector m = TSimd.MulAdd(decay1, TSimd.Load(first + i), TSimd.Multiply(gain1, g));
            TVector v = TSimd.MulAdd(decay2, TSimd.Load(second + i), TSimd.Multiply(TSimd.Multiply(gain2, g), g));
            TVector root = TSimd.MulAdd(corrections, TSimd.Sqrt(v), epsilons);
            TSimd.Store(m, first + i);
            TSimd.Store(v, second + i);
            TSimd.Store(TSimd.Add(TSimd.Load(parameters + i), TSimd.Divide(TSimd.Multiply(rates, m), root)), parameters + i);
        }

        if (i < count)
        {
            T* lanes = stackalloc T[4 * 64];
            int rest = (int)(count - i);
            Fetch(gradient + i, lanes, rest);
            Fetch(parameters + i, lanes + 64, rest);
            Fetch(first + i, lanes + 128, rest);
            Fetch(second + i, lanes + 192, rest);
            Adam(lanes, lanes + 64, lanes + 128, lanes + 192, w, rate, b1, c1, b2, c2, correction, epsilon);
            PutBack(lanes + 64, parameters + i, rest);
            PutBack(lanes + 128, first + i, rest);
            PutBack(lanes + 192, second + i, rest);
        }
    }

    /// <summary>A few elements, zeros after them, into a vector's place.</summary>
    private static void Fetch(T* from, T* lanes, int count)
    {
        new Span<T>(lanes, 64).Clear();
        new ReadOnlySpan<T>(from, count).CopyTo(new Span<T>(lanes, count));
    }

    private static void PutBack(T* lanes, T* to, int count) => new ReadOnlySpan<T>(lanes, count).CopyTo(new Span<T>(to, count));
}
