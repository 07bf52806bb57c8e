namespace HpcLinear;

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
