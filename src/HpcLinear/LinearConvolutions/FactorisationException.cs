namespace HpcLinear.LinearConvolutions;

/// <summary>A filter has no layers, or too many of them, for what was asked.</summary>
public sealed class FactorisationException : ArithmeticException
{
    internal FactorisationException(FactorisationStatus status, IdentifiabilityKind? needed, string message)
        : base(message)
    {
        Status = status;
        Needed = needed;
    }

    /// <summary>What became of the factorisation.</summary>
    public FactorisationStatus Status { get; }

    /// <summary>What is missing where there are several kernels: a label or a branch; else null.</summary>
    public IdentifiabilityKind? Needed { get; }
}
