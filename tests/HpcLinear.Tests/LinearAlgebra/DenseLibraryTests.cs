using System.Numerics;
using HpcLinear.LinearAlgebra;
using Xunit;
using static HpcLinear.Tests.LinearAlgebra.LinearAlgebraTests;

namespace HpcLinear.Tests.LinearAlgebra;

/// <summary>What every library of dense factorisations must give, whichever this machine has.</summary>
public abstract class DenseLibraryTests
{
    public static TheoryData<int> Sizes => [0, 1, 2, 3, 7, 20, 61];

    public static TheoryData<int, int> Shapes => new() { { 0, 3 }, { 3, 0 }, { 1, 1 }, { 1, 4 }, { 4, 1 }, { 3, 3 }, { 40, 7 }, { 7, 40 }, { 30, 29 } };

    private protected abstract DenseLibrary Library { get; }

    [Theory, MemberData(nameof(Sizes))]
    public void The_eigenvalues_of_the_second_difference_are_known(int size)
    {
        Matrix a = Matrix.ScaledIdentity(size, 2);
        for (int i = 1; i < size; i++)
        {
            a[i, i - 1] = -1;
            a[i - 1, i] = 99; // only the lower triangle is read
        }

        double[] values = Library.SymmetricEigenvalues(a);
        for (int i = 0; i < size; i++)
        {
            Assert.Equal(2 - (2 * Math.Cos((i + 1) * Math.PI / (size + 1))), values[i], 1e-14 * (size + 1));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1e-250)]
    [InlineData(1e250)]
    [InlineData(1e-320)]
    public void Eigenvalues_survive_a_change_of_basis_and_of_scale(double scale)
    {
        // Many equal ones, zeros and both signs: what Hessians at the origin have.
        double[] expected = [-2, -2, -2, -1e-9, 0, 0, 0, 0, 0.5, 0.5, 1, 3, 3];
        int n = expected.Length;
        Matrix a = new(n, n);
        for (int i = 0; i < n; i++)
        {
            a[i, i] = scale * expected[i];
        }

        for (int round = 0; round < 4; round++)
        {
            Matrix v = Drawn(1, n, seed: round), reflection = Matrix.ScaledIdentity(n, 1);
            reflection.Add(-2 / v.SquaredNorm(), Matrix.TransposeMultiply(v, v));
            a = Matrix.Multiply(Matrix.Multiply(reflection, a), reflection);
        }

        double tolerance = scale < 1e-300 ? 0.02 : 1e-14; // numbers below the normal ones have few digits
        double[] values = Library.SymmetricEigenvalues(a), singular = Library.SingularValues(a);
        double[] magnitudes = [.. expected.Select(Math.Abs).OrderDescending()];
        for (int i = 0; i < n; i++)
        {
            Assert.Equal(expected[i], values[i] / scale, tolerance);
            Assert.Equal(magnitudes[i], singular[i] / scale, tolerance);
        }
    }

    [Theory, MemberData(nameof(Sizes))]
    public void Eigenvectors_are_orthonormal_rows_that_diagonalise(int size)
    {
        Matrix b = Drawn(size, size), a = b.Copy();
        a.Add(1, b.Transpose());
        (double[] values, Matrix v) = Library.SymmetricEigen(a);
        Near(Matrix.ScaledIdentity(size, 1), Matrix.MultiplyTranspose(v, v), 1e-13);
        Near(Diagonal(values), Matrix.Multiply(v, Matrix.MultiplyTranspose(a, v)), 1e-12);
        Assert.Equal(values.Order(), values);
        Assert.Equal(values.Length, Library.SymmetricEigenvalues(a).Zip(values).Count(p => Math.Abs(p.First - p.Second) < 1e-12));
    }

