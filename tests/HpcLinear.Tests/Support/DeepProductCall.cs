using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

internal sealed class DeepProductCall(DeepProductDescriptor descriptor, bool gradients) : Call
{
    public override string Operation => "deep_product";

    public override bool KeepsInfinities => false;

    public override bool HasHoles => Enumerable.Range(0, descriptor.Depth).Any(l => descriptor.Filters[l].Zip(descriptor.Strides[l]).Any(a => a.First < a.Second));

    public override IReadOnlyList<Operand> Inputs { get; } = gradients ? [.. Layers("filters", descriptor), new("cotangent", descriptor.ComposedShape)] : [.. Layers("filters", descriptor)];

    public override IReadOnlyList<Operand> Outputs { get; } = gradients ? [.. Layers("gradients", descriptor)] : [new("composed", descriptor.ComposedShape)];

    public override double DepthOfSum => Enumerable.Range(0, descriptor.Depth).Sum(l => descriptor.Channels[l + 1] * descriptor.Filters[l].ElementCount) + (gradients ? descriptor.ComposedShape.ElementCount : 0);

    public override double Cost => (descriptor.Flops / 2) + descriptor.ComposedShape.ElementCount;

    public static Gen<DeepProductDescriptor> Descriptors { get; } = new DrawGen<DeepProductDescriptor>(Describe, d => d.Flops);

    public static Gen<Call> Random { get; } = Draws(draw => new DeepProductCall(Describe(draw), draw.Chance(0.5)));

    public static IEnumerable<Call> Large =>
        from gradients in new[] { false, true }
        from d in new DeepProductDescriptor[]
        {
            new() { Channels = [3, 12, 5, 9, 2], Filters = [[3, 2], [2, 3], [3, 3], [2, 2]], Strides = [[2, 1], [1, 2], [2, 2], [1, 1]] },
            new() { Problems = 133, Channels = [1, 1, 1, 1, 1], Filters = [[3], [1], [10], [2]], Strides = [[3], [1], [2], [1]] },
            new() { Problems = 70, Channels = [2, 1, 3, 1], Filters = [[2, 3, 1], [1, 9, 2], [2, 2, 2]], Strides = [[1, 2, 2], [2, 1, 1], [1, 1, 1]] },
            DeepProductDescriptor.FullyConnected([70, 30, 110, 5, 90, 41]),
            DeepProductDescriptor.FullyConnected([129, 257]),
            DeepProductDescriptor.FullyConnected([9, 17, 8, 13], 30),
            DeepProductDescriptor.FullyConnected([3, 2, 5, 4], 70),
            new() { Problems = 40, Channels = [1, 2, 2, 1], Filters = [[4], [3], [5]], Strides = [[2], [3], [1]] },
        }
        select new DeepProductCall(d, gradients);

    public override Plan Plan<T>(Device device) => DeepProductPlan.Create<T>(device, descriptor);

    public override void Execute<T>(Plan plan, CommandQueue queue, TensorView<T>[] inputs, TensorView<T>[] outputs)
    {
        if (gradients)
        {
            ((DeepProductPlan<T>)plan).JacobianTransposeProduct(queue, inputs.AsSpan(0, inputs.Length - 1), inputs[^1], outputs);
        }
        else
        {
            ((DeepProductPlan<T>)plan).Compose(queue, inputs, outputs[0]);
        }
    }

    /// <summary>One filter after the other; a gradient composes the layers before and those after, and takes the adjoint of both compositions.</summary>
    public override void Define(double[][] inputs, double[][] outputs, double alpha, double beta)
    {
        int depth = descriptor.Depth;
        if (!gradients)
        {
            Part(inputs, 0, depth).CopyTo(outputs[0], 0);
            return;
        }

        for (int l = 0; l < depth; l++)
        {
            double[] gradient = inputs[^1];
            if (l < depth - 1)
            {
                FilterCompositionDescriptor last = Join(0, l + 1, depth);
                double[] inner = new double[last.FirstShape.ElementCount];
                FilterCompositionReference.BackwardFirst(last, gradient, Part(inputs, l + 1, depth), inner);
                gradient = inner;
            }

            if (l > 0)
            {
                FilterCompositionDescriptor first = Join(0, l, l + 1);
                FilterCompositionReference.BackwardSecond(first, gradient, Part(inputs, 0, l), outputs[l]);
            }
            else
            {
                gradient.CopyTo(outputs[l], 0);
            }
        }
    }

    public override string ToString() => $"{descriptor} {(gradients ? "gradients" : "compose")}";

    private static IEnumerable<Operand> Layers(string name, DeepProductDescriptor descriptor) => Enumerable.Range(0, descriptor.Depth).Select(l => new Operand(name, descriptor.FilterShape(l)));

    private static DeepProductDescriptor Describe(Draw draw)
    {
        while (true)
        {
            int depth = draw.Int(1, 5), rank = draw.Pick(0, 0, 1, 1, 2, 2, 3);
            DeepProductDescriptor d = new()
            {
                Problems = draw.Chance(0.6) ? draw.Int(0, draw.Pick(4, 40)) : null, Channels = Shape.Create([.. Enumerable.Range(0, depth + 1).Select(_ => (long)(rank == 0 ? draw.Extent(24) : draw.Int(1, 5)))]),
                Filters = [.. Enumerable.Range(0, depth).Select(_ => Axes(rank, 3))], Strides = [.. Enumerable.Range(0, depth).Select(_ => Axes(rank, 2))],
            };
            if (d.Flops < 100_000 && d.ComposedShape.ElementCount < 20_000)
            {
                return d;
            }
        }

        Shape Axes(int rank, int most) => Shape.Create([.. Enumerable.Range(0, rank).Select(_ => (long)draw.Int(1, most))]);
    }

    /// <summary>Layers from … to - 1 as one filter.</summary>
    private double[] Part(double[][] filters, int from, int to)
    {
        double[] filter = filters[from];
        for (int l = from + 1; l < to; l++)
        {
            FilterCompositionDescriptor join = Join(from, l, l + 1);
            double[] next = new double[join.ComposedShape.ElementCount];
            FilterCompositionReference.Compose(join, filter, filters[l], next);
            filter = next;
        }

        return filter;
    }

    private FilterCompositionDescriptor Join(int from, int split, int to)
    {
        (Shape first, Shape stride) = Sizes(from, split);
        return new()
        {
            Problems = descriptor.Problems, InChannels = descriptor.Channels[from], InnerChannels = descriptor.Channels[split], OutChannels = descriptor.Channels[to],
            First = first, Second = Sizes(split, to).Extent, Stride = stride,
        };
    }

    /// <summary>Matrices are filters of one tap. Extent <c>1 + sum over l of (k_l - 1) prod over j &lt; l of s_j</c> and stride of layers from … to - 1.</summary>
    private (Shape Extent, Shape Stride) Sizes(int from, int to)
    {
        int rank = descriptor.Filters[0].Rank;
        long[] extent = [.. Shape.Uniform(Math.Max(rank, 1), 1)], stride = [.. extent];
        for (int l = from; l < to; l++)
        {
            for (int a = 0; a < rank; a++)
            {
                extent[a] += (descriptor.Filters[l][a] - 1) * stride[a];
                stride[a] *= descriptor.Strides[l][a];
            }
        }

        return (Shape.Create(extent), Shape.Create(stride));
    }
}
