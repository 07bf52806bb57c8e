using System.Globalization;

namespace HpcLinear.Cli.Golden;

/// <summary>How a computed output compares with the expected one.</summary>
/// <param name="Passed">Whether every element is near enough.</param>
/// <param name="Worst">The largest error over its tolerance; NaN when a result is not a number or could not be compared.</param>
/// <param name="Message">What is wrong; empty when nothing is.</param>
internal sealed record GoldenComparison(bool Passed, double Worst, string Message)
{
    /// <summary>An element passes if <c>|got - want| &lt;= atol + rtol |want|</c>; NaN never does.</summary>
    public static GoldenComparison Of(GoldenArray got, GoldenOutput expected, bool single)
    {
        if (!got.Shape.Equals(expected.Shape))
        {
            return new(false, double.NaN, $"shape {got.Shape}, expected {expected.Shape}");
        }

        double relative = single ? expected.RelativeSingle!.Value : expected.Relative, absolute = single ? expected.AbsoluteSingle!.Value : expected.Absolute;
        double[] want = expected.Array?.ToDoubles() ?? [expected.Value];
        if (got.Reals.Length != want.Length || want.Length != expected.Shape.ElementCount)
        {
            return new(false, double.NaN, $"{got.Reals.Length} elements, expected {want.Length}");
        }

        // Whole numbers are compared as such: beyond 2^53 float64 would call neighbours equal.
        if (got.Integers is { } integers && expected.Array is { IsInteger: true } array && relative == 0 && absolute == 0)
        {
            int differs = FirstDifference(integers, array.ToInt64s());
            return differs < 0
                ? new(true, 0, "")
                : new(false, double.PositiveInfinity, $"at {Index(expected.Shape, differs)}: got {integers[differs]}, expected {array.ToInt64s()[differs]} exactly");
        }

        double worst = 0;
        int at = -1;
        bool passed = true;
        for (int i = 0; i < want.Length; i++)
        {
            double ratio = Ratio(got.Reals[i], want[i], absolute + (relative * Math.Abs(want[i])));
            passed &= ratio <= 1;
            if (!(ratio <= worst) && !double.IsNaN(worst))
            {
                worst = ratio;
                at = i;
            }
        }

        return new(passed, worst, passed ? "" : string.Create(
            CultureInfo.InvariantCulture,
            $"error {worst:G4} times its tolerance at {Index(expected.Shape, at)}: got {got.Reals[at]:G9}, expected {want[at]:G9}"));
    }

    private static double Ratio(double got, double want, double tolerance)
    {
        if (double.IsInfinity(want) || double.IsInfinity(got))
        {
            return got == want ? 0 : double.PositiveInfinity;
        }

        double error = Math.Abs(got - want);
        return error == 0 ? 0 : error / tolerance;
    }

    private static int FirstDifference(long[] got, long[] want)
    {
        int same = got.AsSpan().CommonPrefixLength(want);
        return same == want.Length ? -1 : same;
    }

    private static string Index(Shape shape, long flat)
    {
        long[] index = new long[shape.Rank];
        for (int axis = shape.Rank - 1; axis >= 0; axis--)
        {
            (flat, index[axis]) = Math.DivRem(flat, shape[axis]);
        }

        return Shape.Create(index).ToString();
    }
}
