using HpcLinear.Operations;

namespace HpcLinear.LinearNetworks;

/// <summary>Data and map of a square loss: N samples, a strided valid convolution without padding from c_0 to c_L channels; without axes, a matrix.</summary>
public sealed record SquareLossDescriptor
{
    /// <summary>Samples, N.</summary>
    public required long Samples { get; init; }

    /// <summary>Channels of the input, c_0.</summary>
    public required long InChannels { get; init; }

    /// <summary>Channels of the target, c_L.</summary>
    public required long OutChannels { get; init; }

    /// <summary>Spatial extents of the input; none, <see cref="Shape.Scalar"/>, for vectors.</summary>
    public required Shape Input { get; init; }

    /// <summary>Spatial extents of the end-to-end filter, K.</summary>
    public required Shape Filter { get; init; }

    /// <summary>Total stride, S.</summary>
    public required Shape Stride { get; init; }

    /// <summary>Spatial extents of the target, <c>max(0, floor((input - filter)/stride) + 1)</c>.</summary>
    public Shape Output => [.. Input.Select((n, a) => n < Filter[a] ? 0 : ((n - Filter[a]) / Stride[a]) + 1)];

    /// <summary>Shape of x, <c>[N, c_0, input…]</c>.</summary>
    public Shape InputShape => [Samples, InChannels, .. Input];

    /// <summary>Shape of y, <c>[N, c_L, output…]</c>.</summary>
    public Shape TargetShape => [Samples, OutChannels, .. Output];

    /// <summary>Shape of the map V, <c>[c_L, c_0, filter…]</c>.</summary>
    public Shape MapShape => [OutChannels, InChannels, .. Filter];

    /// <summary>Rows of A: c_0 times the taps of the filter.</summary>
    internal int Taps => (int)(InChannels * Filter.ElementCount);

    /// <summary>The loss of a network's end-to-end map.</summary>
    /// <param name="network">The sizes; its problems do not matter.</param>
    /// <param name="samples">N.</param>
    /// <param name="input">Spatial extents of the input.</param>
    public static SquareLossDescriptor Of(DeepProductDescriptor network, long samples, Shape input)
    {
        ArgumentNullException.ThrowIfNull(network);
        DeepProductDescriptor one = network with { Problems = null };
        one.Validate();
        return new() { Samples = samples, InChannels = one.Channels[0], OutChannels = one.Channels[^1], Input = input, Filter = one.ComposedShape.Skip(2), Stride = one.ComposedStride };
    }

    /// <summary>Checks the sizes.</summary>
    /// <exception cref="ProblemException">Ranks differ, a size is not positive, or A or V has more than 2^31 - 1 elements.</exception>
    public void Validate()
    {
        if (Filter.Rank != Input.Rank || Stride.Rank != Input.Rank || Input.Rank > ConvolutionDescriptor.MaxSpatialRank)
        {
            throw new ProblemException(ProblemError.Rank, $"square_loss: input {Input}, filter {Filter} and stride {Stride} must have the same number of axes, 0 to {ConvolutionDescriptor.MaxSpatialRank}");
        }

        if (Samples <= 0 || InChannels <= 0 || OutChannels <= 0 || Input.Any(n => n <= 0) || Filter.Any(k => k <= 0))
        {
            throw new ProblemException(ProblemError.Size, $"square_loss: every size must be positive, got {this}");
        }

        if (Stride.Any(s => s <= 0))
        {
            throw new ProblemException(ProblemError.Stride, $"square_loss: stride must be positive, got {Stride}");
        }

        try
        {
            long taps = checked(InChannels * Filter.ElementCount);
            if (Math.Max(checked(taps * taps), checked(OutChannels * taps)) > int.MaxValue)
            {
                throw new ProblemException(ProblemError.Overflow, $"square_loss: A and V of at most {int.MaxValue} elements expected ({this})");
            }

            Throw.IfTooLarge<double>("square_loss", InputShape);
            Throw.IfTooLarge<double>("square_loss", TargetShape);
        }
        catch (OverflowException)
        {
            throw new ProblemException(ProblemError.Overflow, $"square_loss: A has more than 2^63 - 1 elements ({this})");
        }
    }

    /// <summary>The problem as one line.</summary>
    public override string ToString() =>
        $"square_loss n{Samples} c{InChannels} k{OutChannels}{(Input.Rank == 0 ? "" : $" i{Input.ToProblemText()} f{Filter.ToProblemText()} s{Stride.ToProblemText()}")}";
}
