namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Settings of <see cref="LcnTwins"/>.</summary>
public sealed record LcnTwinsSettings
{
    /// <summary>Starts.</summary>
    [Setting("random starts of the census of layers over one filter", Minimum = 1, Maximum = 100_000)]
    public int Starts { get; init; } = 300;

    /// <summary>Time.</summary>
    [Setting("time of the flows whose filters are compared", Minimum = 0, Maximum = 100)]
    public double Time { get; init; } = 0.1;

    /// <summary>Networks.</summary>
    [Setting("networks by taps and strides, first layer first", InRows = false)]
    public IReadOnlyList<string> Nets { get; init; } =
        ["2-2/s1-1", "2-3/s1-1", "3-3/s1-1", "2-2-2/s2-1-1", "2x2-2x2/s1x1-1x1", "2x2-2x2-2x2/s1x1-1x1-1x1", "3x1-2x1-2x2/s1x1-1x1-1x1", "3-2/s2-1", "3-3-2/s2-3-1", "2x2-2x3/s1x1-1x1", "2x2-2x2/s1x2-1x1"];

    /// <summary>Invariants.</summary>
    [Setting("delta between neighbouring layers", Minimum = -1000, Maximum = 1000, InRows = false)]
    public IReadOnlyList<double> Deltas { get; init; } = [0, 1];

    /// <summary>Seeds.</summary>
    [Setting("seeds of the weights", Minimum = 0, Maximum = 1_000_000, InRows = false)]
    public IReadOnlyList<int> Seeds { get; init; } = [1, 2, 3, 4, 5, 6];
}
