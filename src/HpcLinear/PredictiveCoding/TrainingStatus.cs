namespace HpcLinear.PredictiveCoding;

/// <summary>How a training step ended.</summary>
public enum TrainingStatus
{
    /// <summary>The weights were updated.</summary>
    Updated,

    /// <summary>The relaxation diverged; from there on the weights were left alone.</summary>
    Diverged,

    /// <summary>Loss or gradient was infinite, NaN or too large to square; from there on the weights were left alone.</summary>
    NotFinite,
}
