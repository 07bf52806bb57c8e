namespace HpcLinear.LinearConvolutions;

/// <summary>A filter as a polynomial in several variables: coefficients over a box of exponents, last axis fastest.</summary>
internal sealed class Polynomial
{
    public Polynomial(int[] extent, double[]? coefficients = null)
    {
        Extent = extent;
        Coefficients = coefficients ?? new double[extent.Aggregate(1, (product, k) => product * k)];
    }

    public int[] Extent { get; }

    public double[] Coefficients { get; }

    public double Norm => Math.Sqrt(Coefficients.Sum(c => c * c));

    /// <summary>All exponents of a box, in the order of coefficients.</summary>
    public static int[][] Exponents(int[] extent)
    {
        int[][] result = new int[extent.Aggregate(1, (product, k) => product * k)][];
        int[] next = new int[extent.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = (int[])next.Clone();
            for (int a = extent.Length - 1; a >= 0 && ++next[a] == extent[a]; a--)
            {
                next[a] = 0;
            }
        }

        return result;
    }

    /// <summary>The place of an exponent in a box.</summary>
    public static int Place(int[] exponent, int[] box)
    {
        int place = 0;
        for (int a = 0; a < box.Length; a++)
        {
            place = (place * box[a]) + exponent[a];
        }

        return place;
    }

    /// <summary>The places in a box of the exponents of a smaller one, each axis times its grid.</summary>
    public static int[] Places(int[] extent, int[] box, int[]? grid = null) =>
        [.. Exponents(extent).Select(e => Place([.. e.Select((m, a) => m * (grid?[a] ?? 1))], box))];

    /// <summary>The coefficients at multiples of a grid.</summary>
    public Polynomial Sampled(int[] extent, int[] grid) => new(extent, [.. Places(extent, Extent, grid).Select(p => Coefficients[p])]);

    /// <summary>This in <c>x^grid</c>.</summary>
    public Polynomial Spread(int[] extent, int[] grid)
    {
        Polynomial result = new(extent);
        int[] places = Places(Extent, extent, grid);
        for (int i = 0; i < places.Length; i++)
        {
            result.Coefficients[places[i]] = Coefficients[i];
        }

        return result;
    }

    public Polynomial Times(Polynomial other)
    {
        Polynomial result = new([.. Extent.Zip(other.Extent, (a, b) => a + b - 1)]);
        int[] mine = Places(Extent, result.Extent), theirs = Places(other.Extent, result.Extent);
        for (int i = 0; i < mine.Length; i++)
        {
            for (int j = 0; j < theirs.Length; j++)
            {
                result.Coefficients[mine[i] + theirs[j]] += Coefficients[i] * other.Coefficients[j];
            }
        }

        return result;
    }

    /// <summary>The polynomial along one axis where the other variables take values.</summary>
    public double[] Along(int axis, double[] values)
    {
        double[] result = new double[Extent[axis]];
        int[][] exponents = Exponents(Extent);
        for (int i = 0; i < exponents.Length; i++)
        {
            double term = Coefficients[i];
            for (int a = 0; a < Extent.Length; a++)
            {
                term *= a == axis ? 1 : Math.Pow(values[a], exponents[i][a]);
            }

            result[exponents[i][axis]] += term;
        }

        return result;
    }
}
