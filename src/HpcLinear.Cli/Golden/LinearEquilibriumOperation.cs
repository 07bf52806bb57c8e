using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Golden;

/// <summary>The exact equilibrium of a linear network, in output space or by block tridiagonal factorisation, and the Hessian of the activities.</summary>
/// <remarks>Inputs x, y, W1 …, b1 …; outputs energy, layer_energies, loss, S (output space only), q, Z1 …, E1 …, dW1 …, db1 …, hessian, hessian_logdet,
/// hessian_min_eig, hessian_max_eig.</remarks>
internal sealed class LinearEquilibriumOperation(string name, bool blockTridiagonal) : IHostOperation
{
    public string Name => name;

    public GoldenArray? Compute(GoldenCase golden, string output)
    {
        RelaxationDescriptor network = NetworkSettings.Read(golden);
        double[] parameters = NetworkSettings.Parameters(golden, network);
        return output.StartsWith("hessian", StringComparison.Ordinal)
            ? OfHessian(ActivityHessian.Create(network, parameters), output)
            : OfEquilibrium(golden, network, parameters, output);
    }

    private static GoldenArray? OfHessian(ActivityHessian hessian, string output) => output switch
    {
        "hessian" => GoldenArray.OfReals([hessian.Dimension, hessian.Dimension], hessian.ToDense()),
        "hessian_logdet" => NetworkSettings.Number(hessian.LogDeterminant),
        "hessian_min_eig" => NetworkSettings.Number(hessian.ExtremeEigenvalues().Smallest),
        "hessian_max_eig" => NetworkSettings.Number(hessian.ExtremeEigenvalues().Largest),
        _ => null,
    };

    private GoldenArray? OfEquilibrium(GoldenCase golden, RelaxationDescriptor network, double[] parameters, string output)
    {
        double[] x = NetworkSettings.Array(golden, "x", network.InputShape), y = NetworkSettings.Array(golden, "y", network.TargetShape);
        LinearEquilibrium equilibrium = blockTridiagonal
            ? ActivityHessian.Create(network, parameters).Solve(x, y)
            : LinearEquilibrium.Solve(network, parameters, x, y);
        long outputs = network.Widths[^1];
        return output switch
        {
            "energy" => NetworkSettings.Number(equilibrium.Energy),
            // The cases weight the loss as the energy does.
            "loss" => NetworkSettings.Number(network.Precision(network.Depth) * equilibrium.Loss),
            "layer_energies" => NetworkSettings.Part(equilibrium.LayerEnergies, 0, [network.Depth]),
            "S" => blockTridiagonal ? null : NetworkSettings.Part(equilibrium.OutputCovariance, 0, [outputs, outputs]),
            "q" => NetworkSettings.Part(equilibrium.OutputDual, 0, network.TargetShape),
            _ => OfLayer(network, equilibrium, output),
        };
    }

    private static GoldenArray? OfLayer(RelaxationDescriptor network, LinearEquilibrium equilibrium, string output) =>
        NetworkSettings.LayerOf(output, "Z", 1, network.Depth - 1) is { } z ? NetworkSettings.Activity(network, equilibrium.Activities, z)
        : NetworkSettings.LayerOf(output, "E", 1, network.Depth) is { } e ? NetworkSettings.Activity(network, equilibrium.Errors, e)
        : NetworkSettings.LayerOf(output, "dW", 1, network.Depth) is { } w ? NetworkSettings.Weight(network, equilibrium.WeightGradient, w)
        : NetworkSettings.LayerOf(output, "db", 1, network.Depth) is { } b ? NetworkSettings.Bias(network, equilibrium.WeightGradient, b)
        : null;
}
