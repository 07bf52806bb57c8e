using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>
/// Energy and gradients at given errors E1 …, and the equilibrium reached in error coordinates from zero errors: by Gauss-Newton. Outputs energy, gE1 …,
/// dW_fixed_e1 …, equilibrium_energy, Zeq1 …, dWeq1 ….
/// </summary>
internal sealed class ErrorCoordinatesOperation : IDeviceOperation
{
    private const int MostSteps = 10_000;

    public string Name => "pc.error_coordinates";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        NetworkRun<T> run = new(context);
        RelaxationDescriptor network = run.Network;
        if (output == "equilibrium_energy" || output.StartsWith("Zeq", StringComparison.Ordinal) || output.StartsWith("dWeq", StringComparison.Ordinal))
        {
            Settle(context, run);
            return output == "equilibrium_energy"
                ? NetworkSettings.Number(run.Energies().Total)
                : run.Part(output, "Zeq", "dWeq", null, () => run.Doubles(run.Activities), run.WeightGradient);
        }

        double[] given = [.. Enumerable.Range(1, network.Depth - 1).SelectMany(l => NetworkSettings.Array(context.Case, $"E{l}", [network.Batch, network.Widths[l]]))];
        Tensor<T> errors = run.Upload(given, network.ActivityShape), gradient = context.Result(network.ActivityShape), weights = context.Result(network.ParameterShape);
        run.Plan.ErrorGradient(run.Queue, run.Parameters, run.Input, run.Target, errors, run.Activities, gradient, weights);
        return output == "energy"
            ? NetworkSettings.Number(run.Energies().Total)
            : run.Part(output, "gE", "dW_fixed_e", null, () => run.Doubles(gradient), () => run.Doubles(weights));
    }

    /// <summary>Relaxes until the gradient is down to rounding.</summary>
    private static void Settle<T>(GoldenContext<T> context, NetworkRun<T> run)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> errors = context.Result(run.Network.ActivityShape);
        run.Queue.Fill(errors, T.Zero);
        run.Plan.RelaxErrors(run.Queue, run.Parameters, run.Input, run.Target, errors, run.Activities, new()
        {
            Method = RelaxationMethod.GaussNewton,
            Steps = MostSteps,
            AbsoluteTolerance = typeof(T) == typeof(float) ? 1e-6 : 1e-13,
        });
    }
}
