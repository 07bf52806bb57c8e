using System.Numerics;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

internal sealed class OpenClGemmPlan<T> : GemmPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public OpenClGemmPlan(OpenClDevice device, GemmDescriptor descriptor)
        : base(device, descriptor)
    {
    }

    public override IReadOnlyList<KernelChoice> Choices => [];

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> c, T alpha, T beta) => throw new NotSupportedException();
}
