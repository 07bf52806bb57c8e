using HpcLinear.Operations;
using static HpcLinear.Benchmarks.Peers.DnnApi;

namespace HpcLinear.Benchmarks.Peers;

/// <summary>A convolution over up to three axes in one direction; independent problems are groups.</summary>
internal sealed unsafe class DnnConvolution : DnnTask
{
    private readonly HostMemory result;
    private readonly DnnLayout chosen;
    private readonly DnnLayout plain;
    private readonly long count;

    public DnnConvolution(nint engine, nint stream, ConvolutionDescriptor d, string direction)
        : base(engine, stream)
    {
        long problems = d.Problems ?? 1, groups = d.Groups * problems;
        long[] source = [d.Batch, d.InChannels * problems, .. d.Input], destination = [d.Batch, d.OutChannels * problems, .. d.Output];
        long[] weights = groups > 1 ? [groups, d.OutChannels / d.Groups, d.FilterChannels, .. d.Filter] : [d.OutChannels, d.FilterChannels, .. d.Filter];
        DnnLayout x = Free(source), w = Free(weights), y = Free(destination);
        DnnLayout plainX = Plain(source, Strides(d, d.Input)), plainW = Plain(weights), plainY = Plain(destination, Strides(d, d.Output));
        nint forward = Choose(DnnGeometry.Of(d, 0).Forward(x, w, y)), choice;
        DnnLayout left, right;
        switch (direction)
        {
            case "fwd":
                (left, right, chosen) = (*ChoiceLayout(forward, SourceLayout, 0), *ChoiceLayout(forward, WeightsLayout, 0), *ChoiceLayout(forward, DestinationLayout, 0));
                (plain, count, result) = (plainY, d.OutputShape.ElementCount, Allocate(chosen));
                Add(
                    forward,
                    new(Source, Memory(left, Bring(new(1, d.InputShape.ElementCount), plainX, left))),
                    new(Weights, Memory(right, Bring(new(2, d.FilterShape.ElementCount), plainW, right))),
                    new(Destination, Memory(chosen, result)));
                break;
            case "bwdd":
                choice = Choose(DnnGeometry.Of(d, 0).BackwardInput(x, w, y), forward);
                (left, right, chosen) = (*ChoiceLayout(choice, DestinationGradientLayout, 0), *ChoiceLayout(choice, WeightsLayout, 0), *ChoiceLayout(choice, SourceGradientLayout, 0));
                (plain, count, result) = (plainX, d.InputShape.ElementCount, Allocate(chosen));
                Add(
                    choice,
                    new(DestinationGradient, Memory(left, Bring(new(3, d.OutputShape.ElementCount), plainY, left))),
                    new(Weights, Memory(right, Bring(new(2, d.FilterShape.ElementCount), plainW, right))),
                    new(SourceGradient, Memory(chosen, result)));
                break;
            default:
                choice = Choose(DnnGeometry.Of(d, 0).BackwardFilter(x, w, y), forward);
                (left, right, chosen) = (*ChoiceLayout(choice, SourceLayout, 0), *ChoiceLayout(choice, DestinationGradientLayout, 0), *ChoiceLayout(choice, WeightsGradientLayout, 0));
                (plain, count, result) = (plainW, d.FilterShape.ElementCount, Allocate(chosen));
                Add(
                    choice,
                    new(Source, Memory(left, Bring(new(1, d.InputShape.ElementCount), plainX, left))),
                    new(DestinationGradient, Memory(right, Bring(new(3, d.OutputShape.ElementCount), plainY, right))),
                    new(WeightsGradient, Memory(chosen, result)));
                break;
        }
    }

    public override Array Download() => Fetch(result, chosen, plain, count);

    /// <summary>Our order is problem, image, channel, plane; oneDNN's indices are image, channel of a problem, plane.</summary>
    private static long[]? Strides(ConvolutionDescriptor d, Shape plane)
    {
        if (d.Problems is null)
        {
            return null;
        }

        long[] strides = new long[plane.Rank + 2];
        long step = 1;
        for (int axis = plane.Rank - 1; axis >= 0; axis--)
        {
            strides[axis + 2] = step;
            step *= plane[axis];
        }

        (strides[0], strides[1]) = (step, step * d.Batch);
        return strides;
    }
}

/// <summary>Strides, dilations and padding as oneDNN wants them.</summary>
internal sealed unsafe class DnnGeometry
{
    private readonly long[] strides;
    private readonly long[] dilations;
    private readonly long[] low;
    private readonly long[] high;

    private DnnGeometry(long[] strides, long[] dilations, long[] low, long[] high)
    {
        this.strides = strides;
        this.dilations = dilations;
        this.low = low;
        this.high = high;
    }

    /// <summary>The geometry without its first axes.</summary>
    public static DnnGeometry Of(ConvolutionDescriptor d, int skip)
    {
        // The trailing padding that makes the output as long as it is: (o - 1) s + extent of the filter = i + low + high.
        IEnumerable<long> trailing = Enumerable.Range(0, d.SpatialRank).Select(a =>
            ((d.Output[a] - 1) * d.Stride[a]) + (d.Dilation[a] * (d.Filter[a] - 1)) + 1 - d.Input[a] - d.ResolvedLow[a]);
        return new([.. d.Stride.Skip(skip)], [.. d.Dilation.Skip(skip).Select(x => x - 1)], [.. d.ResolvedLow.Skip(skip)], [.. trailing.Skip(skip)]);
    }

    public DnnOperation Forward(DnnLayout x, DnnLayout w, DnnLayout y)
    {
        fixed (long* s = strides, d = dilations, l = low, h = high)
        {
            Check(ForwardInit(out DnnOperation operation, ForwardTraining, Direct, &x, &w, null, &y, s, d, l, h));
            return operation;
        }
    }

    public DnnOperation BackwardInput(DnnLayout x, DnnLayout w, DnnLayout y)
    {
        fixed (long* s = strides, d = dilations, l = low, h = high)
        {
            Check(BackwardInputInit(out DnnOperation operation, Direct, &x, &w, &y, s, d, l, h));
            return operation;
        }
    }

    public DnnOperation BackwardFilter(DnnLayout x, DnnLayout w, DnnLayout y)
    {
        fixed (long* s = strides, d = dilations, l = low, h = high)
        {
            Check(BackwardFilterInit(out DnnOperation operation, Direct, &x, &w, null, &y, s, d, l, h));
            return operation;
        }
    }
}
