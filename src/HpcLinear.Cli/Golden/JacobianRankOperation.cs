using System.Globalization;
using HpcLinear.Data;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>The numerical rank of the Jacobian of several networks, and the rank at almost all weights.</summary>
/// <remarks>Inputs n1_w1 (network 1, applied first), n1_w2, …, n2_w1, …, <c>[out, in, filter…]</c>; strides one unless the parameter <c>strides</c> gives a list a layer. Outputs rank, generic_rank.</remarks>
internal sealed class JacobianRankOperation : IHostOperation
{
    public string Name => "lcn.rank";

    public GoldenArray? Compute(GoldenCase golden, string output)
    {
        long nets = golden.Parameters.Number("nets");
        return output is "rank" or "generic_rank"
            ? GoldenArray.OfIntegers([nets], [.. Enumerable.Range(1, checked((int)nets)).Select(i => (long)RankOf(golden, i, generic: output == "generic_rank"))])
            : null;
    }

    private static int RankOf(GoldenCase golden, int net, bool generic)
    {
        List<NpyArray> layers = [golden.Input(Name(1))];
        while (golden.HasInput(Name(layers.Count + 1)))
        {
            layers.Add(golden.Input(Name(layers.Count + 1)));
        }

        int axes = layers[0].Shape.Rank - 2;
        if (axes < 0 || layers.Any(l => l.Shape.Rank != axes + 2))
        {
            throw new DataFormatException(golden.Name, $"layers {string.Join(' ', layers.Select(l => l.Shape.ToString()))}", "[out, in, filter…] with the same axes in all");
        }

        IReadOnlyList<Shape> strides = golden.Parameters.Has("strides")
            ? golden.Parameters.ExtentLists("strides")
            : [.. layers.Select(_ => Shape.Create([.. Enumerable.Repeat(1L, axes)]))];
        DeepProductDescriptor architecture = new()
        {
            Channels = [layers[0].Shape[1], .. layers.Select(l => l.Shape[0])],
            Filters = [.. layers.Select(l => l.Shape.Skip(2))],
            Strides = strides,
        };
        return generic ? JacobianRank.Generic(architecture) : JacobianRank.Of(new DeepLinearNetwork(architecture, [.. layers.Select(l => l.ToDoubles())])).Rank;

        string Name(int layer) => string.Create(CultureInfo.InvariantCulture, $"n{net}_w{layer}");
    }
}
