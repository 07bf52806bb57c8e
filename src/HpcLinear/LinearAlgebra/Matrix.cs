using System.Numerics;

namespace HpcLinear.LinearAlgebra;

/// <summary>A dense row-major matrix of the host: plain loops, for exact answers on small problems.</summary>
internal sealed class Matrix
{
    public Matrix(int rows, int columns)
        : this(rows, columns, new double[checked(rows * columns)])
    {
    }

    private Matrix(int rows, int columns, double[] elements)
    {
        Rows = rows;
        Columns = columns;
        Elements = elements;
    }

    public int Rows { get; }

    public int Columns { get; }

    /// <summary>The elements, row after row.</summary>
    public double[] Elements { get; }

    public ref double this[int row, int column] => ref Elements[(row * Columns) + column];

    /// <summary>A copy of row-major elements.</summary>
    public static Matrix Of(int rows, int columns, ReadOnlySpan<double> elements) => new(rows, columns, elements[..checked(rows * columns)].ToArray());

    public static Matrix ScaledIdentity(int size, double scale)
    {
        Matrix result = new(size, size);
        result.AddToDiagonal(scale);
        return result;
    }

    /// <summary>A B.</summary>
    public static Matrix Multiply(Matrix a, Matrix b)
    {
        Matrix c = new(a.Rows, b.Columns);
        for (int i = 0; i < a.Rows; i++)
        {
            for (int p = 0; p < a.Columns; p++)
            {
                AddScaled(a[i, p], b.Row(p), c.Row(i));
            }
        }

        return c;
    }

    /// <summary>Aᵀ B.</summary>
    public static Matrix TransposeMultiply(Matrix a, Matrix b)
    {
        Matrix c = new(a.Columns, b.Columns);
        for (int p = 0; p < a.Rows; p++)
        {
            for (int i = 0; i < a.Columns; i++)
            {
                AddScaled(a[p, i], b.Row(p), c.Row(i));
            }
        }

        return c;
    }

    /// <summary>A Bᵀ.</summary>
    public static Matrix MultiplyTranspose(Matrix a, Matrix b)
    {
        Matrix c = new(a.Rows, b.Rows);
        for (int i = 0; i < a.Rows; i++)
        {
            for (int j = 0; j < b.Rows; j++)
            {
                c[i, j] = Dot(a.Row(i), b.Row(j));
            }
        }

        return c;
    }

    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        // Four partial sums: one would wait for itself at every term.
        double sum = 0, sum1 = 0, sum2 = 0, sum3 = 0;
        int i = 0;
        for (; i <= a.Length - 4; i += 4)
        {
            sum += a[i] * b[i];
            sum1 += a[i + 1] * b[i + 1];
            sum2 += a[i + 2] * b[i + 2];
            sum3 += a[i + 3] * b[i + 3];
        }

        for (; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum + sum1 + (sum2 + sum3);
    }

    /// <summary>y += scale x.</summary>
    public static void AddScaled(double scale, ReadOnlySpan<double> x, Span<double> y)
    {
        int i = 0, width = Vector<double>.Count;
        for (; i <= x.Length - width; i += width)
        {
            (new Vector<double>(y[i..]) + (new Vector<double>(x[i..]) * scale)).CopyTo(y[i..]);
        }

        for (; i < x.Length; i++)
        {
            y[i] += scale * x[i];
        }
    }

    /// <summary>Some of the rows.</summary>
    public Matrix Gather(IReadOnlyList<int> rows)
    {
        Matrix result = new(rows.Count, Columns);
        for (int i = 0; i < rows.Count; i++)
        {
            Row(rows[i]).CopyTo(result.Row(i));
        }

        return result;
    }

    public Span<double> Row(int row) => Elements.AsSpan(row * Columns, Columns);

    public Matrix Copy() => Of(Rows, Columns, Elements);

    public Matrix Transpose()
    {
        Matrix result = new(Columns, Rows);
        for (int i = 0; i < Rows; i++)
        {
            for (int j = 0; j < Columns; j++)
            {
                result[j, i] = this[i, j];
            }
        }

        return result;
    }

    /// <summary>This += scale B.</summary>
    public void Add(double scale, Matrix b) => AddScaled(scale, b.Elements, Elements);

    public void AddToDiagonal(double value)
    {
        for (int i = 0; i < Math.Min(Rows, Columns); i++)
        {
            this[i, i] += value;
        }
    }

    public void Scale(double factor)
    {
        for (int i = 0; i < Elements.Length; i++)
        {
            Elements[i] *= factor;
        }
    }

    /// <summary>Sum of the squares of all elements.</summary>
    public double SquaredNorm() => Dot(Elements, Elements);

    /// <summary>Writes a block into this matrix, its first element at the given place.</summary>
    public void Place(Matrix block, int row, int column)
    {
        for (int i = 0; i < block.Rows; i++)
        {
            block.Row(i).CopyTo(Row(row + i).Slice(column, block.Columns));
        }
    }
}
