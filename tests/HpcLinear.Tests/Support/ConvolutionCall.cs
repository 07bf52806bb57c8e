using System.Globalization;
using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

/// <summary>The operations of a convolution plan.</summary>
internal enum Direction
{
    Forward,
    ForwardWithBias,
    BackwardInput,
    BackwardFilter,
    BackwardBias,
}

internal sealed class ConvolutionCall(ConvolutionDescriptor descriptor, Direction direction) : Call
{
    private const int MostMultiplyAdds = 200_000;

    public ConvolutionDescriptor Descriptor => descriptor;

    public override string Operation => "conv";

    public override IReadOnlyList<Operand> Inputs { get; } = direction switch
    {
        Direction.Forward => [new("input", descriptor.InputShape), new("filter", descriptor.FilterShape)],
        Direction.ForwardWithBias => [new("input", descriptor.InputShape), new("filter", descriptor.FilterShape), new("bias", descriptor.BiasShape)],
        Direction.BackwardInput => [new("outputGradient", descriptor.OutputShape), new("filter", descriptor.FilterShape)],
        Direction.BackwardFilter => [new("input", descriptor.InputShape), new("outputGradient", descriptor.OutputShape)],
        _ => [new("outputGradient", descriptor.OutputShape)],
    };

    public override IReadOnlyList<Operand> Outputs { get; } = direction switch
    {
        Direction.Forward or Direction.ForwardWithBias => [new("output", descriptor.OutputShape)],
        Direction.BackwardInput => [new("inputGradient", descriptor.InputShape)],
        Direction.BackwardFilter => [new("filterGradient", descriptor.FilterShape)],
        _ => [new("biasGradient", descriptor.BiasShape)],
    };

    public override double DepthOfSum
    {
        get
        {
            double problems = descriptor.ProblemCount, taps = descriptor.Filter.ElementCount, sums = descriptor.Batch * descriptor.Output.ElementCount;
            return direction switch
            {
                Direction.BackwardInput => (descriptor.SharedInput ? problems : 1) * descriptor.OutChannels / descriptor.Groups * taps,
                Direction.BackwardFilter or Direction.BackwardBias => (descriptor.SharedFilter ? problems : 1) * sums,
                _ => (descriptor.FilterChannels * taps) + 1,
            };
        }
    }

    public override double Cost => (descriptor.Flops / 2) + descriptor.Bytes(1);

    /// <summary>Random problems: 1 to 5 axes, every boundary and geometry, groups and depthwise, problems with shared operands, empty batches.</summary>
    public static Gen<ConvolutionDescriptor> Descriptors { get; } = new DrawGen<ConvolutionDescriptor>(Describe, d => (d.Flops / 2) + d.Bytes(1));

    /// <summary>Random problems, directions and factors.</summary>
    public static Gen<Call> Random { get; } = Draws(draw =>
    {
        (double alpha, double beta) = draw.Factors();
        return new ConvolutionCall(Describe(draw), draw.Pick(Enum.GetValues<Direction>())) { Alpha = alpha, Beta = beta };
    });

    /// <summary>Problems large enough for every loop of a blocked product to turn more than once and for several threads to share them.</summary>
    public static IEnumerable<Call> Large =>
        from text in new[]
        {
            "conv n3 c40 k52 i23x19 f3x3 pad1x1", "conv n2 c3 k64 i37x41 f7x7 s2x2 pad3x3 circular", "conv n4 c96 k96 g96 i19x23 f3x3 pad1x1", "conv n2 c33 k33 g33 i14x37 f3x3 pad1x1 true", "conv n1 c40 k40 g40 i12x20 f3x3 d1x2 pad0x1",
            "conv n1 c300 k70 i9x11 f1x1",
            "conv p37 n2 c5 k6 i9x8 f3x3 s2x1 reflect pad1x1", "conv p9 sharedw n3 c8 k9 i31 f5 d2 replicate pad4", "conv p300 n1 c1 k1 i64 f8 s2", "conv p67 n3 c1 k1 i75 f5 s2", "conv p35 n1 c2 k2 g2 i101 f9 s2 lo-3 hi-2 true",
            "conv p41 sharedx n2 c1 k1 i66 f2 s2", "conv p19 sharedx n1 c3 k3 g3 i64 f7 s2", "conv p5 sharedx n2 c7 k11 i11x13 f3x2",
            "conv n2 c6 k10 i9x8x11 f3x2x3 s1x2x1 pad1x0x1", "conv n1 c4 k5 i7x6x5x9 f3x2x2x3 pad1x1x0x1", "conv n2 c1 k1 i4097 f129 pad64",
            "conv n3 c130 k140 i7x6 f3x3 pad1x1", "conv n1 c3 k20 i11x700 f5x9 s2x2 d1x3 pad2x12", "conv n2 c36 k40 g2 i1031 f3 d5 s2 pad5 replicate true", "conv n3 c20 k7 i33x17 f1x1 s2x2",
            "conv n2 c20 k400 i15x31 f1x1 s2x2", "conv n1 c300 k9 i5x13x60 f1x1x1 s4x1x2", "conv n2 c17 k9 i5001 f1 s2", "conv n1 c9 k17 i13x50 f1x1 s1x3",
        }
        from d in Enum.GetValues<Direction>()
        select new ConvolutionCall(ConvolutionDescriptor.Parse(text), d);

    public override Plan Plan<T>(Device device) => ConvolutionPlan.Create<T>(device, descriptor);

