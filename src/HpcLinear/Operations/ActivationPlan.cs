using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="ActivationPlan{T}"/>.</summary>
public static class ActivationPlan
{
    /// <summary>Prepares an activation for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static ActivationPlan<T> Create<T>(Device device, ActivationDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        ActivationPlan<T> plan = device switch
        {
            CpuDevice cpu => new CpuActivationPlan<T>(cpu, descriptor),
            OpenClDevice openCl => new OpenClActivationPlan<T>(openCl, descriptor),
            _ => throw new NotSupportedException($"{device.Target} has no activations"),
        };
        plan.Trace();
        return plan;
    }
}

/// <summary>An activation prepared for one device.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public abstract class ActivationPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected ActivationPlan(Device device, ActivationDescriptor descriptor)
        : base(device, descriptor.ToString()) => Descriptor = descriptor;

    /// <summary>The problem.</summary>
    public ActivationDescriptor Descriptor { get; }

    /// <summary>Computes φ(z) and φ'(z).</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="input">z, shape <see cref="ActivationDescriptor.Shape"/>.</param>
    /// <param name="value">φ(z); may be the input.</param>
    /// <param name="derivative">φ'(z); may not overlap the others.</param>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    public void Execute(CommandQueue queue, TensorView<T> input, TensorView<T> value, TensorView<T> derivative)
    {
        CheckQueue(queue);
        CheckOperand(nameof(input), input, Descriptor.Shape);
        CheckOperand(nameof(value), value, Descriptor.Shape);
        CheckOperand(nameof(derivative), derivative, Descriptor.Shape);
        if (value != input)
        {
            Throw.IfOverlaps("activation", value, input);
        }

        Throw.IfOverlapsAny("activation", derivative, [input, value]);
        if (Descriptor.Shape.ElementCount > 0)
        {
            ExecuteCore(queue, input, value, derivative);
        }
    }

    private protected abstract void ExecuteCore(CommandQueue queue, TensorView<T> input, TensorView<T> value, TensorView<T> derivative);
}
