namespace HpcLinear;

/// <summary>What a reduction computes.</summary>
public enum ReductionKind
{
    /// <summary>Sum of the elements.</summary>
    Sum,

    /// <summary>Sum of squares.</summary>
    SumOfSquares,

    /// <summary>Inner product of two tensors.</summary>
    Dot,

    /// <summary>Smallest element; NaN if any element is.</summary>
    Minimum,

    /// <summary>Largest element; NaN if any element is.</summary>
    Maximum,

    /// <summary>Largest magnitude; NaN if any element is.</summary>
    MaximumMagnitude,

    /// <summary>Euclidean norm, scaled so that no square overflows or underflows.</summary>
    Norm2,
}
