using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

internal sealed class OpenClRandomFillPlan<T> : RandomFillPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly KernelEntry kernel;
    private readonly LaunchSize size;
    private readonly long count;

    public OpenClRandomFillPlan(OpenClDevice device, RandomFillDescriptor descriptor)
        : base(device, descriptor)
    {
        kernel = device.Program<T>("random").Entry(descriptor.Distribution == RandomDistribution.Uniform ? "random_uniform" : "random_normal");
        count = descriptor.Shape.ElementCount;
        size = device.Spread((count + 1) / 2);
        Choices = [new("random", "Philox 4x32-10, one block an item", $"{kernel.Name} {size.Text(device)}", 0, count, (double)Unsafe.SizeOf<T>() * count, [])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> output, ulong seed, T scale, T shift) =>
        ((OpenClQueue)queue).Kernel(kernel).Long(count).Word(seed).Real(scale).Real(shift).View(output).Launch(size);
}
