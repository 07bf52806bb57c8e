using System.Numerics;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

internal sealed class OpenClRandomFillPlan<T> : RandomFillPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public OpenClRandomFillPlan(OpenClDevice device, RandomFillDescriptor descriptor)
        : base(device, descriptor)
    {
    }

    public override IReadOnlyList<KernelChoice> Choices => [];

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> output, ulong seed, T scale, T shift) => throw new NotSupportedException();
}
