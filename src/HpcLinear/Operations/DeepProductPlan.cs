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
    private readonly DeepProductTree<T> tree;
    private readonly FusedDeepProduct<T>? fused;
    private readonly Shape composedShape;

    internal DeepProductPlan(Device device, DeepProductDescriptor descriptor)
        : base(device, descriptor.ToString())
    {
        Descriptor = descriptor;
        composedShape = descriptor.ComposedShape;
        tree = new(device, descriptor);
        int size = Unsafe.SizeOf<T>();
        double layerBytes = (double)size * Enumerable.Range(0, descriptor.Depth).Sum(l => descriptor.FilterShape(l).ElementCount), mapBytes = (double)size * composedShape.ElementCount;
        string order = $"{tree.Joins} products in the cheapest order";
        fused = FusedDeepProduct<T>.Create(device, descriptor, out string? whyNot);
        Choices =
        [
            fused is null
                ? Choice("compose", order, 1, 0, 1, layerBytes + mapBytes) with { Rejected = whyNot is null ? [] : [whyNot] }
                : new("compose", $"fused, {order}", fused.Kernel, Math.Max(fused.WorkspaceBytes, tree.WorkspaceBytes), descriptor.Flops, layerBytes + mapBytes, ["one by one: every intermediate filter would pass through memory"]),
            Differentiated("jacobian", "forward along the same tree"),
            Differentiated("jacobian-transpose", "adjoint of the same tree"),
            Choice("kernel-product", "adjoint and forward", 2, tree.LeafElements, 5, layerBytes + (2 * mapBytes)),
            Choice("hessian", "forward over adjoint", 4, 0, 9, (3 * layerBytes) + (2 * mapBytes)),
        ];

        KernelChoice Differentiated(string operation, string algorithm) => fused is { Differentiates: true }
            ? new(operation, $"fused, {algorithm}", fused.Kernel, fused.DifferentiatingWorkspaceBytes, 3 * descriptor.Flops, (2 * layerBytes) + mapBytes, ["one by one: every intermediate filter would pass through memory"])
            : Choice(operation, algorithm, 2, 0, 3, (2 * layerBytes) + mapBytes);

        // What composing the inner results does not need of the last join is not subtracted: at most 3, 5 or 9 times the cost of composing.
        KernelChoice Choice(string operation, string algorithm, int kinds, long leaves, double compositions, double bytes) => new(
            operation, algorithm, tree.Kernel, Math.Max(tree.WorkspaceBytes, fused?.DifferentiatingWorkspaceBytes ?? 0) + (((kinds * tree.InnerElements) + leaves) * size), compositions * descriptor.Flops, bytes, []);
    }

    /// <summary>The problem.</summary>
    public DeepProductDescriptor Descriptor { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<KernelChoice> Choices { get; }

    /// <summary>Computes the end-to-end map, mu(W).</summary>
    /// <param name="queue">Orders the work; holds the intermediate filters.</param>
    /// <param name="filters">W_0 … W_{L-1}, shapes <see cref="DeepProductDescriptor.FilterShape"/>.</param>
    /// <param name="composed">Shape <see cref="DeepProductDescriptor.ComposedShape"/>; may not overlap a filter.</param>
    /// <exception cref="ArgumentException">Not L filters, or an overlap.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    public void Compose(CommandQueue queue, ReadOnlySpan<TensorView<T>> filters, TensorView<T> composed)
    {
        CheckQueue(queue);
        CheckLayers(nameof(filters), filters);
        CheckOperand(nameof(composed), composed, composedShape);
        Throw.IfOverlapsAny("deep_product", composed, filters);
        if (fused is not null && composedShape.ElementCount > 0)
        {
            fused.Compose(queue, filters, composed);
            return;
        }

        tree.Compose(queue, filters, composed);
    }

    /// <summary>Computes J dW, the derivative of mu(W) along dW.</summary>
    /// <param name="queue">Orders the work; holds the intermediate filters.</param>
    /// <param name="filters">W_0 … W_{L-1}.</param>
    /// <param name="directions">dW, one of the filter's shape for each.</param>
    /// <param name="result">Shape <see cref="DeepProductDescriptor.ComposedShape"/>; may not overlap the others.</param>
    /// <exception cref="ArgumentException">Not L filters or directions, or an overlap.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <remarks>At most three times the cost of composing.</remarks>
    public void JacobianProduct(CommandQueue queue, ReadOnlySpan<TensorView<T>> filters, ReadOnlySpan<TensorView<T>> directions, TensorView<T> result)
    {
        CheckQueue(queue);
        CheckLayers(nameof(filters), filters);
        CheckLayers(nameof(directions), directions);
        CheckOperand(nameof(result), result, composedShape);
        Throw.IfOverlapsAny("deep_product", result, filters);
        Throw.IfOverlapsAny("deep_product", result, directions);
        if (fused is { Differentiates: true } && composedShape.ElementCount > 0)
        {
            fused.JacobianProduct(queue, filters, directions, result);
            return;
        }

        tree.JacobianProduct(queue, filters, directions, result);
    }

    /// <summary>Computes Jᵀ u: the gradients of <c>&lt;u, mu(W)&gt;</c> with respect to every layer.</summary>
    /// <param name="queue">Orders the work; holds the intermediate filters.</param>
    /// <param name="filters">W_0 … W_{L-1}.</param>
    /// <param name="cotangent">u, shape <see cref="DeepProductDescriptor.ComposedShape"/>.</param>
    /// <param name="gradients">One of the filter's shape for each; may not overlap the others.</param>
    /// <exception cref="ArgumentException">Not L filters or gradients, or an overlap.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <remarks>At most three times the cost of composing.</remarks>
    public void JacobianTransposeProduct(CommandQueue queue, ReadOnlySpan<TensorView<T>> filters, TensorView<T> cotangent, ReadOnlySpan<TensorView<T>> gradients)
    {
        CheckQueue(queue);
        CheckLayers(nameof(filters), filters);
        CheckOperand(nameof(cotangent), cotangent, composedShape);
        CheckLayers(nameof(gradients), gradients);
        Throw.IfAnyOverlap("deep_product", gradients);
        foreach (TensorView<T> gradient in gradients)
        {
            Throw.IfOverlapsAny("deep_product", gradient, filters);
            Throw.IfOverlaps("deep_product", gradient, cotangent);
        }

        if (fused is { Differentiates: true } && composedShape.ElementCount > 0)
        {
            fused.Gradients(queue, filters, cotangent, gradients);
            return;
        }

        tree.JacobianTransposeProduct(queue, filters, cotangent, gradients);
    }

    /// <summary>Computes <c>K u = J Jᵀ u</c>: how gradient flow moves mu(W) where the gradient of the loss of the map is -u.</summary>
    /// <param name="queue">Orders the work; holds Jᵀ u and the intermediate filters.</param>
    /// <param name="filters">W_0 … W_{L-1}.</param>
    /// <param name="cotangent">u, shape <see cref="DeepProductDescriptor.ComposedShape"/>.</param>
    /// <param name="result">The same shape; may not overlap the others.</param>
    /// <exception cref="ArgumentException">Not L filters, or an overlap.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <remarks>At most five times the cost of composing. The matrix K: <see cref="JacobianKernelPlan{T}"/>.</remarks>
    public void KernelProduct(CommandQueue queue, ReadOnlySpan<TensorView<T>> filters, TensorView<T> cotangent, TensorView<T> result)
    {
        CheckQueue(queue);
        CheckLayers(nameof(filters), filters);
        CheckOperand(nameof(cotangent), cotangent, composedShape);
        CheckOperand(nameof(result), result, composedShape);
        Throw.IfOverlapsAny("deep_product", result, filters);
        Throw.IfOverlaps("deep_product", result, cotangent);
        tree.KernelProduct(queue, filters, cotangent, result);
    }

    /// <summary>
    /// Computes the product of dW with the Hessian of <c>f(mu(W))</c>, from the gradient G of f at mu(W) and the change H_f [J dW] of G along dW.
    /// Without G (zeros) it is the Gauss-Newton product, <c>Jᵀ H_f J dW</c>, for which <see cref="JacobianTransposeProduct"/> of the change is cheaper.
    /// </summary>
    /// <param name="queue">Orders the work; holds the intermediate filters.</param>
    /// <param name="filters">W_0 … W_{L-1}.</param>
    /// <param name="directions">dW, one of the filter's shape for each.</param>
    /// <param name="mapGradient">G, shape <see cref="DeepProductDescriptor.ComposedShape"/>.</param>
    /// <param name="mapGradientDirection">H_f [J dW], the same shape: <see cref="JacobianProduct"/> gives J dW, f its Hessian.</param>
    /// <param name="result">One of the filter's shape for each; may not overlap the others.</param>
    /// <exception cref="ArgumentException">Not L filters, directions or results, or an overlap.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <remarks>Forward over reverse, at most nine times the cost of composing. Source: arXiv:2507.06367; docs/operations/deep-products.md.</remarks>
    public void HessianProduct(CommandQueue queue, ReadOnlySpan<TensorView<T>> filters, ReadOnlySpan<TensorView<T>> directions, TensorView<T> mapGradient, TensorView<T> mapGradientDirection, ReadOnlySpan<TensorView<T>> result)
    {
        CheckQueue(queue);
        CheckLayers(nameof(filters), filters);
        CheckLayers(nameof(directions), directions);
        CheckOperand(nameof(mapGradient), mapGradient, composedShape);
        CheckOperand(nameof(mapGradientDirection), mapGradientDirection, composedShape);
        CheckLayers(nameof(result), result);
        Throw.IfAnyOverlap("deep_product", result);
        foreach (TensorView<T> part in result)
        {
            Throw.IfOverlapsAny("deep_product", part, filters);
            Throw.IfOverlapsAny("deep_product", part, directions);
            Throw.IfOverlaps("deep_product", part, mapGradient);
            Throw.IfOverlaps("deep_product", part, mapGradientDirection);
        }

        tree.HessianProduct(queue, filters, directions, mapGradient, mapGradientDirection, result);
    }

    private protected override void DisposeCore()
    {
        tree.Dispose();
        fused?.Dispose();
    }

    private void CheckLayers(string argument, ReadOnlySpan<TensorView<T>> operands)
    {
        if (operands.Length != Descriptor.Depth)
        {
            throw new ArgumentException($"{argument}: {Descriptor.Depth} filters expected, {operands.Length} given ({this})", argument);
        }

        for (int l = 0; l < operands.Length; l++)
        {
            CheckOperand(argument, operands[l], tree.LeafShape(l));
        }
    }
}
