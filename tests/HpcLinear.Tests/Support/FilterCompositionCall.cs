using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

/// <summary>The operations of a composition plan.</summary>
internal enum Composition
{
    Compose,
    BackwardFirst,
    BackwardSecond,
}

internal sealed class FilterCompositionCall(FilterCompositionDescriptor descriptor, Composition composition) : Call
{
    public override string Operation => "compose";

    public override IReadOnlyList<Operand> Inputs { get; } = composition switch
    {
        Composition.Compose => [new("first", descriptor.FirstShape), new("second", descriptor.SecondShape)],
        Composition.BackwardFirst => [new("composedGradient", descriptor.ComposedShape), new("second", descriptor.SecondShape)],
        _ => [new("composedGradient", descriptor.ComposedShape), new("first", descriptor.FirstShape)],
    };

    public override IReadOnlyList<Operand> Outputs { get; } = composition switch
    {
        Composition.Compose => [new("composed", descriptor.ComposedShape)],
        Composition.BackwardFirst => [new("firstGradient", descriptor.FirstShape)],
        _ => [new("secondGradient", descriptor.SecondShape)],
    };

    public override double DepthOfSum => composition switch
    {
        Composition.Compose => descriptor.InnerChannels * Math.Min(descriptor.First.ElementCount, descriptor.Second.ElementCount),
        Composition.BackwardFirst => descriptor.OutChannels * descriptor.Second.ElementCount,
        _ => descriptor.InChannels * descriptor.First.ElementCount,
    };

    public override double Cost => descriptor.Flops / 2;

    public static Gen<FilterCompositionDescriptor> Descriptors { get; } = new DrawGen<FilterCompositionDescriptor>(Describe, d => d.Flops);

    public static Gen<Call> Random { get; } = Draws(draw => new FilterCompositionCall(Describe(draw), draw.Pick(Enum.GetValues<Composition>())));

    public static IEnumerable<Call> Large =>
        from d in new FilterCompositionDescriptor[]
        {
            new() { InChannels = 7, InnerChannels = 33, OutChannels = 20, First = [5, 4], Second = [3, 5], Stride = [2, 1] },
            new() { Problems = 200, InChannels = 2, InnerChannels = 3, OutChannels = 2, First = [4, 4], Second = [3, 3], Stride = [2, 2] },
            new() { InChannels = 1, InnerChannels = 1, OutChannels = 1, First = [200], Second = [150], Stride = [3] },
        }
        from c in Enum.GetValues<Composition>()
        select new FilterCompositionCall(d, c);

    public override Plan Plan<T>(Device device) => FilterCompositionPlan.Create<T>(device, descriptor);

    public override void Execute<T>(Plan plan, CommandQueue queue, TensorView<T>[] inputs, TensorView<T>[] outputs)
    {
        FilterCompositionPlan<T> filters = (FilterCompositionPlan<T>)plan;
        switch (composition)
        {
            case Composition.Compose:
                filters.Compose(queue, inputs[0], inputs[1], outputs[0]);
                break;
            case Composition.BackwardFirst:
                filters.BackwardFirst(queue, inputs[0], inputs[1], outputs[0]);
                break;
            default:
                filters.BackwardSecond(queue, inputs[0], inputs[1], outputs[0]);
                break;
        }
    }

    public override void Define(double[][] inputs, double[][] outputs, double alpha, double beta)
    {
        switch (composition)
        {
            case Composition.Compose:
                FilterCompositionReference.Compose(descriptor, inputs[0], inputs[1], outputs[0]);
                break;
            case Composition.BackwardFirst:
                FilterCompositionReference.BackwardFirst(descriptor, inputs[0], inputs[1], outputs[0]);
                break;
            default:
                FilterCompositionReference.BackwardSecond(descriptor, inputs[0], inputs[1], outputs[0]);
                break;
        }
    }

    public override string ToString() => $"{descriptor} {composition}";

    private static FilterCompositionDescriptor Describe(Draw draw)
    {
        while (true)
        {
            int rank = draw.Pick(1, 1, 2, 2, 3, 4);
            long[] first = new long[rank], second = new long[rank], stride = new long[rank];
            for (int a = 0; a < rank; a++)
            {
                int most = rank switch { 1 => 13, 2 => 6, _ => 3 };
                (first[a], second[a], stride[a]) = (draw.Int(1, most), draw.Int(1, most), draw.Int(1, 4));
            }

            FilterCompositionDescriptor d = new()
            {
                Problems = draw.Chance(0.5) ? draw.Int(0, draw.Pick(7, 40)) : null, InChannels = draw.Extent(12), InnerChannels = draw.Extent(12), OutChannels = draw.Extent(12),
                First = Shape.Create(first), Second = Shape.Create(second), Stride = Shape.Create(stride),
            };
            if (d.Flops < 200_000)
            {
                return d;
            }
        }
    }
}
