using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

/// <remarks>
/// Rows read at stride 2 without padding. Two vectors of a row give the elements that two neighbouring taps meet, the even and the odd ones; the last vector
/// of a row is moved back to end with it. Plane p belongs to filter p / images; neighbouring planes are neighbours in memory.
/// </remarks>
internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary>The most taps of a row that are held in registers; 2 the fewest.</summary>
    public const int StrideTwoTaps = 9;

    /// <summary><c>y[p, o] = alpha (bias + sum over t of w[t] x[p, 2 o + t])</c> for planes first … first + count - 1, written to <paramref name="y"/> on.</summary>
    public abstract void StrideTwoForward(in StrideTwo rows, T* x, T* w, T* bias, T alpha, T* y, long first, long count);

    /// <summary>
    /// <c>dx[p, 2 m] = alpha sum over t of w[2 t] dy[p, m - t]</c>, and <c>w[2 t + 1]</c> for <c>2 m + 1</c>; row p of <paramref name="staged"/> has zeros around dy.
    /// </summary>
    public abstract void StrideTwoInput(in StrideTwo rows, T* staged, nint pitch, T* w, T alpha, T* dx, long first, long count);

    /// <summary>Vector t of <paramref name="sums"/> becomes, lane by lane, the sum over images and o of <c>dy[o] x[2 o + t]</c> for each of the filters first ….</summary>
    public abstract void StrideTwoFilter(in StrideTwo rows, T* x, T* dy, T* sums, long first, long count);

    /// <summary><c>to[i] = alpha</c> times the sum of the lanes of vector i, pair by pair; destroys the vectors.</summary>
    public abstract void SumLanes(T* vectors, long count, T alpha, T* to);

    /// <summary>The sizes of rows read at stride 2; rows of x that all problems share, 0 where each has its own.</summary>
    internal readonly record struct StrideTwo(int Taps, int TapStep, int Input, int Skip, int Output, long Images, long SharedRows)
    {
        /// <summary>Tap 0 of a filter.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T* Filter(T* w, long filter) => w + (filter * Taps) + (TapStep < 0 ? Taps - 1 : 0);

        /// <summary>Row p of x, less what is skipped.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T* Row(T* x, long p) => x + ((SharedRows > 0 ? p % SharedRows : p) * Input) + Skip;
    }
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    public override void StrideTwoForward(in StrideTwo rows, T* x, T* w, T* bias, T alpha, T* y, long first, long count)
    {
        switch (rows.Taps)
        {
            case 2:
                Forward<N2>(rows, x, w, bias, alpha, y, first, count);
                break;
            case 3:
                Forward<N3>(rows, x, w, bias, alpha, y, first, count);
                break;
            case 4:
                Forward<N4>(rows, x, w, bias, alpha, y, first, count);
                break;
            case 5:
                Forward<N5>(rows, x, w, bias, alpha, y, first, count);
                break;
            case 6:
                Forward<N6>(rows, x, w, bias, alpha, y, first, count);
                break;
            case 7:
                Forward<N7>(rows, x, w, bias, alpha, y, first, count);
                break;
            case 8:
                Forward<N8>(rows, x, w, bias, alpha, y, first, count);
                break;
            default:
                Forward<N9>(rows, x, w, bias, alpha, y, first, count);
                break;
        }
    }

    public override void StrideTwoInput(in StrideTwo rows, T* staged, nint pitch, T* w, T alpha, T* dx, long first, long count)
    {
        switch (rows.Taps)
        {
            case 2:
                Input<N2>(rows, staged, pitch, w, alpha, dx, first, count);
                break;
            case 3:
                Input<N3>(rows, staged, pitch, w, alpha, dx, first, count);
                break;
            case 4:
                Input<N4>(rows, staged, pitch, w, alpha, dx, first, count);
                break;
            case 5:
                Input<N5>(rows, staged, pitch, w, alpha, dx, first, count);
                break;
            case 6:
                Input<N6>(rows, staged, pitch, w, alpha, dx, first, count);
                break;
            case 7:
                Input<N7>(rows, staged, pitch, w, alpha, dx, first, count);
                break;
            case 8:
                Input<N8>(rows, staged, pitch, w, alpha, dx, first, count);
                break;
            default:
                Input<N9>(rows, staged, pitch, w, alpha, dx, first, count);
                break;
        }
    }

    public override void StrideTwoFilter(in StrideTwo rows, T* x, T* dy, T* sums, long first, long count)
    {
        switch (rows.Taps)
        {
            case 2:
                Filter<N2>(rows, x, dy, sums, first, count);
                break;
            case 3:
                Filter<N3>(rows, x, dy, sums, first, count);
                break;
            case 4:
                Filter<N4>(rows, x, dy, sums, first, count);
                break;
            case 5:
                Filter<N5>(rows, x, dy, sums, first, count);
                break;
            case 6:
                Filter<N6>(rows, x, dy, sums, first, count);
                break;
            case 7:
                Filter<N7>(rows, x, dy, sums, first, count);
                break;
            case 8:
                Filter<N8>(rows, x, dy, sums, first, count);
                break;
            default:
                Filter<N9>(rows, x, dy, sums, first, count);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SumLanes(T* vectors, long count, T alpha, T* to)
    {
        int width = TSimd.Width;
        TVector scale = TSimd.Broadcast(alpha);
        for (; count >= width; count -= width, vectors += width * width, to += width)
        {
            // Two levels of pairs at once, while there are so many.
            int left = width;
            for (; left >= 4; left /= 4)
            {
                T* from = vectors;
                for (int i = 0; i < left / 4; i++, from += 4 * width)
                {
                    TVector low = Pairs(TSimd.Load(from), TSimd.Load(from + width)), high = Pairs(TSimd.Load(from + (2 * width)), TSimd.Load(from + (3 * width)));
                    TSimd.Store(Pairs(low, high), vectors + (i * width));
                }
            }

            if (left == 2)
            {
                TSimd.Store(Pairs(TSimd.Load(vectors), TSimd.Load(vectors + width)), vectors);
            }

            TSimd.Store(TSimd.Multiply(scale, TSimd.Load(vectors)), to);
        }

        // The same pairs one by one: results must not depend on how many there are.
        for (; count > 0; count--, vectors += width, to++)
        {
            for (int left = width / 2; left > 0; left /= 2)
            {
                for (int i = 0; i < left; i++)
                {
                    vectors[i] = vectors[2 * i] + vectors[(2 * i) + 1];
                }
            }

            *to = alpha * *vectors;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Pairs(TVector a, TVector b) => TSimd.Add(TSimd.Even(a, b), TSimd.Odd(a, b));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward<TTaps>(in StrideTwo rows, T* x, T* w, T* bias, T alpha, T* y, long first, long count)
        where TTaps : struct, INumber
    {
        int width = TSimd.Width, output = rows.Output, input = rows.Input;
        nint tapStep = rows.TapStep;
        TVector scale = TSimd.Broadcast(alpha);
        for (long p = first; p < first + count;)
        {
            long cell = p / rows.Images, end = Math.Min(first + count, (cell + 1) * rows.Images);
            T* filter = rows.Filter(w, cell), row = rows.Row(x, p);
            TVector start = TSimd.Broadcast(bias is null ? T.Zero : bias[cell]);
            TVector w0 = TSimd.Broadcast(filter[0]), w1 = TSimd.Broadcast(filter[tapStep]), w2 = w0, w3 = w0, w4 = w0, w5 = w0, w6 = w0, w7 = w0, w8 = w0;
            if (TTaps.Value > 2) { w2 = TSimd.Broadcast(filter[2 * tapStep]); }
            if (TTaps.Value > 3) { w3 = TSimd.Broadcast(filter[3 * tapStep]); }
            if (TTaps.Value > 4) { w4 = TSimd.Broadcast(filter[4 * tapStep]); }
            if (TTaps.Value > 5) { w5 = TSimd.Broadcast(filter[5 * tapStep]); }
            if (TTaps.Value > 6) { w6 = TSimd.Broadcast(filter[6 * tapStep]); }
            if (TTaps.Value > 7) { w7 = TSimd.Broadcast(filter[7 * tapStep]); }
            if (TTaps.Value > 8) { w8 = TSimd.Broadcast(filter[8 * tapStep]); }
            for (; p < end; p++, row += input, y += output)
            {
                for (int o = 0; ; o = Math.Min(o + width, output - width))
                {
                    T* from = row + (2 * o);
                    TVector a = TSimd.Load(from), b = TSimd.Load(from + width);
                    TVector sum = TSimd.MulAdd(w0, TSimd.Even(a, b), start), other = TSimd.Multiply(w1, TSimd.Odd(a, b));
                    if (TTaps.Value >= 4)
                    {
                        a = TSimd.Load(from + 2);
                        b = TSimd.Load(from + 2 + width);
                        sum = TSimd.MulAdd(w2, TSimd.Even(a, b), sum);
                        other = TSimd.MulAdd(w3, TSimd.Odd(a, b), other);
                    }
                    if (TTaps.Value >= 6)
                    {
                        a = TSimd.Load(from + 4);
                        b = TSimd.Load(from + 4 + width);
                        sum = TSimd.MulAdd(w4, TSimd.Even(a, b), sum);
                        other = TSimd.MulAdd(w5, TSimd.Odd(a, b), other);
                    }
                    if (TTaps.Value >= 8)
                    {
                        a = TSimd.Load(from + 6);
                        b = TSimd.Load(from + 6 + width);
                        sum = TSimd.MulAdd(w6, TSimd.Even(a, b), sum);
                        other = TSimd.MulAdd(w7, TSimd.Odd(a, b), other);
                    }

                    if (TTaps.Value % 2 == 1)
                    {
                        // One element earlier, so that nothing beyond the last tap is read.
                        a = TSimd.Load(from + TTaps.Value - 2);
                        b = TSimd.Load(from + TTaps.Value - 2 + width);
                        sum = TSimd.MulAdd(TTaps.Value == 3 ? w2 : TTaps.Value == 5 ? w4 : TTaps.Value == 7 ? w6 : w8, TSimd.Odd(a, b), sum);
                    }

                    TSimd.Store(TSimd.Multiply(scale, TSimd.Add(sum, other)), y + o);
                    if (o + width >= output)
                    {
                        break;
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Input<TTaps>(in StrideTwo rows, T* staged, nint pitch, T* w, T alpha, T* dx, long first, long count)
        where TTaps : struct, INumber
    {
        int width = TSimd.Width, input = rows.Input, skip = rows.Skip, pairs = (input - skip) / 2;
        nint tapStep = rows.TapStep;
        TVector scale = TSimd.Broadcast(alpha);
        for (long p = first; p < first + count;)
        {
            long cell = p / rows.Images, end = Math.Min(first + count, (cell + 1) * rows.Images);
            T* filter = rows.Filter(w, cell);
            TVector w0 = TSimd.Broadcast(filter[0]), w1 = TSimd.Broadcast(filter[tapStep]), w2 = w0, w3 = w0, w4 = w0, w5 = w0, w6 = w0, w7 = w0, w8 = w0;
            if (TTaps.Value > 2) { w2 = TSimd.Broadcast(filter[2 * tapStep]); }
            if (TTaps.Value > 3) { w3 = TSimd.Broadcast(filter[3 * tapStep]); }
            if (TTaps.Value > 4) { w4 = TSimd.Broadcast(filter[4 * tapStep]); }
            if (TTaps.Value > 5) { w5 = TSimd.Broadcast(filter[5 * tapStep]); }
            if (TTaps.Value > 6) { w6 = TSimd.Broadcast(filter[6 * tapStep]); }
            if (TTaps.Value > 7) { w7 = TSimd.Broadcast(filter[7 * tapStep]); }
            if (TTaps.Value > 8) { w8 = TSimd.Broadcast(filter[8 * tapStep]); }
            for (; p < end; p++, staged += pitch, dx += input)
            {
                T* to = dx + skip;
                for (int m = 0; ; m = Math.Min(m + width, pairs - width))
                {
                    T* at = staged + m;
                    TVector v = TSimd.Load(at);
                    TVector even = TSimd.Multiply(w0, v), odd = TSimd.Multiply(w1, v);
                    if (TTaps.Value > 2)
                    {
                        v = TSimd.Load(at - 1);
                        even = TSimd.MulAdd(w2, v, even);
                        if (TTaps.Value > 3) { odd = TSimd.MulAdd(w3, v, odd); }
                    }
                    if (TTaps.Value > 4)
                    {
                        v = TSimd.Load(at - 2);
                        even = TSimd.MulAdd(w4, v, even);
                        if (TTaps.Value > 5) { odd = TSimd.MulAdd(w5, v, odd); }
                    }
                    if (TTaps.Value > 6)
                    {
                        v = TSimd.Load(at - 3);
                        even = TSimd.MulAdd(w6, v, even);
                        if (TTaps.Value > 7) { odd = TSimd.MulAdd(w7, v, odd); }
                    }
                    if (TTaps.Value > 8)
                    {
                        v = TSimd.Load(at - 4);
                        even = TSimd.MulAdd(w8, v, even);
                    }

                    even = TSimd.Multiply(scale, even);
                    odd = TSimd.Multiply(scale, odd);
                    TSimd.Store(TSimd.InterleaveLow(even, odd), to + (2 * m));
                    TSimd.Store(TSimd.InterleaveHigh(even, odd), to + (2 * m) + width);
                    if (m + width >= pairs)
                    {
                        break;
                    }
                }

                for (int i = 0; i < skip; i++)
                {
                    dx[i] = T.Zero;
                }

                if ((input - skip) % 2 != 0)
                {
                    T sum = T.Zero;
                    for (int t = 0; 2 * t < TTaps.Value; t++)
                    {
                        sum = T.MultiplyAddEstimate(filter[2 * t * tapStep], staged[pairs - t], sum);
                    }

                    dx[input - 1] = alpha * sum;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Filter<TTaps>(in StrideTwo rows, T* x, T* dy, T* sums, long first, long count)
        where TTaps : struct, INumber
    {
        int width = TSimd.Width, output = rows.Output, input = rows.Input, again = (width - (output % width)) % width;
        T* lanes = stackalloc T[width];
        for (int l = 0; l < width; l++)
        {
            lanes[l] = l < again ? T.Zero : T.One;
        }

        TVector fresh = TSimd.Load(lanes), zero = TSimd.Broadcast(T.Zero);
        T* g = dy + (first * rows.Images * output);
        for (long cell = first; cell < first + count; cell++, sums += TTaps.Value * width)
        {
            TVector s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero, last = zero;
            T* row = rows.Row(x, cell * rows.Images);
            for (long image = 0; image < rows.Images; image++, row += input, g += output)
            {
                for (int o = 0; ; o += width)
                {
                    bool overlaps = o + width > output;
                    o = overlaps ? output - width : o;
                    T* from = row + (2 * o);
                    TVector gradient = TSimd.Load(g + o);
                    gradient = overlaps ? TSimd.Multiply(fresh, gradient) : gradient;
                    TVector a = TSimd.Load(from), b = TSimd.Load(from + width);
                    s0 = TSimd.MulAdd(gradient, TSimd.Even(a, b), s0);
                    s1 = TSimd.MulAdd(gradient, TSimd.Odd(a, b), s1);
                    if (TTaps.Value >= 4)
                    {
                        a = TSimd.Load(from + 2);
                        b = TSimd.Load(from + 2 + width);
                        s2 = TSimd.MulAdd(gradient, TSimd.Even(a, b), s2);
                        s3 = TSimd.MulAdd(gradient, TSimd.Odd(a, b), s3);
                    }
                    if (TTaps.Value >= 6)
                    {
                        a = TSimd.Load(from + 4);
                        b = TSimd.Load(from + 4 + width);
                        s4 = TSimd.MulAdd(gradient, TSimd.Even(a, b), s4);
                        s5 = TSimd.MulAdd(gradient, TSimd.Odd(a, b), s5);
                    }
                    if (TTaps.Value >= 8)
                    {
                        a = TSimd.Load(from + 6);
                        b = TSimd.Load(from + 6 + width);
                        s6 = TSimd.MulAdd(gradient, TSimd.Even(a, b), s6);
                        s7 = TSimd.MulAdd(gradient, TSimd.Odd(a, b), s7);
                    }

                    if (TTaps.Value % 2 == 1)
                    {
                        a = TSimd.Load(from + TTaps.Value - 2);
                        b = TSimd.Load(from + TTaps.Value - 2 + width);
                        last = TSimd.MulAdd(gradient, TSimd.Odd(a, b), last);
                    }

                    if (o + width >= output)
                    {
                        break;
                    }
                }
            }

            TSimd.Store(s0, sums);
            TSimd.Store(s1, sums + width);
            if (TTaps.Value >= 4) { TSimd.Store(s2, sums + (2 * width)); TSimd.Store(s3, sums + (3 * width)); }
            if (TTaps.Value >= 6) { TSimd.Store(s4, sums + (4 * width)); TSimd.Store(s5, sums + (5 * width)); }
            if (TTaps.Value >= 8) { TSimd.Store(s6, sums + (6 * width)); TSimd.Store(s7, sums + (7 * width)); }
            if (TTaps.Value % 2 == 1) { TSimd.Store(last, sums + ((TTaps.Value - 1) * width)); }
        }
    }
}
