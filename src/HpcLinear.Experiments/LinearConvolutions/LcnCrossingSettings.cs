namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Settings of <see cref="LcnCrossing"/>.</summary>
public sealed record LcnCrossingSettings
{
    /// <summary>Flows.</summary>
    [Setting("flows of each row", Minimum = 1, Maximum = 1_000_000)]
    public int Networks { get; init; } = 10_000;

    /// <summary>T.</summary>
    [Setting("time they end", Minimum = 0.01, Maximum = 1000)]
    public double Horizon { get; init; } = 20;

    /// <summary>delta.</summary>
    [Setting("|w_1|² - |w_2|² at the start, where |w_1||w_2| = 1", Minimum = 0, Maximum = 1000, InRows = false)]
    public IReadOnlyList<double> Deltas { get; init; } = [0, 0.25, 1, 4];

    /// <summary>Architectures.</summary>
    [Setting("filters and strides", Choices = "2-2/s1-1 2-3/s1-1 3-2/s2-1", InRows = false)]
    public IReadOnlyList<string> Nets { get; init; } = ["2-2/s1-1", "2-3/s1-1", "3-2/s2-1"];

    /// <summary>Seed.</summary>
    [Setting("seed of starts and targets", Minimum = 0, Maximum = 1_000_000)]
    public int Seed { get; init; } = 1;
}