    [Theory, MemberData(nameof(Shapes))]
    public void A_matrix_is_the_product_of_its_singular_vectors_and_values(int rows, int columns)
    {
        Matrix a = Drawn(rows, columns);
        (Matrix left, double[] values, Matrix right) = Library.Svd(a);
        int count = Math.Min(rows, columns);
        Near(Matrix.ScaledIdentity(count, 1), Matrix.TransposeMultiply(left, left), 1e-13);
        Near(Matrix.ScaledIdentity(count, 1), Matrix.MultiplyTranspose(right, right), 1e-13);
        Near(a, Matrix.Multiply(Matrix.Multiply(left, Diagonal(values)), right), 1e-13);
        Assert.Equal(values.OrderDescending(), values);
        double[] alone = Library.SingularValues(a);
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(values[i], alone[i], 1e-13);
        }
    }

    [Fact]
    public void Singular_values_of_a_matrix_of_rank_one_and_of_zeros()
    {
        (Matrix left, double[] values, Matrix right) = Library.Svd(Matrix.Multiply(Drawn(5, 1), Drawn(1, 4)));
        Assert.All(values[1..], v => Assert.InRange(v, 0, 1e-15));
        Near(Matrix.ScaledIdentity(4, 1), Matrix.TransposeMultiply(left, left), 1e-13);
        Near(Matrix.ScaledIdentity(4, 1), Matrix.MultiplyTranspose(right, right), 1e-13);
        Assert.All(Library.SingularValues(new(3, 2)), v => Assert.Equal(0, v));
        Near(Matrix.ScaledIdentity(2, 1), Library.Svd(new(3, 2)).RightTransposed, 0);
    }

    [Fact]
    public void The_eigenvalues_of_a_companion_matrix_are_the_roots()
    {
        // (x² + 1) (x - 2) (x + 3) = x⁴ + x³ - 5 x² + x - 6
        Matrix companion = new(4, 4);
        double[] lower = [-6, 1, -5, 1];
        for (int i = 0; i < 4; i++)
        {
            companion[i, 3] = -lower[i];
            if (i > 0)
            {
                companion[i, i - 1] = 1;
            }
        }

        Complex[] roots = [.. Library.Eigenvalues(companion).OrderBy(r => r.Real).ThenBy(r => r.Imaginary)];
        Complex[] expected = [-3, new(0, -1), new(0, 1), 2];
        for (int i = 0; i < 4; i++)
        {
            Assert.Contains(expected, e => Complex.Abs(e - roots[i]) < 1e-13);
        }

        Assert.Equal(0, roots.Aggregate(Complex.One, (p, r) => p * r).Real - -6, 1e-12);
        Assert.Empty(Library.Eigenvalues(new(0, 0)));
        Assert.Equal([Complex.Zero, Complex.Zero], Library.Eigenvalues(new(2, 2)));
    }

    [Fact]
    public void Least_squares_takes_the_shortest_solution()
    {
        Matrix a = Drawn(9, 4), x = Drawn(4, 2), b = Matrix.Multiply(a, x);
        Near(x, Library.LeastSquares(a, b, 1e-12), 1e-13);

        // Two equal columns share what one would have.
        Matrix twice = Matrix.Of(2, 2, [1, 1, 2, 2]);
        Near(Matrix.Of(2, 1, [1.5, 1.5]), Library.LeastSquares(twice, Matrix.Of(2, 1, [3, 6]), 1e-12), 1e-14);
    }

    [Theory, MemberData(nameof(Sizes))]
    public void The_factor_of_Cholesky_multiplies_back(int size)
    {
        Matrix a = Definite(size), lower = a.Copy();
        Assert.Equal(-1, Library.Cholesky(lower));
        for (int i = 0; i < size; i++)
        {
            lower.Row(i)[(i + 1)..].Clear();
        }

        Near(a, Matrix.MultiplyTranspose(lower, lower), 1e-13 * (1 + size));
    }

    [Fact]
    public void Cholesky_returns_the_first_pivot_that_fails()
    {
        Assert.Equal(1, Library.Cholesky(Matrix.Of(2, 2, [1, 2, 2, 1])));
        Assert.Equal(0, Library.Cholesky(Matrix.Of(2, 2, [0, 0, 0, 1])));
        Assert.Equal(0, Library.Cholesky(Matrix.Of(2, 2, [double.NaN, 0, 0, 1])));
        Assert.Equal(1, Library.Cholesky(Matrix.Of(2, 2, [1, 0, 0, double.PositiveInfinity])));
    }

    [Fact]
    public void Something_not_finite_is_refused()
    {
        Assert.Contains("an element is NaN", Assert.Throws<ArithmeticException>(() => Library.SymmetricEigenvalues(Matrix.Of(1, 1, [double.NaN]))).Message, StringComparison.Ordinal);
        Assert.Contains("an element is Infinity", Assert.Throws<ArithmeticException>(() => Library.SingularValues(Matrix.Of(1, 1, [double.PositiveInfinity]))).Message, StringComparison.Ordinal);
        Assert.Throws<ArithmeticException>(() => Library.Eigenvalues(Matrix.Of(1, 1, [double.NaN])));
    }

    private static Matrix Diagonal(double[] values)
    {
        Matrix result = new(values.Length, values.Length);
        for (int i = 0; i < values.Length; i++)
        {
            result[i, i] = values[i];
        }

        return result;
    }
}

public sealed class ManagedLibraryTests : DenseLibraryTests
{
    private protected override DenseLibrary Library => DenseLibrary.Choose("off");

    [Fact]
    public void A_setting_that_is_no_LAPACK_is_refused()
    {
        Assert.Contains("'/nowhere/liblapack.so' given: it does not load", Assert.Throws<ArgumentException>(() => DenseLibrary.Choose("/nowhere/liblapack.so")).Message, StringComparison.Ordinal);
        if (OperatingSystem.IsLinux())
        {
            Assert.Contains("dpotrf_", Assert.Throws<ArgumentException>(() => DenseLibrary.Choose("libc.so.6")).Message, StringComparison.Ordinal);
        }
    }
}

public sealed class LapackTests : DenseLibraryTests
{
    private protected override DenseLibrary Library
    {
        get
        {
            Lapack? installed = Lapack.FindInstalled();
            Assert.SkipWhen(installed is null, "this machine has no LAPACK library");
            return installed;
        }
    }

    [Fact]
    public void It_agrees_with_the_managed_library()
    {
        Matrix a = Drawn(30, 20);
        double[] expected = DenseLibrary.Choose("off").SingularValues(a), actual = Library.SingularValues(a);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-13);
        }
    }
}
