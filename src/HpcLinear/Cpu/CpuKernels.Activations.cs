using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary><c>value = φ(z)</c>, <c>slope = φ'(z)</c>, element by element; <paramref name="value"/> may be z.</summary>
    public abstract void Activate(Activation activation, T* z, T* value, T* slope, long count);
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    /// <summary>An activation and its derivative, which share their exponential.</summary>
    private interface IActivation
    {
        static abstract void Apply(TVector z, out TVector value, out TVector slope);
    }

    public override void Activate(Activation activation, T* z, T* value, T* slope, long count)
    {
        switch (activation)
        {
            case Activation.Linear:
                Activate<Identity>(z, value, slope, count);
                break;
            case Activation.Tanh:
                Activate<HyperbolicTangent>(z, value, slope, count);
                break;
            case Activation.HardTanh:
                Activate<CutOff>(z, value, slope, count);
                break;
            case Activation.Relu:
                Activate<Rectifier>(z, value, slope, count);
                break;
            case Activation.LeakyRelu:
                Activate<LeakyRectifier>(z, value, slope, count);
                break;
            case Activation.Gelu:
                Activate<GaussianGate>(z, value, slope, count);
                break;
            case Activation.Selu:
                Activate<ScaledExponential>(z, value, slope, count);
                break;
            default:
                Activate<SigmoidGate>(z, value, slope, count);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Activate<TActivation>(T* z, T* value, T* slope, long count)
        where TActivation : struct, IActivation
    {
        int w = TSimd.Width;
        long i = 0;
        for (; i + w <= count; i += w)
        {
            TActivation.Apply(TSimd.Load(z + i), out TVector v, out TVector s);
            TSimd.Store(v, value + i);
            TSimd.Store(s, slope + i);
        }

        if (i < count)
        {
            // The rest as a vector of its own, so that an element's bits do not depend on where it stands.
            T* part = stackalloc T[64];
            T* slopes = stackalloc T[64];
            for (int l = 0; l < w; l++)
            {
                part[l] = i + l < count ? z[i + l] : T.Zero;
            }

            TActivation.Apply(TSimd.Load(part), out TVector v, out TVector s);
            TSimd.Store(v, part);
            TSimd.Store(s, slopes);
            for (int l = 0; i + l < count; l++)
            {
                value[i + l] = part[l];
                slope[i + l] = slopes[l];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Constant(double value) => TSimd.Broadcast(T.CreateTruncating(value));

    /// <summary>tanh: a continued fraction to seven terms below ½, where 1 - 2/(e²ˣ + 1) would cancel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Tanh(TVector x)
    {
        TVector one = TSimd.Broadcast(T.One), size = TSimd.Abs(x), square = TSimd.Multiply(x, x);
        TVector above = TSimd.MulAdd(TSimd.MulAdd(TSimd.Add(square, Constant(378)), square, Constant(17325)), square, Constant(135135));
        TVector below = TSimd.MulAdd(TSimd.MulAdd(TSimd.MulAdd(Constant(28), square, Constant(3150)), square, Constant(62370)), square, Constant(135135));
        TVector near = TSimd.Divide(TSimd.Multiply(x, above), below);
        TVector far = TSimd.Subtract(one, TSimd.Divide(Constant(2), TSimd.Add(TSimd.Exp(TSimd.Add(size, size)), one)));
        far = TSimd.IfPositive(x, far, TSimd.Subtract(TSimd.Broadcast(T.Zero), far));
        return TSimd.IfPositive(TSimd.Subtract(Constant(0.5), size), near, far);
    }

    private readonly struct Identity : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(TVector z, out TVector value, out TVector slope)
        {
            value = z;
            slope = TSimd.Broadcast(T.One);
        }
    }

    private readonly struct HyperbolicTangent : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(TVector z, out TVector value, out TVector slope)
        {
            value = Tanh(z);
            slope = TSimd.Subtract(TSimd.Broadcast(T.One), TSimd.Multiply(value, value));
        }
    }

    private readonly struct CutOff : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(TVector z, out TVector value, out TVector slope)
        {
            TVector one = TSimd.Broadcast(T.One);
            value = TSimd.Max(TSimd.Min(z, one), Constant(-1));
            slope = TSimd.IfPositive(TSimd.Subtract(one, TSimd.Abs(z)), one, TSimd.Broadcast(T.Zero));
        }
    }

    private readonly struct Rectifier : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(TVector z, out TVector value, out TVector slope)
        {
            TVector zero = TSimd.Broadcast(T.Zero);
            value = TSimd.Max(z, zero);
            slope = TSimd.IfPositive(z, TSimd.Broadcast(T.One), zero);
        }
    }

    private readonly struct LeakyRectifier : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(TVector z, out TVector value, out TVector slope)
        {
            TVector leak = Constant(0.01);
            value = TSimd.Max(z, TSimd.Multiply(leak, z));
            slope = TSimd.IfPositive(TSimd.Subtract(TSimd.Broadcast(T.Zero), z), leak, TSimd.Broadcast(T.One));
        }
    }

    private readonly struct GaussianGate : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(TVector z, out TVector value, out TVector slope)
        {
            // z/2 (1 + tanh(u/2)) is z times the logistic function of u = 2 √(2/π) (z + 0.044715 z³).
            TVector root = Constant(1.5957691216057308), one = TSimd.Broadcast(T.One), square = TSimd.Multiply(z, z);
            TVector u = TSimd.Multiply(TSimd.Multiply(root, z), TSimd.MulAdd(Constant(0.044715), square, one));
            Gated(z, u, TSimd.Multiply(root, TSimd.MulAdd(Constant(3 * 0.044715), square, one)), out value, out slope);
        }
    }

    private readonly struct ScaledExponential : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(TVector z, out TVector value, out TVector slope)
        {
            TVector scale = Constant(1.0507009873554804934), product = Constant(1.0507009873554804934 * 1.6732632423543772848);
            TVector zero = TSimd.Broadcast(T.Zero), one = TSimd.Broadcast(T.One);

            // e^z - 1 = 2t / (1 - t), t = tanh(z/2), which does not cancel; only negative z are let in, where it is bounded.
            TVector t = Tanh(TSimd.Multiply(Constant(0.5), TSimd.Min(z, zero)));
            TVector grown = TSimd.Divide(TSimd.Add(t, t), TSimd.Subtract(one, t));
            value = TSimd.IfPositive(z, TSimd.Multiply(scale, z), TSimd.Multiply(product, grown));
            slope = TSimd.IfPositive(z, scale, TSimd.Multiply(product, TSimd.Add(grown, one)));
        }
    }

    private readonly struct SigmoidGate : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(TVector z, out TVector value, out TVector slope)
        {
            Gated(z, z, TSimd.Broadcast(T.One), out value, out slope);
        }
    }

    /// <summary>z times the logistic function of u with slope du, and its derivative. The gate and its complement come from one exponential without a difference of
    /// near numbers; their product is 0 before z² can overflow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Gated(TVector z, TVector u, TVector du, out TVector value, out TVector slope)
    {
        TVector one = TSimd.Broadcast(T.One), e = TSimd.Exp(TSimd.Subtract(TSimd.Broadcast(T.Zero), TSimd.Abs(u)));
        TVector large = TSimd.Divide(one, TSimd.Add(one, e)), small = TSimd.Multiply(e, large);
        TVector gate = TSimd.IfPositive(u, large, small), open = TSimd.Multiply(large, small);
        value = TSimd.Multiply(z, gate);
        slope = TSimd.IfPositive(open, TSimd.MulAdd(TSimd.Multiply(z, open), du, gate), gate);
    }
}
