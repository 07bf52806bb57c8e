using System.Numerics;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

internal sealed class OpenClElementwisePlan<T> : ElementwisePlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public OpenClElementwisePlan(OpenClDevice device, ElementwiseDescriptor descriptor)
        : base(device, descriptor)
    {
    }

    public override IReadOnlyList<KernelChoice> Choices => [];

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> output, T alpha, T beta) => throw new NotSupportedException();
}
