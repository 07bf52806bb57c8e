namespace HpcLinear.Data;

/// <summary>An affine map of all inputs, <c>(x - Mean) / StandardDeviation</c>: one pair for all features, so that pixels that never change stay harmless.</summary>
/// <remarks>Measured on training data by <see cref="LabelledData.MeasureStandardisation"/> and applied to test data as well.</remarks>
public sealed record InputStandardisation
{
    /// <summary>Mean over samples and features, of inputs as gathered without standardisation: bytes are already divided by 255.</summary>
    public required double Mean { get; init; }

    /// <summary>Standard deviation over samples and features (divided by the count, not by one less).</summary>
    public required double StandardDeviation { get; init; }

    internal void Validate()
    {
        if (!double.IsFinite(Mean) || !(StandardDeviation > 0) || !double.IsFinite(StandardDeviation))
        {
            throw new ArgumentException($"standardisation: a finite mean and a standard deviation above 0 expected, {this} given");
        }
    }
}
