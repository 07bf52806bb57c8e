using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

/// <summary>A number as a type, so that a generic kernel is compiled for it.</summary>
internal interface INumber
{
    static abstract int Value { get; }
}

internal readonly struct N1 : INumber
{
    public static int Value => 1;
}

internal readonly struct N2 : INumber
{
    public static int Value => 2;
}

internal readonly struct N3 : INumber
{
    public static int Value => 3;
}

internal readonly struct N4 : INumber
{
    public static int Value => 4;
}

internal readonly struct N5 : INumber
{
    public static int Value => 5;
}

internal readonly struct N6 : INumber
{
    public static int Value => 6;
}

internal readonly struct N7 : INumber
{
    public static int Value => 7;
}

internal readonly struct N8 : INumber
{
    public static int Value => 8;
}

internal readonly struct N9 : INumber
{
    public static int Value => 9;
}

internal readonly struct N10 : INumber
{
    public static int Value => 10;
}

internal readonly struct N11 : INumber
{
    public static int Value => 11;
}

internal readonly struct N12 : INumber
{
    public static int Value => 12;
}

internal readonly struct N13 : INumber
{
    public static int Value => 13;
}

internal readonly struct N14 : INumber
{
    public static int Value => 14;
}

/// <summary>The register tile that every product ends in: <c>C (+)= alpha A B</c> for up to 8 rows and 3 vectors of columns.</summary>
/// <remarks><code>
///            w   w   w       A element (r, p)  a[r*aRow + p*aDepth]
///          +---+---+---+     B row p           b[p*bDepth … + TVectors*w), read as whole vectors
///   TRows  |   |   |   |     C row r           c[r*cRow … + TVectors*w), overwritten, or added to when accumulate
///          +---+---+---+     w = lanes of a vector, p = 0 … depth - 1, always in this order
/// </code>
/// Packed and unpacked operands differ only in their strides. Rows and vectors are types: the tests on them fold away, so one body gives every
/// edge tile. Accumulators are named locals: as an array they go through the stack and the tile runs at a third of the speed.</remarks>
internal static unsafe class Tiles
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T, TVector, TSimd, TRows, TVectors>(nint depth, T* a, nint aRow, nint aDepth, T* b, nint bDepth, T* c, nint cRow, T alpha, bool accumulate)
        where T : unmanaged
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
        where TRows : struct, INumber
        where TVectors : struct, INumber
    {
        int w = TSimd.Width;

        // Three row pointers and two multiples of the row stride address eight rows without an index computation.
        T* a3 = a + (3 * aRow), a6 = a + (6 * aRow);
        nint row2 = 2 * aRow;
        TVector c00 = default, c01 = default, c02 = default;
        TVector c10 = default, c11 = default, c12 = default;
        TVector c20 = default, c21 = default, c22 = default;
        TVector c30 = default, c31 = default, c32 = default;
        TVector c40 = default, c41 = default, c42 = default;
        TVector c50 = default, c51 = default, c52 = default;
        TVector c60 = default, c61 = default, c62 = default;
        TVector c70 = default, c71 = default, c72 = default;
        for (; depth > 0; depth--)
        {
            TVector b0 = TSimd.Load(b), b1 = default, b2 = default, x;
            if (TVectors.Value > 1)
            {
                b1 = TSimd.Load(b + w);
            }

            if (TVectors.Value > 2)
            {
                b2 = TSimd.Load(b + (2 * w));
            }

            x = TSimd.Broadcast(*a);
            c00 = TSimd.MulAdd(x, b0, c00);
            if (TVectors.Value > 1)
            {
                c01 = TSimd.MulAdd(x, b1, c01);
            }

            if (TVectors.Value > 2)
            {
                c02 = TSimd.MulAdd(x, b2, c02);
            }

            if (TRows.Value > 1)
            {
                x = TSimd.Broadcast(a[aRow]);
                c10 = TSimd.MulAdd(x, b0, c10);
                if (TVectors.Value > 1)
                {
                    c11 = TSimd.MulAdd(x, b1, c11);
                }

                if (TVectors.Value > 2)
                {
                    c12 = TSimd.MulAdd(x, b2, c12);
                }
            }

            if (TRows.Value > 2)
            {
                x = TSimd.Broadcast(a[row2]);
                c20 = TSimd.MulAdd(x, b0, c20);
                if (TVectors.Value > 1)
                {
                    c21 = TSimd.MulAdd(x, b1, c21);
                }

                if (TVectors.Value > 2)
                {
                    c22 = TSimd.MulAdd(x, b2, c22);
                }
            }

            if (TRows.Value > 3)
            {
                x = TSimd.Broadcast(*a3);
                c30 = TSimd.MulAdd(x, b0, c30);
                if (TVectors.Value > 1)
                {
                    c31 = TSimd.MulAdd(x, b1, c31);
                }

                if (TVectors.Value > 2)
                {
                    c32 = TSimd.MulAdd(x, b2, c32);
                }
            }

            if (TRows.Value > 4)
            {
                x = TSimd.Broadcast(a3[aRow]);
                c40 = TSimd.MulAdd(x, b0, c40);
                if (TVectors.Value > 1)
                {
                    c41 = TSimd.MulAdd(x, b1, c41);
                }

                if (TVectors.Value > 2)
                {
                    c42 = TSimd.MulAdd(x, b2, c42);
                }
            }

            if (TRows.Value > 5)
            {
                x = TSimd.Broadcast(a3[row2]);
                c50 = TSimd.MulAdd(x, b0, c50);
                if (TVectors.Value > 1)
                {
                    c51 = TSimd.MulAdd(x, b1, c51);
                }

                if (TVectors.Value > 2)
                {
                    c52 = TSimd.MulAdd(x, b2, c52);
                }
            }

            if (TRows.Value > 6)
            {
                x = TSimd.Broadcast(*a6);
                c60 = TSimd.MulAdd(x, b0, c60);
                if (TVectors.Value > 1)
                {
                    c61 = TSimd.MulAdd(x, b1, c61);
                }

                if (TVectors.Value > 2)
                {
                    c62 = TSimd.MulAdd(x, b2, c62);
                }
            }

            if (TRows.Value > 7)
            {
                x = TSimd.Broadcast(a6[aRow]);
                c70 = TSimd.MulAdd(x, b0, c70);
                if (TVectors.Value > 1)
                {
                    c71 = TSimd.MulAdd(x, b1, c71);
                }

                if (TVectors.Value > 2)
                {
                    c72 = TSimd.MulAdd(x, b2, c72);
                }
            }

            a += aDepth;
            a3 += aDepth;
            a6 += aDepth;
            b += bDepth;
        }

        TVector scale = TSimd.Broadcast(alpha);
        Store<T, TVector, TSimd, TVectors>(c00, c01, c02, c, scale, accumulate);

        if (TRows.Value > 1)
        {
            Store<T, TVector, TSimd, TVectors>(c10, c11, c12, c + cRow, scale, accumulate);
        }

        if (TRows.Value > 2)
        {
            Store<T, TVector, TSimd, TVectors>(c20, c21, c22, c + (2 * cRow), scale, accumulate);
        }

        if (TRows.Value > 3)
        {
            Store<T, TVector, TSimd, TVectors>(c30, c31, c32, c + (3 * cRow), scale, accumulate);
        }

        if (TRows.Value > 4)
        {
            Store<T, TVector, TSimd, TVectors>(c40, c41, c42, c + (4 * cRow), scale, accumulate);
        }

        if (TRows.Value > 5)
        {
            Store<T, TVector, TSimd, TVectors>(c50, c51, c52, c + (5 * cRow), scale, accumulate);
        }

        if (TRows.Value > 6)
        {
            Store<T, TVector, TSimd, TVectors>(c60, c61, c62, c + (6 * cRow), scale, accumulate);
        }

        if (TRows.Value > 7)
        {
            Store<T, TVector, TSimd, TVectors>(c70, c71, c72, c + (7 * cRow), scale, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T, TVector, TSimd, TVectors>(TVector c0, TVector c1, TVector c2, T* c, TVector scale, bool accumulate)
        where T : unmanaged
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
        where TVectors : struct, INumber
    {
        int w = TSimd.Width;
        TSimd.Store(accumulate ? TSimd.MulAdd(scale, c0, TSimd.Load(c)) : TSimd.Multiply(scale, c0), c);
        if (TVectors.Value > 1)
        {
            TSimd.Store(accumulate ? TSimd.MulAdd(scale, c1, TSimd.Load(c + w)) : TSimd.Multiply(scale, c1), c + w);
        }

        if (TVectors.Value > 2)
        {
            TSimd.Store(accumulate ? TSimd.MulAdd(scale, c2, TSimd.Load(c + (2 * w))) : TSimd.Multiply(scale, c2), c + (2 * w));
        }
    }
}
