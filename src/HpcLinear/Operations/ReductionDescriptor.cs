namespace HpcLinear.Operations;

/// <summary>A reduction of a tensor over all of its elements or over one axis.</summary>
public sealed record ReductionDescriptor
{
    /// <summary>What is computed.</summary>
    public required ReductionKind Kind { get; init; }

    /// <summary>Shape of the operand, or of both for <see cref="ReductionKind.Dot"/>.</summary>
    public required Shape Shape { get; init; }

    /// <summary>The axis that is summed away; null for all.</summary>
    public int? Axis { get; init; }

    /// <summary>
    /// Carries every rounding error along (error-free sums and products): error at most <c>2u|s| + n²u² sum|x|</c>.
    /// Sum, sum of squares and dot only.
    /// </summary>
    public bool Compensated { get; init; }

    /// <summary>Shape of the result: without the axis, or a scalar.</summary>
    public Shape ResultShape => Axis is { } axis ? [.. Shape.AsSpan()[..axis], .. Shape.AsSpan()[(axis + 1)..]] : Shape.Scalar;

    /// <summary>Floating-point operations: two an element.</summary>
    public double Flops => 2.0 * Shape.ElementCount;

    /// <summary>Elements before, along and after the axis.</summary>
    internal (long Outer, long Length, long Inner) Extents => Axis is { } axis
        ? (Shape.Create(Shape.AsSpan()[..axis]).ElementCount, Shape[axis], Shape.Skip(axis + 1).ElementCount)
        : (1, Shape.ElementCount, 1);

    /// <summary>Checks the axis and the kind.</summary>
    /// <exception cref="ProblemException">No such kind or axis; compensation of a minimum, maximum or norm; or a minimum or maximum of nothing.</exception>
    public void Validate()
    {
        Throw.IfUndefined("reduce", Kind);
        if (Axis is { } axis && (axis < 0 || axis >= Shape.Rank))
        {
            throw new ProblemException(ProblemError.Rank, $"reduce: axis {axis} expected from 0 to {Shape.Rank - 1} for shape {Shape}");
        }

        Throw.IfTooLarge<double>("reduce", Shape);
        if (Shape.Any(x => x < 0))
        {
            throw new ProblemException(ProblemError.Size, $"reduce: sizes must not be negative, got {Shape}");
        }

        if (Compensated && Kind is not (ReductionKind.Sum or ReductionKind.SumOfSquares or ReductionKind.Dot))
        {
            throw new ProblemException(ProblemError.Option, $"reduce: only sum, sum of squares and dot can be compensated, got {Kind}");
        }

        if (Kind is ReductionKind.Minimum or ReductionKind.Maximum && Extents.Length == 0 && Extents.Outer * Extents.Inner > 0)
        {
            throw new ProblemException(ProblemError.Size, $"reduce: {Kind} of no elements, shape {Shape}");
        }
    }

    /// <summary>The problem as one line.</summary>
    public override string ToString() => $"reduce {Kind} {Shape}{(Axis is { } axis ? $" axis {axis}" : "")}{(Compensated ? " compensated" : "")}";
}
