using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>A convolution as the CPU's forms see it: problems that share their filter are one with a larger batch.</summary>
internal readonly unsafe struct ConvolutionSizes
{
    /// <summary>What each position and tap reads.</summary>
    public GatherMap.Fields* Map { get; init; }

    public long Problems { get; init; }

    public long Groups { get; init; }

    public long Batch { get; init; }

    /// <summary>Input and output channels of a group.</summary>
    public long InGroup { get; init; }

    public long OutGroup { get; init; }

    public bool SharedInput { get; init; }
}
