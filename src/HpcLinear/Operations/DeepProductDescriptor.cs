namespace HpcLinear.Operations;

/// <summary>
/// The end-to-end map of a deep linear network, <c>mu(W_0 … W_{L-1})</c>, W_0 applied first: of L strided convolutions the filter of extent
/// <c>1 + sum over l of (k_l - 1) prod over j &lt; l of s_j</c>, of L matrices (filters without axes) their product.
/// </summary>
/// <remarks>Source: arXiv:2507.06367; docs/operations/deep-products.md.</remarks>
public sealed record DeepProductDescriptor
{
    /// <summary>Independent chains; null for a single one without a leading axis.</summary>
    public long? Problems { get; init; }

    /// <summary>Channels of the L + 1 layers: w_l has <c>Channels[l + 1]</c> outputs and <c>Channels[l]</c> inputs.</summary>
    public required Shape Channels { get; init; }

    /// <summary>Spatial extents of the L filters; without axes, <see cref="Shape.Scalar"/>, for fully connected layers.</summary>
    public required IReadOnlyList<Shape> Filters { get; init; }

    /// <summary>Strides of the L convolutions.</summary>
    public required IReadOnlyList<Shape> Strides { get; init; }

    /// <summary>Number of filters, L.</summary>
    public int Depth => Filters.Count;

    /// <summary>Shape of the end-to-end filter, <c>[problems?, Channels[L], Channels[0], extent…]</c>.</summary>
    public Shape ComposedShape => SegmentShape(0, Depth);

    /// <summary>Shape of the kernel <c>J Jᵀ</c>, <c>[problems?, M, M]</c>, M the elements of one end-to-end map.</summary>
    public Shape KernelShape
    {
        get
        {
            long elements = (this with { Problems = null }).ComposedShape.ElementCount;
            return Problems is { } p ? [p, elements, elements] : [elements, elements];
        }
    }

    /// <summary>Stride of the end-to-end convolution: the product of the strides.</summary>
    public Shape ComposedStride => Segment(0, Depth).Stride;

    /// <summary>Multiply-adds of composing one network in the best order.</summary>
    public long OptimalMultiplyAdds => Tree().Cost;

    /// <summary>Floating-point operations of composing in the best order.</summary>
    public double Flops => 2.0 * (Problems ?? 1) * OptimalMultiplyAdds;

    /// <summary>A fully connected network: the product of L matrices, W_l of <c>widths[l + 1] x widths[l]</c>.</summary>
    public static DeepProductDescriptor FullyConnected(Shape widths, long? problems = null)
    {
        ArgumentNullException.ThrowIfNull(widths);
        Shape[] none = [.. Enumerable.Repeat(Shape.Scalar, Math.Max(0, widths.Rank - 1))];
        return new() { Problems = problems, Channels = widths, Filters = none, Strides = none };
    }

    /// <summary>Shape of w_l, <c>[problems?, Channels[l + 1], Channels[l], Filters[l]…]</c>.</summary>
    public Shape FilterShape(int layer) => SegmentShape(layer, layer + 1);

