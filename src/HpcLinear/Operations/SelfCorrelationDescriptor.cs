namespace HpcLinear.Operations;

/// <summary>
/// Correlation of a filter bank with itself at every lag that is a multiple of the stride:
/// <c>R[m,n,o] = sum over c, i of w[m,c, i + S (o - q)] w[n,c,i]</c>, <c>q = floor((k - 1) / S)</c>, taps outside w are zero.
/// </summary>
/// <remarks>Equals the convolution of w with itself, padding qS and stride S. Only half of the lags are computed:
/// <c>R[m,n,q+t] = R[n,m,q-t]</c>. Used by the orthogonality regulariser (arXiv:2108.05623).</remarks>
public sealed record SelfCorrelationDescriptor
{
    /// <summary>Independent filter banks; null for a single one without a leading axis.</summary>
    public long? Problems { get; init; }

    /// <summary>M.</summary>
    public required long OutChannels { get; init; }

    /// <summary>C.</summary>
    public required long InChannels { get; init; }

    /// <summary>Spatial extents of the filter.</summary>
    public required Shape Filter { get; init; }

    /// <summary>Stride of each axis; set it with as many entries as <see cref="Filter"/>.</summary>
    public required Shape Stride { get; init; }

    /// <summary>Shape of w, <c>[problems?, outChannels, inChannels, filter…]</c>.</summary>
    public Shape FilterShape => Problems is { } p ? [p, OutChannels, InChannels, .. Filter] : [OutChannels, InChannels, .. Filter];

    /// <summary>Shape of R, <c>[problems?, outChannels, outChannels, 2q + 1…]</c>.</summary>
    public Shape ResultShape => Problems is { } p ? [p, OutChannels, OutChannels, .. Lags] : [OutChannels, OutChannels, .. Lags];

    /// <summary>Lags of each axis, <c>2q + 1</c>.</summary>
    public Shape Lags => Shape.Create([.. Filter.Zip(Stride, (k, s) => (2 * ((k - 1) / s)) + 1)]);

    /// <summary>Floating-point operations over half of the lags: 2 a multiply-add of overlapping taps.</summary>
    public double Flops
    {
        get
        {
            // Overlaps of all lags: product over axes of sum over t of (k - S|t|); half of them, and all of the middle one.
            double overlaps = 1, middle = 1;
            for (int a = 0; a < Filter.Rank; a++)
            {
                long q = (Filter[a] - 1) / Stride[a];
                overlaps *= Filter[a] + (2 * ((q * Filter[a]) - (Stride[a] * q * (q + 1) / 2)));
                middle *= Filter[a];
            }

            return (overlaps + middle) * (Problems ?? 1) * OutChannels * OutChannels * InChannels;
        }
    }

    /// <summary>Checks the sizes.</summary>
    /// <exception cref="ProblemException">A size or a stride is not positive, or ranks differ.</exception>
    public void Validate()
    {
        if (Filter.Rank != Stride.Rank || Filter.Rank is < 1 or > ConvolutionDescriptor.MaxSpatialRank)
        {
            throw new ProblemException(ProblemError.Rank, $"self_correlation: filter {Filter} and stride {Stride} must have the same 1 to {ConvolutionDescriptor.MaxSpatialRank} axes");
        }

        if (Problems is < 0 || OutChannels <= 0 || InChannels <= 0 || Filter.Any(k => k is <= 0 or > int.MaxValue))
        {
            throw new ProblemException(ProblemError.Size, $"self_correlation: every size except the problems must be positive, got kernel {FilterShape}");
        }

        if (Stride.Any(s => s is <= 0 or > int.MaxValue))
        {
            throw new ProblemException(ProblemError.Stride, $"self_correlation: stride must be positive, got {Stride}");
        }

        Throw.IfTooLarge<double>("self_correlation", ResultShape);
        Throw.IfTooLarge<double>("self_correlation", FilterShape);
    }

    /// <summary>The problem as one line.</summary>
    public override string ToString() => $"self_correlation{(Problems is { } p ? $" p{p}" : "")} k{OutChannels} c{InChannels} f{Filter.ToProblemText()} s{Stride.ToProblemText()}";

    /// <summary>The convolution that computes the same with all lags; the definition.</summary>
    internal ConvolutionDescriptor AsConvolution()
    {
        Shape pad = Shape.Create([.. Filter.Zip(Stride, (k, s) => (k - 1) / s * s)]);
        return new()
        {
            Problems = Problems,
            Batch = OutChannels,
            InChannels = InChannels,
            OutChannels = OutChannels,
            Input = Filter,
            Filter = Filter,
            Stride = Stride,
            Padding = pad,
        };
    }
}
