using HpcLinear.Data;
using HpcLinear.LinearNetworks;

namespace HpcLinear.Cli.Golden;

/// <summary>Squared norms of layers from their product and their differences, on the host.</summary>
/// <remarks>Inputs c2 and delta; output n.</remarks>
internal sealed class LayerNormsOperation : IHostOperation
{
    public string Name => "lcn.layer_norms";

    public GoldenArray? Compute(GoldenCase golden, string output)
    {
        NpyArray c2 = golden.Input("c2"), delta = golden.Input("delta");
        long layers = delta.Shape.Rank == 0 ? 1 : delta.Shape[^1] + 1;
        double[] norms = new double[c2.Shape.ElementCount * layers];
        LayerNorms.Solve(c2.ToDoubles(), delta.ToDoubles(), norms);
        return output == "n" ? GoldenArray.OfReals([.. c2.Shape, layers], norms) : null;
    }
}
