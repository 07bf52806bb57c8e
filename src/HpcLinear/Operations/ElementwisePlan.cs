using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="ElementwisePlan{T}"/>.</summary>
public static class ElementwisePlan
{
    /// <summary>Prepares an elementwise operation for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static ElementwisePlan<T> Create<T>(Device device, ElementwiseDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        ElementwisePlan<T> plan = device switch
        {
            CpuDevice cpu => new CpuElementwisePlan<T>(cpu, descriptor),
            OpenClDevice openCl => new OpenClElementwisePlan<T>(openCl, descriptor),
            _ => throw new NotSupportedException($"{device.Target} has no elementwise operations"),
        };
        plan.Trace();
        return plan;
    }
}

/// <summary>An elementwise operation prepared for one device.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public abstract class ElementwisePlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected ElementwisePlan(Device device, ElementwiseDescriptor descriptor)
        : base(device, descriptor.ToString()) => Descriptor = descriptor;

    /// <summary>The problem.</summary>
    public ElementwiseDescriptor Descriptor { get; }

    /// <summary>Computes <c>out = alpha op(a) + beta out</c> for a function of one operand.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="a">Shape <see cref="ElementwiseDescriptor.Shape"/>.</param>
    /// <param name="output">The same shape. In place is allowed: the very window of an operand, not a shifted one.</param>
    /// <param name="alpha">Factor of the function.</param>
    /// <param name="beta">Factor of the old output; 0 overwrites.</param>
    /// <exception cref="InvalidOperationException">The function takes two operands.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <exception cref="ArgumentException">The output overlaps an operand at another offset.</exception>
    public void Execute(CommandQueue queue, TensorView<T> a, TensorView<T> output, double alpha = 1, double beta = 0)
    {
        if (Descriptor.IsBinary)
        {
            throw new InvalidOperationException($"elementwise: {Descriptor.Operation} takes two operands: Execute(queue, a, b, output)");
        }

        Run(queue, a, a, output, alpha, beta);
    }

    /// <summary>Computes <c>out = alpha op(a, b) + beta out</c> for a function of two operands.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="a">Shape <see cref="ElementwiseDescriptor.Shape"/>.</param>
    /// <param name="b">The same shape.</param>
    /// <param name="output">The same shape. In place is allowed: the very window of an operand, not a shifted one.</param>
    /// <param name="alpha">Factor of the function.</param>
    /// <param name="beta">Factor of the old output; 0 overwrites.</param>
    /// <exception cref="InvalidOperationException">The function takes one operand.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <exception cref="ArgumentException">The output overlaps an operand at another offset.</exception>
    public void Execute(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> output, double alpha = 1, double beta = 0)
    {
        if (!Descriptor.IsBinary)
        {
            throw new InvalidOperationException($"elementwise: {Descriptor.Operation} takes one operand: Execute(queue, a, output)");
        }

        Run(queue, a, b, output, alpha, beta);
    }

    private protected abstract void ExecuteCore(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> output, T alpha, T beta);

    private void Run(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> output, double alpha, double beta)
    {
        CheckQueue(queue);
        CheckOperand(nameof(a), a, Descriptor.Shape);
        CheckOperand(nameof(b), b, Descriptor.Shape);
        CheckOperand(nameof(output), output, Descriptor.Shape);
        if (output.Offset != a.Offset)
        {
            Throw.IfOverlaps("elementwise", output, a);
        }

        if (output.Offset != b.Offset)
        {
            Throw.IfOverlaps("elementwise", output, b);
        }

        if (Descriptor.Shape.ElementCount > 0)
        {
            ExecuteCore(queue, a, b, output, T.CreateTruncating(alpha), T.CreateTruncating(beta));
        }
    }
}