    /// <summary>Checks that filters, strides and channels fit each other.</summary>
    /// <exception cref="ProblemException">Counts or ranks differ, or a size is not positive.</exception>
    public void Validate()
    {
        if (Depth < 1 || Strides.Count != Depth || Channels.Rank != Depth + 1)
        {
            throw new ProblemException(ProblemError.ChainMismatch, $"deep_product: L filters, L strides and L + 1 channels expected (L at least 1), got {Depth}, {Strides.Count} and {Channels.Rank}");
        }

        for (int l = 0; l < Depth; l++)
        {
            if (Filters[l].Rank != Filters[0].Rank || Strides[l].Rank != Filters[0].Rank || Filters[0].Rank > ConvolutionDescriptor.MaxSpatialRank)
            {
                throw new ProblemException(ProblemError.Rank, $"deep_product: filter {Filters[l]} and stride {Strides[l]} of layer {l} must have the {Filters[0].Rank} axes of layer 0 (0 to {ConvolutionDescriptor.MaxSpatialRank})");
            }

            if (Problems is < 0 || Channels.Any(c => c <= 0) || Filters[l].Any(k => k <= 0))
            {
                throw new ProblemException(ProblemError.Size, $"deep_product: every size except the problems must be positive, got filter {FilterShape(l)} in layer {l}");
            }

            if (Strides[l].Any(s => s <= 0))
            {
                throw new ProblemException(ProblemError.Stride, $"deep_product: stride must be positive, got {Strides[l]} in layer {l}");
            }
        }

        try
        {
            _ = OptimalMultiplyAdds;
            if (Segment(0, Depth).Filter.Any(k => k > int.MaxValue))
            {
                throw new ProblemException(ProblemError.Overflow, $"deep_product: every extent of the end-to-end filter must stay below 2^31, got {Segment(0, Depth).Filter}");
            }

            Enumerable.Range(0, Depth).Select(FilterShape).Append(ComposedShape).ToList().ForEach(s => Throw.IfTooLarge<double>("deep_product", s));
        }
        catch (OverflowException)
        {
            throw new ProblemException(ProblemError.Overflow, $"deep_product: the layers or their product have more than 2^63 - 1 elements or multiply-adds ({this})");
        }
    }

    /// <summary>Checks that the matrix <see cref="KernelShape"/> can be.</summary>
    /// <exception cref="ProblemException">It cannot.</exception>
    internal void ValidateKernel()
    {
        try
        {
            Throw.IfTooLarge<double>("deep_product", KernelShape);
        }
        catch (OverflowException)
        {
            throw new ProblemException(ProblemError.Overflow, $"deep_product: the kernel has more than 2^63 - 1 elements ({this})");
        }
    }

    /// <summary>Chains are equal when their texts are.</summary>
    public bool Equals(DeepProductDescriptor? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    /// <summary>The problem as one line.</summary>
    public override string ToString() =>
        $"deep_product{(Problems is { } p ? $" p{p}" : "")} channels{Channels.ToProblemText()}{(Filters is [{ Rank: > 0 }, ..] ? $" filters {string.Join(',', Filters.Select(f => f.ToProblemText()))} strides {string.Join(',', Strides.Select(s => s.ToProblemText()))}" : "")}";

    internal AssociationTree Tree() => new(Depth, (i, k, j) => checked(Channels[i] * Channels[k] * Channels[j] * Segment(i, k).Filter.ElementCount * Segment(k, j).Filter.ElementCount));

    internal Shape SegmentShape(int from, int to) => Problems is { } p
        ? [p, Channels[to], Channels[from], .. Segment(from, to).Filter]
        : [Channels[to], Channels[from], .. Segment(from, to).Filter];

    internal FilterCompositionDescriptor JoinOf(AssociationTree.Join join) => new()
    {
        Problems = Problems,
        InChannels = Channels[join.From],
        InnerChannels = Channels[join.Split],
        OutChannels = Channels[join.To],
        First = Segment(join.From, join.Split).Filter,
        Second = Segment(join.Split, join.To).Filter,
        Stride = Segment(join.From, join.Split).Stride,
    };

    /// <summary>Spatial extents and stride of layers from … to - 1 as one.</summary>
    internal (Shape Filter, Shape Stride) Segment(int from, int to)
    {
        long[] extent = [.. Filters[from]], stride = [.. Strides[from]];
        for (int l = from + 1; l < to; l++)
        {
            for (int a = 0; a < extent.Length; a++)
            {
                extent[a] = checked(extent[a] + (stride[a] * (Filters[l][a] - 1)));
                stride[a] = checked(stride[a] * Strides[l][a]);
            }
        }

        return (Shape.Create(extent), Shape.Create(stride));
    }
}
