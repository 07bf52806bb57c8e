using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Golden;

/// <summary>Outputs of cases that ask about the Hessian of a linear network's activities: hessian, hessian_logdet, hessian_min_eig, hessian_max_eig.</summary>
internal static class HessianOutputs
{
    /// <summary>The output; null when it is none of these.</summary>
    public static GoldenArray? Compute(RelaxationDescriptor network, double[] parameters, string output)
    {
        if (!output.StartsWith("hessian", StringComparison.Ordinal))
        {
            return null;
        }

        ActivityHessian hessian = ActivityHessian.Create(network, parameters);
        return output switch
        {
            "hessian" => GoldenArray.OfReals([hessian.Dimension, hessian.Dimension], hessian.ToDense()),
            "hessian_logdet" => NetworkSettings.Number(hessian.LogDeterminant),
            "hessian_min_eig" => NetworkSettings.Number(hessian.ExtremeEigenvalues().Smallest),
            "hessian_max_eig" => NetworkSettings.Number(hessian.ExtremeEigenvalues().Largest),
            _ => null,
        };
    }
}
