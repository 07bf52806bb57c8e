namespace HpcLinear.Operations;

/// <summary>What a convolution reads outside its input.</summary>
public enum Boundary
{
    /// <summary>Zero; never multiplied into a sum.</summary>
    Zero,

    /// <summary>The input repeated periodically, any number of times.</summary>
    Circular,

    /// <summary>The input mirrored about its edge element, which is not repeated.</summary>
    Reflect,

    /// <summary>The nearest edge element.</summary>
    Replicate,
}
