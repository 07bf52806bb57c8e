using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary><c>K[p,(i,j),(k,m)] = sum over l of left[l,p,i,k] right[l,p,j,m]</c>, l in order.</summary>
internal abstract class KroneckerSum<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected KroneckerSum(DeepProductDescriptor descriptor) =>
        (Layers, Problems, Outputs, Inputs) = (descriptor.Depth, descriptor.Problems ?? 1, descriptor.Channels[^1], descriptor.Channels[0]);

    public abstract string Kernel { get; }

    public abstract long WorkspaceBytes { get; }

    private protected int Layers { get; }

    private protected long Problems { get; }

    private protected long Outputs { get; }

    private protected long Inputs { get; }

    public static KroneckerSum<T> Create(Device device, DeepProductDescriptor descriptor) => device switch
    {
        CpuDevice cpu => new CpuKroneckerSum<T>(cpu, descriptor),
        OpenClDevice openCl => new OpenClKroneckerSum<T>(openCl, descriptor),
        _ => throw new NotSupportedException($"{device.Target} has no deep products"),
    };

    public abstract void Execute(CommandQueue queue, TensorView<T> left, TensorView<T> right, TensorView<T> kernel);
}
