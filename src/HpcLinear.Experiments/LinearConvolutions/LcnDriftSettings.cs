namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Settings of <see cref="LcnDrift"/>.</summary>
public sealed record LcnDriftSettings
{
    /// <summary>Flows.</summary>
    [Setting("flows of each row", Minimum = 1, Maximum = 1_000_000)]
    public int Networks { get; init; } = 256;

    /// <summary>T.</summary>
    [Setting("time they end", Minimum = 0.01, Maximum = 1000)]
    public double Horizon { get; init; } = 5;

    /// <summary>rtol.</summary>
    [Setting("relative tolerances of Dormand and Prince's pair", Minimum = 1e-14, Maximum = 0.1, InRows = false)]
    public IReadOnlyList<double> Tolerances { get; init; } = [1e-4, 1e-6, 1e-8, 1e-10];

    /// <summary>h.</summary>
    [Setting("steps of the implicit methods", Minimum = 1e-4, Maximum = 1, InRows = false)]
    public IReadOnlyList<double> Steps { get; init; } = [0.04, 0.02, 0.01];

    /// <summary>Architectures.</summary>
    [Setting("filters and strides", Choices = "3-2/s2-1 2-3-2/s2-2-1 2x2-3x3/s1x1-1x1", InRows = false)]
    public IReadOnlyList<string> Nets { get; init; } = ["3-2/s2-1", "2-3-2/s2-2-1", "2x2-3x3/s1x1-1x1"];

    /// <summary>Seed.</summary>
    [Setting("seed of starts and targets", Minimum = 0, Maximum = 1_000_000)]
    public int Seed { get; init; } = 1;
}
