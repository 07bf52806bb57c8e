using System.Numerics;
using System.Runtime.CompilerServices;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="DeepProductPlan{T}"/>.</summary>
public static class DeepProductPlan
{
    /// <summary>Prepares a deep product for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static DeepProductPlan<T> Create<T>(Device device, DeepProductDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        DeepProductPlan<T> plan = new(device, descriptor);
        plan.Trace();
        return plan;
    }
}

/// <summary>The end-to-end map of a deep linear network, composed in the cheapest order, and its Jacobian, prepared for one device.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public sealed class DeepProductPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ChainRunner<T> runner;
    private readonly DeepProductJoin<T>[] joins;
    private readonly FusedDeepProduct<T>? fused;
    private readonly Shape composedShape;

    internal DeepProductPlan(Device device, DeepProductDescriptor descriptor)
        : base(device, descriptor.ToString())
    {
        Descriptor = descriptor;
        composedShape = descriptor.ComposedShape;
        AssociationTree tree = descriptor.Tree();
        runner = new(tree, descriptor.SegmentShape);
        joins = [.. tree.Joins.Select(j => DeepProductJoin<T>.Create(device, descriptor.JoinOf(j)))];
        long workspace = joins.Select(j => j.WorkspaceBytes).DefaultIfEmpty().Max() + (runner.ScratchElements(gradients: true) * Unsafe.SizeOf<T>());
        double bytes = (double)Unsafe.SizeOf<T>() * (Enumerable.Range(0, descriptor.Depth).Sum(l => descriptor.FilterShape(l).ElementCount) + composedShape.ElementCount);
        string kernel = joins.Length == 0 ? "copy" : joins[^1].Kernel;
        string order = $"{joins.Length} products in the cheapest order";
        fused = FusedDeepProduct<T>.Create(device, descriptor, out string? whyNot);
        Choices =
        [
            fused is null
                ? new("compose", order, kernel, workspace, descriptor.Flops, bytes, whyNot is null ? [] : [whyNot])
                : new("compose", $"fused, {order}", fused.Kernel, fused.WorkspaceBytes, descriptor.Flops, bytes, ["one by one: every intermediate filter would pass through memory"]),
            fused is { Differentiates: true }
                ? new("jacobian-transpose", "fused, adjoint of the same tree", fused.Kernel, fused.DifferentiatingWorkspaceBytes, 3 * descriptor.Flops, 2 * bytes, ["one by one: every intermediate filter would pass through memory"])
                : new("jacobian-transpose", "adjoint of the same tree", kernel, workspace, 3 * descriptor.Flops, 2 * bytes, []),
        ];
    }

    /// <summary>The problem.</summary>
    public DeepProductDescriptor Descriptor { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<KernelChoice> Choices { get; }

    /// <summary>Computes the end-to-end map, mu(W).</summary>
    /// <param name="queue">Orders the work; holds the intermediate filters.</param>
    /// <param name="filters">w_0 … w_{L-1}, shapes <see cref="DeepProductDescriptor.FilterShape"/>.</param>
    /// <param name="composed">Shape <see cref="DeepProductDescriptor.ComposedShape"/>; may not overlap a filter.</param>
    /// <exception cref="ArgumentException">Not L filters, or an overlap.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    public void Compose(CommandQueue queue, ReadOnlySpan<TensorView<T>> filters, TensorView<T> composed)
    {
        CheckQueue(queue);
        CheckOperands(nameof(filters), filters);
        CheckOperand(nameof(composed), composed, composedShape);
        Throw.IfOverlapsAny("deep_product", composed, filters);
        if (fused is not null && composedShape.ElementCount > 0)
        {
            fused.Compose((Cpu.CpuQueue)queue, filters, composed);
            return;
        }

        runner.Forward(queue, filters, composed, this, Join);
    }

    /// <summary>Computes Jᵀ u: the gradients of <c>&lt;u, mu(W)&gt;</c> with respect to every layer.</summary>
    /// <param name="queue">Orders the work; holds the intermediate filters.</param>
    /// <param name="filters">w_0 … w_{L-1}.</param>
    /// <param name="cotangent">u, shape <see cref="DeepProductDescriptor.ComposedShape"/>.</param>
    /// <param name="gradients">One of the filter's shape for each; may not overlap the others.</param>
    /// <exception cref="ArgumentException">Not L filters or gradients, or an overlap.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    public void JacobianTransposeProduct(CommandQueue queue, ReadOnlySpan<TensorView<T>> filters, TensorView<T> cotangent, ReadOnlySpan<TensorView<T>> gradients)
    {
        CheckQueue(queue);
        CheckOperands(nameof(filters), filters);
        CheckOperand(nameof(cotangent), cotangent, composedShape);
        CheckOperands(nameof(gradients), gradients);
        Throw.IfAnyOverlap("deep_product", gradients);
        foreach (TensorView<T> gradient in gradients)
        {
            Throw.IfOverlapsAny("deep_product", gradient, filters);
            Throw.IfOverlaps("deep_product", gradient, cotangent);
        }

        if (fused is { Differentiates: true } && composedShape.ElementCount > 0)
        {
            fused.Gradients((Cpu.CpuQueue)queue, filters, cotangent, gradients);
            return;
        }

        runner.Backward(queue, filters, cotangent, gradients, this, Join, JoinGradients);
    }

    private protected override void DisposeCore()
    {
        foreach (DeepProductJoin<T> join in joins)
        {
            join.Dispose();
        }
    }

    private static void Join(Plan plan, CommandQueue queue, int join, TensorView<T> first, TensorView<T> second, TensorView<T> result) =>
        ((DeepProductPlan<T>)plan).joins[join].Compose(queue, first, second, result);

    private static void JoinGradients(Plan plan, CommandQueue queue, int join, TensorView<T> first, TensorView<T> second, TensorView<T> gradient, TensorView<T> firstGradient, TensorView<T> secondGradient) =>
        ((DeepProductPlan<T>)plan).joins[join].Gradients(queue, gradient, first, second, firstGradient, secondGradient);

    private void CheckOperands(string argument, ReadOnlySpan<TensorView<T>> operands)
    {
        if (operands.Length != Descriptor.Depth)
        {
            throw new ArgumentException($"{argument}: {Descriptor.Depth} filters expected, {operands.Length} given ({this})", argument);
        }

        for (int l = 0; l < operands.Length; l++)
        {
            CheckOperand(argument, operands[l], runner.LeafShape(l));
        }
    }
}
