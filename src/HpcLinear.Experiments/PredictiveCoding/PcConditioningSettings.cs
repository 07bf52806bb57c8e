namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Settings of <see cref="PcConditioning"/>.</summary>
public sealed record PcConditioningSettings
{
    /// <summary>N.</summary>
    [Setting("width N of input and hidden layers", Minimum = 1, Maximum = 1024)]
    public int Width { get; init; } = 32;

    /// <summary>n_L.</summary>
    [Setting("width n_L of the output", Minimum = 1, Maximum = 256)]
    public int OutputWidth { get; init; } = 10;

    /// <summary>B.</summary>
    [Setting("samples, relaxed together; the error is measured over all", Minimum = 1, Maximum = 1024)]
    public int Samples { get; init; } = 8;

    /// <summary>Reduction of the error.</summary>
    [Setting("error in z* to reach, as a share of the one at the start", Minimum = 1e-8, Maximum = 0.5)]
    public double Reduction { get; init; } = 1e-3;

    /// <summary>Most iterations.</summary>
    [Setting("most iterations of a solver that are counted", Minimum = 1, Maximum = 10_000_000)]
    public int Limit { get; init; } = 20_000;

    /// <summary>L.</summary>
    [Setting("depths L, in weight layers", Minimum = 2, Maximum = 1024, InRows = false)]
    public IReadOnlyList<int> Depths { get; init; } = [4, 8, 16, 32, 64];

    /// <summary>Networks.</summary>
    [Setting("networks: parameterisation, with or without skips", Choices = "mupc-skips sp-skips mupc sp", InRows = false)]
    public IReadOnlyList<string> Nets { get; init; } = ["mupc-skips", "sp-skips", "mupc", "sp"];

    /// <summary>Seeds.</summary>
    [Setting("seeds of weights and data", Minimum = 0, Maximum = 1_000_000, InRows = false)]
    public IReadOnlyList<int> Seeds { get; init; } = [1, 2, 3];
}
