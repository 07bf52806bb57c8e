using System.Numerics;

namespace HpcLinear.Cli.Golden;

/// <summary>Energies and closed-form gradients of a predictive-coding network. Inputs x, y, W1 …, b1 …, Z1 …; outputs layer_energies, energy, gZ1 …, dW1 …, db1 ….</summary>
internal sealed class EnergyOperation : IDeviceOperation
{
    public string Name => "pc.energy_grads";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        NetworkRun<T> run = new(context);
        run.Start();
        return output switch
        {
            "energy" => NetworkSettings.Number(run.Energies().Total),
            "layer_energies" => GoldenArray.OfReals([run.Network.Depth], run.Energies().Layers),
            _ => run.Part(output, "gZ", "dW", "db", run.ActivityGradient, run.WeightGradient),
        };
    }
}
