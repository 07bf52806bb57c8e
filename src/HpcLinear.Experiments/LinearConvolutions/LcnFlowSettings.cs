namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Settings of <see cref="LcnFlow"/>.</summary>
public sealed record LcnFlowSettings
{
    /// <summary>Times.</summary>
    [Setting("times until which both flows are integrated and compared", Minimum = 0.001, Maximum = 100, InRows = false)]
    public IReadOnlyList<double> Times { get; init; } = [0.25, 0.5, 1, 2];

    /// <summary>Architectures.</summary>
    [Setting("filters and strides", Choices = "3-2/s2-1 2-3-2/s2-2-1 2x3-2x2/s1x2-1x1 2x2-3x3/s1x1-1x1 2-2/s1-1 2-3/s1-1", InRows = false)]
    public IReadOnlyList<string> Nets { get; init; } = ["3-2/s2-1", "2-3-2/s2-2-1", "2x3-2x2/s1x2-1x1", "2x2-3x3/s1x1-1x1", "2-2/s1-1", "2-3/s1-1"];

    /// <summary>delta.</summary>
    [Setting("|w_1|² - |w_2|² of two layers; three are balanced", Minimum = 0, Maximum = 100, InRows = false)]
    public IReadOnlyList<double> Deltas { get; init; } = [0, 1];

    /// <summary>Seeds.</summary>
    [Setting("seeds of starts and targets", Minimum = 0, Maximum = 1_000_000, InRows = false)]
    public IReadOnlyList<int> Seeds { get; init; } = [1, 2, 3, 4, 5, 6];
}
