using System.Numerics;
using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <content>The products of every layer, and the memory of the host.</content>
public sealed partial class LinearEquilibriumPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private Layer MakeLayer(int l)
    {
        RelaxationDescriptor n = Descriptor;
        long width = n.Widths[^1], own = n.Widths[l], below = n.Widths[l - 1];
        bool penalised = n.SpectralPenalty > 0, regularised = penalised || n.WeightDecay > 0;
        Shape weightShape = [own, below];
        return new()
        {
            Weight = n.WeightOffset(l),
            Bias = n.BiasOffset(l),
            Activity = n.ActivityOffset(l),
            WeightShape = weightShape,
            BiasShape = [1, own],
            GramShape = [below, below],
            Back = Product(new() { Rows = width, Columns = below, Depth = own }),
            Gram = Product(new() { Rows = width, Columns = width, Depth = own, TransposeB = true }),
            Shift = n.Bias ? Product(new() { Rows = 1, Columns = width, Depth = own, TransposeB = true }) : null,
            BiasGradient = n.Bias ? Product(new() { Rows = 1, Columns = own, Depth = width }) : null,
            WeightGram = penalised ? Product(new() { Rows = below, Columns = below, Depth = own, TransposeA = true }) : null,
            WeightProduct = penalised ? Product(new() { Rows = own, Columns = below, Depth = below }) : null,
            Sum = regularised ? SumOf(weightShape) : null,
        };
    }

    private Rows MakeRows(long count)
    {
        RelaxationDescriptor n = Descriptor;
        long width = n.Widths[^1];
        return new()
        {
            Hop = count * (n.Widths.Max() + 16),
            Constant = [count, 1],
            Shapes = [.. n.Widths.Select(w => Shape.Create([count, w]))],
            Rise = PerLayer(l => Product(new() { Rows = count, Columns = n.Widths[l], Depth = n.Widths[l - 1], TransposeB = true })),
            Inject = PerLayer(l => Product(new() { Rows = count, Columns = n.Widths[l], Depth = width })),
            Sum = PerLayer(l => SumOf([count, n.Widths[l]])),
            Gradient = PerLayer(l => Product(new() { Rows = n.Widths[l], Columns = n.Widths[l - 1], Depth = count, TransposeA = true })),
            Shift = PerLayer(l => n.Bias ? Product(new() { Rows = count, Columns = n.Widths[l], Depth = 1 }) : null),
        };
    }

    /// <summary>Indexed by the layer; entry 0 is not used.</summary>
    private TValue[] PerLayer<TValue>(Func<int, TValue> value) => [default!, .. Enumerable.Range(1, Descriptor.Depth).Select(value)];

    private GemmPlan<T> Product(GemmDescriptor descriptor)
    {
        if (!products.TryGetValue(descriptor, out GemmPlan<T>? plan))
        {
            plan = GemmPlan.Create<T>(Device, descriptor);
            products[descriptor] = plan;
        }

        return plan;
    }

    private ElementwisePlan<T> SumOf(Shape shape)
    {
        if (!sums.TryGetValue(shape, out ElementwisePlan<T>? plan))
        {
            plan = ElementwisePlan.Create<T>(Device, new() { Operation = ElementwiseOperation.Copy, Shape = shape });
            sums[shape] = plan;
        }

        return plan;
    }

    /// <summary>Where a layer's numbers are, and its products but those with rows.</summary>
    private sealed class Layer
    {
        public required long Weight { get; init; }

        public required long Bias { get; init; }

        public required long Activity { get; init; }

        public required Shape WeightShape { get; init; }

        public required Shape BiasShape { get; init; }

        public required Shape GramShape { get; init; }

        public required GemmPlan<T> Back { get; init; }

        public required GemmPlan<T> Gram { get; init; }

        public required GemmPlan<T>? Shift { get; init; }

        public required GemmPlan<T>? BiasGradient { get; init; }

        public required GemmPlan<T>? WeightGram { get; init; }

        public required GemmPlan<T>? WeightProduct { get; init; }

        public required ElementwisePlan<T>? Sum { get; init; }
    }

    /// <summary>Products of a number of rows with each layer.</summary>
    private sealed class Rows
    {
        /// <summary>Elements between two of the three places for rows in the scratch memory; the last one's end holds the constants.</summary>
        public required long Hop { get; init; }

        public required Shape Constant { get; init; }

        public required Shape[] Shapes { get; init; }

        public required GemmPlan<T>[] Rise { get; init; }

        public required GemmPlan<T>[] Inject { get; init; }

        public required ElementwisePlan<T>[] Sum { get; init; }

        public required GemmPlan<T>[] Gradient { get; init; }

        public required GemmPlan<T>?[] Shift { get; init; }
    }

    /// <summary>What a call needs on the host; kept from call to call.</summary>
    private sealed class HostMemory
    {
        public HostMemory(RelaxationDescriptor network)
        {
            int batch = checked((int)network.Batch), width = checked((int)network.Widths[^1]);
            Covariance = new(width, width);
            Dual = new(batch, width);
            Square = new T[width * width];
            Identity = Array.ConvertAll(Matrix.ScaledIdentity(width, 1).Elements, T.CreateTruncating);
            Prediction = new T[batch * width];
            Target = new T[batch * width];
            Shift = new T[width];
            DualSum = new T[width];
        }

        public Matrix Covariance { get; }

        public Matrix Dual { get; }

        public T[] Square { get; }

        public T[] Identity { get; }

        public T[] Prediction { get; }

        public T[] Target { get; }

        public T[] Shift { get; }

        public T[] DualSum { get; }
    }
}
