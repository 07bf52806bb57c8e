using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using Xunit.Sdk;

namespace HpcLinear.Tests.Support;

/// <summary>How far a result may be from its definition: <c>4 (sqrt(n) + 1) u S</c>, absolute.</summary>
/// <remarks>n is the length of the sums, u the rounding unit of the element type, S the largest element of the same operation on magnitudes.
/// A wrong tap or index exceeds it by orders of magnitude.</remarks>
internal static class Tolerance
{
    /// <summary>Half the distance from 1 to the next number: 2^-24 or 2^-53.</summary>
    public static double Unit<T>() => Unsafe.SizeOf<T>() == sizeof(float) ? Math.ScaleB(1, -24) : Math.ScaleB(1, -53);

    public static double Of<T>(double depthOfSum, double magnitude) => 4 * (Math.Sqrt(depthOfSum) + 1) * Unit<T>() * magnitude;

    /// <summary>Two numbers that should be equal but for rounding.</summary>
    public static void Equal<T>(double expected, double actual, double depthOfSum, double magnitude, string problem)
    {
        if (!(Math.Abs(expected - actual) <= Of<T>(depthOfSum, magnitude)))
        {
            throw new XunitException(Text($"{problem}: {expected:R} expected, {actual:R} computed, allowed {Of<T>(depthOfSum, magnitude):G3}"));
        }
    }

    /// <summary>Results that should be equal but for rounding; infinities and NaN must be at the same places.</summary>
    /// <param name="expected">The definition's result.</param>
    /// <param name="actual">The device's.</param>
    /// <param name="magnitudes">The definition applied to magnitudes; where it is 0, an expected 0 is known to be true.</param>
    /// <param name="bound">Allowed difference for an expected element, its magnitude and the largest magnitude.</param>
    /// <param name="problem">Says what was computed, on one line.</param>
    public static void Equal<T>(double[] expected, T[] actual, double[] magnitudes, Func<double, double, double, double> bound, string problem)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (expected.Length != actual.Length)
        {
            throw new XunitException($"{problem}: {expected.Length} elements expected, {actual.Length} given");
        }

        double largest = 0;
        int live = 0, zeros = 0;
        for (int i = 0; i < magnitudes.Length; i++)
        {
            largest = double.IsFinite(magnitudes[i]) ? Math.Max(largest, magnitudes[i]) : largest;
            live += magnitudes[i] == 0 ? 0 : 1;
            zeros += magnitudes[i] != 0 && expected[i] == 0 ? 1 : 0;
        }

        if (live > 0 && zeros * 10 > live * 9)
        {
            throw new XunitException($"{problem}: mistrusted: {zeros} of {live} expected elements are zero");
        }

        for (int i = 0; i < expected.Length; i++)
        {
            double e = expected[i], a = double.CreateChecked(actual[i]);
            bool equal = double.IsFinite(e) && double.IsFinite(a) ? Math.Abs(e - a) <= bound(e, magnitudes[i], largest) : (double.IsNaN(e) && double.IsNaN(a)) || e == a;
            if (!equal)
            {
                int wrong = Enumerable.Range(0, expected.Length).Count(j => !(Math.Abs(expected[j] - double.CreateChecked(actual[j])) <= bound(expected[j], magnitudes[j], largest)));
                throw new XunitException(Text($"{problem}: element {i} of {expected.Length}: {e:R} expected, {a:R} computed, allowed {bound(e, magnitudes[i], largest):G3} ({wrong} elements differ)"));
            }
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
