namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Settings of <see cref="PcTheory"/>.</summary>
public sealed record PcTheorySettings
{
    /// <summary>n_0.</summary>
    [Setting("width n_0 of the input", Minimum = 1, Maximum = 4096)]
    public int InputWidth { get; init; } = 20;

    /// <summary>n_L.</summary>
    [Setting("width n_L of the output", Minimum = 1, Maximum = 64)]
    public int OutputWidth { get; init; } = 5;

    /// <summary>B.</summary>
    [Setting("samples", Minimum = 1, Maximum = 4096)]
    public int Samples { get; init; } = 8;

    /// <summary>Iterations.</summary>
    [Setting("most relaxation steps", Minimum = 1, Maximum = 10_000_000)]
    public int Steps { get; init; } = 200_000;

    /// <summary>Draws.</summary>
    [Setting("networks that the mean of S is taken over", Minimum = 2, Maximum = 100_000)]
    public int Draws { get; init; } = 200;

    /// <summary>Width of them.</summary>
    [Setting("their width N", Minimum = 1, Maximum = 1024)]
    public int DrawWidth { get; init; } = 64;

    /// <summary>L.</summary>
    [Setting("depths L, in weight layers", Minimum = 1, Maximum = 256, InRows = false)]
    public IReadOnlyList<int> Depths { get; init; } = [1, 2, 4, 8, 16, 32];

    /// <summary>N.</summary>
    [Setting("widths N of hidden layers", Minimum = 1, Maximum = 512, InRows = false)]
    public IReadOnlyList<int> Widths { get; init; } = [8, 32];

    /// <summary>Networks.</summary>
    [Setting("networks: parameterisation, with or without skips", Choices = "mupc-skips ntp-skips sp-skips mupc ntp sp", InRows = false)]
    public IReadOnlyList<string> Nets { get; init; } = ["mupc-skips", "ntp-skips", "sp-skips", "mupc", "ntp", "sp"];

    /// <summary>Precisions.</summary>
    [Setting("precisions λ: all 1, or 0.5 to 2 by layer", Choices = "one mixed", InRows = false)]
    public IReadOnlyList<string> Precisions { get; init; } = ["one", "mixed"];

    /// <summary>Seeds.</summary>
    [Setting("seeds of weights and data", Minimum = 0, Maximum = 1_000_000, InRows = false)]
    public IReadOnlyList<int> Seeds { get; init; } = [1, 2];
}
