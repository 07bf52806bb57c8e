using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="RandomFillPlan{T}"/>.</summary>
public static class RandomFillPlan
{
    /// <summary>Prepares a random fill for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static RandomFillPlan<T> Create<T>(Device device, RandomFillDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        RandomFillPlan<T> plan = device switch
        {
            CpuDevice cpu => new CpuRandomFillPlan<T>(cpu, descriptor),
            OpenClDevice openCl => new OpenClRandomFillPlan<T>(openCl, descriptor),
            _ => throw new NotSupportedException($"{device.Target} has no random fill"),
        };
        plan.Trace();
        return plan;
    }
}

/// <summary>A random fill prepared for one device.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public abstract class RandomFillPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected RandomFillPlan(Device device, RandomFillDescriptor descriptor)
        : base(device, descriptor.ToString()) => Descriptor = descriptor;

    /// <summary>The problem.</summary>
    public RandomFillDescriptor Descriptor { get; }

    /// <summary>Fills a tensor.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="output">Shape <see cref="RandomFillDescriptor.Shape"/>.</param>
    /// <param name="seed">The stream; equal seeds give equal elements.</param>
    /// <param name="scale">Factor, e.g. the standard deviation.</param>
    /// <param name="shift">Addend, e.g. the mean.</param>
    /// <exception cref="ShapeException">The shape differs from the descriptor's.</exception>
    public void Execute(CommandQueue queue, TensorView<T> output, ulong seed, double scale = 1, double shift = 0)
    {
        CheckQueue(queue);
        CheckOperand(nameof(output), output, Descriptor.Shape);
        if (Descriptor.Shape.ElementCount > 0)
        {
            ExecuteCore(queue, output, seed, T.CreateTruncating(scale), T.CreateTruncating(shift));
        }
    }

    private protected abstract void ExecuteCore(CommandQueue queue, TensorView<T> output, ulong seed, T scale, T shift);
}
