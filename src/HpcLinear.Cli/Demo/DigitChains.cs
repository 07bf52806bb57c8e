using System.Numerics;
using HpcLinear.Cli.Bench;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Demo;

/// <summary>As many linear convolutional networks as there are digits: their end-to-end filters and the gradients of these.</summary>
internal sealed class DigitChains
{
    private const int Layers = 4;
    private const int Piece = 500;

    private readonly int digits;
    private readonly FilterChainDescriptor descriptor;
    private readonly RandomOperand[] filters;
    private readonly RandomOperand cotangent;
    private readonly DemoExpectation?[] gradients = new DemoExpectation?[Layers];
    private DemoExpectation? composed;

    public DigitChains(int digits)
    {
        this.digits = digits;
        descriptor = Describe(digits);
        filters = [.. Enumerable.Range(0, Layers).Select(l => new RandomOperand((ulong)(20 + l), descriptor.FilterShape(l).ElementCount))];
        cotangent = new(30, descriptor.ComposedShape.ElementCount);
    }

    public string Describe() => $"filter chains: {digits} networks of {Layers} layers 3x3, channels {descriptor.Channels.ToProblemText()}, strides 2, 1, 2, 1, "
        + $"end-to-end filters {descriptor.ComposedShape.Skip(3).ToProblemText()}, every one compared";

    /// <summary>Computes what is expected, in pieces that may run at the same time.</summary>
    public IEnumerable<Action> Prepare()
    {
        double[] want = new double[cotangent.Count];
        double[][] wantGradients = [.. filters.Select(f => new double[f.Count])];
        double largest = 0;
        double[] largestGradients = new double[Layers];
        int left = (digits + Piece - 1) / Piece;
        object gate = new();
        for (int first = 0; first < digits; first += Piece)
        {
            int from = first, count = Math.Min(Piece, digits - first);
            yield return () => Compute(from, count);
        }

        void Compute(int from, int count)
        {
            FilterChainDescriptor part = Describe(count);
            double[][] w = [.. filters.Select(f => Part(f, from, count))], absolute = [.. w.Select(f => Array.ConvertAll(f, Math.Abs))];
            double[] g = Part(cotangent, from, count);
            double[] product = ChainDefinition.Compose(part, count, w), magnitude = ChainDefinition.Compose(part, count, absolute);
            double[][] dw = ChainDefinition.Gradients(part, count, w, g), dwMagnitude = ChainDefinition.Gradients(part, count, absolute, Array.ConvertAll(g, Math.Abs));
            lock (gate)
            {
                product.CopyTo(want, from * (want.LongLength / digits));
                largest = Math.Max(largest, magnitude.Max());
                for (int l = 0; l < Layers; l++)
                {
                    dw[l].CopyTo(wantGradients[l], from * (wantGradients[l].LongLength / digits));
                    largestGradients[l] = Math.Max(largestGradients[l], dwMagnitude[l].Max());
                }

                if (--left == 0)
                {
                    // Roundings of all layers add up: their sums' lengths together are the n of the tolerance.
                    double terms = Enumerable.Range(1, Layers - 1).Sum(l => descriptor.Channels[l] * descriptor.Filters[l].ElementCount);
                    composed = DemoExpectation.Whole(want, largest, terms);
                    for (int l = 0; l < Layers; l++)
                    {
                        gradients[l] = DemoExpectation.Whole(wantGradients[l], largestGradients[l], terms + descriptor.ComposedShape.Skip(3).ElementCount);
                    }
                }
            }
        }
    }

    public void Run<T>(DemoRun<T> run)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CommandQueue queue = run.Queue;
        using FilterChainPlan<T> plan = FilterChainPlan.Create<T>(queue.Device, descriptor);
        Tensor<T>[] w = [], dw = [];
        try
        {
            w = [.. filters.Select((f, l) => f.Upload<T>(queue, descriptor.FilterShape(l)))];
            dw = [.. filters.Select((_, l) => queue.Device.Allocate<T>(descriptor.FilterShape(l)))];
            using Tensor<T> g = cotangent.Upload<T>(queue, descriptor.ComposedShape), product = queue.Device.Allocate<T>(descriptor.ComposedShape);
            TensorView<T>[] views = [.. w.Select(t => (TensorView<T>)t)], gradientViews = [.. dw.Select(t => (TensorView<T>)t)];
            run.Measure("filter chains compose", digits, descriptor.Flops, composed!, product, () => plan.Compose(queue, views, product));
            for (int l = 0; l < Layers; l += Layers - 1)
            {
                // One call computes all layers' gradients; the first and the last, made of the longest sums, are compared.
                run.Measure($"filter chains gradients w{l}", digits, 3 * descriptor.Flops, gradients[l]!, dw[l], () => plan.Gradients(queue, views, g, gradientViews));
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

    private static FilterChainDescriptor Describe(int problems) => new()
    {
        Problems = problems,
        Channels = [1, 4, 4, 4, 1],
        Filters = [[3, 3], [3, 3], [3, 3], [3, 3]],
        Strides = [[2, 2], [1, 1], [2, 2], [1, 1]],
    };

    private double[] Part(RandomOperand operand, int from, int count)
    {
        long each = operand.Count / digits;
        double[] elements = new double[count * each];
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i] = operand[(from * each) + i];
        }

        return elements;
    }
}
