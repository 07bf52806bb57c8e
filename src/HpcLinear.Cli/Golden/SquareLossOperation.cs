using System.Numerics;
using HpcLinear.Data;
using HpcLinear.LinearNetworks;

namespace HpcLinear.Cli.Golden;

/// <summary>The square loss of a deep linear network from sufficient statistics, which every target with float64 measures; the rest is the host's.</summary>
/// <remarks>Inputs x, y, w1 …, dw1 …; outputs A, B, c, loss, dV, grad_1 …, hess_1 …, gn_1 …, rank_A.</remarks>
internal sealed class SquareLossOperation : IDeviceOperation
{
    public string Name => "lcn.loss";

    public string? WhyNot(Device device) => device.SupportsDouble ? null : $"{device.Target} ({device.Name}) has no float64, which statistics need";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        GoldenCase golden = context.Case;
        bool rounded = typeof(T) == typeof(float);
        DeepLinearNetwork network = LinearNetworkSettings.Read(golden, rounded: rounded);
        NpyArray x = golden.Input("x");
        if (x.Shape.Rank != network.Architecture.ComposedShape.Rank)
        {
            throw new DataFormatException(golden.Name, $"x of shape {x.Shape}", $"{network.Architecture.ComposedShape.Rank} axes");
        }

        SquareLossDescriptor sizes = SquareLossDescriptor.Of(network.Architecture, x.Shape[0], x.Shape.Skip(2));

        // A needs no targets, and a case of A alone may lack them.
        SquareLoss loss = rounded
            ? SquareLoss.Measure<float>(context.Queue, sizes, x.ToSingles(), golden.HasInput("y") ? golden.Input("y").ToSingles() : new float[sizes.TargetShape.ElementCount])
            : SquareLoss.Measure<double>(context.Queue, sizes, x.ToDoubles(), golden.HasInput("y") ? golden.Input("y").ToDoubles() : new double[sizes.TargetShape.ElementCount]);
        long taps = loss.B.Length / loss.MapShape[0];
        return output switch
        {
            "A" => GoldenArray.OfReals([taps, taps], loss.A.ToArray()),
            "B" => GoldenArray.OfReals([loss.MapShape[0], taps], loss.B.ToArray()),
            "c" => NetworkSettings.Number(loss.C),
            "loss" => NetworkSettings.Number(loss.Value(network)),
            "dV" => GoldenArray.OfReals(loss.MapShape, loss.Gradient(network.EndToEnd())),
            "rank_A" => GoldenArray.OfIntegers(Shape.Scalar, [loss.Rank()]),
            _ => LinearNetworkSettings.LayerOf(output, "grad_", network.Depth) is { } g ? LinearNetworkSettings.Layer(network, loss.Gradients(network), g)
                : LinearNetworkSettings.LayerOf(output, "hess_", network.Depth) is { } h ? LinearNetworkSettings.Layer(network, loss.HessianProduct(network, Directions()), h)
                : LinearNetworkSettings.LayerOf(output, "gn_", network.Depth) is { } n ? LinearNetworkSettings.Layer(network, loss.GaussNewtonProduct(network, Directions()), n)
                : null,
        };

        double[][] Directions() => LinearNetworkSettings.Directions(golden, "dw", rounded);
    }
}
