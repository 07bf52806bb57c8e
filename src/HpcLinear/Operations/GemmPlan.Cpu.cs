using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed unsafe class CpuGemmPlan<T> : GemmPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CpuKernels<T> kernels;
    private readonly ProductShape shape;
    private readonly long workspaceBytes;

    public CpuGemmPlan(CpuDevice device, GemmDescriptor descriptor)
        : base(device, descriptor)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        shape = new(descriptor.ProblemCount, descriptor.Rows, descriptor.Columns, descriptor.Depth);
        workspaceBytes = BlockedProduct.WorkspaceBytes(kernels, shape, device.Team.Size);
        Choices = [new("gemm", "blocked-product", $"{device.Target} tile {kernels.TileText}", workspaceBytes, descriptor.Flops, descriptor.Bytes(sizeof(T)), [])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> c, T alpha, T beta)
    {
        GemmDescriptor d = Descriptor;
        CpuQueue cpu = (CpuQueue)queue;
        DenseOperand<T> left = new()
        {
            Origin = a.Pointer(),
            ProductStride = d.EffectiveStrideA,
            LineStride = (nint)(d.TransposeA ? 1 : d.EffectiveLeadingA),
            DepthStride = (nint)(d.TransposeA ? d.EffectiveLeadingA : 1),
        };
        DenseOperand<T> right = new()
        {
            Origin = b.Pointer(),
            ProductStride = d.EffectiveStrideB,
            LineStride = (nint)(d.TransposeB ? d.EffectiveLeadingB : 1),
            DepthStride = (nint)(d.TransposeB ? 1 : d.EffectiveLeadingB),
        };
        DenseResult<T> result = new() { Origin = c.Pointer(), ProductStride = d.EffectiveStrideC, RowStride = (nint)d.EffectiveLeadingC, Beta = beta };
        BlockedProduct.Run(cpu, kernels, shape, left, right, result, alpha, beta != T.Zero, cpu.Workspace(workspaceBytes));
    }
}
