namespace HpcLinear.Cpu;

internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary>Whether an element is infinite or NaN.</summary>
    public abstract bool HasNonFinite(T* p, long count);

    /// <summary><c>out = alpha op(a, b) + beta out</c>, element by element.</summary>
    public abstract void Elementwise(ElementwiseOperation operation, T* a, T* b, T* output, long count, T alpha, T beta);

    /// <summary>Reduces contiguous elements in an order fixed by their count; <paramref name="scale"/> divides the elements of a norm.</summary>
    public abstract T Reduce(ReductionKind kind, T* a, T* b, long count, T scale);

    /// <summary>Adds <c>terms[i]</c>, or products, to the running sum of each of many columns; the rows are <paramref name="count"/> long.</summary>
    public abstract void ReduceRow(ReductionKind kind, T* a, T* b, T* result, long count, T* scale);
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
        int w = TSimd.Width;
        bool plain = alpha == T.One && beta == T.Zero;
        TVector alphas = TSimd.Broadcast(alpha), betas = TSimd.Broadcast(beta);
        long i = 0;
        for (; i + w <= count; i += w)
        {
            TVector r = Apply(operation, TSimd.Load(a + i), TSimd.Load(b + i));
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
            TVector r = Apply(operation, TSimd.Load(lanes), TSimd.Load(lanes + 64));
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

    public override T Reduce(ReductionKind kind, T* a, T* b, long count, T scale)
    {
        int w = TSimd.Width;
        bool minimum = kind == ReductionKind.Minimum, maximum = kind == ReductionKind.Maximum;
        T* lanes = stackalloc T[64];
        long i = 0;
        if (minimum || maximum || kind == ReductionKind.MaximumMagnitude)
        {
            T best = minimum ? T.PositiveInfinity : maximum ? T.NegativeInfinity : T.Zero;
            TVector v = TSimd.Broadcast(best);
            for (; i + w <= count; i += w)
            {
                TVector x = TSimd.Load(a + i);
                v = minimum ? TSimd.Min(v, x) : TSimd.Max(v, maximum ? x : TSimd.Abs(x));
            }

            TSimd.Store(v, lanes);
            for (int l = 0; l < w; l++)
            {
                best = minimum ? T.Min(best, lanes[l]) : T.Max(best, lanes[l]);
            }

            for (; i < count; i++)
            {
                best = minimum ? T.Min(best, a[i]) : T.Max(best, maximum ? a[i] : T.Abs(a[i]));
            }

            return best;
        }

        TVector s0 = TSimd.Broadcast(T.Zero), s1 = s0, s2 = s0, s3 = s0, inverse = TSimd.Broadcast(scale);
        for (; i + (4 * w) <= count; i += 4 * w)
        {
            s0 = Accumulate(kind, TSimd.Load(a + i), TSimd.Load(b + i), inverse, s0);
            s1 = Accumulate(kind, TSimd.Load(a + i + w), TSimd.Load(b + i + w), inverse, s1);
            s2 = Accumulate(kind, TSimd.Load(a + i + (2 * w)), TSimd.Load(b + i + (2 * w)), inverse, s2);
            s3 = Accumulate(kind, TSimd.Load(a + i + (3 * w)), TSimd.Load(b + i + (3 * w)), inverse, s3);
        }

        TSimd.Store(TSimd.Add(TSimd.Add(s0, s1), TSimd.Add(s2, s3)), lanes);
        T sum = T.Zero;
        for (int l = 0; l < w; l++)
        {
            sum += lanes[l];
        }

        for (; i < count; i++)
        {
            T x = kind == ReductionKind.Norm2 ? a[i] / scale : a[i];
            sum += kind switch { ReductionKind.Sum => x, ReductionKind.Dot => x * b[i], _ => x * x };
        }

        return sum;
    }

    public override void ReduceRow(ReductionKind kind, T* a, T* b, T* result, long count, T* scale)
    {
        for (long i = 0; i < count; i++)
        {
            T x = a[i];
            result[i] = kind switch
            {
                ReductionKind.Sum => result[i] + x,
                ReductionKind.SumOfSquares => result[i] + (x * x),
                ReductionKind.Dot => result[i] + (x * b[i]),
                ReductionKind.Minimum => T.Min(result[i], x),
                ReductionKind.Maximum => T.Max(result[i], x),
                ReductionKind.MaximumMagnitude => T.Max(result[i], T.Abs(x)),
                _ => result[i] + (x / scale[i] * (x / scale[i])),
            };
        }
    }

    private static TVector Accumulate(ReductionKind kind, TVector x, TVector y, TVector scale, TVector sum)
    {
        if (kind == ReductionKind.Sum)
        {
            return TSimd.Add(sum, x);
        }

        if (kind == ReductionKind.Dot)
        {
            return TSimd.MulAdd(x, y, sum);
        }

        x = kind == ReductionKind.Norm2 ? TSimd.Divide(x, scale) : x;
        return TSimd.MulAdd(x, x, sum);
    }

    private static TVector Apply(ElementwiseOperation operation, TVector a, TVector b) => operation switch
    {
        ElementwiseOperation.Copy => a,
        ElementwiseOperation.Negate => TSimd.Multiply(TSimd.Broadcast(-T.One), a),
        ElementwiseOperation.Magnitude => TSimd.Abs(a),
        ElementwiseOperation.Square => TSimd.Multiply(a, a),
        ElementwiseOperation.SquareRoot => TSimd.Sqrt(a),
        ElementwiseOperation.Reciprocal => TSimd.Divide(TSimd.Broadcast(T.One), a),
        ElementwiseOperation.Add => TSimd.Add(a, b),
        ElementwiseOperation.Subtract => TSimd.Subtract(a, b),
        ElementwiseOperation.Multiply => TSimd.Multiply(a, b),
        ElementwiseOperation.Divide => TSimd.Divide(a, b),
        ElementwiseOperation.Minimum => TSimd.Min(a, b),
        _ => TSimd.Max(a, b),
    };
}
