namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Settings of <see cref="LcnExchange"/>.</summary>
public sealed record LcnExchangeSettings
{
    /// <summary>Time.</summary>
    [Setting("time of the flows whose filters are compared", Minimum = 0, Maximum = 100)]
    public double Time { get; init; } = 0.3;

    /// <summary>Networks.</summary>
    [Setting("networks of equal layers by taps and strides", InRows = false)]
    public IReadOnlyList<string> Nets { get; init; } = ["2x2-2x2/s1x1-1x1", "3x2-3x2/s1x1-1x1", "2x2x2-2x2x2/s1x1x1-1x1x1", "2x2-2x2-2x2/s1x1-1x1-1x1"];

    /// <summary>Invariants.</summary>
    [Setting("delta between the first two layers; 0 between others", Minimum = -1000, Maximum = 1000, InRows = false)]
    public IReadOnlyList<double> Deltas { get; init; } = [0, 0.001, 0.01, 0.1, 0.25, 1, 4];

    /// <summary>Seeds.</summary>
    [Setting("seeds of the weights", Minimum = 0, Maximum = 1_000_000, InRows = false)]
    public IReadOnlyList<int> Seeds { get; init; } = [1, 2, 3, 4, 5, 6, 7, 8];
}
