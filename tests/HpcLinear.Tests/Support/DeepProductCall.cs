using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

internal enum DeepProductOperation
{
    Compose,
    JacobianProduct,
    JacobianTransposeProduct,
    KernelProduct,
    HessianProduct,
}

internal sealed class DeepProductCall(DeepProductDescriptor descriptor, DeepProductOperation operation) : Call
{
    private static readonly DeepProductOperation[] Operations = Enum.GetValues<DeepProductOperation>();

    private readonly DeepProductDefinition definition = new(descriptor);

    public override string Operation => "deep_product";

    public override bool KeepsInfinities => false;

    public override bool HasHoles => Enumerable.Range(0, descriptor.Depth).Any(l => descriptor.Filters[l].Zip(descriptor.Strides[l]).Any(a => a.First < a.Second));

    public override IReadOnlyList<Operand> Inputs { get; } =
    [
        .. Layers("filters", descriptor),
        .. operation is DeepProductOperation.JacobianProduct or DeepProductOperation.HessianProduct ? Layers("directions", descriptor) : [],
        .. operation is DeepProductOperation.JacobianTransposeProduct or DeepProductOperation.KernelProduct ? [new Operand("cotangent", descriptor.ComposedShape)] : Array.Empty<Operand>(),
        .. operation is DeepProductOperation.HessianProduct ? [new("mapGradient", descriptor.ComposedShape), new Operand("mapGradientDirection", descriptor.ComposedShape)] : Array.Empty<Operand>(),
    ];

    public override IReadOnlyList<Operand> Outputs { get; } = operation switch
    {
        DeepProductOperation.Compose => [new("composed", descriptor.ComposedShape)],
        DeepProductOperation.JacobianTransposeProduct => [.. Layers("gradients", descriptor)],
        DeepProductOperation.HessianProduct => [.. Layers("result", descriptor)],
        _ => [new("result", descriptor.ComposedShape)],
    };

    public override double DepthOfSum => ((operation is DeepProductOperation.KernelProduct or DeepProductOperation.HessianProduct ? 2 : 1) * definition.Terms)
        + (operation is DeepProductOperation.Compose ? 0 : descriptor.Depth + descriptor.ComposedShape.ElementCount);

    public override double Cost => (descriptor.Flops / 2) + descriptor.ComposedShape.ElementCount;

    public static Gen<DeepProductDescriptor> Descriptors { get; } = new DrawGen<DeepProductDescriptor>(Describe, d => d.Flops);

    public static Gen<Call> Random { get; } = Draws(draw => new DeepProductCall(Describe(draw), draw.Pick(Operations)));

    public static IEnumerable<Call> Large =>
        from operation in Operations
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
        select new DeepProductCall(d, operation);

    public override Plan Plan<T>(Device device) => DeepProductPlan.Create<T>(device, descriptor);

    public override void Execute<T>(Plan plan, CommandQueue queue, TensorView<T>[] inputs, TensorView<T>[] outputs)
    {
        DeepProductPlan<T> product = (DeepProductPlan<T>)plan;
        int depth = descriptor.Depth;
        ReadOnlySpan<TensorView<T>> layers = inputs.AsSpan(0, depth);
        switch (operation)
        {
            case DeepProductOperation.Compose:
                product.Compose(queue, layers, outputs[0]);
                break;
            case DeepProductOperation.JacobianProduct:
                product.JacobianProduct(queue, layers, inputs.AsSpan(depth), outputs[0]);
                break;
            case DeepProductOperation.JacobianTransposeProduct:
                product.JacobianTransposeProduct(queue, layers, inputs[depth], outputs);
                break;
            case DeepProductOperation.KernelProduct:
                product.KernelProduct(queue, layers, inputs[depth], outputs[0]);
                break;
            default:
                product.HessianProduct(queue, layers, inputs.AsSpan(depth, depth), inputs[^2], inputs[^1], outputs);
                break;
        }
    }

    public override void Define(double[][] inputs, double[][] outputs, double alpha, double beta)
    {
        int depth = descriptor.Depth;
        double[][] layers = inputs[..depth];
        double[][] results = operation switch
        {
            DeepProductOperation.Compose => [definition.Compose(layers)],
            DeepProductOperation.JacobianProduct => [definition.JacobianProduct(layers, inputs[depth..])],
            DeepProductOperation.JacobianTransposeProduct => definition.Gradients(layers, inputs[depth]),
            DeepProductOperation.KernelProduct => [definition.JacobianProduct(layers, definition.Gradients(layers, inputs[depth]))],
            _ => definition.HessianProduct(layers, inputs[depth..(2 * depth)], inputs[^2], inputs[^1]),
        };
        for (int i = 0; i < results.Length; i++)
        {
            results[i].CopyTo(outputs[i], 0);
        }
    }

    public override string ToString() => $"{descriptor} {operation}";

    private static IEnumerable<Operand> Layers(string name, DeepProductDescriptor descriptor) => Enumerable.Range(0, descriptor.Depth).Select(l => new Operand(name, descriptor.FilterShape(l)));

    public static DeepProductDescriptor Describe(Draw draw)
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
}
