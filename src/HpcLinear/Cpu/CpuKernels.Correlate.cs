using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

/// <remarks>The adjoints of <see cref="ComposeRow"/> and products of small matrices, one problem a lane: an element is a whole vector.</remarks>
internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary><c>a[i] += sum over j of b[j] g[i + stride j]</c> for i &lt; length: the adjoint with respect to the row.</summary>
    /// <remarks>At most <see cref="ComposedTaps"/> taps, which wait in registers.</remarks>
    public abstract void CorrelateRow(T* g, T* b, int taps, nint stride, T* a, nint length, bool accumulate);

    /// <summary><c>b[j] += sum over i of a[i] g[i + stride j]</c> for j &lt; taps: the adjoint with respect to the taps.</summary>
    /// <remarks>At most <see cref="ComposedTaps"/> taps, whose sums wait in registers.</remarks>
    public abstract void CorrelateTaps(T* g, T* a, nint length, nint stride, T* b, int taps, bool accumulate);

    /// <summary><c>c[i,j] += sum over d of a[i,d] b[d,j]</c>, strides in elements; c is row-major.</summary>
    public abstract void MultiplyLanes(int rows, int columns, int depth, T* a, nint aRow, nint aDepth, T* b, nint bDepth, nint bColumn, T* c, bool accumulate);
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    public override void CorrelateRow(T* g, T* b, int taps, nint stride, T* a, nint length, bool accumulate)
    {
        switch (taps)
        {
            case 1:
                RowOf<N1>(g, b, stride, a, length, accumulate);
                break;
            case 2:
                RowOf<N2>(g, b, stride, a, length, accumulate);
                break;
            case 3:
                RowOf<N3>(g, b, stride, a, length, accumulate);
                break;
            case 4:
                RowOf<N4>(g, b, stride, a, length, accumulate);
                break;
            case 5:
                RowOf<N5>(g, b, stride, a, length, accumulate);
                break;
            case 6:
                RowOf<N6>(g, b, stride, a, length, accumulate);
                break;
            case 7:
                RowOf<N7>(g, b, stride, a, length, accumulate);
                break;
            default:
                RowOf<N8>(g, b, stride, a, length, accumulate);
                break;
        }
    }

    public override void CorrelateTaps(T* g, T* a, nint length, nint stride, T* b, int taps, bool accumulate)
    {
        switch (taps)
        {
            case 1:
                TapsOf<N1>(g, a, length, stride, b, accumulate);
                break;
            case 2:
                TapsOf<N2>(g, a, length, stride, b, accumulate);
                break;
            case 3:
                TapsOf<N3>(g, a, length, stride, b, accumulate);
                break;
            case 4:
                TapsOf<N4>(g, a, length, stride, b, accumulate);
                break;
            case 5:
                TapsOf<N5>(g, a, length, stride, b, accumulate);
                break;
            case 6:
                TapsOf<N6>(g, a, length, stride, b, accumulate);
                break;
            case 7:
                TapsOf<N7>(g, a, length, stride, b, accumulate);
                break;
            default:
                TapsOf<N8>(g, a, length, stride, b, accumulate);
                break;
        }
    }

    /// <remarks>Four columns at a time share the load of a.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void MultiplyLanes(int rows, int columns, int depth, T* a, nint aRow, nint aDepth, T* b, nint bDepth, nint bColumn, T* c, bool accumulate)
    {
        nint w = TSimd.Width;
        TVector zero = TSimd.Broadcast(T.Zero);
        for (int i = 0; i < rows; i++, a += aRow)
        {
            int j = 0;
            for (; j + 4 <= columns; j += 4, c += 4 * w)
            {
                TVector c0 = zero, c1 = zero, c2 = zero, c3 = zero;
                if (accumulate)
                {
                    (c0, c1, c2, c3) = (TSimd.Load(c), TSimd.Load(c + w), TSimd.Load(c + (2 * w)), TSimd.Load(c + (3 * w)));
                }

                T* left = a, right = b + (j * bColumn);
                for (int d = 0; d < depth; d++, left += aDepth, right += bDepth)
                {
                    TVector x = TSimd.Load(left);
                    c0 = TSimd.MulAdd(x, TSimd.Load(right), c0);
                    c1 = TSimd.MulAdd(x, TSimd.Load(right + bColumn), c1);
                    c2 = TSimd.MulAdd(x, TSimd.Load(right + (2 * bColumn)), c2);
                    c3 = TSimd.MulAdd(x, TSimd.Load(right + (3 * bColumn)), c3);
                }

                TSimd.Store(c0, c);
                TSimd.Store(c1, c + w);
                TSimd.Store(c2, c + (2 * w));
                TSimd.Store(c3, c + (3 * w));
            }

            for (; j < columns; j++, c += w)
            {
                TVector sum = accumulate ? TSimd.Load(c) : zero;
                T* left = a, right = b + (j * bColumn);
                for (int d = 0; d < depth; d++, left += aDepth, right += bDepth)
                {
                    sum = TSimd.MulAdd(TSimd.Load(left), TSimd.Load(right), sum);
                }

                TSimd.Store(sum, c);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RowOf<TTaps>(T* g, T* b, nint stride, T* a, nint length, bool accumulate)
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
        for (nint i = 0; i < length; i++, g += w, a += w)
        {
            TVector sum = TSimd.MulAdd(b0, TSimd.Load(g), accumulate ? TSimd.Load(a) : zero);
            if (TTaps.Value > 1) { sum = TSimd.MulAdd(b1, TSimd.Load(g + hop), sum); }
            if (TTaps.Value > 2) { sum = TSimd.MulAdd(b2, TSimd.Load(g + (2 * hop)), sum); }
            if (TTaps.Value > 3) { sum = TSimd.MulAdd(b3, TSimd.Load(g + (3 * hop)), sum); }
            if (TTaps.Value > 4) { sum = TSimd.MulAdd(b4, TSimd.Load(g + (4 * hop)), sum); }
            if (TTaps.Value > 5) { sum = TSimd.MulAdd(b5, TSimd.Load(g + (5 * hop)), sum); }
            if (TTaps.Value > 6) { sum = TSimd.MulAdd(b6, TSimd.Load(g + (6 * hop)), sum); }
            if (TTaps.Value > 7) { sum = TSimd.MulAdd(b7, TSimd.Load(g + (7 * hop)), sum); }
            TSimd.Store(sum, a);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TapsOf<TTaps>(T* g, T* a, nint length, nint stride, T* b, bool accumulate)
        where TTaps : struct, INumber
    {
        nint w = TSimd.Width, hop = stride * w;
        TVector zero = TSimd.Broadcast(T.Zero);
        TVector s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero;
        for (nint i = 0; i < length; i++, g += w, a += w)
        {
            TVector x = TSimd.Load(a);
            s0 = TSimd.MulAdd(x, TSimd.Load(g), s0);
            if (TTaps.Value > 1) { s1 = TSimd.MulAdd(x, TSimd.Load(g + hop), s1); }
            if (TTaps.Value > 2) { s2 = TSimd.MulAdd(x, TSimd.Load(g + (2 * hop)), s2); }
            if (TTaps.Value > 3) { s3 = TSimd.MulAdd(x, TSimd.Load(g + (3 * hop)), s3); }
            if (TTaps.Value > 4) { s4 = TSimd.MulAdd(x, TSimd.Load(g + (4 * hop)), s4); }
            if (TTaps.Value > 5) { s5 = TSimd.MulAdd(x, TSimd.Load(g + (5 * hop)), s5); }
            if (TTaps.Value > 6) { s6 = TSimd.MulAdd(x, TSimd.Load(g + (6 * hop)), s6); }
            if (TTaps.Value > 7) { s7 = TSimd.MulAdd(x, TSimd.Load(g + (7 * hop)), s7); }
        }

        Put(s0, b, accumulate);
        if (TTaps.Value > 1) { Put(s1, b + w, accumulate); }
        if (TTaps.Value > 2) { Put(s2, b + (2 * w), accumulate); }
        if (TTaps.Value > 3) { Put(s3, b + (3 * w), accumulate); }
        if (TTaps.Value > 4) { Put(s4, b + (4 * w), accumulate); }
        if (TTaps.Value > 5) { Put(s5, b + (5 * w), accumulate); }
        if (TTaps.Value > 6) { Put(s6, b + (6 * w), accumulate); }
        if (TTaps.Value > 7) { Put(s7, b + (7 * w), accumulate); }

        static void Put(TVector sum, T* to, bool accumulate) => TSimd.Store(accumulate ? TSimd.Add(TSimd.Load(to), sum) : sum, to);
    }
}
