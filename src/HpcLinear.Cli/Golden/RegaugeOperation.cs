using HpcLinear.LinearNetworks;

namespace HpcLinear.Cli.Golden;

/// <summary>A network with given invariants, and the invariants of another one, on the host.</summary>
/// <remarks>Inputs w1 …, delta and m1 …; outputs out_1 …, V, delta, m_delta, m_C1 ….</remarks>
internal sealed class RegaugeOperation : IHostOperation
{
    public string Name => "lcn.regauge";

    public GoldenArray? Compute(GoldenCase golden, string output)
    {
        if (output.StartsWith("m_", StringComparison.Ordinal))
        {
            DeepLinearNetwork other = LinearNetworkSettings.Read(golden, "m", strided: false);
            return Invariant(other, output[2..]);
        }

        DeepLinearNetwork network = LinearNetworkSettings.Read(golden);
        DeepLinearNetwork found = Gauge.Regauge(network, golden.HasInput("delta") ? golden.Input("delta").ToDoubles() : Invariants.NormDifferences(network));
        return output == "V" ? GoldenArray.OfReals(network.Architecture.ComposedShape, found.EndToEnd())
            : LinearNetworkSettings.LayerOf(output, "out_", network.Depth) is { } layer ? LinearNetworkSettings.Layer(network, found.ToLayers(), layer)
            : Invariant(found, output);
    }

    private static GoldenArray? Invariant(DeepLinearNetwork network, string name)
    {
        if (name == "delta")
        {
            return GoldenArray.OfReals([network.Depth - 1], Invariants.NormDifferences(network));
        }

        return LinearNetworkSettings.ChannelMatrix(network, LinearNetworkSettings.LayerOf(name, "C", network.Depth - 1));
    }
}
