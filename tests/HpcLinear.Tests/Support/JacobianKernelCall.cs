using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

internal sealed class JacobianKernelCall(DeepProductDescriptor descriptor) : Call
{
    private readonly DeepProductDefinition definition = new(descriptor);

    public override string Operation => "deep_product";

    public override bool KeepsInfinities => false;

    /// <summary>Rows of the Jacobian have zeros, which a product of them may or may not multiply by NaN.</summary>
    public override bool HasHoles => true;

    public override IReadOnlyList<Operand> Inputs { get; } = [.. Enumerable.Range(0, descriptor.Depth).Select(l => new Operand("filters", descriptor.FilterShape(l)))];

    public override IReadOnlyList<Operand> Outputs { get; } = [new("kernel", descriptor.KernelShape)];

    public override double DepthOfSum => (2 * definition.Terms) + Enumerable.Range(0, descriptor.Depth).Sum(l => (descriptor with { Problems = null }).FilterShape(l).ElementCount);

    public override double Cost => (descriptor.Flops / 2) + descriptor.KernelShape.ElementCount;

    public static Gen<Call> Random { get; } = Draws(draw =>
    {
        while (true)
        {
            DeepProductDescriptor d = DeepProductCall.Describe(draw);
            if (d.KernelShape.ElementCount < 3_000 && d.Flops * d.KernelShape[^1] < 50_000)
            {
                return new JacobianKernelCall(d);
            }
        }
    });

    public static IEnumerable<Call> Large =>
        from d in new DeepProductDescriptor[]
        {
            DeepProductDescriptor.FullyConnected([16, 3, 5, 9]),
            DeepProductDescriptor.FullyConnected([19, 2, 3], 3),
            DeepProductDescriptor.FullyConnected([3, 2, 5, 4], 10),
            DeepProductDescriptor.FullyConnected([5, 4]),
            new() { Channels = [2, 3, 2, 2], Filters = [[3, 2], [2, 3], [1, 2]], Strides = [[2, 1], [1, 2], [2, 2]] },
            new() { Problems = 20, Channels = [1, 1, 1, 1], Filters = [[3], [1], [4]], Strides = [[4], [1], [2]] },
            new() { Channels = [1, 40, 1], Filters = [[3], [2]], Strides = [[1], [1]] },
            new() { Problems = 2, Channels = [3, 2], Filters = [[2, 2, 3]], Strides = [[1, 2, 1]] },
        }
        select new JacobianKernelCall(d);

    public override Plan Plan<T>(Device device) => JacobianKernelPlan.Create<T>(device, descriptor);

    public override void Execute<T>(Plan plan, CommandQueue queue, TensorView<T>[] inputs, TensorView<T>[] outputs) => ((JacobianKernelPlan<T>)plan).Execute(queue, inputs, outputs[0]);

    public override void Define(double[][] inputs, double[][] outputs, double alpha, double beta) => definition.Kernel(inputs).CopyTo(outputs[0], 0);

    public override string ToString() => $"{descriptor} kernel";
}
