using HpcLinear.LinearAlgebra;
using Xunit;

namespace HpcLinear.Tests.LinearAlgebra;

public sealed class LinearAlgebraTests
{
    public static TheoryData<int> Sizes => [0, 1, 2, 3, 7, 20, 61];

    [Theory, MemberData(nameof(Sizes))]
    public void The_products_are_the_definition(int size)
    {
        Matrix a = Drawn(size, 5), b = Drawn(5, size + 1);
        Matrix expected = new(size, size + 1);
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j <= size; j++)
            {
                expected[i, j] = Enumerable.Range(0, 5).Sum(p => a[i, p] * b[p, j]);
            }
        }

        Near(expected, Matrix.Multiply(a, b), 1e-14);
        Near(expected, Matrix.TransposeMultiply(a.Transpose(), b), 1e-14);
        Near(expected, Matrix.MultiplyTranspose(a, b.Transpose()), 1e-14);
    }

    [Theory, MemberData(nameof(Sizes))]
    public void A_solution_by_Cholesky_solves(int size)
    {
        Matrix a = Definite(size), rows = Drawn(3, size), solution = rows.Copy(), halves = rows.Copy();
        Cholesky factor = Cholesky.Factor(a, "a");
        factor.Solve(solution);
        Near(rows, Matrix.Multiply(solution, a), 1e-11);
        factor.SolveLower(halves);
        for (int i = 0; i < 3; i++)
        {
            double expected = Matrix.Dot(rows.Row(i), solution.Row(i));
            Assert.Equal(expected, Matrix.Dot(halves.Row(i), halves.Row(i)), 1e-11 * (1 + expected));
        }
    }

    [Theory, MemberData(nameof(Sizes))]
    public void The_determinant_is_the_product_of_the_eigenvalues(int size)
    {
        Matrix a = Definite(size);
        Assert.Equal(DenseLibrary.Current.SymmetricEigenvalues(a).Sum(Math.Log), Cholesky.Factor(a, "a").LogDeterminant(), 1e-10);
    }

    [Fact]
    public void Cholesky_names_the_pivot_that_fails()
    {
        Assert.Contains("gram is not positive definite in float64: pivot 1 of 2 is -3", Failure([1, 2, 2, 1]), StringComparison.Ordinal);
        Assert.Contains("pivot 0 of 2 is 0", Failure([0, 0, 0, 1]), StringComparison.Ordinal);
        Assert.Contains("pivot 0 of 2 is NaN", Failure([double.NaN, 0, 0, 1]), StringComparison.Ordinal);
        Assert.Contains("pivot 1 of 2 is", Failure([1, 0, 0, double.PositiveInfinity]), StringComparison.Ordinal);

        static string Failure(double[] elements) => Assert.Throws<ArithmeticException>(() => Cholesky.Factor(Matrix.Of(2, 2, elements), "gram")).Message;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(61)]
    public void Lanczos_finds_the_largest_eigenvalue_from_products(int size)
    {
        Matrix a = Definite(size);
        double expected = DenseLibrary.Current.SymmetricEigenvalues(a)[^1];
        Assert.Equal(expected, Lanczos.Largest(size, (v, result) => Matrix.Multiply(Matrix.Of(1, size, v), a).Elements.CopyTo(result)), 1e-11 * expected);
        Assert.Equal(3, Lanczos.Largest(size, (v, result) => Matrix.AddScaled(3, v, Cleared(result))), 1e-14);
        Assert.Throws<ArithmeticException>(() => Lanczos.Largest(size, (_, result) => result.Fill(double.NaN)));

        static Span<double> Cleared(Span<double> span)
        {
            span.Clear();
            return span;
        }
    }

    internal static Matrix Definite(int size)
    {
        Matrix b = Drawn(size, size), a = Matrix.MultiplyTranspose(b, b);
        a.AddToDiagonal(0.5);
        return a;
    }

    internal static Matrix Drawn(int rows, int columns, int seed = 0)
    {
        Random random = new(seed);
        return Matrix.Of(rows, columns, [.. Enumerable.Range(0, rows * columns).Select(_ => (2 * random.NextDouble()) - 1)]);
    }

    internal static void Near(Matrix expected, Matrix actual, double tolerance)
    {
        Assert.Equal((expected.Rows, expected.Columns), (actual.Rows, actual.Columns));
        for (int i = 0; i < expected.Elements.Length; i++)
        {
            Assert.Equal(expected.Elements[i], actual.Elements[i], tolerance);
        }
    }
}
