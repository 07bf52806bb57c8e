namespace HpcLinear.Operations;

/// <summary>How the padding of a convolution is found.</summary>
public enum Geometry
{
    /// <summary>No padding.</summary>
    Valid,

    /// <summary>The given padding, low and high side of each axis apart; negative values crop.</summary>
    Explicit,

    /// <summary>Output extent <c>ceil(input / stride)</c>; an odd element of padding at the high side.</summary>
    SameUpper,

    /// <summary>Output extent <c>ceil(input / stride)</c>; an odd element of padding at the low side.</summary>
    SameLower,
}
