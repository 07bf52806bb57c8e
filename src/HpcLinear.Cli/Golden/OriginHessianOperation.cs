using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Golden;

/// <summary>The Hessian of the equilibrium energy in the weights, where all of them are zero.</summary>
/// <remarks>Inputs x, y; outputs hessian, min_eig, max_eig.</remarks>
internal sealed class OriginHessianOperation : IHostOperation
{
    public string Name => "pc.origin_hessian";

    public GoldenArray? Compute(GoldenCase golden, string output)
    {
        RelaxationDescriptor network = NetworkSettings.Read(golden);
        OriginHessian hessian = OriginHessian.Create(network, NetworkSettings.Array(golden, "x", network.InputShape), NetworkSettings.Array(golden, "y", network.TargetShape));
        return output switch
        {
            "hessian" => GoldenArray.OfReals([hessian.Dimension, hessian.Dimension], hessian.ToDense()),
            "min_eig" => NetworkSettings.Number(hessian.ExtremeEigenvalues().Smallest),
            "max_eig" => NetworkSettings.Number(hessian.ExtremeEigenvalues().Largest),
            _ => null,
        };
    }
}
