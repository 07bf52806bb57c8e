using System.Numerics;

namespace HpcLinear.LinearAlgebra;

/// <summary>Dense factorisations by a library: the system's LAPACK where there is one, MathNet.Numerics otherwise.</summary>
/// <remarks>Matrices are row-major here and column-major there, so a library sees the transpose: lower triangles are its upper ones, left singular vectors its right ones.
/// Elements are brought near 1 by a power of two first, so that no library overflows. Results of two libraries, and of one library on two processors, agree to rounding
/// and not to the bit. Safe for threads.</remarks>
internal abstract class DenseLibrary
{
    private static readonly Lazy<DenseLibrary> Chosen = new(() => Choose(Settings.Lapack));

    /// <summary>What the library uses: decided once a process, by <c>HPCLINEAR_LAPACK</c> and by what is installed.</summary>
    /// <exception cref="ArgumentException"><c>HPCLINEAR_LAPACK</c> names a file that is not a working LAPACK.</exception>
    public static DenseLibrary Current => Chosen.Value;

    /// <summary>The library's name, and where it is.</summary>
    public abstract string Name { get; }

    /// <summary>The library of a setting: <c>off</c>, a file, or the first of the system's that works.</summary>
    /// <param name="setting">The value of <c>HPCLINEAR_LAPACK</c>.</param>
    public static DenseLibrary Choose(string? setting)
    {
        if (setting == "off")
        {
            return ManagedLibrary.Instance;
        }

        if (setting is null)
        {
            return Lapack.FindInstalled() ?? (DenseLibrary)ManagedLibrary.Instance;
        }

        return Lapack.TryLoad(setting, out string reason) ?? throw new ArgumentException($"HPCLINEAR_LAPACK: the file of a LAPACK library or 'off' expected, '{setting}' given: {reason}");
    }

    /// <summary>A = R Rᵀ in place: R in the lower triangle, of which alone A is read. What stands above the diagonal has no meaning afterwards.</summary>
    /// <returns>-1, or the first row whose pivot is not positive and finite; it stands on the diagonal there.</returns>
    public virtual int Cholesky(Matrix a)
    {
        for (int i = 0; i < a.Rows; i++)
        {
            Span<double> row = a.Row(i);
            for (int j = 0; j < i; j++)
            {
                row[j] = (row[j] - Matrix.Dot(row[..j], a.Row(j)[..j])) / a[j, j];
            }

            double pivot = row[i] - Matrix.Dot(row[..i], row[..i]);
            if (!double.IsFinite(pivot) || pivot <= 0)
            {
                row[i] = pivot;
                return i;
            }

            row[i] = Math.Sqrt(pivot);
        }

        return -1;
    }

    /// <summary>The eigenvalues of a symmetric matrix, ascending.</summary>
    /// <param name="a">n × n, of which the lower triangle is read.</param>
    /// <exception cref="ArithmeticException">An element is not finite, or the iteration does not end.</exception>
    public double[] SymmetricEigenvalues(Matrix a) => Symmetric(a, vectors: false).Values;

    /// <summary>A = Vᵀ diag(values) V of a symmetric matrix: values ascending, an eigenvector a row of V.</summary>
    /// <inheritdoc cref="SymmetricEigenvalues" path="/*[self::param or self::exception]"/>
    public (double[] Values, Matrix Vectors) SymmetricEigen(Matrix a) => Symmetric(a, vectors: true);

    /// <summary>The eigenvalues of a general square matrix, in no order.</summary>
    /// <exception cref="ArithmeticException">An element is not finite, or the iteration does not end.</exception>
    public Complex[] Eigenvalues(Matrix a)
    {
        (Matrix scaled, double scale) = Scaled(a, "eigenvalues");
        Complex[] values = new Complex[a.Rows];
        if (scale > 0)
        {
            General(a.Rows, scaled.Elements, values);
        }

        for (int i = 0; i < values.Length; i++)
        {
            values[i] *= scale;
        }

        return values;
    }

    /// <summary>The singular values, largest first.</summary>
    /// <exception cref="ArithmeticException">An element is not finite, or the iteration does not end.</exception>
    public double[] SingularValues(Matrix a) => Singular(a, vectors: false).Values;

