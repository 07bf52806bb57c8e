using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

/// <remarks>
/// One plane against one filter, along its rows. Source rows are staged so that tap t of output o is element <c>o + offsets[t]</c> of its row; entry
/// (row, q) of <c>rowOffsets</c> is where the row begins that outer tap q reads; a row of zeros stands for padding.
/// </remarks>
internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary><c>to[row, o] = alpha (start + sum over q, t of w[q, t] staged[row(q) + offsets[t] + o])</c> in whole vectors; the last row goes to <paramref name="last"/>.</summary>
    public abstract void PlanarForward(
        T* staged, int* rowOffsets, int rows, int outerTaps, T* w, int* offsets, int taps, T start, T alpha, T* to, nint toStride, int vectors, T* last);

    /// <summary>Adds to vector (q, t) of <paramref name="sums"/>, lane by lane: <c>sum over row, o of dy[row, o] staged[row(q) + offsets[t] + o]</c>.</summary>
    public abstract void PlanarFilter(T* staged, int* rowOffsets, int rows, int outerTaps, int* offsets, int taps, T* dy, nint dyStride, int vectors, T* sums);
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void PlanarForward(
        T* staged, int* rowOffsets, int rows, int outerTaps, T* w, int* offsets, int taps, T start, T alpha, T* to, nint toStride, int vectors, T* last)
    {
        int width = TSimd.Width;
        TVector first = TSimd.Broadcast(start), scale = TSimd.Broadcast(alpha);
        int row = outerTaps == 3 && taps == 3 && rows >= 4 && (Slides(rowOffsets) || SlidesBack(rowOffsets))
            ? FourRows3x3(staged, rowOffsets, rows, w, offsets, first, scale, to, toStride, vectors, last)
            : 0;
        rowOffsets += outerTaps * row;
        to += row * toStride;

        for (; row < rows; row++, rowOffsets += outerTaps, to += toStride)
        {
            T* target = row == rows - 1 ? last : to;
            int v = 0;
            for (; v + 2 <= vectors; v += 2)
            {
                TVector s0 = first, s1 = first;
                T* tap = w;
                for (int q = 0; q < outerTaps; q++, tap += taps)
                {
                    T* x = staged + rowOffsets[q] + (v * width);
                    for (int t = 0; t < taps; t++)
                    {
                        TVector weight = TSimd.Broadcast(tap[t]);
                        s0 = TSimd.MulAdd(weight, TSimd.Load(x + offsets[t]), s0);
                        s1 = TSimd.MulAdd(weight, TSimd.Load(x + offsets[t] + width), s1);
                    }
                }

                TSimd.Store(TSimd.Multiply(scale, s0), target + (v * width));
                TSimd.Store(TSimd.Multiply(scale, s1), target + (v * width) + width);
            }

            if (v < vectors)
            {
                TVector sum = first;
                T* tap = w;
                for (int q = 0; q < outerTaps; q++, tap += taps)
                {
                    T* x = staged + rowOffsets[q] + (v * width);
                    for (int t = 0; t < taps; t++)
                    {
                        sum = TSimd.MulAdd(TSimd.Broadcast(tap[t]), TSimd.Load(x + offsets[t]), sum);
                    }
                }

                TSimd.Store(TSimd.Multiply(scale, sum), target + (v * width));
            }
        }
    }

    /// <summary>Whether each of four rows of a filter of three reads two rows of the one before: they need six.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Slides(int* o) => o[3] == o[1] && o[4] == o[2] && o[6] == o[4] && o[7] == o[5] && o[9] == o[7] && o[10] == o[8];

    /// <summary>The same with the filter's rows in the other order, as in a gradient of the input.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool SlidesBack(int* o) => o[4] == o[0] && o[5] == o[1] && o[7] == o[3] && o[8] == o[4] && o[10] == o[6] && o[11] == o[7];

    /// <summary>Rows of a 3x3 filter, four by four: a vector that is loaded serves up to three of them. Returns the rows done.</summary>
    /// <remarks>From the last vector back, because it spills into the row below, whose first vector has to come later.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int FourRows3x3(T* staged, int* rowOffsets, int rows, T* w, int* offsets, TVector first, TVector scale, T* to, nint toStride, int vectors, T* last)
    {
        int width = TSimd.Width;
        nint o0 = offsets[0], o1 = offsets[1], o2 = offsets[2];
        bool forward = Slides(rowOffsets);
        (int upper, int lower) = forward ? (0, 2) : (2, 0);
        T* top = w + (3 * upper), bottom = w + (3 * lower);
        TVector w00 = TSimd.Broadcast(top[0]), w01 = TSimd.Broadcast(top[1]), w02 = TSimd.Broadcast(top[2]);
        TVector w10 = TSimd.Broadcast(w[3]), w11 = TSimd.Broadcast(w[4]), w12 = TSimd.Broadcast(w[5]);
        TVector w20 = TSimd.Broadcast(bottom[0]), w21 = TSimd.Broadcast(bottom[1]), w22 = TSimd.Broadcast(bottom[2]);
        int row = 0;
        for (; row + 4 <= rows && (forward ? Slides(rowOffsets) : SlidesBack(rowOffsets)); row += 4, rowOffsets += 12, to += 4 * toStride)
        {
            T* x0 = staged + rowOffsets[upper], x1 = staged + rowOffsets[1], x2 = staged + rowOffsets[lower];
            T* x3 = staged + rowOffsets[3 + lower], x4 = staged + rowOffsets[6 + lower], x5 = staged + rowOffsets[9 + lower];
            T* bottomRow = row + 4 == rows ? last : to + (3 * toStride);
            for (nint v = (vectors - 1) * (nint)width; v >= 0; v -= width)
            {
                TVector x = TSimd.Load(x0 + o0 + v), y = TSimd.Load(x0 + o1 + v), z = TSimd.Load(x0 + o2 + v);
                TVector s0 = Three(w00, x, w01, y, w02, z, first);
                x = TSimd.Load(x1 + o0 + v);
                y = TSimd.Load(x1 + o1 + v);
                z = TSimd.Load(x1 + o2 + v);
                s0 = Three(w10, x, w11, y, w12, z, s0);
                TVector s1 = Three(w00, x, w01, y, w02, z, first);
                x = TSimd.Load(x2 + o0 + v);
                y = TSimd.Load(x2 + o1 + v);
                z = TSimd.Load(x2 + o2 + v);
                s0 = Three(w20, x, w21, y, w22, z, s0);
                s1 = Three(w10, x, w11, y, w12, z, s1);
                TVector s2 = Three(w00, x, w01, y, w02, z, first);
                x = TSimd.Load(x3 + o0 + v);
                y = TSimd.Load(x3 + o1 + v);
                z = TSimd.Load(x3 + o2 + v);
                s1 = Three(w20, x, w21, y, w22, z, s1);
                s2 = Three(w10, x, w11, y, w12, z, s2);
                TVector s3 = Three(w00, x, w01, y, w02, z, first);
                x = TSimd.Load(x4 + o0 + v);
                y = TSimd.Load(x4 + o1 + v);
                z = TSimd.Load(x4 + o2 + v);
                s2 = Three(w20, x, w21, y, w22, z, s2);
                s3 = Three(w10, x, w11, y, w12, z, s3);
                s3 = Three(w20, TSimd.Load(x5 + o0 + v), w21, TSimd.Load(x5 + o1 + v), w22, TSimd.Load(x5 + o2 + v), s3);
                TSimd.Store(TSimd.Multiply(scale, s0), to + v);
                TSimd.Store(TSimd.Multiply(scale, s1), to + toStride + v);
                TSimd.Store(TSimd.Multiply(scale, s2), to + (2 * toStride) + v);
                TSimd.Store(TSimd.Multiply(scale, s3), bottomRow + v);
            }
        }

        return row;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Three(TVector a, TVector x, TVector b, TVector y, TVector c, TVector z, TVector sum) => TSimd.MulAdd(c, z, TSimd.MulAdd(b, y, TSimd.MulAdd(a, x, sum)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void PlanarFilter(T* staged, int* rowOffsets, int rows, int outerTaps, int* offsets, int taps, T* dy, nint dyStride, int vectors, T* sums)
    {
        int width = TSimd.Width;
        if (outerTaps == 3 && taps == 3)
        {
            PlanarFilter3x3(staged, rowOffsets, rows, offsets, dy, dyStride, vectors, sums);
            return;
        }

        for (int q = 0; q < outerTaps; q++)
        {
            int t = 0;
            for (; t + 3 <= taps; t += 3, sums += 3 * width)
            {
                // Two sums a tap: one would wait for its own additions.
                TVector s0 = TSimd.Load(sums), s1 = TSimd.Load(sums + width), s2 = TSimd.Load(sums + (2 * width));
                TVector r0 = TSimd.Broadcast(T.Zero), r1 = r0, r2 = r0;
                for (int row = 0; row < rows; row++)
                {
                    int at = rowOffsets[((long)row * outerTaps) + q];
                    T* x0 = staged + at + offsets[t], x1 = staged + at + offsets[t + 1], x2 = staged + at + offsets[t + 2], g = dy + (row * dyStride);
                    int v = vectors;
                    for (; v >= 2; v -= 2, g += 2 * width, x0 += 2 * width, x1 += 2 * width, x2 += 2 * width)
                    {
                        TVector even = TSimd.Load(g), odd = TSimd.Load(g + width);
                        s0 = TSimd.MulAdd(even, TSimd.Load(x0), s0);
                        s1 = TSimd.MulAdd(even, TSimd.Load(x1), s1);
                        s2 = TSimd.MulAdd(even, TSimd.Load(x2), s2);
                        r0 = TSimd.MulAdd(odd, TSimd.Load(x0 + width), r0);
                        r1 = TSimd.MulAdd(odd, TSimd.Load(x1 + width), r1);
                        r2 = TSimd.MulAdd(odd, TSimd.Load(x2 + width), r2);
                    }

                    if (v > 0)
                    {
                        TVector gradient = TSimd.Load(g);
                        s0 = TSimd.MulAdd(gradient, TSimd.Load(x0), s0);
                        s1 = TSimd.MulAdd(gradient, TSimd.Load(x1), s1);
                        s2 = TSimd.MulAdd(gradient, TSimd.Load(x2), s2);
                    }
                }

                TSimd.Store(TSimd.Add(s0, r0), sums);
                TSimd.Store(TSimd.Add(s1, r1), sums + width);
                TSimd.Store(TSimd.Add(s2, r2), sums + (2 * width));
            }

            for (; t < taps; t++, sums += width)
            {
                TVector sum = TSimd.Load(sums);
                for (int row = 0; row < rows; row++)
                {
                    int at = rowOffsets[((long)row * outerTaps) + q];
                    T* x = staged + at + offsets[t], g = dy + (row * dyStride);
                    for (int v = vectors; v > 0; v--, g += width, x += width)
                    {
                        sum = TSimd.MulAdd(TSimd.Load(g), TSimd.Load(x), sum);
                    }
                }

                TSimd.Store(sum, sums);
            }
        }
    }
    /// <summary>The nine taps at once: every vector of dy is read once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PlanarFilter3x3(T* staged, int* rowOffsets, int rows, int* offsets, T* dy, nint dyStride, int vectors, T* sums)
    {
        int width = TSimd.Width;
        nint o0 = offsets[0], o1 = offsets[1], o2 = offsets[2];
        TVector s00 = TSimd.Load(sums), s01 = TSimd.Load(sums + width), s02 = TSimd.Load(sums + (2 * width));
        TVector s10 = TSimd.Load(sums + (3 * width)), s11 = TSimd.Load(sums + (4 * width)), s12 = TSimd.Load(sums + (5 * width));
        TVector s20 = TSimd.Load(sums + (6 * width)), s21 = TSimd.Load(sums + (7 * width)), s22 = TSimd.Load(sums + (8 * width));
        int row = 0;
        for (; row + 4 <= rows && Slides(rowOffsets); row += 4, rowOffsets += 12, dy += 4 * dyStride)
        {
            // Four rows of dy at once: a vector of x that is loaded meets up to three of them.
            T* x0 = staged + rowOffsets[0], x1 = staged + rowOffsets[1], x2 = staged + rowOffsets[2], x3 = staged + rowOffsets[5], x4 = staged + rowOffsets[8], x5 = staged + rowOffsets[11];
            T* g = dy;
            for (nint v = 0; v < (nint)vectors * width; v += width)
            {
                TVector g0 = TSimd.Load(g + v), g1 = TSimd.Load(g + dyStride + v), g2 = TSimd.Load(g + (2 * dyStride) + v), g3 = TSimd.Load(g + (3 * dyStride) + v);
                TVector x = TSimd.Load(x0 + o0 + v);
                s00 = TSimd.MulAdd(g0, x, s00);
                x = TSimd.Load(x0 + o1 + v);
                s01 = TSimd.MulAdd(g0, x, s01);
                x = TSimd.Load(x0 + o2 + v);
                s02 = TSimd.MulAdd(g0, x, s02);
                x = TSimd.Load(x1 + o0 + v);
                s10 = TSimd.MulAdd(g0, x, s10);
                s00 = TSimd.MulAdd(g1, x, s00);
                x = TSimd.Load(x1 + o1 + v);
                s11 = TSimd.MulAdd(g0, x, s11);
                s01 = TSimd.MulAdd(g1, x, s01);
                x = TSimd.Load(x1 + o2 + v);
                s12 = TSimd.MulAdd(g0, x, s12);
                s02 = TSimd.MulAdd(g1, x, s02);
                x = TSimd.Load(x2 + o0 + v);
                s20 = TSimd.MulAdd(g0, x, s20);
                s10 = TSimd.MulAdd(g1, x, s10);
                s00 = TSimd.MulAdd(g2, x, s00);
                x = TSimd.Load(x2 + o1 + v);
                s21 = TSimd.MulAdd(g0, x, s21);
                s11 = TSimd.MulAdd(g1, x, s11);
                s01 = TSimd.MulAdd(g2, x, s01);
                x = TSimd.Load(x2 + o2 + v);
                s22 = TSimd.MulAdd(g0, x, s22);
                s12 = TSimd.MulAdd(g1, x, s12);
                s02 = TSimd.MulAdd(g2, x, s02);
                x = TSimd.Load(x3 + o0 + v);
                s20 = TSimd.MulAdd(g1, x, s20);
                s10 = TSimd.MulAdd(g2, x, s10);
                s00 = TSimd.MulAdd(g3, x, s00);
                x = TSimd.Load(x3 + o1 + v);
                s21 = TSimd.MulAdd(g1, x, s21);
                s11 = TSimd.MulAdd(g2, x, s11);
                s01 = TSimd.MulAdd(g3, x, s01);
                x = TSimd.Load(x3 + o2 + v);
                s22 = TSimd.MulAdd(g1, x, s22);
                s12 = TSimd.MulAdd(g2, x, s12);
                s02 = TSimd.MulAdd(g3, x, s02);
                x = TSimd.Load(x4 + o0 + v);
                s20 = TSimd.MulAdd(g2, x, s20);
                s10 = TSimd.MulAdd(g3, x, s10);
                x = TSimd.Load(x4 + o1 + v);
                s21 = TSimd.MulAdd(g2, x, s21);
                s11 = TSimd.MulAdd(g3, x, s11);
                x = TSimd.Load(x4 + o2 + v);
                s22 = TSimd.MulAdd(g2, x, s22);
                s12 = TSimd.MulAdd(g3, x, s12);
                x = TSimd.Load(x5 + o0 + v);
                s20 = TSimd.MulAdd(g3, x, s20);
                x = TSimd.Load(x5 + o1 + v);
                s21 = TSimd.MulAdd(g3, x, s21);
                x = TSimd.Load(x5 + o2 + v);
                s22 = TSimd.MulAdd(g3, x, s22);
            }
        }

        for (; row < rows; row++, rowOffsets += 3, dy += dyStride)
        {
            T* x0 = staged + rowOffsets[0], x1 = staged + rowOffsets[1], x2 = staged + rowOffsets[2], g = dy;
            for (int v = vectors; v > 0; v--, g += width, x0 += width, x1 += width, x2 += width)
            {
                TVector gradient = TSimd.Load(g);
                s00 = TSimd.MulAdd(gradient, TSimd.Load(x0 + o0), s00);
                s01 = TSimd.MulAdd(gradient, TSimd.Load(x0 + o1), s01);
                s02 = TSimd.MulAdd(gradient, TSimd.Load(x0 + o2), s02);
                s10 = TSimd.MulAdd(gradient, TSimd.Load(x1 + o0), s10);
                s11 = TSimd.MulAdd(gradient, TSimd.Load(x1 + o1), s11);
                s12 = TSimd.MulAdd(gradient, TSimd.Load(x1 + o2), s12);
                s20 = TSimd.MulAdd(gradient, TSimd.Load(x2 + o0), s20);
                s21 = TSimd.MulAdd(gradient, TSimd.Load(x2 + o1), s21);
                s22 = TSimd.MulAdd(gradient, TSimd.Load(x2 + o2), s22);
            }
        }

        TSimd.Store(s00, sums);
        TSimd.Store(s01, sums + width);
        TSimd.Store(s02, sums + (2 * width));
        TSimd.Store(s10, sums + (3 * width));
        TSimd.Store(s11, sums + (4 * width));
        TSimd.Store(s12, sums + (5 * width));
        TSimd.Store(s20, sums + (6 * width));
        TSimd.Store(s21, sums + (7 * width));
        TSimd.Store(s22, sums + (8 * width));
    }
}
