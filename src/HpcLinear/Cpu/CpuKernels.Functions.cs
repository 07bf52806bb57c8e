namespace HpcLinear.Cpu;

/// <remarks>Functions as types, so that the loops over them are compiled once for each and have no branch inside.</remarks>
internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    /// <summary>An elementwise function.</summary>
    private interface IFunction
    {
        static abstract TVector Apply(TVector a, TVector b);
    }

    /// <summary>How a reduction takes an element, and how it joins two results.</summary>
    private interface IStep
    {
        static abstract TVector Take(TVector result, TVector x, TVector y, TVector scale);

        static abstract TVector Merge(TVector a, TVector b);

        static abstract T Take(T result, T x, T y, T scale);

        static abstract T Merge(T a, T b);
    }

    private readonly struct CopyOf : IFunction
    {
        public static TVector Apply(TVector a, TVector b) => a;
    }

    private readonly struct Negated : IFunction
    {
        public static TVector Apply(TVector a, TVector b) => TSimd.Multiply(TSimd.Broadcast(-T.One), a);
    }

    private readonly struct MagnitudeOf : IFunction
    {
        public static TVector Apply(TVector a, TVector b) => TSimd.Abs(a);
    }

    private readonly struct SquareOf : IFunction
    {
        public static TVector Apply(TVector a, TVector b) => TSimd.Multiply(a, a);
    }

    private readonly struct RootOf : IFunction
    {
        public static TVector Apply(TVector a, TVector b) => TSimd.Sqrt(a);
    }

    private readonly struct ReciprocalOf : IFunction
    {
        public static TVector Apply(TVector a, TVector b) => TSimd.Divide(TSimd.Broadcast(T.One), a);
    }

    private readonly struct SumOf : IFunction
    {
        public static TVector Apply(TVector a, TVector b) => TSimd.Add(a, b);
    }

    private readonly struct DifferenceOf : IFunction
    {
        public static TVector Apply(TVector a, TVector b) => TSimd.Subtract(a, b);
    }

    private readonly struct ProductOf : IFunction
    {
        public static TVector Apply(TVector a, TVector b) => TSimd.Multiply(a, b);
    }

    private readonly struct QuotientOf : IFunction
    {
        public static TVector Apply(TVector a, TVector b) => TSimd.Divide(a, b);
    }

    private readonly struct LeastOf : IFunction
    {
        public static TVector Apply(TVector a, TVector b) => TSimd.Min(a, b);
    }

    private readonly struct GreatestOf : IFunction
    {
        public static TVector Apply(TVector a, TVector b) => TSimd.Max(a, b);
    }

    private readonly struct Sums : IStep
    {
        public static TVector Take(TVector result, TVector x, TVector y, TVector scale) => TSimd.Add(result, x);

        public static TVector Merge(TVector a, TVector b) => TSimd.Add(a, b);

        public static T Take(T result, T x, T y, T scale) => result + x;

        public static T Merge(T a, T b) => a + b;
    }

    private readonly struct Squares : IStep
    {
        public static TVector Take(TVector result, TVector x, TVector y, TVector scale) => TSimd.MulAdd(x, x, result);

        public static TVector Merge(TVector a, TVector b) => TSimd.Add(a, b);

        public static T Take(T result, T x, T y, T scale) => result + (x * x);

        public static T Merge(T a, T b) => a + b;
    }

    private readonly struct Products : IStep
    {
        public static TVector Take(TVector result, TVector x, TVector y, TVector scale) => TSimd.MulAdd(x, y, result);

        public static TVector Merge(TVector a, TVector b) => TSimd.Add(a, b);

        public static T Take(T result, T x, T y, T scale) => result + (x * y);

        public static T Merge(T a, T b) => a + b;
    }

    private readonly struct Minima : IStep
    {
        public static TVector Take(TVector result, TVector x, TVector y, TVector scale) => TSimd.Min(result, x);

        public static TVector Merge(TVector a, TVector b) => TSimd.Min(a, b);

        public static T Take(T result, T x, T y, T scale) => T.Min(result, x);

        public static T Merge(T a, T b) => T.Min(a, b);
    }

    private readonly struct Maxima : IStep
    {
        public static TVector Take(TVector result, TVector x, TVector y, TVector scale) => TSimd.Max(result, x);

        public static TVector Merge(TVector a, TVector b) => TSimd.Max(a, b);

        public static T Take(T result, T x, T y, T scale) => T.Max(result, x);

        public static T Merge(T a, T b) => T.Max(a, b);
    }

    private readonly struct Magnitudes : IStep
    {
        public static TVector Take(TVector result, TVector x, TVector y, TVector scale) => TSimd.Max(result, TSimd.Abs(x));

        public static TVector Merge(TVector a, TVector b) => TSimd.Max(a, b);

        public static T Take(T result, T x, T y, T scale) => T.Max(result, T.Abs(x));

        public static T Merge(T a, T b) => T.Max(a, b);
    }

    private readonly struct ScaledSquares : IStep
    {
        public static TVector Take(TVector result, TVector x, TVector y, TVector scale)
        {
            TVector scaled = TSimd.Divide(x, scale);
            return TSimd.MulAdd(scaled, scaled, result);
        }

        public static TVector Merge(TVector a, TVector b) => TSimd.Add(a, b);

        public static T Take(T result, T x, T y, T scale) => result + (x / scale * (x / scale));

        public static T Merge(T a, T b) => a + b;
    }
}
