namespace HpcLinear.LinearAlgebra;

/// <summary>The largest eigenvalue of a symmetric positive definite operator that is known by its products alone.</summary>
internal static class Lanczos
{
    private const int StepsBetweenChecks = 8;

    /// <summary>Writes the operator's product with the first vector into the second.</summary>
    public delegate void Product(ReadOnlySpan<double> vector, Span<double> result);

    /// <summary>The largest eigenvalue, to about ten digits.</summary>
    /// <param name="size">n, at least 1.</param>
    /// <param name="product">The operator.</param>
    /// <exception cref="ArithmeticException">A product is not finite.</exception>
    /// <remarks>k products and 4 k² n flops, as every new vector is made orthogonal to all before it, twice. It starts from the same vector each time.</remarks>
    public static double Largest(int size, Product product)
    {
        List<double[]> basis = [];
        List<double> diagonal = [], offDiagonal = [];
        double[] next = Start(size);
        for (double before = 0; ;)
        {
            basis.Add(next);
            next = new double[size];
            product(basis[^1], next);
            diagonal.Add(Matrix.Dot(basis[^1], next));
            for (int pass = 0; pass < 2; pass++)
            {
                foreach (double[] direction in basis)
                {
                    Matrix.AddScaled(-Matrix.Dot(direction, next), direction, next);
                }
            }

            double length = Math.Sqrt(Matrix.Dot(next, next));
            if (!double.IsFinite(length) || !double.IsFinite(diagonal[^1]))
            {
                throw new ArithmeticException("eigenvalues: a product is not finite");
            }

            offDiagonal.Add(length);
            bool complete = basis.Count == size || length <= 1e-15 * Math.Abs(diagonal[0]);
            if (complete || basis.Count % StepsBetweenChecks == 0)
            {
                double[] values = [.. diagonal];
                SymmetricEigenvalues.OfTridiagonal(values, offDiagonal.ToArray());
                if (complete || Math.Abs(values[^1] - before) <= 1e-14 * Math.Abs(values[^1]))
                {
                    return values[^1];
                }

                before = values[^1];
            }

            foreach (ref double element in next.AsSpan())
            {
                element /= length;
            }
        }
    }

    private static double[] Start(int size)
    {
        Random random = new(1);
        double[] start = new double[size];
        foreach (ref double element in start.AsSpan())
        {
            element = random.NextDouble() - 0.5;
        }

        double length = Math.Sqrt(Matrix.Dot(start, start));
        foreach (ref double element in start.AsSpan())
        {
            element /= length;
        }

        return start;
    }
}
