using HpcLinear.Operations;

namespace HpcLinear.LinearNetworks;

/// <summary>The squared norms n_0 … n_{L-1} of layers whose product is given and whose differences are: <c>prod n_l = c²</c>, <c>n_l - n_{l+1} = delta_l</c>, all positive.</summary>
/// <remarks>
/// <para>There is one solution: with the smallest one as t, <c>n_l = t + off_l</c> and <c>F(log t) = sum log(t + off_l) - log c²</c> is increasing and convex in log t, so that Newton's
/// method from <c>log t = (log c²)/L</c>, an upper bound, falls to its root. The differences off_l are summed in twice the precision: layers of nearly the same norm stay so beside large
/// ones, and every norm, the smallest too, is exact to a few units of rounding, times the largest |log n|.</para>
/// <para>Usually fewer than 8 iterations of L logarithms. Source: arXiv:2507.06367; docs/linear-networks.md.</para>
/// </remarks>
public static class LayerNorms
{
    /// <summary>The squared norms of L layers.</summary>
    /// <param name="c2">c², the product of the squared norms: positive and finite.</param>
    /// <param name="delta">The L - 1 differences; none for one layer.</param>
    /// <exception cref="ArgumentException">c² is not positive and finite, or a difference is not finite.</exception>
    /// <exception cref="ArithmeticException">A norm is outside of the normal range of float64.</exception>
    public static double[] Solve(double c2, ReadOnlySpan<double> delta)
    {
        double[] norms = new double[delta.Length + 1];
        SolveRow(c2, delta, norms, "");
        return norms;
    }

    /// <summary>The same for rows: many networks of one depth. Allocates nothing.</summary>
    /// <param name="c2">c² of each row.</param>
    /// <param name="delta"><c>[rows, L - 1]</c>, row-major.</param>
    /// <param name="norms"><c>[rows, L]</c>, row-major; overwritten.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one number of layers, a c² is not positive and finite, or a difference is not finite; the message names the row.</exception>
    /// <exception cref="ArithmeticException">A norm is outside of the normal range of float64; the message names the row. Rows before it are written.</exception>
    public static void Solve(ReadOnlySpan<double> c2, ReadOnlySpan<double> delta, Span<double> norms)
    {
        int rows = c2.Length, layers = rows == 0 ? 0 : norms.Length / rows;
        if (layers * rows != norms.Length || (rows > 0 && layers == 0))
        {
            throw new ArgumentException($"norms: a positive multiple of {rows} rows expected, {norms.Length} elements given", nameof(norms));
        }

        Throw.IfCountDiffers(nameof(delta), delta.Length, rows, Math.Max(0, layers - 1));
        for (int row = 0; row < rows; row++)
        {
            SolveRow(c2[row], delta.Slice(row * (layers - 1), layers - 1), norms.Slice(row * layers, layers), $" in row {row}");
        }
    }

    private static void SolveRow(double c2, ReadOnlySpan<double> delta, Span<double> norms, string where)
    {
        if (!double.IsFinite(c2) || c2 <= 0)
        {
            throw new ArgumentException($"c2: a positive finite number expected, {c2} given{where}", nameof(c2));
        }

        Offsets(delta, norms, where);
        double smallest = Polish(Math.Exp(SquaredNorms.LogSmallest(norms, Math.Log(c2))), c2, norms);
        foreach (ref double norm in norms)
        {
            norm += smallest;
            if (!double.IsNormal(norm))
            {
                throw new ArithmeticException($"layer norms: a squared norm leaves the range of float64 (c2 = {c2}{where})");
            }
        }
    }

    /// <summary>How much each squared norm exceeds the smallest one.</summary>
    private static void Offsets(ReadOnlySpan<double> delta, Span<double> offsets, string where)
    {
        TwoDoubles smallest = default;
        for (int pass = 0; pass < 2; pass++)
        {
            TwoDoubles sum = default;
            for (int l = 0; l < offsets.Length; l++)
            {
                if (l > 0)
                {
                    if (!double.IsFinite(delta[l - 1]))
                    {
                        throw new ArgumentException($"delta: element {l - 1} is {delta[l - 1]}, a finite number expected{where}", nameof(delta));
                    }

                    sum = sum.Plus(-delta[l - 1]);
                    if (!double.IsFinite(sum.High))
                    {
                        throw new ArgumentException($"delta: the differences add up to more than float64 holds{where}", nameof(delta));
                    }
                }

                if (pass == 0)
                {
                    smallest = sum.IsBelow(smallest) ? sum : smallest;
                }
                else
                {
                    offsets[l] = Math.Max(0, sum.Plus(-smallest.High).Plus(-smallest.Low).High);
                }
            }
        }
    }

    /// <summary>One Newton step on the product itself: logarithms lose as many units as their size.</summary>
    private static double Polish(double t, double c2, ReadOnlySpan<double> offsets)
    {
        double mantissa = 1, slope = 0;
        int exponent = 0;
        Multiply(1 / Mantissa(c2), -Exponent(c2));
        foreach (double off in offsets)
        {
            Multiply(Mantissa(t + off), Exponent(t + off));
            slope += t / (t + off);
        }

        double error = Math.ScaleB(mantissa, exponent) - 1;
        return Math.Abs(error) < 1e-6 ? t - (t * error / slope) : t;

        void Multiply(double by, int scale)
        {
            mantissa *= by;
            exponent += scale + Exponent(mantissa);
            mantissa = Mantissa(mantissa);
        }

        static int Exponent(double value) => value is > 0 and <= double.MaxValue ? Math.ILogB(value) : 0;
        static double Mantissa(double value) => Math.ScaleB(value, -Exponent(value));
    }

    /// <summary>An unevaluated sum of two numbers, the second below half a unit of the first.</summary>
    private readonly record struct TwoDoubles(double High, double Low)
    {
        public bool IsBelow(TwoDoubles other) => High < other.High || (High == other.High && Low < other.Low);

        public TwoDoubles Plus(double value)
        {
            double sum = High + value, part = sum - High;
            double low = Low + (High - (sum - part)) + (value - part);
            double high = sum + low;
            return new(high, low - (high - sum));
        }
    }
}
