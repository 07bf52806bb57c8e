using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed class CpuElementwisePlan<T> : ElementwisePlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public CpuElementwisePlan(CpuDevice device, ElementwiseDescriptor descriptor)
        : base(device, descriptor)
    {
    }

    public override IReadOnlyList<KernelChoice> Choices => [];

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> output, T alpha, T beta) => throw new NotSupportedException();
}
