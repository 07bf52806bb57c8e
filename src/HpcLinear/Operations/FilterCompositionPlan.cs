using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="FilterCompositionPlan{T}"/>.</summary>
public static class FilterCompositionPlan
{
    /// <summary>Prepares filter composition for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static FilterCompositionPlan<T> Create<T>(Device device, FilterCompositionDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        FilterCompositionPlan<T> plan = new(device, descriptor);
        plan.Trace();
        return plan;
    }
}

/// <summary>Filter composition and its gradients, prepared for one device: the three directions of one convolution.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public sealed class FilterCompositionPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ConvolutionPlan<T> convolution;
    private readonly FusedDeepProduct<T>? fused;
    private readonly Shape firstShape;
    private readonly Shape secondShape;
    private readonly Shape composedShape;

    internal FilterCompositionPlan(Device device, FilterCompositionDescriptor descriptor)
        : base(device, descriptor.ToString())
    {
        Descriptor = descriptor;
        firstShape = descriptor.FirstShape;
        secondShape = descriptor.SecondShape;
        composedShape = descriptor.ComposedShape;
        convolution = ConvolutionPlan.Create<T>(device, descriptor.AsConvolution());
        fused = FusedDeepProduct<T>.Create(device, descriptor.AsChain(), out _);
        Choices =
        [
            .. convolution.Choices.Take(3).Select(c => c.Operation switch
            {
                "forward" => c with { Operation = "backward-second" },
                "backward-input" when fused is not null => c with
                {
                    Operation = "compose", Algorithm = "fused", Kernel = fused.Kernel, WorkspaceBytes = Math.Max(c.WorkspaceBytes, fused.WorkspaceBytes), Rejected = [$"{c.Algorithm}: works through tables, which many small filters do not need"],
                },
                "backward-input" => c with { Operation = "compose" },
                _ => c with { Operation = "backward-first" },
            }),
        ];
    }

    /// <summary>The problem.</summary>
    public FilterCompositionDescriptor Descriptor { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<KernelChoice> Choices { get; }

    /// <summary>Computes R from A and B.</summary>
    /// <param name="queue">Orders the work; scratch memory is its own.</param>
    /// <param name="first">A, shape <see cref="FilterCompositionDescriptor.FirstShape"/>.</param>
    /// <param name="second">B, shape <see cref="FilterCompositionDescriptor.SecondShape"/>.</param>
    /// <param name="composed">R, shape <see cref="FilterCompositionDescriptor.ComposedShape"/>; may not overlap the others.</param>
    /// <param name="beta">Factor of the old elements; 0 overwrites them without reading them.</param>
    /// <exception cref="ArgumentException">A shape differs from the descriptor's, or an overlap.</exception>
    public void Compose(CommandQueue queue, TensorView<T> first, TensorView<T> second, TensorView<T> composed, double beta = 0)
    {
        CheckQueue(queue);
        CheckOperand(nameof(first), first, firstShape);
        CheckOperand(nameof(second), second, secondShape);
        CheckOperand(nameof(composed), composed, composedShape);
        Throw.IfOverlaps("compose", composed, first);
        Throw.IfOverlaps("compose", composed, second);
        if (fused is not null && beta == 0)
        {
            fused.Compose(queue, [first, second], composed);
            return;
        }

        convolution.BackwardInput(queue, second, first, composed, 1, beta);
    }

    /// <summary>Computes the gradient of <c>&lt;G, R&gt;</c> with respect to A.</summary>
    /// <param name="queue">Orders the work; scratch memory is its own.</param>
    /// <param name="composedGradient">G, shape <see cref="FilterCompositionDescriptor.ComposedShape"/>.</param>
    /// <param name="second">B, shape <see cref="FilterCompositionDescriptor.SecondShape"/>.</param>
    /// <param name="firstGradient">Shape <see cref="FilterCompositionDescriptor.FirstShape"/>; may not overlap the others.</param>
    /// <param name="beta">Factor of the old elements; 0 overwrites them without reading them.</param>
    /// <exception cref="ArgumentException">A shape differs from the descriptor's, or an overlap.</exception>
    public void BackwardFirst(CommandQueue queue, TensorView<T> composedGradient, TensorView<T> second, TensorView<T> firstGradient, double beta = 0)
    {
        CheckQueue(queue);
        CheckOperand(nameof(composedGradient), composedGradient, composedShape);
        CheckOperand(nameof(second), second, secondShape);
        CheckOperand(nameof(firstGradient), firstGradient, firstShape);
        Throw.IfOverlaps("compose", firstGradient, composedGradient);
        Throw.IfOverlaps("compose", firstGradient, second);
        convolution.BackwardFilter(queue, composedGradient, second, firstGradient, 1, beta);
    }

    /// <summary>Computes the gradient of <c>&lt;G, R&gt;</c> with respect to B.</summary>
    /// <param name="queue">Orders the work; scratch memory is its own.</param>
    /// <param name="composedGradient">G, shape <see cref="FilterCompositionDescriptor.ComposedShape"/>.</param>
    /// <param name="first">A, shape <see cref="FilterCompositionDescriptor.FirstShape"/>.</param>
    /// <param name="secondGradient">Shape <see cref="FilterCompositionDescriptor.SecondShape"/>; may not overlap the others.</param>
    /// <param name="beta">Factor of the old elements; 0 overwrites them without reading them.</param>
    /// <exception cref="ArgumentException">A shape differs from the descriptor's, or an overlap.</exception>
    public void BackwardSecond(CommandQueue queue, TensorView<T> composedGradient, TensorView<T> first, TensorView<T> secondGradient, double beta = 0)
    {
        CheckQueue(queue);
        CheckOperand(nameof(composedGradient), composedGradient, composedShape);
        CheckOperand(nameof(first), first, firstShape);
        CheckOperand(nameof(secondGradient), secondGradient, secondShape);
        Throw.IfOverlaps("compose", secondGradient, composedGradient);
        Throw.IfOverlaps("compose", secondGradient, first);
        convolution.Forward(queue, composedGradient, first, secondGradient, default, 1, beta);
    }

    private protected override void DisposeCore()
    {
        convolution.Dispose();
        fused?.Dispose();
    }
}
