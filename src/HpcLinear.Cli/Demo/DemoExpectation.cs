using System.Numerics;
using HpcLinear.Cli.Bench;

namespace HpcLinear.Cli.Demo;

/// <summary>What a result must be, by the Reference, and how near it must come.</summary>
/// <param name="Places">Where the compared pieces lie: piece i begins at element <c>Places[i]</c> of the result.</param>
/// <param name="Values">Expected elements, piece after piece.</param>
/// <param name="LargestMagnitude">Largest element of the same operation on magnitudes.</param>
/// <param name="Terms">Terms of one sum.</param>
internal sealed record DemoExpectation(long[] Places, double[] Values, double LargestMagnitude, double Terms)
{
    /// <summary>The whole result.</summary>
    public static DemoExpectation Whole(double[] values, double largestMagnitude, double terms) => new([0], values, largestMagnitude, terms);

    public double Tolerance<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => BenchCheck.Tolerance<T>(Terms) * LargestMagnitude;

    /// <summary>The largest error; NaN if any compared element is not a number.</summary>
    public double WorstError<T>(CommandQueue queue, Tensor<T> result)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int length = Values.Length / Places.Length;
        T[] piece = new T[length];
        double worst = 0;
        for (int i = 0; i < Places.Length; i++)
        {
            queue.Download(result.View(Places[i], [length]), piece.AsSpan());
            for (int at = 0; at < length; at++)
            {
                worst = Math.Max(worst, Math.Abs(double.CreateChecked(piece[at]) - Values[(i * length) + at]));
            }
        }

        return worst;
    }
}
