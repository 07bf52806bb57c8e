using System.Numerics;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>An element of K a work-item of GPUs, a line of CPUs.</summary>
internal sealed class OpenClKroneckerSum<T> : KroneckerSum<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly KernelEntry entry;
    private readonly LaunchSize size;

    public OpenClKroneckerSum(OpenClDevice device, DeepProductDescriptor descriptor)
        : base(descriptor)
    {
        entry = device.Program<T>("deep_product").Entry("kronecker_sum");
        size = device.Spread(Problems * Outputs * Inputs * Outputs * (device.IsGpuFamily ? Inputs : 1));
        Kernel = $"{entry.Name} {size.Text(device)}";
    }

    public override string Kernel { get; }

    public override long WorkspaceBytes => 0;

    public override void Execute(CommandQueue queue, TensorView<T> left, TensorView<T> right, TensorView<T> kernel) =>
        ((OpenClQueue)queue).Kernel(entry).Int(Layers).Long(Problems).Long(Outputs).Long(Inputs).View(left).View(right).View(kernel).Launch(size);
}
