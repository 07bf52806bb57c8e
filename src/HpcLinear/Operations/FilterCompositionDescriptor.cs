namespace HpcLinear.Operations;

/// <summary>
/// The filter of a convolution followed by another, <c>R[m,c,i + S j] += sum over n of B[m,n,j] A[n,c,i]</c>: A is applied first with stride S.
/// </summary>
/// <remarks>Extent <c>k_A + S (k_B - 1)</c> along each axis; strides multiply. Equals polynomial multiplication of the filters. Source: docs/operations/filters.md.</remarks>
public sealed record FilterCompositionDescriptor
{
    private readonly Shape? stride;

    /// <summary>Independent pairs; null for a single one without a leading axis.</summary>
    public long? Problems { get; init; }

    /// <summary>Input channels of the first filter.</summary>
    public required long InChannels { get; init; }

    /// <summary>Output channels of the first filter, input channels of the second.</summary>
    public required long InnerChannels { get; init; }

    /// <summary>Output channels of the second filter.</summary>
    public required long OutChannels { get; init; }

    /// <summary>Spatial extents of the first filter.</summary>
    public required Shape First { get; init; }

    /// <summary>Spatial extents of the second filter.</summary>
    public required Shape Second { get; init; }

    /// <summary>Stride of the first convolution; 1 by default.</summary>
    public Shape Stride
    {
        get => stride ?? Shape.Uniform(First.Rank, 1);
        init => stride = value;
    }

    /// <summary>Shape of A, <c>[problems?, inner, in, first…]</c>.</summary>
    public Shape FirstShape => [.. Leading, InnerChannels, InChannels, .. First];

    /// <summary>Shape of B, <c>[problems?, out, inner, second…]</c>.</summary>
    public Shape SecondShape => [.. Leading, OutChannels, InnerChannels, .. Second];

    /// <summary>Shape of R, <c>[problems?, out, in, first + stride (second - 1)…]</c>.</summary>
    public Shape ComposedShape => [.. Leading, OutChannels, InChannels, .. Composed];

    /// <summary>Spatial extents of R.</summary>
    public Shape Composed => Shape.Create([.. First.Select((k, a) => checked(k + (Stride[a] * (Second[a] - 1))))]);

    /// <summary>Floating-point operations: 2 a multiply-add.</summary>
    public double Flops => 2.0 * (Problems ?? 1) * OutChannels * InnerChannels * InChannels * First.ElementCount * Second.ElementCount;

    private long[] Leading => Problems is { } p ? [p] : [];

    /// <summary>Checks the sizes.</summary>
    /// <exception cref="ProblemException">A size or a stride is not positive, or ranks differ.</exception>
    public void Validate()
    {
        if (First.Rank != Second.Rank || Stride.Rank != First.Rank || First.Rank is < 1 or > ConvolutionDescriptor.MaxSpatialRank)
        {
            throw new ProblemException(ProblemError.Rank, $"compose: filters {First} and {Second} and stride {Stride} must have the same 1 to {ConvolutionDescriptor.MaxSpatialRank} axes");
        }

        if (Problems is < 0 || InChannels <= 0 || InnerChannels <= 0 || OutChannels <= 0 || First.Any(k => k <= 0) || Second.Any(k => k <= 0))
        {
            throw new ProblemException(ProblemError.Size, $"compose: every size except the problems must be positive, got filters {FirstShape} and {SecondShape}");
        }

        if (Stride.Any(s => s <= 0))
        {
            throw new ProblemException(ProblemError.Stride, $"compose: stride must be positive, got {Stride}");
        }

        try
        {
            if (Composed.Any(k => k > int.MaxValue))
            {
                throw new ProblemException(ProblemError.Overflow, $"compose: every extent of the composed filter must stay below 2^31, got {Composed}");
            }

            AsConvolution().Validate();
        }
        catch (OverflowException)
        {
            throw new ProblemException(ProblemError.Overflow, $"compose: the composed filter has more than 2^63 - 1 elements ({this})");
        }
    }

    /// <summary>The problem as one line.</summary>
    public override string ToString() => $"compose{(Problems is { } p ? $" p{p}" : "")} c{InChannels} n{InnerChannels} k{OutChannels} first{First.ToProblemText()} second{Second.ToProblemText()} s{Stride.ToProblemText()}";

    /// <summary>
    /// The convolution by A that takes R to B's place: composing is its gradient of the input, B as the output's gradient; B's gradient is it itself,
    /// A's its gradient of the filter.
    /// </summary>
    internal ConvolutionDescriptor AsConvolution() => new()
    {
        Problems = Problems, Batch = OutChannels, InChannels = InChannels, OutChannels = InnerChannels, Input = Composed, Filter = First, Stride = Stride,
    };

    /// <summary>The two filters as a chain.</summary>
    internal DeepProductDescriptor AsChain() => new()
    {
        Problems = Problems, Channels = [InChannels, InnerChannels, OutChannels], Filters = [First, Second], Strides = [Stride, Shape.Uniform(First.Rank, 1)],
    };
}
