namespace HpcLinear.Operations;

/// <summary>A function applied to every element, or to every pair of elements.</summary>
public enum ElementwiseOperation
{
    /// <summary>a.</summary>
    Copy,

    /// <summary>-a.</summary>
    Negate,

    /// <summary>|a|.</summary>
    Magnitude,

    /// <summary>a².</summary>
    Square,

    /// <summary>Square root of a.</summary>
    SquareRoot,

    /// <summary>1 / a.</summary>
    Reciprocal,

    /// <summary>a + b.</summary>
    Add,

    /// <summary>a - b.</summary>
    Subtract,

    /// <summary>a b.</summary>
    Multiply,

    /// <summary>a / b.</summary>
    Divide,

    /// <summary>The smaller of a and b; NaN if either is.</summary>
    Minimum,

    /// <summary>The larger of a and b; NaN if either is.</summary>
    Maximum,
}

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
    /// <exception cref="ProblemException">A negative size or more than 2^63 - 1 bytes.</exception>
    public void Validate()
    {
        Throw.IfTooLarge<double>("elementwise", Shape);
        if (Shape.Any(x => x < 0))
        {
            throw new ProblemException(ProblemError.Size, $"elementwise: sizes must not be negative, got {Shape}");
        }
    }

    /// <summary>The problem as one line.</summary>
    public override string ToString() => $"elementwise {Operation} {Shape}";
}
