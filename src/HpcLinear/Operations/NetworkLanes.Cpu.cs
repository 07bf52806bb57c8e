using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// The end-to-end map of a deep linear network, its Jacobian and the adjoint, for as many small networks at once as a vector has lanes: every element of
/// a filter is a whole vector, and all layers of a network lie one after the other.
/// </summary>
/// <remarks>Compositions run in the order that costs vectors least. What one lane holds never reaches another.</remarks>
internal sealed unsafe class NetworkLanes<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CpuKernels<T> kernels;
    private readonly LaneJoin<T>[] joins;

    /// <param name="kernels">The instruction set.</param>
    /// <param name="network">The networks.</param>
    /// <param name="grid">Layers begin at multiples of this many vectors. Transposes write whole groups of <see cref="CpuKernels{T}.GatheredElements"/>: where layers
    /// are shorter than one, composing waits for vectors that were written twice.</param>
    public NetworkLanes(CpuKernels<T> kernels, DeepProductDescriptor network, int grid = 1)
    {
        this.kernels = kernels;
        DeepProductDescriptor one = network with { Problems = null };
        LayerElements = [.. Enumerable.Range(0, one.Depth).Select(l => (int)one.FilterShape(l).ElementCount)];
        LayerOffsets = new int[one.Depth];
        for (int l = 1; l < one.Depth; l++)
        {
            LayerOffsets[l] = LayerOffsets[l - 1] + ((LayerElements[l - 1] + grid - 1) / grid * grid);
        }

        Elements = LayerOffsets[^1] + LayerElements[^1];
        ComposedElements = (int)one.ComposedShape.ElementCount;
        AssociationTree tree = new(one.Depth, (i, k, j) => LaneJoin<T>.Cost(one.JoinOf(new(i, k, j))));
        Dictionary<(int From, int To), LaneSlot> slots = [];
        nint vector = kernels.Width * sizeof(T);
        for (int l = 0; l < one.Depth; l++)
        {
            slots[(l, l + 1)] = new(true, LayerOffsets[l] * vector);
        }

        joins = new LaneJoin<T>[tree.Joins.Length];
        int at = 0;
        for (int j = 0; j < joins.Length; j++)
        {
            AssociationTree.Join join = tree.Joins[j];
            ComposedOffset = at;
            slots[(join.From, join.To)] = new(false, at * vector);
            at += ((int)one.SegmentShape(join.From, join.To).ElementCount + grid - 1) / grid * grid;
            joins[j] = new(one.JoinOf(join), slots[(join.From, join.Split)], slots[(join.Split, join.To)], slots[(join.From, join.To)]);
        }

        JoinElements = at;
    }

    /// <summary>Vectors of the weights: elements of all layers of one network, and what lies between them on a grid.</summary>
    public int Elements { get; }

    /// <summary>Elements of each layer.</summary>
    public int[] LayerElements { get; }

    /// <summary>Where each layer begins among the weights, in vectors.</summary>
    public int[] LayerOffsets { get; }

    /// <summary>Elements of the end-to-end filter.</summary>
    public int ComposedElements { get; }

    /// <summary>Vectors of the memory for results of compositions, the end-to-end filter included; 0 for one layer.</summary>
    public int JoinElements { get; }

    private int ComposedOffset { get; }

    /// <summary>A bound of <see cref="Elements"/> and <see cref="JoinElements"/> together for networks too large to be counted in an int.</summary>
    public static double Bound(DeepProductDescriptor network)
    {
        DeepProductDescriptor one = network with { Problems = null };
        return Enumerable.Range(0, one.Depth).Sum(l => (double)one.FilterShape(l).ElementCount) + (double)one.ComposedShape.ElementCount;
    }

    /// <summary>Computes the end-to-end filter; returns where it is.</summary>
    public T* Compose(T* weights, T* products)
    {
        foreach (LaneJoin<T> join in joins)
        {
            join.Compose(kernels, join.First.Of(weights, products), join.Second.Of(weights, products), join.Result.Of(weights, products), false);
        }

        return Composed(weights, products);
    }

    /// <summary>Where the end-to-end filter is: among the products, or for one layer the weights.</summary>
    public T* Composed(T* weights, T* products) => joins.Length == 0 ? weights : products + (ComposedOffset * kernels.Width);

    /// <summary>
    /// The derivative along <paramref name="tangents"/> of what <see cref="Compose"/> left in <paramref name="products"/>; returns where it is.
    /// </summary>
    public T* Differentiate(T* weights, T* products, T* tangents, T* productTangents)
    {
        foreach (LaneJoin<T> join in joins)
        {
            T* result = join.Result.Of(tangents, productTangents);
            join.Compose(kernels, join.First.Of(tangents, productTangents), join.Second.Of(weights, products), result, false);
            join.Compose(kernels, join.First.Of(weights, products), join.Second.Of(tangents, productTangents), result, true);
        }

        return Composed(tangents, productTangents);
    }

    /// <summary>
    /// Gradients of <c>&lt;G, V&gt;</c> with respect to all layers, after <see cref="Compose"/>. G is expected at <see cref="Composed"/> of
    /// (<paramref name="gradients"/>, <paramref name="productGradients"/>): for one layer it is the result.
    /// </summary>
    public void Adjoint(T* weights, T* products, T* gradients, T* productGradients)
    {
        for (int j = joins.Length - 1; j >= 0; j--)
        {
            LaneJoin<T> join = joins[j];
            join.Adjoint(
                kernels,
                join.First.Of(weights, products),
                join.Second.Of(weights, products),
                join.Result.Of(gradients, productGradients),
                join.First.Of(gradients, productGradients),
                join.Second.Of(gradients, productGradients));
        }
    }
}
