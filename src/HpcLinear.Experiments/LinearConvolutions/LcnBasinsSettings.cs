namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Settings of <see cref="LcnBasins"/>.</summary>
public sealed record LcnBasinsSettings
{
    /// <summary>Flows.</summary>
    [Setting("starts of each target", Minimum = 1, Maximum = 1_000_000)]
    public int Networks { get; init; } = 10_000;

    /// <summary>Flows of the phase diagram.</summary>
    [Setting("starts of each place of the phase diagram", Minimum = 1, Maximum = 1_000_000)]
    public int PhaseNetworks { get; init; } = 1000;

    /// <summary>T.</summary>
    [Setting("time they end", Minimum = 0.01, Maximum = 100_000)]
    public double Horizon { get; init; } = 500;

    /// <summary>T of the phase diagram.</summary>
    [Setting("time those of the phase diagram end: with a large delta a layer is small, and directions turn slowly", Minimum = 0.01, Maximum = 100_000)]
    public double PhaseHorizon { get; init; } = 2000;

    /// <summary>Scale.</summary>
    [Setting("|w_1||w_2| of small starts", Minimum = 1e-6, Maximum = 100)]
    public double Scale { get; init; } = 0.01;

    /// <summary>Targets.</summary>
    [Setting("random targets of length 1", Minimum = 1, Maximum = 1000, InRows = false)]
    public int Targets { get; init; } = 6;

    /// <summary>Targets of the phase diagram.</summary>
    [Setting("targets of the phase diagram", Minimum = 1, Maximum = 1000, InRows = false)]
    public IReadOnlyList<int> PhaseTargets { get; init; } = [1, 3];

    /// <summary>Architectures.</summary>
    [Setting("filters and strides", Choices = "3-2/s2-1 4-4/s2-1 2-2/s2-1", InRows = false)]
    public IReadOnlyList<string> Nets { get; init; } = ["3-2/s2-1", "4-4/s2-1", "2-2/s2-1"];

    /// <summary>delta.</summary>
    [Setting("|w_1|² - |w_2|² of the phase diagram", Minimum = 0, Maximum = 1000, InRows = false)]
    public IReadOnlyList<double> Deltas { get; init; } = [0, 0.25, 1, 4];

    /// <summary>Scales.</summary>
    [Setting("|w_1||w_2| of the phase diagram", Minimum = 1e-6, Maximum = 1000, InRows = false)]
    public IReadOnlyList<double> Scales { get; init; } = [0.01, 0.1, 1, 4];

    /// <summary>Seed.</summary>
    [Setting("seed of starts and targets", Minimum = 0, Maximum = 1_000_000)]
    public int Seed { get; init; } = 1;
}
