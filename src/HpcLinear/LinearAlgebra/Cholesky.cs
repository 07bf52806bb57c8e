namespace HpcLinear.LinearAlgebra;

/// <summary>A = R Rᵀ of a symmetric positive definite matrix, R lower triangular.</summary>
/// <remarks>Right-hand sides are rows, as samples are in a batch: n³/3 flops for the factor, n² a row for each of the two halves of a solve.</remarks>
internal readonly struct Cholesky
{
    private readonly Matrix lower;

    private Cholesky(Matrix lower) => this.lower = lower;

    public int Size => lower.Rows;

    /// <summary>Factors a matrix, of which the lower triangle is read.</summary>
    /// <param name="a">n × n; kept as it is.</param>
    /// <param name="name">What the matrix is, for the message.</param>
    /// <exception cref="ArithmeticException">A pivot is not a positive finite number; the message names it, counted from 0.</exception>
    public static Cholesky Factor(Matrix a, string name) => FactorInPlace(a.Copy(), name);

    /// <summary>The same, in the memory of the matrix, which belongs to the factor from then on.</summary>
    public static Cholesky FactorInPlace(Matrix a, string name)
    {
        int failed = DenseLibrary.Current.Cholesky(a);
        if (failed >= 0)
        {
            throw new ArithmeticException($"{name} is not positive definite in float64: pivot {failed} of {a.Rows} is {a[failed, failed]}");
        }

        return new(a);
    }

    /// <summary>log det A.</summary>
    public double LogDeterminant()
    {
        double sum = 0;
        for (int i = 0; i < Size; i++)
        {
            sum += Math.Log(lower[i, i]);
        }

        return 2 * sum;
    }

    /// <summary>Every row b becomes R⁻¹ b.</summary>
    public void SolveLower(Matrix rows)
    {
        for (int row = 0; row < rows.Rows; row++)
        {
            Span<double> b = rows.Row(row);
            for (int i = 0; i < Size; i++)
            {
                b[i] = (b[i] - Matrix.Dot(lower.Row(i)[..i], b[..i])) / lower[i, i];
            }
        }
    }

    /// <summary>Every row b becomes R⁻ᵀ b.</summary>
    public void SolveUpper(Matrix rows)
    {
        for (int row = 0; row < rows.Rows; row++)
        {
            Span<double> b = rows.Row(row);
            for (int i = Size - 1; i >= 0; i--)
            {
                b[i] /= lower[i, i];
                Matrix.AddScaled(-b[i], lower.Row(i)[..i], b[..i]);
            }
        }
    }

    /// <summary>Every row b becomes A⁻¹ b.</summary>
    public void Solve(Matrix rows)
    {
        SolveLower(rows);
        SolveUpper(rows);
    }
}
