using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

internal sealed class OpenClOptimizerPlan<T> : OptimizerPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly KernelEntry kernel;
    private readonly LaunchSize size;
    private readonly long count;

    public OpenClOptimizerPlan(OpenClDevice device, OptimizerDescriptor descriptor)
        : base(device, descriptor)
    {
        kernel = device.Program<T>("optimizer").Entry(descriptor.Moments switch { 0 => "optimizer_descend", 1 => "optimizer_momentum", _ => "optimizer_adam" });
        count = descriptor.Shape.ElementCount;
        size = device.Spread(device.IsGpuFamily ? count : (count + 1023) / 1024);
        double bytes = (3 + (2 * descriptor.Moments)) * (double)count * Unsafe.SizeOf<T>();
        Choices = [new("optimizer", "one pass", $"{kernel.Name} {size.Text(device)}", 0, descriptor.Flops, bytes, [])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(
        CommandQueue queue,
        TensorView<T> gradient,
        TensorView<T> parameters,
        TensorView<T> first,
        TensorView<T> second,
        OptimizerFactors<T> factors)
    {
        OpenClKernel call = ((OpenClQueue)queue).Kernel(kernel).Long(count).View(gradient).View(parameters).Real(factors.Rate);
        switch (Descriptor.Moments)
        {
            case 0:
                call.Launch(size);
                break;
            case 1:
                call.View(first).Real(factors.Decay).Launch(size);
                break;
            default:
                call.View(first).View(second).Real(factors.Decay).Real(factors.Gain).Real(factors.SecondDecay).Real(factors.SecondGain)
                    .Real(factors.Correction).Real(factors.Epsilon).Launch(size);
                break;
        }
    }
}
