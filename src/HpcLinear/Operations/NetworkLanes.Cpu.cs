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

    public NetworkLanes(CpuKernels<T> kernels, DeepProductDescriptor network)
    {
        this.kernels = kernels;
        DeepProductDescriptor one = network with { Problems = null };
        LayerElements = [.. Enumerable.Range(0, one.Depth).Select(l => (int)one.FilterShape(l).ElementCount)];
        LayerOffsets = new int[one.Depth];
        for (int l = 1; l < one.Depth; l++)
        {
            LayerOffsets[l] = LayerOffsets[l - 1] + LayerElements[l - 1];
        }

        Elements = LayerOffsets[^1] + LayerElements[^1];
        ComposedElements = (int)one.ComposedShape.ElementCount;
        AssociationTree tree = new(one.Depth, (i, k, j) => LaneJoin<T>.Cost(one.JoinOf(new(i, k, j))));
        Dictionary<(int From, int To), LaneSlot> slots = [];
        for (int l = 0; l < one.Depth; l++)
        {
            slots[(l, l + 1)] = new(true, LayerOffsets[l]);
        }

        joins = new LaneJoin<T>[tree.Joins.Length];
        int at = 0;
        for (int j = 0; j < joins.Length; j++)
        {
            AssociationTree.Join join = tree.Joins[j];
            ComposedOffset = at;
            slots[(join.From, join.To)] = new(false, at);
            at += (int)one.SegmentShape(join.From, join.To).ElementCount;
            joins[j] = new(one.JoinOf(join), slots[(join.From, join.Split)], slots[(join.Split, join.To)], slots[(join.From, join.To)]);
        }

        JoinElements = at;
    }

    /// <summary>Elements of all layers of one network: vectors of its weights.</summary>
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
            join.Compose(kernels, join.First.Of(weights, products, kernels.Width), join.Second.Of(weights, products, kernels.Width), join.Result.Of(weights, products, kernels.Width), false);
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
        int w = kernels.Width;
        foreach (LaneJoin<T> join in joins)
        {
            T* result = join.Result.Of(tangents, productTangents, w);
            join.Compose(kernels, join.First.Of(tangents, productTangents, w), join.Second.Of(weights, products, w), result, false);
            join.Compose(kernels, join.First.Of(weights, products, w), join.Second.Of(tangents, productTangents, w), result, true);
        }

        return Composed(tangents, productTangents);
    }

    /// <summary>
    /// Gradients of <c>&lt;G, V&gt;</c> with respect to all layers, after <see cref="Compose"/>. G is expected at <see cref="Composed"/> of
    /// (<paramref name="gradients"/>, <paramref name="productGradients"/>): for one layer it is the result.
    /// </summary>
    public void Adjoint(T* weights, T* products, T* gradients, T* productGradients)
    {
        int w = kernels.Width;
        for (int j = joins.Length - 1; j >= 0; j--)
        {
            LaneJoin<T> join = joins[j];
            join.Adjoint(
                kernels,
                join.First.Of(weights, products, w),
                join.Second.Of(weights, products, w),
                join.Result.Of(gradients, productGradients, w),
                join.First.Of(gradients, productGradients, w),
                join.Second.Of(gradients, productGradients, w));
        }
    }
}
