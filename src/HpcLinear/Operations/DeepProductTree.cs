using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>The end-to-end map and its derivatives to the second order, join after join in the order of an <see cref="AssociationTree"/>, on every device.</summary>
/// <remarks>Inner results live in the queue's scratch tensor at offsets fixed when the plan is made: a stretch of values, and one of each kind of derivative.</remarks>
internal sealed class DeepProductTree<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly AssociationTree.Join[] order;
    private readonly DeepProductJoin<T>[] joins;
    private readonly Shape[] leaves;
    private readonly Shape[] shapes;
    private readonly long[] offsets;
    private readonly long[] leafOffsets;
    private readonly int[] firstJoin;
    private readonly int[] secondJoin;
    private readonly long stretch;

    public DeepProductTree(Device device, DeepProductDescriptor descriptor)
    {
        order = descriptor.Tree().Joins;
        leaves = [.. Enumerable.Range(0, descriptor.Depth).Select(descriptor.FilterShape)];
        shapes = [.. order.Select(j => descriptor.SegmentShape(j.From, j.To))];
        firstJoin = [.. order.Select(j => Array.FindIndex(order, o => o.From == j.From && o.To == j.Split))];
        secondJoin = [.. order.Select(j => Array.FindIndex(order, o => o.From == j.Split && o.To == j.To))];
        joins = [.. order.Select(j => DeepProductJoin<T>.Create(device, descriptor.JoinOf(j)))];
        offsets = new long[order.Length];
        for (int j = 0; j + 1 < order.Length; j++)
        {
            offsets[j] = stretch;
            stretch = checked(stretch + Rounded(shapes[j].ElementCount));
        }

        leafOffsets = new long[leaves.Length];
        for (int l = 0; l < leaves.Length; l++)
        {
            leafOffsets[l] = LeafElements;
            LeafElements += Rounded(leaves[l].ElementCount);
        }

        WorkspaceBytes = joins.Select(j => j.WorkspaceBytes).DefaultIfEmpty().Max();
        Kernel = joins.Length == 0 ? "copy" : joins[^1].Kernel;
    }

    public int Joins => joins.Length;

    /// <summary>What the last join, the largest, chose.</summary>
    public string Kernel { get; }

    /// <summary>Scratch bytes of the largest join.</summary>
    public long WorkspaceBytes { get; }

    /// <summary>Elements of the inner results, of one kind.</summary>
    public long InnerElements => stretch;

    /// <summary>Elements of gradients with respect to all layers.</summary>
    public long LeafElements { get; }

    public Shape LeafShape(int layer) => leaves[layer];

    public void Compose(CommandQueue queue, ReadOnlySpan<TensorView<T>> layers, TensorView<T> result)
    {
        if (joins.Length == 0)
        {
            queue.Copy(layers[0], result);
            return;
        }

        Compose(queue, new Family(layers, result, Inner(queue, 1), 0), joins.Length);
    }

    public void JacobianProduct(CommandQueue queue, ReadOnlySpan<TensorView<T>> layers, ReadOnlySpan<TensorView<T>> directions, TensorView<T> result)
    {
        if (joins.Length == 0)
        {
            queue.Copy(directions[0], result);
            return;
        }

        Tensor<T>? scratch = Inner(queue, 2);
        Family values = new(layers, default, scratch, 0);
        Compose(queue, values, joins.Length - 1);
        Differentiate(queue, values, new(directions, result, scratch, stretch), joins.Length);
    }

    public void JacobianTransposeProduct(CommandQueue queue, ReadOnlySpan<TensorView<T>> layers, TensorView<T> cotangent, ReadOnlySpan<TensorView<T>> gradients)
    {
        if (joins.Length == 0)
        {
            queue.Copy(cotangent, gradients[0]);
            return;
        }

        Tensor<T>? scratch = Inner(queue, 2);
        Family values = new(layers, default, scratch, 0);
        Compose(queue, values, joins.Length - 1);
        Adjoint(queue, values, new(gradients, cotangent, scratch, stretch));
    }

    /// <summary><c>J Jᵀ u</c>.</summary>
    public void KernelProduct(CommandQueue queue, ReadOnlySpan<TensorView<T>> layers, TensorView<T> cotangent, TensorView<T> result)
    {
        if (joins.Length == 0)
        {
            queue.Copy(cotangent, result);
            return;
        }

        // The derivatives take the places of the inner gradients, which nobody needs any more.
        Tensor<T> scratch = queue.Scratch<T>((2 * stretch) + LeafElements);
        Family values = new(layers, default, scratch, 0);
        Compose(queue, values, joins.Length - 1);
        Adjoint(queue, values, new([], cotangent, scratch, stretch));
        Differentiate(queue, values, new([], result, scratch, stretch), joins.Length);
    }

    /// <summary>The derivative of <c>J(W)ᵀ u</c> when W moves along the directions and u along <paramref name="cotangentDirection"/>.</summary>
    public void HessianProduct(CommandQueue queue, ReadOnlySpan<TensorView<T>> layers, ReadOnlySpan<TensorView<T>> directions, TensorView<T> cotangent, TensorView<T> cotangentDirection, ReadOnlySpan<TensorView<T>> result)
    {
        if (joins.Length == 0)
        {
            queue.Copy(cotangentDirection, result[0]);
            return;
        }

        Tensor<T>? scratch = Inner(queue, 4);
        Family w = new(layers, default, scratch, 0), dw = new(directions, default, scratch, stretch);
        Family g = new([], cotangent, scratch, 2 * stretch), dg = new(result, cotangentDirection, scratch, 3 * stretch);
        Compose(queue, w, joins.Length - 1);
        Differentiate(queue, w, dw, joins.Length - 1);
        for (int j = joins.Length - 1; j >= 0; j--)
        {
            TensorView<T> gradient = Result(j, g), moved = Result(j, dg), first = First(j, w), second = Second(j, w);
            if (firstJoin[j] >= 0)
            {
                joins[j].FirstGradient(queue, gradient, second, First(j, g), false);
            }

            if (secondJoin[j] >= 0)
            {
                joins[j].SecondGradient(queue, gradient, first, Second(j, g), false);
            }

            joins[j].FirstGradient(queue, gradient, Second(j, dw), First(j, dg), false);
            joins[j].FirstGradient(queue, moved, second, First(j, dg), true);
            joins[j].SecondGradient(queue, gradient, First(j, dw), Second(j, dg), false);
            joins[j].SecondGradient(queue, moved, first, Second(j, dg), true);
        }
    }

    public void Dispose() => Array.ForEach(joins, j => j.Dispose());

    private void Compose(CommandQueue queue, Family values, int count)
    {
        for (int j = 0; j < count; j++)
        {
            joins[j].Compose(queue, First(j, values), Second(j, values), Result(j, values), false);
        }
    }

    private void Differentiate(CommandQueue queue, Family values, Family tangents, int count)
    {
        for (int j = 0; j < count; j++)
        {
            joins[j].Compose(queue, First(j, tangents), Second(j, values), Result(j, tangents), false);
            joins[j].Compose(queue, First(j, values), Second(j, tangents), Result(j, tangents), true);
        }
    }

    private void Adjoint(CommandQueue queue, Family values, Family gradients)
    {
        for (int j = joins.Length - 1; j >= 0; j--)
        {
            joins[j].FirstGradient(queue, Result(j, gradients), Second(j, values), First(j, gradients), false);
            joins[j].SecondGradient(queue, Result(j, gradients), First(j, values), Second(j, gradients), false);
        }
    }

    private Tensor<T>? Inner(CommandQueue queue, int kinds) => joins.Length == 1 ? null : queue.Scratch<T>(kinds * stretch);

    private TensorView<T> First(int j, Family of) => firstJoin[j] < 0 ? Leaf(order[j].From, of) : Result(firstJoin[j], of);

    private TensorView<T> Second(int j, Family of) => secondJoin[j] < 0 ? Leaf(order[j].Split, of) : Result(secondJoin[j], of);

    /// <summary>Of a layer; in scratch memory, behind two stretches, where no tensors are given.</summary>
    private TensorView<T> Leaf(int l, Family of) => of.Layers.IsEmpty ? of.Scratch!.View((2 * stretch) + leafOffsets[l], leaves[l]) : of.Layers[l];

    private TensorView<T> Result(int j, Family of) => j == joins.Length - 1 ? of.Root : of.Scratch!.View(offsets[j] + of.Shift, shapes[j]);

    /// <summary>A multiple of 128 bytes, so that results begin on whole vectors.</summary>
    internal static long Rounded(long elements) => (elements + 31) / 32 * 32;

    /// <summary>Values, or derivatives of one kind: of the layers, of the inner results and of the whole product.</summary>
    private readonly ref struct Family(ReadOnlySpan<TensorView<T>> layers, TensorView<T> root, Tensor<T>? scratch, long shift)
    {
        public readonly ReadOnlySpan<TensorView<T>> Layers = layers;
        public readonly TensorView<T> Root = root;
        public readonly Tensor<T>? Scratch = scratch;
        public readonly long Shift = shift;
    }
}
