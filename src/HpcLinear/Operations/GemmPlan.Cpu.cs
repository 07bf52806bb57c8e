using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed class CpuGemmPlan<T> : GemmPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public CpuGemmPlan(CpuDevice device, GemmDescriptor descriptor)
        : base(device, descriptor)
    {
    }

    public override IReadOnlyList<KernelChoice> Choices => [];

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> c, T alpha, T beta) => throw new NotSupportedException();
}
