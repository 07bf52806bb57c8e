using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>Values and derivatives of activations. Input z; outputs tanh, d_tanh, ….</summary>
internal sealed class ActivationOperation : IDeviceOperation
{
    public string Name => "pc.activation";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        bool derivative = output.StartsWith("d_", StringComparison.Ordinal);
        string word = derivative ? output[2..] : output;
        int at = Array.FindIndex(NetworkSettings.Activations, a => a.Word == word);
        if (at < 0)
        {
            return null;
        }

        Shape shape = context.Case.Input("z").Shape;
        ActivationPlan<T> plan = context.Own(ActivationPlan.Create<T>(context.Device, new() { Activation = NetworkSettings.Activations[at].Value, Shape = shape }));
        Tensor<T> value = context.Result(shape), slope = context.Result(shape);
        plan.Execute(context.Queue, context.Input("z"), value, slope);
        return context.Read(derivative ? slope : value);
    }
}
