using System.Numerics;
using HpcLinear.LinearNetworks;
using Xunit;

namespace HpcLinear.Tests.LinearNetworks;

public sealed class LayerNormsTests
{
    [Fact]
    public void Random_rows_have_the_product_and_the_differences_to_ten_digits_of_the_smallest_norm()
    {
        Random random = new(3);
        for (int trial = 0; trial < 3000; trial++)
        {
            int layers = 1 + random.Next(9);
            double c2 = Math.Pow(10, (38 * random.NextDouble()) - 30);
            double[] delta = [.. Enumerable.Range(1, layers - 1).Select(_ => (random.Next(2) == 0 ? -1 : 1) * Math.Pow(10, (10 * random.NextDouble()) - 4))];
            Check(c2, delta, LayerNorms.Solve(c2, delta));
        }
    }

    [Theory]
    [InlineData(1e-30, new[] { -1e6, 1e6, 1e-4 })]
    [InlineData(1e-30, new[] { 1e6, -1e-4, -1e6, 1e-4 })]
    [InlineData(1e8, new[] { 0.1, 0.2, -0.3, 1e6, -1e6 })]
    [InlineData(1e-270, new[] { 1e6, 1e6, -2e6, 1e-9 })]
    [InlineData(1e300, new[] { 1e-300, 0.0 })]
    [InlineData(4, new double[0])]
    [InlineData(1e-12, new[] { 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0 })]
    public void Differences_that_cancel_leave_the_smallest_norm_exact(double c2, double[] delta) => Check(c2, delta, LayerNorms.Solve(c2, delta));

    [Fact]
    public void Equal_norms_are_the_root_of_the_product() =>
        Assert.All(LayerNorms.Solve(0.25, [0, 0, 0]), n => Assert.Equal(Math.Sqrt(0.5), n, 1e-15));

    [Fact]
    public void Rows_are_solved_as_each_alone()
    {
        double[] c2 = [1e-30, 2, 1e8], delta = [1, -2, 1e6, 1e-4, 0, 0], norms = new double[9];
        LayerNorms.Solve(c2, delta, norms);
        Assert.Equal([.. LayerNorms.Solve(1e-30, [1, -2]), .. LayerNorms.Solve(2, [1e6, 1e-4]), .. LayerNorms.Solve(1e8, [0, 0])], norms);
        LayerNorms.Solve([], [], []);
        LayerNorms.Solve([3], [], norms.AsSpan(0, 1));
        Assert.Equal(3, norms[0], 1e-15);
    }

    [Fact]
    public void What_has_no_norms_is_refused_with_its_row()
    {
        Assert.StartsWith("c2: a positive finite number expected, 0 given", Assert.Throws<ArgumentException>("c2", () => LayerNorms.Solve(0, [1])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("c2", () => LayerNorms.Solve(double.NaN, [1]));
        Assert.StartsWith("c2: a positive finite number expected, -2 given in row 1", Assert.Throws<ArgumentException>("c2", () => LayerNorms.Solve([1, -2], [0, 0], new double[4])).Message, StringComparison.Ordinal);
        Assert.StartsWith("delta: element 1 is NaN, a finite number expected in row 0", Assert.Throws<ArgumentException>("delta", () => LayerNorms.Solve([1.0], [0, double.NaN], new double[3])).Message, StringComparison.Ordinal);
        Assert.StartsWith("delta: 2 elements expected for 2 rows of 1, 3 given", Assert.Throws<ArgumentException>("delta", () => LayerNorms.Solve([1, 1], [0, 0, 0], new double[4])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("norms", () => LayerNorms.Solve([1, 1], [0, 0], new double[3]));
        Assert.Throws<ArgumentException>("delta", () => LayerNorms.Solve(1, [double.MaxValue, double.MaxValue]));
        Assert.Throws<ArithmeticException>(() => LayerNorms.Solve(1e-300, [1e300]));
    }

    /// <summary>The product and the differences in exact arithmetic.</summary>
    private static void Check(double c2, double[] delta, double[] norms)
    {
        Assert.Equal(delta.Length + 1, norms.Length);
        Assert.All(norms, n => Assert.True(n > 0));

        // t from the smallest norm and exact differences: F(log t) has a slope of at least 1 there, so the product's error bounds that of t.
        Fraction[] exact = new Fraction[norms.Length];
        Fraction sum = Fraction.Zero;
        for (int l = 0; l < norms.Length; l++)
        {
            sum = l > 0 ? sum - Fraction.Of(delta[l - 1]) : sum;
            exact[l] = sum;
        }

        Fraction least = exact.Aggregate((a, b) => (a - b).Sign < 0 ? a : b), product = Fraction.One;
        for (int l = 0; l < norms.Length; l++)
        {
            Fraction norm = exact[l] - least + Fraction.Of(norms.Min());
            product *= norm;
            Assert.True(Math.Abs((Fraction.Of(norms[l]) - norm).Over(norm)) < 1e-12, $"layer {l}: {norms[l]}");
        }

        Assert.True(Math.Abs((product - Fraction.Of(c2)).Over(Fraction.Of(c2))) < 1e-12, $"{c2:R} [{string.Join(' ', delta)}]: product off by {(product - Fraction.Of(c2)).Over(Fraction.Of(c2))}");
    }

    /// <summary>An integer times a power of two.</summary>
    private readonly record struct Fraction(BigInteger Mantissa, int Exponent)
    {
        public static Fraction Zero => new(0, 0);

        public static Fraction One => new(1, 0);

        public int Sign => Mantissa.Sign;

        public static Fraction operator *(Fraction a, Fraction b) => new(a.Mantissa * b.Mantissa, a.Exponent + b.Exponent);

        public static Fraction operator +(Fraction a, Fraction b)
        {
            int exponent = Math.Min(a.Exponent, b.Exponent);
            return new((a.Mantissa << (a.Exponent - exponent)) + (b.Mantissa << (b.Exponent - exponent)), exponent);
        }

        public static Fraction operator -(Fraction a, Fraction b) => a + new Fraction(-b.Mantissa, b.Exponent);

        public static Fraction Of(double value)
        {
            int exponent = value == 0 ? 0 : Math.ILogB(value) - 52;
            return new((BigInteger)Math.ScaleB(value, -exponent), exponent);
        }

        public double Over(Fraction other) => Sign == 0 ? 0 : Math.Exp(BigInteger.Log(BigInteger.Abs(Mantissa)) - BigInteger.Log(BigInteger.Abs(other.Mantissa)) + ((Exponent - other.Exponent) * Math.Log(2)));
    }
}
