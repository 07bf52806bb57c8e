using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>Dormand and Prince's pair of orders 5 and 4, its interpolant of order 4, and Gauss and Legendre's methods.</summary>
/// <remarks>Source: Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, table II.5.2 and section II.6; II, table IV.5.1.</remarks>
internal static class RungeKutta
{
    /// <summary>Stages of the pair; the last is the first of the next step.</summary>
    public const int Stages = 7;

    /// <summary>Row s gives the state of stage s + 1; the last one is the step.</summary>
    public static readonly double[][] Explicit =
    [
        [1.0 / 5],
        [3.0 / 40, 9.0 / 40],
        [44.0 / 45, -56.0 / 15, 32.0 / 9],
        [19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729],
        [9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656],
        [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84],
    ];

    /// <summary>The step minus that of order 4.</summary>
    public static readonly double[] Error = [71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40];

    /// <summary>What the interpolant has beyond Hermite's.</summary>
    public static readonly double[] Dense =
    [
        -12715105075.0 / 11282082432, 0, 87487479700.0 / 32700410799, -10690763975.0 / 1880347072, 701980252875.0 / 199316789632, -1453857185.0 / 822651844, 69997945.0 / 29380423,
    ];

    /// <summary>The implicit midpoint rule, then the method of two stages: rows of the stages, then the weights of the step.</summary>
    public static readonly double[][][] Gauss =
    [
        [[0.5], [1]],
        [[0.25, 0.25 - (Math.Sqrt(3) / 6)], [0.25 + (Math.Sqrt(3) / 6), 0.25], [0.5, 0.5]],
    ];

    public static T[][] Rounded<T>(double[][] rows)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => [.. rows.Select(r => r.Select(T.CreateChecked).ToArray())];

    /// <summary>The state at part <paramref name="theta"/> of a step from the states and slopes at its ends; <paramref name="beyond"/> is h times the slopes by <see cref="Dense"/>, 0 for Hermite's cubic.</summary>
    public static double Interpolate(double theta, double from, double to, double firstSlope, double lastSlope, double h, double beyond)
    {
        double change = to - from, first = (h * firstSlope) - change, last = change - (h * lastSlope) - first, rest = 1 - theta;
        return from + (theta * (change + (rest * (first + (theta * (last + (rest * beyond)))))));
    }
}
