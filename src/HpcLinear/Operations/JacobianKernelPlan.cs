using System.Numerics;
using System.Runtime.CompilerServices;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="JacobianKernelPlan{T}"/>.</summary>
public static class JacobianKernelPlan
{
    /// <summary>Prepares the matrix <c>K = J Jᵀ</c> of a deep product for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid, or K would have more than 2^63 - 1 bytes.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static JacobianKernelPlan<T> Create<T>(Device device, DeepProductDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        descriptor.ValidateKernel();
        JacobianKernelPlan<T> plan = new(device, descriptor);
        plan.Trace();
        return plan;
    }
}

/// <summary>
/// The matrix <c>K = J Jᵀ</c>, J the Jacobian of the end-to-end map of a deep linear network: of matrices the sum over layers of
/// <c>(A_l A_lᵀ) ⊗ (B_lᵀ B_l)</c>, A_l the product of the layers after l and B_l of those before; of filters the product of J with itself.
/// </summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public sealed class JacobianKernelPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Shape[] leaves;
    private readonly DeepProductJoin<T>?[] before;
    private readonly DeepProductJoin<T>?[] after;
    private readonly Shape[] beforeShapes;
    private readonly Shape[] afterShapes;
    private readonly long[] beforeOffsets;
    private readonly long[] afterOffsets;
    private readonly JacobianAssembly<T> assembly;
    private readonly Shape kernelShape;
    private readonly long scratchElements;

    internal JacobianKernelPlan(Device device, DeepProductDescriptor descriptor)
        : base(device, descriptor.ToString())
    {
        Descriptor = descriptor;
        kernelShape = descriptor.KernelShape;
        int depth = descriptor.Depth;
        leaves = [.. Enumerable.Range(0, depth).Select(descriptor.FilterShape)];
        (before, after) = (new DeepProductJoin<T>?[depth], new DeepProductJoin<T>?[depth]);
        (beforeShapes, afterShapes) = (new Shape[depth], new Shape[depth]);
        (beforeOffsets, afterOffsets) = (new long[depth], new long[depth]);
        long at = 0;
        double joined = 0;
        for (int l = 1; l < depth; l++)
        {
            // Layers 0 … l - 1 are the layers before, and from the end as many are those after.
            int r = depth - 1 - l;
            (beforeShapes[l], afterShapes[r]) = (descriptor.SegmentShape(0, l), descriptor.SegmentShape(r + 1, depth));
            if (l > 1)
            {
                FilterCompositionDescriptor lower = descriptor.JoinOf(new(0, l - 1, l)), upper = descriptor.JoinOf(new(r + 1, r + 2, depth));
                (before[l], after[r]) = (DeepProductJoin<T>.Create(device, lower), DeepProductJoin<T>.Create(device, upper));
                (beforeOffsets[l], afterOffsets[r]) = (at, at + DeepProductTree<T>.Rounded(beforeShapes[l].ElementCount));
                at = checked(afterOffsets[r] + DeepProductTree<T>.Rounded(afterShapes[r].ElementCount));
                joined += lower.Flops + upper.Flops;
            }
        }

        assembly = descriptor.Filters[0].Rank == 0 ? new KroneckerAssembly<T>(device, descriptor, at) : new ProductAssembly<T>(device, descriptor, at);
        scratchElements = checked(at + assembly.ScratchElements);
        int size = Unsafe.SizeOf<T>();
        long workspace = checked(Math.Max(assembly.WorkspaceBytes, before.Concat(after).Max(j => j?.WorkspaceBytes ?? 0)) + (scratchElements * size));
        double bytes = (double)size * (leaves.Sum(s => s.ElementCount) + kernelShape.ElementCount);
        Choices = [new("kernel", assembly.Algorithm, assembly.Kernel, workspace, joined + assembly.Flops, bytes, assembly.Rejected)];
    }

    /// <summary>The problem.</summary>
    public DeepProductDescriptor Descriptor { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<KernelChoice> Choices { get; }

    /// <summary>Computes K.</summary>
    /// <param name="queue">Orders the work; holds the intermediate filters.</param>
    /// <param name="filters">W_0 … W_{L-1}, shapes <see cref="DeepProductDescriptor.FilterShape"/>.</param>
    /// <param name="kernel">Shape <see cref="DeepProductDescriptor.KernelShape"/>, rows and columns in the map's row-major order; may not overlap a filter.</param>
    /// <exception cref="ArgumentException">Not L filters, or an overlap.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <remarks>Of matrices 2 L M² flops and K written once, M the elements of the map; of filters 2 N M², N the elements of all layers.</remarks>
    public void Execute(CommandQueue queue, ReadOnlySpan<TensorView<T>> filters, TensorView<T> kernel)
    {
        CheckQueue(queue);
        if (filters.Length != leaves.Length)
        {
            throw new ArgumentException($"filters: {leaves.Length} filters expected, {filters.Length} given ({this})", nameof(filters));
        }

        for (int l = 0; l < filters.Length; l++)
        {
            CheckOperand(nameof(filters), filters[l], leaves[l]);
        }

        CheckOperand(nameof(kernel), kernel, kernelShape);
        Throw.IfOverlapsAny("deep_product", kernel, filters);
        if (kernelShape.ElementCount == 0)
        {
            return;
        }

        Tensor<T> scratch = queue.Scratch<T>(scratchElements);
        int last = leaves.Length - 1;
        for (int l = 2; l <= last; l++)
        {
            before[l]!.Compose(queue, Before(l - 1, filters, scratch), filters[l - 1], Before(l, filters, scratch), false);
            after[last - l]!.Compose(queue, filters[last - l + 1], After(last - l + 1, filters, scratch), After(last - l, filters, scratch), false);
        }

        for (int l = 0; l <= last; l++)
        {
            assembly.Add(queue, scratch, l, l == 0 ? default : Before(l, filters, scratch), l == last ? default : After(l, filters, scratch), kernel);
        }
    }

    private protected override void DisposeCore()
    {
        Array.ForEach(before, j => j?.Dispose());
        Array.ForEach(after, j => j?.Dispose());
        assembly.Dispose();
    }

    /// <summary>Layers 0 … l - 1 as one, for l &gt; 0.</summary>
    private TensorView<T> Before(int l, ReadOnlySpan<TensorView<T>> filters, Tensor<T> scratch) => l == 1 ? filters[0] : scratch.View(beforeOffsets[l], beforeShapes[l]);

    /// <summary>Layers l + 1 … L - 1 as one, for l &lt; L - 1.</summary>
    private TensorView<T> After(int l, ReadOnlySpan<TensorView<T>> filters, Tensor<T> scratch) => l == leaves.Length - 2 ? filters[l + 1] : scratch.View(afterOffsets[l], afterShapes[l]);
}
