using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

internal sealed class OpenClElementwisePlan<T> : ElementwisePlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly KernelEntry kernel;
    private readonly LaunchSize size;
    private readonly long count;

    public OpenClElementwisePlan(OpenClDevice device, ElementwiseDescriptor descriptor)
        : base(device, descriptor)
    {
        string name = descriptor.Operation switch
        {
            ElementwiseOperation.Copy => "copy",
            ElementwiseOperation.Negate => "negate",
            ElementwiseOperation.Magnitude => "magnitude",
            ElementwiseOperation.Square => "square",
            ElementwiseOperation.SquareRoot => "square_root",
            ElementwiseOperation.Reciprocal => "reciprocal",
            ElementwiseOperation.Add => "add",
            ElementwiseOperation.Subtract => "subtract",
            ElementwiseOperation.Multiply => "multiply",
            ElementwiseOperation.Divide => "divide",
            ElementwiseOperation.Minimum => "minimum",
            ElementwiseOperation.Maximum => "maximum",
            _ => throw new ArgumentOutOfRangeException(nameof(descriptor), descriptor.Operation, "operation: a defined elementwise operation expected"),
        };
        kernel = device.Program<T>("elementwise").Entry("elementwise_" + name);
        count = descriptor.Shape.ElementCount;
        size = device.Spread(device.IsGpuFamily ? count : (count + 1023) / 1024);
        double bytes = (double)Unsafe.SizeOf<T>() * count * (descriptor.IsBinary ? 3 : 2);
        Choices = [new("elementwise", "one pass", $"{kernel.Name} {size.Text(device)}", 0, count, bytes, [])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> output, T alpha, T beta) =>
        ((OpenClQueue)queue).Kernel(kernel).Long(count).Real(alpha).Real(beta).View(a).View(b).View(output).Launch(size);
}
