using System.Numerics;
using HpcLinear.Cli.Bench;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Demo;

/// <summary>As many linear convolutional networks as there are digits: their end-to-end filters and the gradients of these.</summary>
internal sealed class DigitChains
{
    private const int Layers = 4;
    private const int Piece = 200;

    /// <summary>Magnitudes for the tolerances are computed in every so many pieces.</summary>
    private const int MagnitudeStep = 10;

    private readonly int digits;
    private readonly DeepProductDescriptor descriptor;
    private readonly RandomOperand[] filters;
    private readonly RandomOperand cotangent;
    private readonly double[] composed;
    private readonly double[][] gradients;
    private readonly double[] magnitudes = new double[Layers + 1];
    private readonly Lock gate = new();

    public DigitChains(int digits)
    {
        this.digits = digits;
        descriptor = Describe(digits);
        filters = [.. Enumerable.Range(0, Layers).Select(l => new RandomOperand((ulong)(20 + l), descriptor.FilterShape(l).ElementCount))];
        cotangent = new(30, descriptor.ComposedShape.ElementCount);
        composed = new double[cotangent.Count];
        gradients = [.. filters.Select(f => new double[f.Count])];
    }

    public string Describe() => $"filter chains: {digits} networks of {Layers} layers 3x3, channels {descriptor.Channels.ToProblemText()}, strides 2, 1, 2, 1, "
        + $"end-to-end filters {descriptor.ComposedShape.Skip(3).ToProblemText()}, every one compared";

    /// <summary>Computes what is expected, in pieces that may run at the same time.</summary>
    public IEnumerable<Action> Prepare() => Enumerable.Range(0, (digits + Piece - 1) / Piece).Select<int, Action>(i => () => Compute(i));

    /// <summary>Times and checks composition and gradients of the first <paramref name="count"/> chains.</summary>
    public void Run<T>(DemoRun<T> run, int count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        DeepProductDescriptor d = Describe(count);
        CommandQueue queue = run.Queue;
        using DeepProductPlan<T> plan = DeepProductPlan.Create<T>(queue.Device, d);
        Tensor<T>[] w = [], dw = [];
        try
        {
            w = [.. filters.Select((f, l) => (f with { Count = Size(f, count) }).Upload<T>(queue, d.FilterShape(l)))];
            dw = [.. filters.Select((_, l) => queue.Device.Allocate<T>(d.FilterShape(l)))];
            using Tensor<T> g = (cotangent with { Count = Size(cotangent, count) }).Upload<T>(queue, d.ComposedShape), product = queue.Device.Allocate<T>(d.ComposedShape);
            TensorView<T>[] views = [.. w.Select(t => (TensorView<T>)t)], gradientViews = [.. dw.Select(t => (TensorView<T>)t)];

            // Roundings of all layers add up: their sums' lengths together are the n of the tolerance.
            double terms = Enumerable.Range(1, Layers - 1).Sum(l => d.Channels[l] * d.Filters[l].ElementCount);
            double gradientTerms = terms + d.ComposedShape.Skip(3).ElementCount;
            run.Measure("chains compose", count, d.Flops, Expected(composed, count, magnitudes[Layers], terms), product, () => plan.Compose(queue, views, product));

            // One call computes all layers' gradients; the last layer's and the first's are compared.
            Action call = () => plan.JacobianTransposeProduct(queue, views, g, gradientViews);
            for (int l = Layers - 1; l >= 0; l -= Layers - 1)
            {
                run.Measure($"chains gradients (w{l})", count, 3 * d.Flops, Expected(gradients[l], count, magnitudes[l], gradientTerms), dw[l], call);
            }
        }
        finally
        {
            foreach (Tensor<T> tensor in w.Concat(dw))
            {
                tensor.Dispose();
            }
        }
    }

    private static DeepProductDescriptor Describe(int problems) => new()
    {
        Problems = problems,
        Channels = [1, 4, 4, 4, 1],
        Filters = [[3, 3], [3, 3], [3, 3], [3, 3]],
        Strides = [[2, 2], [1, 1], [2, 2], [1, 1]],
    };

    private DemoExpectation Expected(double[] values, int count, double magnitude, double terms) =>
        DemoExpectation.Whole(values[..(int)(values.LongLength / digits * count)], magnitude, terms);

    /// <summary>Elements of an operand that belong to the first <paramref name="count"/> chains.</summary>
    private long Size(RandomOperand operand, int count) => operand.Count / digits * count;

    private void Compute(int index)
    {
        int from = index * Piece, count = Math.Min(Piece, digits - from);
        DeepProductDescriptor part = Describe(count);
        double[][] w = [.. filters.Select(f => f.ToArray(Size(f, from), Size(f, count)))];
        double[] g = cotangent.ToArray(Size(cotangent, from), Size(cotangent, count));
        ChainDefinition.Compose(part, count, w).CopyTo(composed, Size(cotangent, from));
        double[][] dw = ChainDefinition.Gradients(part, count, w, g);
        for (int l = 0; l < Layers; l++)
        {
            dw[l].CopyTo(gradients[l], Size(filters[l], from));
        }

        if (index % MagnitudeStep == 0)
        {
            double[][] absolute = [.. w.Select(f => Array.ConvertAll(f, Math.Abs))];
            double[][] all = [.. ChainDefinition.Gradients(part, count, absolute, Array.ConvertAll(g, Math.Abs)), ChainDefinition.Compose(part, count, absolute)];
            lock (gate)
            {
                for (int i = 0; i < all.Length; i++)
                {
                    magnitudes[i] = Math.Max(magnitudes[i], all[i].Max());
                }
            }
        }
    }
}
