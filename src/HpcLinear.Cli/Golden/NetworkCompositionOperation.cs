using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>The end-to-end filter of a linear convolutional network.</summary>
/// <remarks>Inputs w1 (applied first), w2, …; outputs V, and size, its extents.</remarks>
internal sealed class NetworkCompositionOperation : IDeviceOperation
{
    public string Name => "lcn.compose";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        DeepProductDescriptor network = LinearNetworkSettings.Describe(context.Case);
        Shape size = network.ComposedShape.Skip(2);
        return output == "size" ? GoldenArray.OfIntegers([size.Rank], [.. size]) : NetworkJacobianOperation.Compute(context, network, "", output, "JTu_");
    }
}
