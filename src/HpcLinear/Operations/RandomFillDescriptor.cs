namespace HpcLinear.Operations;

/// <summary>The distribution of a random fill.</summary>
public enum RandomDistribution
{
    /// <summary>Uniform on [0, 1): 24 random bits in float32, 53 in float64.</summary>
    Uniform,

    /// <summary>Normal with mean 0 and variance 1 (Box–Muller).</summary>
    Normal,
}

/// <summary>Random elements, <c>out = scale r + shift</c>, r a function of seed and index alone.</summary>
/// <remarks>Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011): key = seed, counter = index / elements a block. Every device and thread count draws the same
/// integers, so uniform fills are equal everywhere to the last bit; normal ones to the rounding of the device's logarithm and cosine.</remarks>
public sealed record RandomFillDescriptor
{
    /// <summary>The distribution.</summary>
    public required RandomDistribution Distribution { get; init; }

    /// <summary>Shape to fill.</summary>
    public required Shape Shape { get; init; }

    /// <summary>Checks the shape.</summary>
    /// <exception cref="ProblemException">A negative size or more than 2^63 - 1 bytes.</exception>
    public void Validate()
    {
        Throw.IfTooLarge<double>("random", Shape);
        if (Shape.Any(x => x < 0))
        {
            throw new ProblemException(ProblemError.Size, $"random: sizes must not be negative, got {Shape}");
        }
    }

    /// <summary>The problem as one line.</summary>
    public override string ToString() => $"random {Distribution} {Shape}";
}
