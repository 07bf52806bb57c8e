namespace HpcLinear.Operations;

/// <summary>How the flow of a network ended.</summary>
public enum FlowStatus
{
    /// <summary>At the last time asked for.</summary>
    Finished,

    /// <summary>After <see cref="GradientFlowOptions.MaxSteps"/> steps.</summary>
    StepLimit,

    /// <summary>The weights or the loss are not finite, or the next step's would not be at any step size; the last finite state is kept.</summary>
    NonFinite,

    /// <summary>No step above rounding keeps the tolerance: the solution ends in finite time, or the tolerance is too small.</summary>
    StepUnderflow,

    /// <summary>The equations of an implicit step were not solved in 100 iterations: the step is too long.</summary>
    NotSolved,
}

/// <summary>What was found along the flow of one network.</summary>
public readonly record struct FlowOutcome
{
    /// <summary>How it ended.</summary>
    public required FlowStatus Status { get; init; }

    /// <summary>The time it reached.</summary>
    public required double Time { get; init; }

    /// <summary>Steps taken.</summary>
    public required int Steps { get; init; }

    /// <summary>Steps refused for their error.</summary>
    public required int Refused { get; init; }

    /// <summary>Loss, without the constant, at the start.</summary>
    public required double InitialLoss { get; init; }

    /// <summary>Loss, without the constant, at the end.</summary>
    public required double Loss { get; init; }

    /// <summary>The most that the loss grew in a step: 0 along an exact flow.</summary>
    public required double LossIncrease { get; init; }

    /// <summary>Integral of |gradient|², by the method's own weights: along an exact flow the loss lost.</summary>
    public required double Dissipated { get; init; }

    /// <summary>The largest change of a difference <c>|W_l|² - |W_{l+1}|²</c> relative to the largest |W_l|² of the time: 0 along an exact flow.</summary>
    public required double InvariantDrift { get; init; }

    /// <summary>Times at which two layers of one axis and equal strides before them shared a real root (found at changes of sign of their resultant).</summary>
    public required int SharedRoots { get; init; }

    /// <summary>When it happened first; NaN if it did not.</summary>
    public required double FirstSharedRoot { get; init; }

    /// <summary>Times at which a layer of one axis and stride 2 was divisible by <c>x² - a</c>, where the function space crosses itself.</summary>
    public required int SelfCrossings { get; init; }

    /// <summary>When it happened first; NaN if it did not.</summary>
    public required double FirstSelfCrossing { get; init; }

    /// <summary>By how much the loss lost differs from the integral of |gradient|².</summary>
    public double EnergyResidual => Math.Abs(InitialLoss - Loss - Dissipated);
}
