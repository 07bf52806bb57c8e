using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="SelfCorrelationPlan{T}"/>.</summary>
public static class SelfCorrelationPlan
{
    /// <summary>Prepares the self-correlation of a filter bank for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static SelfCorrelationPlan<T> Create<T>(Device device, SelfCorrelationDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        SelfCorrelationPlan<T> plan = device switch
        {
            CpuDevice cpu => new CpuSelfCorrelationPlan<T>(cpu, descriptor),
            OpenClDevice openCl => new OpenClSelfCorrelationPlan<T>(openCl, descriptor),
            _ => throw new NotSupportedException($"{device.Target} has no self-correlation"),
        };
        plan.Trace();
        return plan;
    }
}

/// <summary>The self-correlation of a filter bank, prepared for one device.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public abstract class SelfCorrelationPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Shape filterShape;
    private readonly Shape resultShape;

    private protected SelfCorrelationPlan(Device device, SelfCorrelationDescriptor descriptor)
        : base(device, descriptor.ToString())
    {
        Descriptor = descriptor;
        filterShape = descriptor.FilterShape;
        resultShape = descriptor.ResultShape;
    }

    /// <summary>The problem.</summary>
    public SelfCorrelationDescriptor Descriptor { get; }

    /// <summary>Computes R.</summary>
    /// <param name="queue">Orders the work; scratch memory is its own.</param>
    /// <param name="filter">w, shape <see cref="SelfCorrelationDescriptor.FilterShape"/>.</param>
    /// <param name="result">R, shape <see cref="SelfCorrelationDescriptor.ResultShape"/>; may not overlap w.</param>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <exception cref="ArgumentException">A tensor of another device, or an output that overlaps the input.</exception>
    /// <remarks><see cref="SelfCorrelationDescriptor.Flops"/> flops: half of the lags, overlapping taps only.</remarks>
    public void Execute(CommandQueue queue, TensorView<T> filter, TensorView<T> result)
    {
        CheckQueue(queue);
        CheckOperand(nameof(filter), filter, filterShape);
        CheckOperand(nameof(result), result, resultShape);
        Throw.IfOverlaps("self_correlation", result, filter);
        if (resultShape.ElementCount > 0)
        {
            ExecuteCore(queue, filter, result);
        }
    }

    private protected abstract void ExecuteCore(CommandQueue queue, TensorView<T> filter, TensorView<T> result);
}
