using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed unsafe class CpuGemmPlan<T> : GemmPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CpuKernels<T> kernels;
    private readonly ProductShape shape;
    private readonly BlockedProduct.Cut cut;
    private readonly DenseOperand<T> left;
    private readonly DenseOperand<T> right;
    private readonly SmallProducts<T>? small;
    private readonly long workspaceBytes;

    public CpuGemmPlan(CpuDevice device, GemmDescriptor descriptor)
        : base(device, descriptor)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        shape = new(descriptor.ProblemCount, descriptor.Rows, descriptor.Columns, descriptor.Depth);
        left = new()
        {
            ProductStride = descriptor.EffectiveStrideA,
            LineStride = (nint)(descriptor.TransposeA ? 1 : descriptor.EffectiveLeadingA),
            DepthStride = (nint)(descriptor.TransposeA ? descriptor.EffectiveLeadingA : 1),
        };
        right = new()
        {
            ProductStride = descriptor.EffectiveStrideB,
            LineStride = (nint)(descriptor.TransposeB ? descriptor.EffectiveLeadingB : 1),
            DepthStride = (nint)(descriptor.TransposeB ? 1 : descriptor.EffectiveLeadingB),
        };
        cut = BlockedProduct.Divide(
            kernels,
            shape,
            device.Team.Size,
            !BlockedProduct.PacksRows<T>(left.DepthStride, true),
            !BlockedProduct.PacksColumns<T>(right.LineStride, right.DepthStride, true));
        small = SmallProducts<T>.Create(device, descriptor, out string notSmall);
        if (small is not null)
        {
            Choices = [new("gemm", "small-products", $"{device.Target} tile {small.TileText}", 0, descriptor.Flops, descriptor.Bytes(sizeof(T)), ["blocked-product: a call for each tile costs more than the tile"])];
            return;
        }

        workspaceBytes = cut.WorkerBytes * device.Team.Size;
        Choices = [new("gemm", "blocked-product", $"{device.Target} tile {kernels.TileText}", workspaceBytes, descriptor.Flops, descriptor.Bytes(sizeof(T)), descriptor.Problems is null ? [] : [$"small-products: {notSmall}"])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> c, T alpha, T beta)
    {
        GemmDescriptor d = Descriptor;
        CpuQueue cpu = (CpuQueue)queue;
        if (small is not null)
        {
            small.Run(cpu.Team, a.Pointer(), b.Pointer(), c.Pointer(), alpha, beta);
            return;
        }

        DenseOperand<T> left = this.left, right = this.right;
        left.Origin = a.Pointer();
        right.Origin = b.Pointer();
        DenseResult<T> result = new() { Origin = c.Pointer(), ProductStride = d.EffectiveStrideC, RowStride = (nint)d.EffectiveLeadingC, Beta = beta };
        BlockedProduct.Run(cpu, kernels, shape, cut, left, right, result, alpha, beta != T.Zero, cpu.Workspace(workspaceBytes));
    }
}
