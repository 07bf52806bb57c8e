using System.Numerics;
using System.Runtime.CompilerServices;

namespace HpcLinear.Cli.Bench;

/// <summary>The result of checking a timed operation once.</summary>
/// <param name="Compared">Elements compared.</param>
/// <param name="Total">Elements of the result.</param>
/// <param name="Worst">Largest error over the tolerance; NaN when a result is not a number.</param>
internal sealed record BenchCheck(long Compared, long Total, double Worst)
{
    /// <summary>Problems of fewer multiply-adds are compared element by element with the Reference; of larger ones a sample is recomputed.</summary>
    public const double FullCheckLimit = 2e7;

    private const double SampleWork = 5e7;
    private const int MostSamples = 200, FewestSamples = 16;

    /// <summary>Whether nothing was wrong: an empty result has nothing to be wrong in.</summary>
    public bool Passed => Worst <= 1;

    public override string ToString() => !Passed ? "FAILED" : Compared == Total ? "ok" : $"ok ({Compared} sampled)";

    /// <summary>Places to recompute when an element costs <paramref name="terms"/> multiply-adds.</summary>
    public static long[] SamplePlaces(long total, double terms)
    {
        int samples = (int)Math.Min(total, Math.Clamp(SampleWork / Math.Max(1, terms), FewestSamples, MostSamples));
        RandomOperand random = new(17, samples);
        long[] places = [.. Enumerable.Range(0, samples).Select(i => (long)((random[i] + 1) / 2 * (total - 1)))];

        // The corners are where borders are.
        places[0] = 0;
        places[^1] = total - 1;
        return places;
    }

    /// <summary>
    /// Compares with <c>4 (sqrt(n) + 1) u max(S)</c>: n terms a sum, u the unit roundoff, S the same operation on magnitudes.
    /// </summary>
    public static BenchCheck Of<T>(ReadOnlySpan<T> got, ReadOnlySpan<double> want, ReadOnlySpan<double> magnitude, double terms, long total)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double largest = 0, worst = 0;
        foreach (double s in magnitude)
        {
            largest = Math.Max(largest, s);
        }

        double tolerance = Tolerance<T>(terms) * largest;
        for (int i = 0; i < want.Length; i++)
        {
            double error = Math.Abs(double.CreateChecked(got[i]) - want[i]);
            worst = Math.Max(worst, error == 0 ? 0 : error / tolerance);
        }

        return new(want.Length, total, worst);
    }

    /// <summary>The relative part of the tolerance, <c>4 (sqrt(n) + 1) u</c>.</summary>
    public static double Tolerance<T>(double terms) => 4 * (Math.Sqrt(terms) + 1) * (Unsafe.SizeOf<T>() == 4 ? Math.ScaleB(1, -24) : Math.ScaleB(1, -53));
}
