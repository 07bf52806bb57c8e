namespace HpcLinear.LinearAlgebra;

/// <summary>The extreme eigenvalues of a symmetric operator that is known by its products alone.</summary>
internal static class Lanczos
{
    private const int StepsBetweenChecks = 8;

    /// <summary>Writes the operator's product with the first vector into the second.</summary>
    public delegate void Product(ReadOnlySpan<double> vector, Span<double> result);

    /// <summary>The largest eigenvalue of a positive definite operator, to about ten digits.</summary>
    public static double Largest(int size, Product product) => Run(size, product, smallestToo: false).Largest;

    /// <summary>The smallest and the largest eigenvalue, to about ten digits of the larger magnitude.</summary>
    /// <param name="size">n, at least 1.</param>
    /// <param name="product">The operator.</param>
    /// <exception cref="ArithmeticException">A product is not finite.</exception>
    /// <remarks>k products and 4 k² n flops, as every new vector is made orthogonal to all before it, twice. It starts from the same vector each time.</remarks>
    public static (double Smallest, double Largest) Extremes(int size, Product product) => Run(size, product, smallestToo: true);

    private static (double Smallest, double Largest) Run(int size, Product product, bool smallestToo)
    {
        List<double[]> basis = [];
        List<double> diagonal = [], offDiagonal = [];
        double[] next = Start(size);
        double below = 0, above = 0, scale = 0;
        while (true)
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
            scale = Math.Max(scale, Math.Max(length, Math.Abs(diagonal[^1])));
            bool complete = basis.Count == size || length <= 1e-15 * scale;
            if (complete || basis.Count % StepsBetweenChecks == 0)
            {
                double[] values = [.. diagonal];
                TridiagonalEigenvalues.Of(values, offDiagonal.ToArray());
                double moved = Math.Max(Math.Abs(values[^1] - above), smallestToo ? Math.Abs(values[0] - below) : 0);
                (below, above) = (values[0], values[^1]);
                if (complete || moved <= 1e-14 * Math.Max(Math.Abs(above), smallestToo ? Math.Abs(below) : 0))
                {
                    return (below, above);
                }
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
