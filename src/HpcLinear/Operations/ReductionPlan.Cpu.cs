using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed class CpuReductionPlan<T> : ReductionPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public CpuReductionPlan(CpuDevice device, ReductionDescriptor descriptor)
        : base(device, descriptor)
    {
    }

    public override IReadOnlyList<KernelChoice> Choices => [];

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> left, TensorView<T> right, TensorView<T> result) => throw new NotSupportedException();
}
