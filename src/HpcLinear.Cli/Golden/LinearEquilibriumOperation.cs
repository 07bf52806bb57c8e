using System.Numerics;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Golden;

/// <summary>The exact equilibrium of a linear network in output space, on every target; the Hessian of the activities comes from the host.</summary>
/// <remarks>Inputs x, y, W1 …, b1 …; outputs energy, layer_energies, loss, S, q, Z1 …, E1 …, dW1 …, db1 …, hessian, hessian_logdet, hessian_min_eig, hessian_max_eig.</remarks>
internal sealed class LinearEquilibriumOperation : IDeviceOperation
{
    public string Name => "pc.linear_equilibrium";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RelaxationDescriptor network = NetworkSettings.Read(context.Case);
        double[] parameters = NetworkSettings.Parameters(context.Case, network);
        LinearEquilibriumPlan<T> plan = context.Own(LinearEquilibriumPlan.Create<T>(context.Device, network));
        Tensor<T> weights = context.Result(network.ParameterShape), x = context.Input("x"), y = context.Input("y");
        context.Queue.Upload(Array.ConvertAll(parameters, T.CreateTruncating), weights);
        Tensor<T> activities = context.Result(network.ActivityShape), errors = context.Result(network.ActivityShape), gradient = context.Result(network.ParameterShape);
        Tensor<T> dual = context.Result(network.TargetShape), covariance = context.Result([network.Widths[^1], network.Widths[^1]]);
        EquilibriumEnergies found = plan.Solve(context.Queue, weights, x, y, activities, errors, gradient, dual, covariance);
        switch (output)
        {
            case "energy":
                double[] xs = NetworkSettings.Array(context.Case, "x", network.InputShape), ys = NetworkSettings.Array(context.Case, "y", network.TargetShape);
                return NetworkSettings.Number(found.Energy + RelaxationReference.Energies(network, parameters, xs, ys, new double[network.ActivityCount]).Regularisers);
            case "loss":
                // The cases weight the loss as the energy does.
                return NetworkSettings.Number(network.Precision(network.Depth) * found.Loss);
            case "hessian_logdet":
                return NetworkSettings.Number(found.LogDeterminant);
            case "S":
                return context.Read(covariance);
            case "q":
                return context.Read(dual);
        }

        if (HessianOutputs.Compute(network, parameters, output) is { } hessian)
        {
            return hessian;
        }

        double last = network.Precision(network.Depth);
        double[] allErrors = [.. Doubles(errors), .. Doubles(dual).Select(q => q / last)];
        return output == "layer_energies"
            ? GoldenArray.OfReals([network.Depth], [.. Enumerable.Range(1, network.Depth).Select(l => network.Precision(l) / (2 * network.Batch)
                * NetworkSettings.Activity(network, allErrors, l).Reals.Sum(e => e * e))])
            : NetworkSettings.LayerOf(output, "Z", 1, network.Depth - 1) is { } z ? NetworkSettings.Activity(network, Doubles(activities), z)
            : NetworkSettings.LayerOf(output, "E", 1, network.Depth) is { } e ? NetworkSettings.Activity(network, allErrors, e)
            : NetworkSettings.LayerOf(output, "dW", 1, network.Depth) is { } w ? NetworkSettings.Weight(network, Doubles(gradient), w)
            : NetworkSettings.LayerOf(output, "db", 1, network.Depth) is { } b ? NetworkSettings.Bias(network, Doubles(gradient), b)
            : null;

        double[] Doubles(Tensor<T> tensor) => Array.ConvertAll(context.Queue.Download<T>(tensor), double.CreateTruncating);
    }
}
