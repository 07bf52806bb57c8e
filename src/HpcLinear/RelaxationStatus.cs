namespace HpcLinear;

/// <summary>How a relaxation ended.</summary>
public enum RelaxationStatus
{
    /// <summary>All steps asked for were made.</summary>
    Finished,

    /// <summary>Every sample met the tolerance.</summary>
    Converged,

    /// <summary>The energy became infinite or NaN, or exceeded its limit.</summary>
    Diverged,
}
