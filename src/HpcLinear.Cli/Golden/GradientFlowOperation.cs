using System.Globalization;
using System.Numerics;
using HpcLinear.Data;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>Gradient flow of a deep linear network with the square loss by its sufficient statistics.</summary>
/// <remarks>Inputs w1 (applied first), w2, …, A, B, lam; parameters strides and T; outputs w_1_T, …, V_T, delta_T, loss_T, C_1_T, …, and K at the start, with lam from the
/// end-to-end matrix alone.</remarks>
internal sealed class GradientFlowOperation : IDeviceOperation
{
    public string Name => "lcn.flow";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        DeepProductDescriptor network = Describe(context.Case, "w");
        TensorView<T>[] start = Layers(context, network, "w");
        if (output == "K")
        {
            if (!context.Case.HasInput("lam") || network.Channels.Skip(1).SkipLast(1).Distinct().Count() != 1)
            {
                return Kernel(context, network, start);
            }

            int rows = (int)network.Channels[^1], columns = (int)network.Channels[0];
            double[] map = Compose(context, network, start).Reals, lambda = context.Case.Input("lam").ToDoubles();
            return GoldenArray.OfReals([map.Length, map.Length], LambdaBalancedKernel.Of(rows, columns, (int)network.Channels[1], map, lambda));
        }

        (double loss, TensorView<T>[] end) = Run(context, network, start);
        if (output == "V_T")
        {
            return Compose(context, network, end);
        }

        double[][] layers = [.. end.Select(w => Array.ConvertAll(context.Queue.Download<T>(w), double.CreateChecked))];
        int depth = network.Depth;
        return output switch
        {
            "loss_T" => NetworkSettings.Number(loss),
            "delta_T" => GoldenArray.OfReals([depth - 1], [.. Enumerable.Range(0, depth - 1).Select(l => Square(layers[l]) - Square(layers[l + 1]))]),
            _ when NetworkSettings.LayerOf(output.Replace("_T", "", StringComparison.Ordinal), "w_", 1, depth) is { } l => GoldenArray.OfReals(network.FilterShape(l - 1), layers[l - 1]),
            _ when NetworkSettings.LayerOf(output.Replace("_T", "", StringComparison.Ordinal), "C_", 1, depth - 1) is { } l => ChannelDifference(network, layers, l - 1),
            _ => null,
        };

        static double Square(double[] w) => w.Sum(x => x * x);
    }

    /// <summary>The layers word1, word2, … and the parameter strides.</summary>
    internal static DeepProductDescriptor Describe(GoldenCase golden, string word)
    {
        IReadOnlyList<Shape> strides = golden.Parameters.ExtentLists("strides");
        Shape[] layers = [.. strides.Select((_, l) => golden.Input(Numbered(word, l)).Shape)];
        if (strides.Count == 0 || layers.Where((w, l) => w.Rank != strides[l].Rank + 2).Any())
        {
            throw new DataFormatException(golden.Name, $"layers {string.Join(' ', layers.Select(w => w.ToString()))}", "[out, in, filter…] with as many axes as each stride, at least one");
        }

        DeepProductDescriptor network = new()
        {
            Channels = [layers[0][1], .. layers.Select(w => w[0])], Filters = [.. layers.Select(w => w.Skip(2))], Strides = strides,
        };
        network.Validate();
        return network;
    }

    internal static TensorView<T>[] Layers<T>(GoldenContext<T> context, DeepProductDescriptor network, string word)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => [.. Enumerable.Range(0, network.Depth).Select(l => (TensorView<T>)context.Input(Numbered(word, l)))];

    /// <summary>The loss and the weights at T.</summary>
    internal static (double Loss, TensorView<T>[] Weights) Run<T>(GoldenContext<T> context, DeepProductDescriptor network, TensorView<T>[] start)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        GradientFlowPlan<T> plan = context.Own(GradientFlowPlan.Create<T>(context.Device, new() { Network = network }));
        Tensor<T>[] states = [.. Enumerable.Range(0, network.Depth).Select(l => context.Result(plan.Descriptor.StateShape(l, 1)))];
        FlowOutcome outcome = plan.Run(
            context.Queue, start, context.Input("A"), context.Input("B"), [context.Case.Parameters.Real("T", 1)], [.. states.Select(s => (TensorView<T>)s)],
            new() { RelativeTolerance = 1e-12, AbsoluteTolerance = 1e-14 })[0];
        return (outcome.Loss, [.. states.Select((s, l) => s.View(0, network.FilterShape(l)))]);
    }

    internal static GoldenArray Compose<T>(GoldenContext<T> context, DeepProductDescriptor network, TensorView<T>[] layers)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        DeepProductPlan<T> plan = context.Own(DeepProductPlan.Create<T>(context.Device, network));
        Tensor<T> composed = context.Result(network.ComposedShape);
        plan.Compose(context.Queue, layers, composed);
        return context.Read(composed);
    }

    internal static GoldenArray Kernel<T>(GoldenContext<T> context, DeepProductDescriptor network, TensorView<T>[] layers)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        DeepLinearNetwork host = new(network, [.. layers.Select(w => Array.ConvertAll(context.Queue.Download<T>(w), double.CreateChecked))]);
        return GoldenArray.OfReals([host.MapElements, host.MapElements], host.Kernel());
    }

    /// <summary><c>C_l = sum over taps of W_{l+1}ᵀ W_{l+1} - W_l W_lᵀ</c>.</summary>
    private static GoldenArray ChannelDifference(DeepProductDescriptor network, double[][] layers, int l)
    {
        int channels = (int)network.Channels[l + 1], before = layers[l].Length / channels, after = (int)network.Channels[l + 2], taps = layers[l + 1].Length / channels / after;
        double[] c = new double[channels * channels];
        for (int i = 0; i < c.Length; i++)
        {
            (int p, int q) = (i / channels, i % channels);
            for (int j = 0; j < before; j++)
            {
                c[i] -= layers[l][(p * before) + j] * layers[l][(q * before) + j];
            }

            for (int j = 0; j < after * taps; j++)
            {
                c[i] += layers[l + 1][((((j / taps) * channels) + p) * taps) + (j % taps)] * layers[l + 1][((((j / taps) * channels) + q) * taps) + (j % taps)];
            }
        }

        return GoldenArray.OfReals([channels, channels], c);
    }

    private static string Numbered(string word, int layer) => string.Create(CultureInfo.InvariantCulture, $"{word}{layer + 1}");
}
