using System.Numerics;
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
        DeepProductDescriptor network = LinearNetworkSettings.Describe(context.Case);
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

        DeepLinearNetwork found = Download(context, network, end);
        int depth = network.Depth;
        string word = output.Replace("_T", "", StringComparison.Ordinal);
        return output switch
        {
            "loss_T" => NetworkSettings.Number(loss),
            "delta_T" => GoldenArray.OfReals([depth - 1], Invariants.NormDifferences(found)),
            _ when LinearNetworkSettings.LayerOf(word, "w_", depth) is { } l => LinearNetworkSettings.Layer(found, found.ToLayers(), l),
            _ => LinearNetworkSettings.ChannelMatrix(found, LinearNetworkSettings.LayerOf(word, "C_", depth - 1)),
        };
    }

    internal static TensorView<T>[] Layers<T>(GoldenContext<T> context, DeepProductDescriptor network, string word)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => [.. Enumerable.Range(0, network.Depth).Select(l => (TensorView<T>)context.Input(LinearNetworkSettings.Numbered(word, l + 1)))];

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
        DeepLinearNetwork host = Download(context, network, layers);
        return GoldenArray.OfReals([host.MapElements, host.MapElements], host.Kernel());
    }

    private static DeepLinearNetwork Download<T>(GoldenContext<T> context, DeepProductDescriptor network, TensorView<T>[] layers)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => new(network, [.. layers.Select(w => Array.ConvertAll(context.Queue.Download<T>(w), double.CreateChecked))]);
}
