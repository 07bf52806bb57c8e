using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>Relaxation of activities from the feed-forward state, or from Z1 … where they are given. Outputs energy_trace, energy, Z1 …, dW1 …, db1 ….</summary>
internal sealed class RelaxationOperation : IDeviceOperation
{
    public string Name => "pc.relax";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        NetworkRun<T> run = new(context);
        GoldenParameters parameters = context.Case.Parameters;
        run.Start();
        double momentum = parameters.Real("momentum", 0);
        RelaxationResult result = run.Plan.Relax(run.Queue, run.Parameters, run.Input, run.Target, run.Activities, new()
        {
            Method = parameters.Choice("method", ("gd", RelaxationMethod.GradientDescent), ("momentum", RelaxationMethod.Momentum), ("nesterov", RelaxationMethod.Nesterov), ("heun", RelaxationMethod.Heun), ("adaptive", RelaxationMethod.AdaptiveHeun)) switch
            {
                RelaxationMethod.GradientDescent when momentum > 0 => parameters.Flag("nesterov") ? RelaxationMethod.Nesterov : RelaxationMethod.Momentum,
                RelaxationMethod method => method,
            },
            Steps = (int)parameters.Number("steps"),
            Step = parameters.Real("step", 0),
            Momentum = momentum,
            TraceEnergy = true,
        });
        return output switch
        {
            "energy" => NetworkSettings.Number(run.Energies().Total),
            "energy_trace" => GoldenArray.OfReals([result.EnergyTrace.Count], [.. result.EnergyTrace]),
            _ => run.Part(output, "Z", "dW", "db", () => run.Doubles(run.Activities), run.WeightGradient),
        };
    }
}
