namespace HpcLinear;

/// <summary>Why a problem is not valid; see the table in docs/operations/convolution.md.</summary>
public enum ProblemError
{
    /// <summary>No error.</summary>
    None = 0,

    /// <summary>Input, filter and per-axis settings differ in their number of axes.</summary>
    Rank = 1,

    /// <summary>A size is zero or negative.</summary>
    Size = 2,

    /// <summary>The filter's channels do not fit the input's.</summary>
    Channels = 3,

    /// <summary>Groups do not divide the channels.</summary>
    Groups = 4,

    /// <summary>A stride is not positive.</summary>
    Stride = 5,

    /// <summary>A dilation is not positive.</summary>
    Dilation = 6,

    /// <summary>The filter is larger than the padded input.</summary>
    FilterExceedsInput = 7,

    /// <summary>Reflect padding reaches beyond the input.</summary>
    ReflectTooLarge = 8,

    /// <summary>Negative padding with a boundary other than zero.</summary>
    NegativePadding = 9,

    /// <summary>An element count or byte size exceeds 2^63 - 1.</summary>
    Overflow = 10,

    /// <summary>A gradient's shape is not the output's.</summary>
    GradientShape = 11,

    /// <summary>A transposed convolution cannot have the size asked for.</summary>
    OutputSize = 12,

    /// <summary>Problem counts differ and neither is 1.</summary>
    ProblemCount = 14,

    /// <summary>Matrices or filters of a chain do not fit each other.</summary>
    ChainMismatch = 15,

    /// <summary>A leading dimension or a stride between problems is too small.</summary>
    Layout = 16,

    /// <summary>A problem's text cannot be read.</summary>
    Syntax = 17,

    /// <summary>An option has no such value, or one that does not go with the others.</summary>
    Option = 18,
}
