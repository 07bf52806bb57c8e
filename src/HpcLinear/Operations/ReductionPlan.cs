using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="ReductionPlan{T}"/>.</summary>
public static class ReductionPlan
{
    /// <summary>Prepares a reduction for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static ReductionPlan<T> Create<T>(Device device, ReductionDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        ReductionPlan<T> plan = device switch
        {
            CpuDevice cpu => new CpuReductionPlan<T>(cpu, descriptor),
            OpenClDevice openCl => new OpenClReductionPlan<T>(openCl, descriptor),
            _ => throw new NotSupportedException($"{device.Target} has no reduction"),
        };
        plan.Trace();
        return plan;
    }
}

/// <summary>A reduction prepared for one device.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public abstract class ReductionPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Shape resultShape;

    private protected ReductionPlan(Device device, ReductionDescriptor descriptor)
        : base(device, descriptor.ToString())
    {
        Descriptor = descriptor;
        resultShape = descriptor.ResultShape;
    }

    /// <summary>The problem.</summary>
    public ReductionDescriptor Descriptor { get; }

    /// <summary>Reduces one tensor.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="input">Shape <see cref="ReductionDescriptor.Shape"/>.</param>
    /// <param name="result">Shape <see cref="ReductionDescriptor.ResultShape"/>; may not overlap the input.</param>
    /// <exception cref="InvalidOperationException">The kind is <see cref="ReductionKind.Dot"/>, which takes two tensors.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <remarks>One pass over the input (two for the norm). The order of the sum depends on the shape alone.</remarks>
    public void Execute(CommandQueue queue, TensorView<T> input, TensorView<T> result)
    {
        if (Descriptor.Kind == ReductionKind.Dot)
        {
            throw new InvalidOperationException("reduce: an inner product takes two tensors: Execute(queue, left, right, result)");
        }

        Run(queue, input, input, result);
    }

    /// <summary>Reduces the products of two tensors' elements: their inner product.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="left">Shape <see cref="ReductionDescriptor.Shape"/>.</param>
    /// <param name="right">The same shape.</param>
    /// <param name="result">Shape <see cref="ReductionDescriptor.ResultShape"/>; may not overlap the operands.</param>
    /// <exception cref="InvalidOperationException">The kind is not <see cref="ReductionKind.Dot"/>.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    public void Execute(CommandQueue queue, TensorView<T> left, TensorView<T> right, TensorView<T> result)
    {
        if (Descriptor.Kind != ReductionKind.Dot)
        {
            throw new InvalidOperationException($"reduce: {Descriptor.Kind} takes one tensor: Execute(queue, input, result)");
        }

        Run(queue, left, right, result);
    }

    private protected abstract void ExecuteCore(CommandQueue queue, TensorView<T> left, TensorView<T> right, TensorView<T> result);

    private void Run(CommandQueue queue, TensorView<T> left, TensorView<T> right, TensorView<T> result)
    {
        CheckQueue(queue);
        CheckOperand("input", left, Descriptor.Shape);
        CheckOperand("input", right, Descriptor.Shape);
        CheckOperand(nameof(result), result, resultShape);
        Throw.IfOverlaps("reduce", result, left);
        Throw.IfOverlaps("reduce", result, right);
        if (resultShape.ElementCount > 0)
        {
            ExecuteCore(queue, left, right, result);
        }
    }
}