    /// <summary>A = U diag(values) Vᵀ: k = min(rows, columns) values, largest first; U rows × k, Vᵀ k × columns.</summary>
    /// <inheritdoc cref="SingularValues" path="/exception"/>
    public (Matrix Left, double[] Values, Matrix RightTransposed) Svd(Matrix a)
    {
        (double[] values, Matrix? left, Matrix? right) = Singular(a, vectors: true);
        return (left!, values, right!);
    }

    /// <summary>The X of least norm among those that minimise |A X - B|, a column of B and X each.</summary>
    /// <param name="a">m × n.</param>
    /// <param name="b">m × right-hand sides.</param>
    /// <param name="threshold">Singular values up to this share of the largest count as zero.</param>
    /// <inheritdoc cref="SingularValues" path="/exception"/>
    public Matrix LeastSquares(Matrix a, Matrix b, double threshold)
    {
        (Matrix left, double[] values, Matrix right) = Svd(a);
        Matrix x = Matrix.TransposeMultiply(left, b);
        for (int i = 0; i < values.Length; i++)
        {
            double factor = values[i] > threshold * values[0] ? 1 / values[i] : 0;
            foreach (ref double element in x.Row(i))
            {
                element *= factor;
            }
        }

        return Matrix.TransposeMultiply(right, x);
    }

    /// <summary>Eigenvalues ascending into <paramref name="values"/>; where asked for, eigenvectors as rows over the elements, which are destroyed otherwise.</summary>
    protected abstract void Symmetric(int size, double[] elements, double[] values, bool vectors);

    protected abstract void General(int size, double[] elements, Complex[] values);

    /// <summary>Singular values, largest first; <paramref name="left"/> and <paramref name="right"/> as in <see cref="Svd"/>, or both null. The elements are destroyed.</summary>
    protected abstract void Singular(int rows, int columns, double[] elements, double[] values, double[]? left, double[]? right);

    protected static ArithmeticException Unsettled(string what, string detail) => new($"{what}: the iteration does not end ({detail})");

    private (double[] Values, Matrix Vectors) Symmetric(Matrix a, bool vectors)
    {
        (Matrix scaled, double scale) = Scaled(a, "eigenvalues");
        double[] values = new double[a.Rows];
        if (scale == 0)
        {
            return (values, Matrix.ScaledIdentity(a.Rows, 1));
        }

        for (int i = 0; i < a.Rows; i++)
        {
            for (int j = 0; j < i; j++)
            {
                scaled[j, i] = scaled[i, j];
            }
        }

        Symmetric(a.Rows, scaled.Elements, values, vectors);
        Scale(values, scale);
        return (values, scaled);
    }

    private (double[] Values, Matrix? Left, Matrix? Right) Singular(Matrix a, bool vectors)
    {
        (Matrix scaled, double scale) = Scaled(a, "singular values");
        int count = Math.Min(a.Rows, a.Columns);
        double[] values = new double[count];
        Matrix? left = vectors ? new(a.Rows, count) : null, right = vectors ? new(count, a.Columns) : null;
        if (scale == 0)
        {
            left?.AddToDiagonal(1);
            right?.AddToDiagonal(1);
            return (values, left, right);
        }

        Singular(a.Rows, a.Columns, scaled.Elements, values, left?.Elements, right?.Elements);
        Scale(values, scale);
        return (values, left, right);
    }

    /// <summary>A copy whose largest magnitude is between 1 and 2, and the power of two that takes it back; 0 for a matrix of zeros.</summary>
    private static (Matrix Scaled, double Scale) Scaled(Matrix a, string what)
    {
        double largest = 0;
        foreach (double element in a.Elements)
        {
            largest = double.IsFinite(element) ? Math.Max(largest, Math.Abs(element)) : throw new ArithmeticException($"{what}: an element is {element}");
        }

        Matrix copy = a.Copy();
        if (largest == 0)
        {
            return (copy, 0);
        }

        // In two steps, as the inverse of the smallest numbers is none.
        int exponent = Math.ILogB(largest);
        copy.Scale(Math.ScaleB(1, -(exponent / 2)));
        copy.Scale(Math.ScaleB(1, (exponent / 2) - exponent));
        return (copy, Math.ScaleB(1, exponent));
    }

    private static void Scale(Span<double> values, double factor)
    {
        foreach (ref double value in values)
        {
            value *= factor;
        }
    }
}
