using System.Numerics;
using HpcLinear.LinearAlgebra;

namespace HpcLinear.LinearConvolutions;

/// <summary>The roots of a real polynomial of given length, with those at infinity that vanishing top coefficients stand for.</summary>
/// <remarks>Eigenvalues of the companion matrix, then Newton steps. A root of multiplicity m comes out as m near ones, about the m-th root of the rounding unit apart: a double
/// real root may become a pair, which counts as real if two equal real roots change the coefficients by rounding only.</remarks>
internal sealed class PolynomialRoots
{
    private const double Negligible = 1e-14;

    private PolynomialRoots(List<double> real, int atInfinity, List<Complex> pairs)
    {
        real.Sort();
        Real = real;
        AtInfinity = atInfinity;
        Pairs = [.. pairs.OrderBy(z => z.Real).ThenBy(z => z.Imaginary)];
    }

    /// <summary>Finite real roots, ascending.</summary>
    public IReadOnlyList<double> Real { get; }

    public int AtInfinity { get; }

    /// <summary>Of each conjugate pair the root above the real line.</summary>
    public IReadOnlyList<Complex> Pairs { get; }

    /// <summary>Real roots with those at infinity.</summary>
    public int RealCount => Real.Count + AtInfinity;

    /// <summary>The factor of each real root, lowest coefficient first, of length 1: finite ones in order, then those at infinity.</summary>
    public IEnumerable<double[]> RealFactors =>
        Real.Select(r => Unit([-r, 1])).Concat(Enumerable.Repeat((double[])[1, 0], AtInfinity));

    /// <summary>The factor of each pair.</summary>
    public IEnumerable<double[]> PairFactors => Pairs.Select(z => Unit([(z.Real * z.Real) + (z.Imaginary * z.Imaginary), -2 * z.Real, 1]));

    /// <summary>The roots of <c>sum c_i x^i</c>; none of a polynomial of zeros.</summary>
    public static PolynomialRoots Of(DenseLibrary library, ReadOnlySpan<double> coefficients)
    {
        double largest = 0;
        foreach (double c in coefficients)
        {
            largest = Math.Max(largest, Math.Abs(c));
        }

        List<double> real = [];
        List<Complex> pairs = [];
        if (largest == 0)
        {
            return new(real, 0, pairs);
        }

        int low = 0, high = coefficients.Length - 1;
        while (Math.Abs(coefficients[low]) <= Negligible * largest)
        {
            low++;
            real.Add(0);
        }

        while (Math.Abs(coefficients[high]) <= Negligible * largest)
        {
            high--;
        }

        double[] c1 = coefficients[low..(high + 1)].ToArray(), reversed = [.. c1.Reverse()];
        bool turned = Math.Abs(c1[^1]) < Math.Abs(c1[0]);
        foreach (Complex found in Companion(library, turned ? reversed : c1))
        {
            // Where |x| > 1 the reversed polynomial in 1/x is the better conditioned one.
            bool outside = Complex.Abs(found) > 1;
            Complex z = outside ? 1 / found : found;
            z = Polish(outside == turned ? c1 : reversed, z);
            z = outside == turned ? z : 1 / z;
            if (z.Imaginary * z.Imaginary <= Negligible * (1 + (z.Real * z.Real)))
            {
                real.Add(z.Real);
            }
            else if (z.Imaginary > 0)
            {
                pairs.Add(z);
            }
        }

        // A root polished over the line would lose its partner: what is missing is a pair.
        int missing = (high - low) - (real.Count - low) - (2 * pairs.Count);
        return missing == 0 ? new(real, coefficients.Length - 1 - high, pairs) : throw new ArithmeticException($"roots: {high - low} expected, {missing} of them lost");
    }

    /// <summary>The roots of a product, each factor's own: more accurate than those of the coefficients multiplied out.</summary>
    public static PolynomialRoots OfProduct(DenseLibrary library, IEnumerable<double[]> factors)
    {
        PolynomialRoots[] parts = [.. factors.Select(f => Of(library, f))];
        return new([.. parts.SelectMany(p => p.Real)], parts.Sum(p => p.AtInfinity), [.. parts.SelectMany(p => p.Pairs)]);
    }

    /// <summary>The same with the pair nearest to the real line moved onto it, a double root.</summary>
    public PolynomialRoots WithPairMerged()
    {
        Complex nearest = Pairs.MinBy(z => z.Imaginary * z.Imaginary / (1 + (z.Real * z.Real)));
        return new([.. Real, nearest.Real, nearest.Real], AtInfinity, [.. Pairs.Where(z => z != nearest)]);
    }

    private static Complex[] Companion(DenseLibrary library, double[] c)
    {
        int n = c.Length - 1;
        Matrix companion = new(n, n);
        for (int i = 0; i < n; i++)
        {
            companion[i, n - 1] = -c[i] / c[n];
            if (i > 0)
            {
                companion[i, i - 1] = 1;
            }
        }

        return library.Eigenvalues(companion);
    }

    private static Complex Polish(double[] c, Complex start)
    {
        Complex z = start;
        double best = double.PositiveInfinity;
        for (int step = 0; step < 4; step++)
        {
            Complex value = 0, slope = 0;
            for (int i = c.Length - 1; i >= 0; i--)
            {
                slope = (slope * z) + value;
                value = (value * z) + c[i];
            }

            Complex next = z - (value / slope);
            double size = Complex.Abs(next - z);
            if (!double.IsFinite(size) || size >= best || size > 1e-3 || Math.Sign(next.Imaginary) != Math.Sign(start.Imaginary))
            {
                break;
            }

            (z, best) = (next, size);
        }

        return z;
    }

    private static double[] Unit(double[] factor)
    {
        double length = factor.Aggregate(0.0, double.Hypot);
        return [.. factor.Select(f => f / length)];
    }
}
