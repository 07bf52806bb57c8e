using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>Runs a chain of associative products, forward and backward, in the order of an <see cref="AssociationTree"/>; shared by matrices and filters.</summary>
/// <remarks>Intermediate results and their gradients live in the queue's scratch tensor at offsets fixed when the plan is made.</remarks>
internal sealed class ChainRunner<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly AssociationTree.Join[] joins;
    private readonly Shape[] leaves;
    private readonly Shape[] shapes;
    private readonly long[] offsets;
    private readonly int[] firstJoin;
    private readonly int[] secondJoin;
    private readonly long elements;

    /// <summary>Lays the chain out; <paramref name="segment"/>(i, j) is the shape of factors i … j - 1 joined.</summary>
    public ChainRunner(AssociationTree tree, Func<int, int, Shape> segment)
    {
        joins = tree.Joins;
        leaves = [.. Enumerable.Range(0, tree.Factors).Select(l => segment(l, l + 1))];
        shapes = [.. joins.Select(j => segment(j.From, j.To))];
        firstJoin = [.. joins.Select(j => Array.FindIndex(joins, o => o.From == j.From && o.To == j.Split))];
        secondJoin = [.. joins.Select(j => Array.FindIndex(joins, o => o.From == j.Split && o.To == j.To))];
        offsets = new long[joins.Length];
        for (int j = 0; j + 1 < joins.Length; j++)
        {
            offsets[j] = elements;
            elements = checked(elements + ((shapes[j].ElementCount + 31) / 32 * 32));
        }
    }

    public delegate void Join(Plan plan, CommandQueue queue, int join, TensorView<T> first, TensorView<T> second, TensorView<T> result);

    public delegate void JoinGradients(Plan plan, CommandQueue queue, int join, TensorView<T> first, TensorView<T> second, TensorView<T> gradient, TensorView<T> firstGradient, TensorView<T> secondGradient);

    public Shape LeafShape(int factor) => leaves[factor];

    /// <summary>Scratch elements: every intermediate result, and with gradients one more of each.</summary>
    public long ScratchElements(bool gradients) => gradients ? 2 * elements : elements;

    public void Forward(CommandQueue queue, ReadOnlySpan<TensorView<T>> factors, TensorView<T> result, Plan plan, Join join)
    {
        if (joins.Length == 0)
        {
            queue.Copy(factors[0], result);
            return;
        }

        Tensor<T>? scratch = joins.Length == 1 ? null : queue.Scratch<T>(elements);
        for (int j = 0; j < joins.Length; j++)
        {
            join(plan, queue, j, First(j, factors, scratch), Second(j, factors, scratch), j == joins.Length - 1 ? result : Intermediate(j, scratch, 0));
        }
    }

    public void Backward(CommandQueue queue, ReadOnlySpan<TensorView<T>> factors, TensorView<T> gradient, ReadOnlySpan<TensorView<T>> gradients, Plan plan, Join join, JoinGradients adjoint)
    {
        if (joins.Length == 0)
        {
            queue.Copy(gradient, gradients[0]);
            return;
        }

        Tensor<T>? scratch = joins.Length == 1 ? null : queue.Scratch<T>(2 * elements);
        for (int j = 0; j < joins.Length - 1; j++)
        {
            join(plan, queue, j, First(j, factors, scratch), Second(j, factors, scratch), Intermediate(j, scratch, 0));
        }

        for (int j = joins.Length - 1; j >= 0; j--)
        {
            adjoint(
                plan,
                queue,
                j,
                First(j, factors, scratch),
                Second(j, factors, scratch),
                j == joins.Length - 1 ? gradient : Intermediate(j, scratch, elements),
                firstJoin[j] < 0 ? gradients[joins[j].From] : Intermediate(firstJoin[j], scratch, elements),
                secondJoin[j] < 0 ? gradients[joins[j].Split] : Intermediate(secondJoin[j], scratch, elements));
        }
    }

    private TensorView<T> First(int j, ReadOnlySpan<TensorView<T>> factors, Tensor<T>? scratch) => firstJoin[j] < 0 ? factors[joins[j].From] : Intermediate(firstJoin[j], scratch, 0);

    private TensorView<T> Second(int j, ReadOnlySpan<TensorView<T>> factors, Tensor<T>? scratch) => secondJoin[j] < 0 ? factors[joins[j].Split] : Intermediate(secondJoin[j], scratch, 0);

    private TensorView<T> Intermediate(int j, Tensor<T>? scratch, long shift) => scratch!.View(offsets[j] + shift, shapes[j]);
}
