using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

internal sealed class OpenClActivationPlan<T> : ActivationPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly KernelEntry kernel;
    private readonly LaunchSize size;

    public OpenClActivationPlan(OpenClDevice device, ActivationDescriptor descriptor)
        : base(device, descriptor)
    {
        kernel = device.Program<T>("activation").Entry("activation");
        long count = descriptor.Shape.ElementCount;
        size = device.Spread(device.IsGpuFamily ? count : (count + 1023) / 1024);
        Choices = [new("activation", "one pass", $"{kernel.Name} {size.Text(device)}", 0, 2.0 * count, 3.0 * count * Unsafe.SizeOf<T>(), [])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> input, TensorView<T> value, TensorView<T> derivative) =>
        ((OpenClQueue)queue).Kernel(kernel).Long(input.Shape.ElementCount).Int((int)Descriptor.Activation).View(input).View(value).View(derivative).Launch(size);
}
