namespace HpcLinear.PredictiveCoding;

/// <summary>What a feed-forward pass over some samples gave.</summary>
public readonly record struct Evaluation
{
    /// <summary>Samples.</summary>
    public required long Samples { get; init; }

    /// <summary>Mean loss.</summary>
    public required double Loss { get; init; }

    /// <summary>Samples whose largest prediction stands where the target's largest element is; null where there is one output.</summary>
    public required long? Correct { get; init; }

    /// <summary><see cref="Correct"/> / <see cref="Samples"/>; NaN where there is one output.</summary>
    public double Accuracy => Correct is { } correct ? (double)correct / Samples : double.NaN;
}
