using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>The settings of a convolution as golden cases spell them.</summary>
internal static class ConvolutionSettings
{
    public static (string Word, Geometry Value)[] Geometries { get; } =
        [("valid", Geometry.Valid), ("explicit", Geometry.Explicit), ("same_upper", Geometry.SameUpper), ("same_lower", Geometry.SameLower)];

    public static (string Word, Boundary Value)[] Boundaries { get; } =
        [("zero", Boundary.Zero), ("circular", Boundary.Circular), ("reflect", Boundary.Reflect), ("replicate", Boundary.Replicate)];

    /// <summary>Everything but sizes.</summary>
    public static ConvolutionDescriptor Read(GoldenParameters parameters) => new()
    {
        Batch = 1,
        InChannels = 1,
        OutChannels = 1,
        Input = [],
        Filter = [],
        Stride = parameters.Extents("stride"),
        Dilation = parameters.Extents("dilation"),
        Groups = parameters.Number("groups"),
        Geometry = parameters.Choice("geometry", Geometries),
        PaddingLow = parameters.Extents("pad_lo"),
        PaddingHigh = parameters.Extents("pad_hi"),
        Boundary = parameters.Choice("fill", Boundaries),
        TrueConvolution = parameters.Flag("true_convolution"),
    };
}
