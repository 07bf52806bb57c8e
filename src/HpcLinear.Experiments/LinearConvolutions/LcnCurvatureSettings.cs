namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Settings of <see cref="LcnCurvature"/>.</summary>
public sealed record LcnCurvatureSettings
{
    /// <summary>Finite differences.</summary>
    [Setting("step of the finite differences of the metric", Minimum = 1e-5, Maximum = 0.1)]
    public double Step { get; init; } = 2e-3;

    /// <summary>Networks.</summary>
    [Setting("networks: axes, layers, strides", Choices = "line2 line3-strided line4-strided plane2 plane2-strided space2", InRows = false)]
    public IReadOnlyList<string> Nets { get; init; } = ["line2", "line3-strided", "line4-strided", "plane2", "plane2-strided", "space2"];

    /// <summary>delta.</summary>
    [Setting("differences of squared norms, with signs that alternate", Minimum = 0, Maximum = 1000, InRows = false)]
    public IReadOnlyList<double> Deltas { get; init; } = [0, 1, 4];

    /// <summary>c.</summary>
    [Setting("sizes c of the end-to-end map: the product of the norms", Minimum = 1e-6, Maximum = 1e6, InRows = false)]
    public IReadOnlyList<double> Scales { get; init; } = [0.03, 0.3, 1, 3, 30];

    /// <summary>Seeds.</summary>
    [Setting("seeds of the directions", Minimum = 0, Maximum = 1_000_000, InRows = false)]
    public IReadOnlyList<int> Seeds { get; init; } = [1, 2];
}
