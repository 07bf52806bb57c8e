namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Polyak's heavy ball for a quadratic.</summary>
internal static class HeavyBall
{
    /// <summary>Step and momentum with the fastest convergence for eigenvalues between two bounds.</summary>
    public static (double Step, double Momentum) Optimal(double low, double high)
    {
        double a = Math.Sqrt(low), b = Math.Sqrt(high), rate = (b - a) / (b + a);
        return (4 / ((a + b) * (a + b)), rate * rate);
    }
}
