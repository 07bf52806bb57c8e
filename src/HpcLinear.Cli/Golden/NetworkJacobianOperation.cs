using System.Numerics;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>Products with the Jacobian of the end-to-end map, its kernel and its rank; of one network or of several.</summary>
/// <remarks>
/// Inputs w1, w2, …, dw1, …, u; outputs V, Jdw, JTu_1 …, Ku, K, rank. Of several networks (parameter nets) every name begins with n1_, n2_, …, gradients are called
/// JTu1 …, and rank lists all ranks. Ranks are computed on the host.
/// </remarks>
internal sealed class NetworkJacobianOperation(bool several) : IDeviceOperation
{
    public string Name => several ? "lcn.jacobian_nets" : "lcn.jacobian";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (!several)
        {
            return output == "rank" ? GoldenArray.OfIntegers(Shape.Scalar, [Rank(context.Case, "")]) : Compute(context, LinearNetworkSettings.Describe(context.Case), "", output, "JTu_");
        }

        int networks = checked((int)context.Case.Parameters.Number("nets"));
        if (output == "rank")
        {
            return GoldenArray.OfIntegers([networks], [.. Enumerable.Range(1, networks).Select(i => Rank(context.Case, Prefix(i)))]);
        }

        int at = output.IndexOf('_', StringComparison.Ordinal);
        return at > 0 && LinearNetworkSettings.LayerOf(output[..at], "n", networks) is { } network
            ? Compute(context, LinearNetworkSettings.Describe(context.Case, Prefix(network + 1) + "w"), Prefix(network + 1), output[(at + 1)..], "JTu")
            : null;
    }

    /// <summary>One output of the network whose inputs have a prefix.</summary>
    internal static GoldenArray? Compute<T>(GoldenContext<T> context, DeepProductDescriptor network, string prefix, string output, string gradientWord)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TensorView<T>[] layers = Layers("w");
        if (output == "K")
        {
            Tensor<T> kernel = context.Result(network.KernelShape);
            context.Own(JacobianKernelPlan.Create<T>(context.Device, network)).Execute(context.Queue, layers, kernel);
            return context.Read(kernel);
        }

        DeepProductPlan<T> plan = context.Own(DeepProductPlan.Create<T>(context.Device, network));
        if (LinearNetworkSettings.LayerOf(output, gradientWord, network.Depth) is { } layer)
        {
            Tensor<T>[] gradients = [.. Enumerable.Range(0, network.Depth).Select(l => context.Result(network.FilterShape(l)))];
            plan.JacobianTransposeProduct(context.Queue, layers, context.Input(prefix + "u"), [.. gradients.Select(g => (TensorView<T>)g)]);
            return context.Read(gradients[layer]);
        }

        Tensor<T> map = context.Result(network.ComposedShape);
        switch (output)
        {
            case "V":
                plan.Compose(context.Queue, layers, map);
                break;
            case "Jdw":
                plan.JacobianProduct(context.Queue, layers, Layers("dw"), map);
                break;
            case "Ku":
                plan.KernelProduct(context.Queue, layers, context.Input(prefix + "u"), map);
                break;
            default:
                return null;
        }

        return context.Read(map);

        TensorView<T>[] Layers(string word) => [.. Enumerable.Range(1, network.Depth).Select(l => (TensorView<T>)context.Input(LinearNetworkSettings.Numbered(prefix + word, l)))];
    }

    private static string Prefix(int network) => LinearNetworkSettings.Numbered("n", network) + "_";

    private static long Rank(GoldenCase golden, string prefix) => JacobianRank.Of(LinearNetworkSettings.Read(golden, prefix + "w")).Rank;
}
