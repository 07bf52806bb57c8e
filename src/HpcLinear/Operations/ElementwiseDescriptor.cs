namespace HpcLinear.Operations;

/// <summary>An elementwise operation, <c>out = alpha op(a, b) + beta out</c>.</summary>
/// <remarks>With <see cref="ElementwiseOperation.Copy"/> it is a scaled addition, <c>out = alpha a + beta out</c>.</remarks>
public sealed record ElementwiseDescriptor
{
    /// <summary>The function.</summary>
    public required ElementwiseOperation Operation { get; init; }

    /// <summary>Shape of every operand.</summary>
    public required Shape Shape { get; init; }

    /// <summary>Whether the function takes two operands.</summary>
    public bool IsBinary => Operation >= ElementwiseOperation.Add;

    /// <summary>Checks the shape.</summary>
    /// <exception cref="ProblemException">No such function, a negative size or more than 2^63 - 1 bytes.</exception>
    public void Validate()
    {
        Throw.IfUndefined("elementwise", Operation);
        Throw.IfTooLarge<double>("elementwise", Shape);
        if (Shape.Any(x => x < 0))
        {
            throw new ProblemException(ProblemError.Size, $"elementwise: sizes must not be negative, got {Shape}");
        }
    }

    /// <summary>The problem as one line.</summary>
    public override string ToString() => $"elementwise {Operation} {Shape}";
}
