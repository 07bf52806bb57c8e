using System.Numerics;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

internal sealed class OpenClSelfCorrelationPlan<T> : SelfCorrelationPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public OpenClSelfCorrelationPlan(OpenClDevice device, SelfCorrelationDescriptor descriptor)
        : base(device, descriptor)
    {
    }

    public override IReadOnlyList<KernelChoice> Choices => [];

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> filter, TensorView<T> result) => throw new NotSupportedException();
}
