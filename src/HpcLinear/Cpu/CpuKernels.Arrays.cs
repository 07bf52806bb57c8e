using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary>Whether an element is infinite or NaN.</summary>
    public abstract bool HasNonFinite(T* p, long count);

    /// <summary><c>out = alpha op(a, b) + beta out</c>, element by element.</summary>
    public abstract void Elementwise(ElementwiseOperation operation, T* a, T* b, T* output, long count, T alpha, T beta);

    /// <summary>Reduces contiguous elements in an order fixed by their count; <paramref name="scale"/> divides the elements of a norm.</summary>
    public abstract T Reduce(ReductionKind kind, T* a, T* b, long count, T scale);

    /// <summary>The sum, sum of squares or inner product, and the rounding errors it lacks, in an order fixed by the count.</summary>
    public abstract T ReduceCompensated(ReductionKind kind, T* a, T* b, long count, out T error);

    /// <summary>Folds a row of terms into the running results of <paramref name="count"/> columns.</summary>
    public abstract void ReduceRow(ReductionKind kind, T* a, T* b, T* result, long count, T* scale);

    /// <summary>As <see cref="ReduceRow"/>, with the rounding errors of every column beside its sum.</summary>
    public abstract void ReduceRowCompensated(ReductionKind kind, T* a, T* b, T* result, T* errors, long count);

    /// <summary>What a reduction of nothing is.</summary>
    public static T Start(ReductionKind kind) => kind switch { ReductionKind.Minimum => T.PositiveInfinity, ReductionKind.Maximum => T.NegativeInfinity, _ => T.Zero };

    /// <summary>Error-free: afterwards sum + (what error grew by) is exactly the old sum + x.</summary>
    public static void TwoSum(ref T sum, T x, ref T error)
    {
        T next = sum + x, part = next - sum;
        error += (sum - (next - part)) + (x - part);
        sum = next;
    }

    /// <summary>A term of a compensated sum, with the rounding error of its product.</summary>
    private protected static T Term(ReductionKind kind, T a, T b, ref T error)
    {
        if (kind == ReductionKind.Sum)
        {
            return a;
        }

        T y = kind == ReductionKind.Dot ? b : a, product = a * y;
        error += T.FusedMultiplyAdd(a, y, -product);
        return product;
    }
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    public override bool HasNonFinite(T* p, long count)
    {
        // 0 x is 0 for every finite x and NaN for all others.
        TVector zero = TSimd.Broadcast(T.Zero), s0 = zero, s1 = zero;
        int w = TSimd.Width;
        long i = 0;
        for (; i + (2 * w) <= count; i += 2 * w)
        {
            s0 = TSimd.Add(TSimd.Multiply(TSimd.Load(p + i), zero), s0);
            s1 = TSimd.Add(TSimd.Multiply(TSimd.Load(p + i + w), zero), s1);
        }

        T* lanes = stackalloc T[64];
        TSimd.Store(TSimd.Add(s0, s1), lanes);
        T sum = T.Zero;
        for (int l = 0; l < w; l++)
        {
            sum += lanes[l];
        }

        for (; i < count; i++)
        {
            sum += p[i] * T.Zero;
        }

        return T.IsNaN(sum);
    }

    public override void Elementwise(ElementwiseOperation operation, T* a, T* b, T* output, long count, T alpha, T beta)
    {
        switch (operation)
        {
            case ElementwiseOperation.Copy:
                Map<CopyOf>(a, b, output, count, alpha, beta);
                break;
            case ElementwiseOperation.Negate:
                Map<Negated>(a, b, output, count, alpha, beta);
                break;
            case ElementwiseOperation.Magnitude:
                Map<MagnitudeOf>(a, b, output, count, alpha, beta);
                break;
            case ElementwiseOperation.Square:
                Map<SquareOf>(a, b, output, count, alpha, beta);
                break;
            case ElementwiseOperation.SquareRoot:
                Map<RootOf>(a, b, output, count, alpha, beta);
                break;
            case ElementwiseOperation.Reciprocal:
                Map<ReciprocalOf>(a, b, output, count, alpha, beta);
                break;
            case ElementwiseOperation.Add:
                Map<SumOf>(a, b, output, count, alpha, beta);
                break;
            case ElementwiseOperation.Subtract:
                Map<DifferenceOf>(a, b, output, count, alpha, beta);
                break;
            case ElementwiseOperation.Multiply:
                Map<ProductOf>(a, b, output, count, alpha, beta);
                break;
            case ElementwiseOperation.Divide:
                Map<QuotientOf>(a, b, output, count, alpha, beta);
                break;
            case ElementwiseOperation.Minimum:
                Map<LeastOf>(a, b, output, count, alpha, beta);
                break;
            default:
                Map<GreatestOf>(a, b, output, count, alpha, beta);
                break;
        }
    }

    public override T Reduce(ReductionKind kind, T* a, T* b, long count, T scale) => kind switch
    {
        ReductionKind.Sum => Fold<Sums>(kind, a, b, count, scale),
        ReductionKind.SumOfSquares => Fold<Squares>(kind, a, b, count, scale),
        ReductionKind.Dot => Fold<Products>(kind, a, b, count, scale),
        ReductionKind.Minimum => Fold<Minima>(kind, a, b, count, scale),
        ReductionKind.Maximum => Fold<Maxima>(kind, a, b, count, scale),
        ReductionKind.MaximumMagnitude => Fold<Magnitudes>(kind, a, b, count, scale),
        _ => Fold<ScaledSquares>(kind, a, b, count, scale),
    };

    public override void ReduceRow(ReductionKind kind, T* a, T* b, T* result, long count, T* scale)
    {
        switch (kind)
        {
            case ReductionKind.Sum:
                FoldRow<Sums>(a, b, result, count, scale);
                break;
            case ReductionKind.SumOfSquares:
                FoldRow<Squares>(a, b, result, count, scale);
                break;
            case ReductionKind.Dot:
                FoldRow<Products>(a, b, result, count, scale);
                break;
            case ReductionKind.Minimum:
                FoldRow<Minima>(a, b, result, count, scale);
                break;
            case ReductionKind.Maximum:
                FoldRow<Maxima>(a, b, result, count, scale);
                break;
            case ReductionKind.MaximumMagnitude:
                FoldRow<Magnitudes>(a, b, result, count, scale);
                break;
            default:
                FoldRow<ScaledSquares>(a, b, result, count, scale);
                break;
        }
    }

    public override T ReduceCompensated(ReductionKind kind, T* a, T* b, long count, out T error)
    {
        int w = TSimd.Width;
        T* lanes = stackalloc T[128];
        error = T.Zero;
        T sum = T.Zero;
        long i = count / (4 * w) * (4 * w);
        if (i > 0)
        {
            TVector s0 = TSimd.Broadcast(T.Zero), s1 = s0, s2 = s0, s3 = s0, e0 = s0, e1 = s0, e2 = s0, e3 = s0;
            for (T* end = a + i; a < end; a += 4 * w, b += 4 * w)
            {
                AddCompensated(kind, a, b, ref s0, ref e0);
                AddCompensated(kind, a + w, b + w, ref s1, ref e1);
                AddCompensated(kind, a + (2 * w), b + (2 * w), ref s2, ref e2);
                AddCompensated(kind, a + (3 * w), b + (3 * w), ref s3, ref e3);
            }

            Gather(s0, e0, lanes, ref sum, ref error);
            Gather(s1, e1, lanes, ref sum, ref error);
            Gather(s2, e2, lanes, ref sum, ref error);
            Gather(s3, e3, lanes, ref sum, ref error);
        }

        for (long rest = count - i; rest > 0; rest--, a++, b++)
        {
            TwoSum(ref sum, Term(kind, *a, *b, ref error), ref error);
        }

        return sum;

        static void Gather(TVector sums, TVector errors, T* lanes, ref T sum, ref T error)
        {
            TSimd.Store(sums, lanes);
            TSimd.Store(errors, lanes + 64);
            for (int l = 0; l < TSimd.Width; l++)
            {
                TwoSum(ref sum, lanes[l], ref error);
                error += lanes[64 + l];
            }
        }
    }

    public override void ReduceRowCompensated(ReductionKind kind, T* a, T* b, T* result, T* errors, long count)
    {
        int w = TSimd.Width;
        long i = 0;
        for (; i + w <= count; i += w)
        {
            TVector sum = TSimd.Load(result + i), error = TSimd.Load(errors + i);
            AddCompensated(kind, a + i, b + i, ref sum, ref error);
            TSimd.Store(sum, result + i);
            TSimd.Store(error, errors + i);
        }

        for (; i < count; i++)
        {
            TwoSum(ref result[i], Term(kind, a[i], b[i], ref errors[i]), ref errors[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddCompensated(ReductionKind kind, T* a, T* b, ref TVector sum, ref TVector error)
    {
        TVector x = TSimd.Load(a);
        if (kind != ReductionKind.Sum)
        {
            // The product's own rounding error, exact by one fused multiply-add.
            TVector y = kind == ReductionKind.Dot ? TSimd.Load(b) : x, product = TSimd.Multiply(x, y);
            error = TSimd.Add(error, TSimd.FusedMulAdd(x, y, TSimd.Multiply(TSimd.Broadcast(-T.One), product)));
            x = product;
        }

        TVector next = TSimd.Add(sum, x), part = TSimd.Subtract(next, sum);
        error = TSimd.Add(error, TSimd.Add(TSimd.Subtract(sum, TSimd.Subtract(next, part)), TSimd.Subtract(x, part)));
        sum = next;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Map<TFunction>(T* a, T* b, T* output, long count, T alpha, T beta)
        where TFunction : struct, IFunction
    {
        int w = TSimd.Width;
        bool plain = alpha == T.One && beta == T.Zero;
        TVector alphas = TSimd.Broadcast(alpha), betas = TSimd.Broadcast(beta);
        long i = 0;
        for (; i + w <= count; i += w)
        {
            TVector r = TFunction.Apply(TSimd.Load(a + i), TSimd.Load(b + i));
            if (!plain)
            {
                r = TSimd.Multiply(alphas, r);
                r = beta == T.Zero ? r : TSimd.Add(r, TSimd.Multiply(betas, TSimd.Load(output + i)));
            }

            TSimd.Store(r, output + i);
        }

        if (i < count)
        {
            // The rest goes through a whole vector on the stack, so that it is rounded alike.
            T* lanes = stackalloc T[3 * 64];
            int rest = (int)(count - i);
            new Span<T>(lanes, 3 * 64).Clear();
            new ReadOnlySpan<T>(a + i, rest).CopyTo(new Span<T>(lanes, rest));
            new ReadOnlySpan<T>(b + i, rest).CopyTo(new Span<T>(lanes + 64, rest));
            TVector r = TFunction.Apply(TSimd.Load(lanes), TSimd.Load(lanes + 64));
            if (!plain)
            {
                r = TSimd.Multiply(alphas, r);
                if (beta != T.Zero)
                {
                    new ReadOnlySpan<T>(output + i, rest).CopyTo(new Span<T>(lanes + 128, rest));
                    r = TSimd.Add(r, TSimd.Multiply(betas, TSimd.Load(lanes + 128)));
                }
            }

            TSimd.Store(r, lanes);
            new ReadOnlySpan<T>(lanes, rest).CopyTo(new Span<T>(output + i, rest));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T Fold<TStep>(ReductionKind kind, T* a, T* b, long count, T scale)
        where TStep : struct, IStep
    {
        int w = TSimd.Width;
        T* lanes = stackalloc T[64];
        TVector s0 = TSimd.Broadcast(Start(kind)), s1 = s0, s2 = s0, s3 = s0, scales = TSimd.Broadcast(scale);
        long i = 0;
        for (; i + (4 * w) <= count; i += 4 * w)
        {
            s0 = TStep.Take(s0, TSimd.Load(a + i), TSimd.Load(b + i), scales);
            s1 = TStep.Take(s1, TSimd.Load(a + i + w), TSimd.Load(b + i + w), scales);
            s2 = TStep.Take(s2, TSimd.Load(a + i + (2 * w)), TSimd.Load(b + i + (2 * w)), scales);
            s3 = TStep.Take(s3, TSimd.Load(a + i + (3 * w)), TSimd.Load(b + i + (3 * w)), scales);
        }

        TSimd.Store(TStep.Merge(TStep.Merge(s0, s1), TStep.Merge(s2, s3)), lanes);
        T result = Start(kind);
        for (int l = 0; l < w; l++)
        {
            result = TStep.Merge(result, lanes[l]);
        }

        for (; i < count; i++)
        {
            result = TStep.Take(result, a[i], b[i], scale);
        }

        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FoldRow<TStep>(T* a, T* b, T* result, long count, T* scale)
        where TStep : struct, IStep
    {
        int w = TSimd.Width;
        long i = 0;
        for (; i + w <= count; i += w)
        {
            TSimd.Store(TStep.Take(TSimd.Load(result + i), TSimd.Load(a + i), TSimd.Load(b + i), TSimd.Load(scale + i)), result + i);
        }

        for (; i < count; i++)
        {
            result[i] = TStep.Take(result[i], a[i], b[i], scale[i]);
        }
    }
}
