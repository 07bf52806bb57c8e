namespace HpcLinear.Operations;

/// <summary>An activation of every element of a tensor, and its derivative.</summary>
public sealed record ActivationDescriptor
{
    /// <summary>φ.</summary>
    public required Activation Activation { get; init; }

    /// <summary>Shape of the operands.</summary>
    public required Shape Shape { get; init; }

    /// <summary>Checks the shape.</summary>
    /// <exception cref="ProblemException">No such function, a negative size or more than 2^63 - 1 bytes.</exception>
    public void Validate()
    {
        Throw.IfUndefined("activation", Activation);
        Throw.IfTooLarge<double>("activation", Shape);
        if (Shape.Any(x => x < 0))
        {
            throw new ProblemException(ProblemError.Size, $"activation: sizes must not be negative, got {Shape}");
        }
    }

    /// <summary>The problem as one line.</summary>
    public override string ToString() => $"activation {Activation} {Shape}";
}