    public override void Execute<T>(Plan plan, CommandQueue queue, TensorView<T>[] inputs, TensorView<T>[] outputs)
    {
        ConvolutionPlan<T> conv = (ConvolutionPlan<T>)plan;
        switch (direction)
        {
            case Direction.Forward:
                conv.Forward(queue, inputs[0], inputs[1], outputs[0], alpha: Alpha, beta: Beta);
                break;
            case Direction.ForwardWithBias:
                conv.Forward(queue, inputs[0], inputs[1], outputs[0], inputs[2], Alpha, Beta);
                break;
            case Direction.BackwardInput:
                conv.BackwardInput(queue, inputs[0], inputs[1], outputs[0], Alpha, Beta);
                break;
            case Direction.BackwardFilter:
                conv.BackwardFilter(queue, inputs[0], inputs[1], outputs[0], Alpha, Beta);
                break;
            default:
                conv.BackwardBias(queue, inputs[0], outputs[0], Alpha, Beta);
                break;
        }
    }

    public override void Define(double[][] inputs, double[][] outputs, double alpha, double beta)
    {
        switch (direction)
        {
            case Direction.Forward or Direction.ForwardWithBias:
                ConvolutionReference.Forward(descriptor, inputs[0], inputs[1], direction == Direction.Forward ? null : inputs[2], outputs[0], alpha, beta);
                break;
            case Direction.BackwardInput:
                ConvolutionReference.BackwardInput(descriptor, inputs[0], inputs[1], outputs[0], alpha, beta);
                break;
            case Direction.BackwardFilter:
                ConvolutionReference.BackwardFilter(descriptor, inputs[0], inputs[1], outputs[0], alpha, beta);
                break;
            default:
                ConvolutionReference.BackwardBias(descriptor, inputs[0], outputs[0], alpha, beta);
                break;
        }
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{descriptor} {direction} alpha {Alpha} beta {Beta}");

    private static ConvolutionDescriptor Describe(Draw draw)
    {
        while (true)
        {
            ConvolutionDescriptor d = Attempt(draw);
            if (d.Flops <= 2 * MostMultiplyAdds && d.InputShape.ElementCount < MostMultiplyAdds)
            {
                return d;
            }
        }
    }

    private static ConvolutionDescriptor Attempt(Draw draw)
    {
        int rank = draw.Pick(1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5);
        Boundary boundary = draw.Pick(Boundary.Zero, Boundary.Zero, Boundary.Circular, Boundary.Reflect, Boundary.Replicate);
        Geometry geometry = draw.Pick(Geometry.Valid, Geometry.Explicit, Geometry.Explicit, Geometry.SameUpper, Geometry.SameLower);
        long[] input = new long[rank], filter = new long[rank], stride = new long[rank], dilation = new long[rank], low = new long[rank], high = new long[rank];
        for (int a = 0; a < rank; a++)
        {
            int x = draw.Extent(rank switch { 1 => 70, 2 => 20, 3 => 9, 4 => 6, _ => 4 });
            int most = boundary switch { Boundary.Circular => (2 * x) + 1, Boundary.Reflect => x - 1, _ => 5 };
            int lo = 0, hi = 0;
            if (geometry == Geometry.Explicit)
            {
                int least = boundary == Boundary.Zero ? Math.Max(-2, -(x - 1) / 2) : 0;
                lo = draw.Int(least, Math.Min(most, 6));
                hi = draw.Chance(0.5) ? lo : draw.Int(least, Math.Min(most, 6));
            }

            int k = draw.Chance(0.1) ? x : draw.Int(1, rank switch { 1 => 11, 2 => 6, _ => 3 });
            int dil = draw.Pick(1, 1, 1, 2, 3);
            if (geometry is Geometry.SameUpper or Geometry.SameLower)
            {
                if (boundary == Boundary.Reflect)
                {
                    // The padding of 'same' is at most the extent: it stays below the input.
                    k = Math.Min(k, Math.Max(1, x / (dil + 1)));
                }
            }
            else
            {
                int n = x + lo + hi;
                k = Math.Min(k, ((n - 1) / dil) + 1);
            }

            (input[a], filter[a], stride[a], dilation[a], low[a], high[a]) = (x, k, draw.Pick(1, 1, 1, 2, 3, k + 2), dil, lo, hi);
        }

        int widest = rank == 1 ? 40 : 24;
        int groups = draw.Pick(1, 1, 1, 1, 2, 3, draw.Extent(widest));
        bool depthwise = groups > 3;
        int inGroup = depthwise && draw.Chance(0.8) ? 1 : draw.Extent(Math.Max(1, widest / groups)), outGroup = depthwise ? draw.Int(1, 3) : draw.Extent(Math.Max(1, widest / groups));
        long? problems = draw.Chance(0.3) ? draw.Int(0, 9) : null;
        int shared = problems is null ? 0 : draw.Pick(0, 0, 1, 2);
        ConvolutionDescriptor d = new()
        {
            Problems = problems, SharedInput = shared == 1, SharedFilter = shared == 2, Batch = draw.Chance(0.03) ? 0 : draw.Int(1, 4), InChannels = groups * inGroup, OutChannels = groups * outGroup,
            Groups = groups, Input = Shape.Create(input), Filter = Shape.Create(filter), Stride = Shape.Create(stride), Dilation = Shape.Create(dilation), Boundary = boundary,
            Geometry = geometry, PaddingLow = Shape.Create(low), PaddingHigh = Shape.Create(high), TrueConvolution = draw.Chance(0.2),
        };
        return d;
    }
}
