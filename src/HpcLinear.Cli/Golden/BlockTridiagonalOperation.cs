using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Golden;

/// <summary>The exact equilibrium of a linear network by block tridiagonal factorisation, and the Hessian of the activities.</summary>
/// <remarks>Inputs x, y, W1 …, b1 …; outputs energy, layer_energies, loss, q, Z1 …, E1 …, dW1 …, db1 …, hessian, hessian_logdet,
/// hessian_min_eig, hessian_max_eig.</remarks>
internal sealed class BlockTridiagonalOperation : IHostOperation
{
    public string Name => "pc.btd_solve";

    public GoldenArray? Compute(GoldenCase golden, string output)
    {
        RelaxationDescriptor network = NetworkSettings.Read(golden);
        double[] parameters = NetworkSettings.Parameters(golden, network);
        return HessianOutputs.Compute(network, parameters, output) ?? OfEquilibrium(golden, network, parameters, output);
    }

    private static GoldenArray? OfEquilibrium(GoldenCase golden, RelaxationDescriptor network, double[] parameters, string output)
    {
        double[] x = NetworkSettings.Array(golden, "x", network.InputShape), y = NetworkSettings.Array(golden, "y", network.TargetShape);
        LinearEquilibrium equilibrium = ActivityHessian.Create(network, parameters).Solve(x, y);
        return output switch
        {
            "energy" => NetworkSettings.Number(equilibrium.Energy),
            // The cases weight the loss as the energy does.
            "loss" => NetworkSettings.Number(network.Precision(network.Depth) * equilibrium.Loss),
            "layer_energies" => NetworkSettings.Part(equilibrium.LayerEnergies, 0, [network.Depth]),
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
