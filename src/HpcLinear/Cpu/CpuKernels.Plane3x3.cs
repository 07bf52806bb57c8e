using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

/// <remarks>
/// A plane against a filter of 3x3, the result as large as the plane: one row or column of zeros around it, none of which is stored. Planes are read where
/// they lie, in strips of a vector's width from top to bottom, and each row is loaded once for the three rows of the result that it reaches; at the left and
/// right rims lanes move within a vector. The last strip ends where the plane does and repeats lanes of the one before it.
/// </remarks>
internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary><c>y = alpha (start + x * w)</c>, y a plane of its own; x has <see cref="Width"/> or more columns.</summary>
    public abstract void Plane3x3Forward(in Plane3x3 plane, T* x, T* w, T start, T alpha, T* y);

    /// <summary>Adds to the nine vectors of <paramref name="sums"/>, lane by lane, the products of dy with what each tap reads of x; dy is as large as x.</summary>
    /// <param name="plane">The sizes.</param>
    /// <param name="x">Where the plane begins.</param>
    /// <param name="dy">Where the gradient of the result begins.</param>
    /// <param name="masks">What <see cref="Plane3x3Masks"/> made.</param>
    /// <param name="sums">Nine vectors in the order of the filter.</param>
    public abstract void Plane3x3Filter(in Plane3x3 plane, T* x, T* dy, T* masks, T* sums);

    /// <summary>Three vectors: zeros, set bits, and set bits but in the lanes that the last strip repeats.</summary>
    public void Plane3x3Masks(int columns, T* masks)
    {
        int repeated = (Width - (columns % Width)) % Width;
        new Span<T>(masks, Width).Clear();
        new Span<byte>(masks + Width, 2 * Width * sizeof(T)).Fill(byte.MaxValue);
        new Span<T>(masks + (2 * Width), repeated).Clear();
    }

    /// <summary>A plane's extents, and how far the tap that reads the next row or column is from the one that reads this: backwards where the filter is reversed.</summary>
    internal readonly record struct Plane3x3(int Rows, int Columns, int RowStep, int ColumnStep)
    {
        /// <summary>Rows that strips go down together: what they read fits half of a first-level cache.</summary>
        public int BlockRows => Math.Max(4, (16 << 10) / (Columns * sizeof(T)));

        /// <summary>The tap above and to the left of the middle one.</summary>
        public int First => 4 - RowStep - ColumnStep;
    }
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    /// <summary>Whether a side of a strip is the plane's rim.</summary>
    private interface ISide
    {
        static abstract bool IsRim { get; }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Plane3x3Forward(in Plane3x3 plane, T* x, T* w, T start, T alpha, T* y)
    {
        int width = TSimd.Width, columns = plane.Columns, block = plane.BlockRows;
        w += plane.First;
        for (int row = 0; row < plane.Rows; row += block, x += (nint)block * columns, y += (nint)block * columns)
        {
            int rows = Math.Min(block, plane.Rows - row);
            bool above = row > 0, below = row + rows < plane.Rows;
            if (columns == width)
            {
                Strip3x3<Rim, Rim>(plane, x, w, start, alpha, y, rows, above, below);
                continue;
            }

            Strip3x3<Rim, Inside>(plane, x, w, start, alpha, y, rows, above, below);
            int at = width;
            for (; at < columns - width; at += width)
            {
                Strip3x3<Inside, Inside>(plane, x + at, w, start, alpha, y + at, rows, above, below);
            }

            Strip3x3<Inside, Rim>(plane, x + columns - width, w, start, alpha, y + columns - width, rows, above, below);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Plane3x3Filter(in Plane3x3 plane, T* x, T* dy, T* masks, T* sums)
    {
        int width = TSimd.Width, columns = plane.Columns, block = plane.BlockRows;
        T* all = masks + width, rest = all + width;
        for (int row = 0; row < plane.Rows; row += block, x += (nint)block * columns, dy += (nint)block * columns)
        {
            int rows = Math.Min(block, plane.Rows - row);
            bool above = row > 0, below = row + rows < plane.Rows;
            if (columns == width)
            {
                FilterStrip3x3<Rim, Rim>(plane, x, dy, rows, above, below, masks, all, sums);
                continue;
            }

            FilterStrip3x3<Rim, Inside>(plane, x, dy, rows, above, below, masks, all, sums);
            int at = width;
            for (; at < columns - width; at += width)
            {
                FilterStrip3x3<Inside, Inside>(plane, x + at, dy + at, rows, above, below, masks, all, sums);
            }

            FilterStrip3x3<Inside, Rim>(plane, x + columns - width, dy + columns - width, rows, above, below, masks, rest, sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Strip3x3<TLeft, TRight>(in Plane3x3 plane, T* x, T* w, T start, T alpha, T* y, int rows, bool above, bool below)
        where TLeft : struct, ISide
        where TRight : struct, ISide
    {
        nint stride = plane.Columns, column = plane.ColumnStep, down = plane.RowStep;
        TVector first = TSimd.Broadcast(start), scale = TSimd.Broadcast(alpha);
        TVector w00 = TSimd.Broadcast(w[0]), w01 = TSimd.Broadcast(w[column]), w02 = TSimd.Broadcast(w[2 * column]);
        w += down;
        TVector w10 = TSimd.Broadcast(w[0]), w11 = TSimd.Broadcast(w[column]), w12 = TSimd.Broadcast(w[2 * column]);
        w += down;
        TVector w20 = TSimd.Broadcast(w[0]), w21 = TSimd.Broadcast(w[column]), w22 = TSimd.Broadcast(w[2 * column]);
        TVector sum = first, middle;
        if (above)
        {
            middle = TSimd.Load(x - stride);
            sum = Three(w00, Left<TLeft>(x - stride, middle), w01, middle, w02, Right<TRight>(x - stride, middle), sum);
        }

        middle = TSimd.Load(x);
        TVector left = Left<TLeft>(x, middle), right = Right<TRight>(x, middle);
        sum = Three(w10, left, w11, middle, w12, right, sum);
        TVector next = Three(w00, left, w01, middle, w02, right, first);
        for (int row = 1; row < rows; row++, y += stride)
        {
            x += stride;
            middle = TSimd.Load(x);
            left = Left<TLeft>(x, middle);
            right = Right<TRight>(x, middle);
            TSimd.Store(TSimd.Multiply(scale, Three(w20, left, w21, middle, w22, right, sum)), y);
            sum = Three(w10, left, w11, middle, w12, right, next);
            next = Three(w00, left, w01, middle, w02, right, first);
        }

        if (below)
        {
            middle = TSimd.Load(x + stride);
            sum = Three(w20, Left<TLeft>(x + stride, middle), w21, middle, w22, Right<TRight>(x + stride, middle), sum);
        }

        TSimd.Store(TSimd.Multiply(scale, sum), y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FilterStrip3x3<TLeft, TRight>(in Plane3x3 plane, T* x, T* dy, int rows, bool above, bool below, T* zeros, T* kept, T* sums)
        where TLeft : struct, ISide
        where TRight : struct, ISide
    {
        nint stride = plane.Columns, width = TSimd.Width, column = plane.ColumnStep * width;
        T* top = sums + (plane.First * width), centre = top + (plane.RowStep * width), bottom = centre + (plane.RowStep * width);
        TVector s00 = TSimd.Load(top), s01 = TSimd.Load(top + column), s02 = TSimd.Load(top + (2 * column));
        TVector s10 = TSimd.Load(centre), s11 = TSimd.Load(centre + column), s12 = TSimd.Load(centre + (2 * column));
        TVector s20 = TSimd.Load(bottom), s21 = TSimd.Load(bottom + column), s22 = TSimd.Load(bottom + (2 * column));
        TVector mask = TSimd.Load(kept);
        TVector upper = TSimd.And(TSimd.Load(above ? dy - stride : zeros), mask), level = TSimd.And(TSimd.Load(dy), mask);
        for (int row = 1; row <= rows; row++, x += stride)
        {
            dy += stride;
            TVector lower = TSimd.And(TSimd.Load(row < rows || below ? dy : zeros), mask);
            TVector middle = TSimd.Load(x), left = Left<TLeft>(x, middle), right = Right<TRight>(x, middle);
            s00 = TSimd.MulAdd(lower, left, s00);
            s01 = TSimd.MulAdd(lower, middle, s01);
            s02 = TSimd.MulAdd(lower, right, s02);
            s10 = TSimd.MulAdd(level, left, s10);
            s11 = TSimd.MulAdd(level, middle, s11);
            s12 = TSimd.MulAdd(level, right, s12);
            s20 = TSimd.MulAdd(upper, left, s20);
            s21 = TSimd.MulAdd(upper, middle, s21);
            s22 = TSimd.MulAdd(upper, right, s22);
            upper = level;
            level = lower;
        }

        TSimd.Store(s00, top);
        TSimd.Store(s01, top + column);
        TSimd.Store(s02, top + (2 * column));
        TSimd.Store(s10, centre);
        TSimd.Store(s11, centre + column);
        TSimd.Store(s12, centre + (2 * column));
        TSimd.Store(s20, bottom);
        TSimd.Store(s21, bottom + column);
        TSimd.Store(s22, bottom + (2 * column));
    }

    /// <summary>The elements before those of a vector at x; before a rim there are zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Left<TSide>(T* x, TVector vector)
        where TSide : struct, ISide => TSide.IsRim ? TSimd.ShiftUp(vector) : TSimd.Load(x - 1);

    /// <summary>The elements behind those of a vector at x; behind a rim there are zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Right<TSide>(T* x, TVector vector)
        where TSide : struct, ISide => TSide.IsRim ? TSimd.ShiftDown(vector) : TSimd.Load(x + 1);

    private readonly struct Rim : ISide
    {
        public static bool IsRim => true;
    }

    private readonly struct Inside : ISide
    {
        public static bool IsRim => false;
    }
}
