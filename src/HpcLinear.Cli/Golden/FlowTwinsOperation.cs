using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>Two networks of one end-to-end filter and one set of invariants, whose kernels and flows differ.</summary>
/// <remarks>Inputs wa1, …, wb1, …, A, B; parameters strides and T; outputs V, Ka, Kb, V_T_a, V_T_b.</remarks>
internal sealed class FlowTwinsOperation : IDeviceOperation
{
    public string Name => "lcn.flow_twins";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        string twin = output is "V" or "Ka" or "V_T_a" ? "wa" : "wb";
        if (output is not ("V" or "Ka" or "Kb" or "V_T_a" or "V_T_b"))
        {
            return null;
        }

        DeepProductDescriptor network = LinearNetworkSettings.Describe(context.Case, twin);
        TensorView<T>[] layers = GradientFlowOperation.Layers(context, network, twin);
        return output switch
        {
            "V" => GradientFlowOperation.Compose(context, network, layers),
            "Ka" or "Kb" => GradientFlowOperation.Kernel(context, network, layers),
            _ => GradientFlowOperation.Compose(context, network, GradientFlowOperation.Run(context, network, layers).Weights),
        };
    }
}
