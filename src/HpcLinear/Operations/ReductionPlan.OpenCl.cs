using System.Numerics;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

internal sealed class OpenClReductionPlan<T> : ReductionPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public OpenClReductionPlan(OpenClDevice device, ReductionDescriptor descriptor)
        : base(device, descriptor)
    {
    }

    public override IReadOnlyList<KernelChoice> Choices => [];

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> left, TensorView<T> right, TensorView<T> result) => throw new NotSupportedException();
}
