using HpcLinear.Data;

namespace HpcLinear.Cli.Golden;

/// <summary>An output that a case lists: what is expected and how near a result must come.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Array">The expected elements; null when a single value is expected.</param>
/// <param name="Value">The expected value.</param>
/// <param name="Relative">Tolerance in float64, times the expected magnitude.</param>
/// <param name="Absolute">Tolerance in float64.</param>
/// <param name="RelativeSingle">Tolerance in float32; null when float32 is not asked for.</param>
/// <param name="AbsoluteSingle">Tolerance in float32; null when float32 is not asked for.</param>
internal sealed record GoldenOutput(string Name, NpyArray? Array, double Value, double Relative, double Absolute, double? RelativeSingle, double? AbsoluteSingle)
{
    /// <summary>Whether float32 is to be checked.</summary>
    public bool HasSingle => RelativeSingle is not null;

    /// <summary>Expected shape; a single value has none.</summary>
    public Shape Shape => Array?.Shape ?? Shape.Scalar;
}
