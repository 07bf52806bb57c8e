using HpcLinear.Data;
using HpcLinear.LinearNetworks;

namespace HpcLinear.Cli.Golden;

/// <summary>Sectional curvatures of leaves from squared norms, one network or rows of them, on the host.</summary>
/// <remarks>Input n; outputs radial, within, between.</remarks>
internal sealed class CurvatureOperation : IHostOperation
{
    public string Name => "lcn.curvature";

    public GoldenArray? Compute(GoldenCase golden, string output)
    {
        NpyArray norms = golden.Input("n");
        if (norms.Shape.Rank == 0)
        {
            throw new DataFormatException(golden.Name, "n without axes", "[…, layers]");
        }

        int layers = (int)norms.Shape[^1];
        double[] n = norms.ToDoubles(), curvatures = new double[n.Length * (output == "between" ? layers : 1)];
        switch (output)
        {
            case "radial":
                LeafCurvature.Radial(layers, n, curvatures);
                return GoldenArray.OfReals(norms.Shape, curvatures);
            case "within":
                LeafCurvature.Within(layers, n, curvatures);
                return GoldenArray.OfReals(norms.Shape, curvatures);
            case "between":
                LeafCurvature.Between(layers, n, curvatures);
                return GoldenArray.OfReals([.. norms.Shape, layers], curvatures);
            default:
                return null;
        }
    }
}
