namespace HpcLinear.OpenCl;

/// <summary>The numbers of a product of weights with patches; <c>kernels/convolution.cl</c> says what is computed. Strides count elements.</summary>
internal sealed record PatchGeometry
{
    /// <summary>Rows of the product, a group.</summary>
    public required long Rows { get; init; }

    /// <summary>Channels summed over, a group: the channels of all contracted problems.</summary>
    public required long Channels { get; init; }

    /// <summary>Channels of one contracted problem; <see cref="Channels"/> where problems are not summed over.</summary>
    public required long ContractedChannels { get; init; }

    public required long Samples { get; init; }

    public required long Groups { get; init; }

    public required long Problems { get; init; }

    public required (long Problem, long Group, long Sample, long Channel, long Contracted, long Length, long Count) Source { get; init; }

    public required (long Problem, long Group, long Row, long Channel, long Contracted, long Length) Weight { get; init; }

    public required (long Problem, long Group, long Sample, long Row, long Length) Target { get; init; }

    public (long Problem, long Group) Bias { get; init; }

    public long ProblemGroups => Problems * Groups;
}
