using System.Numerics;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Golden;

/// <summary>Training, one update (or one relaxation with its updates) a minibatch. Inputs x, y <c>[minibatches, batch, n]</c>, W1 …, b1 …; outputs losses, W_after1 …, b_after1 ….</summary>
internal sealed class TrainingOperation : IDeviceOperation
{
    public string Name => "pc.train";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        GoldenParameters parameters = context.Case.Parameters;
        Tensor<T> x = context.Input("x"), y = context.Input("y");
        RelaxationDescriptor network = NetworkSettings.Read(context.Case) with { Batch = x.Shape[1] };
        TrainingOptions options = new()
        {
            Schedule = parameters.Choice("schedule", ("il", LearningSchedule.InferenceLearning), ("ipc", LearningSchedule.Incremental)),
            Relaxation = new() { Steps = (int)parameters.Number("steps"), Step = parameters.Real("step", 0) },
            Warmup = (int)parameters.Real("warmup", 0),
            Every = (int)parameters.Real("every", 0),
            Optimizer = parameters.Choice("opt", ("sgd", OptimizerRule.GradientDescent), ("adam", OptimizerRule.Adam)),
            LearningRate = parameters.Real("lr", 0),
            Momentum = parameters.Real("momentum", 0),
        };
        PredictiveCodingTrainer<T> trainer = context.Own(PredictiveCodingTrainer.Create<T>(context.Queue, network, options));
        context.Queue.Upload(Array.ConvertAll(NetworkSettings.Parameters(context.Case, network), T.CreateTruncating), trainer.Parameters);
        double[] losses = new double[x.Shape[0]];
        for (int i = 0; i < losses.Length; i++)
        {
            losses[i] = trainer.Step(x[i], y[i]).Loss;
        }

        double[] after = Array.ConvertAll(context.Queue.Download<T>(trainer.Parameters), double.CreateTruncating);
        return output == "losses" ? GoldenArray.OfReals([losses.Length], losses)
            : NetworkSettings.LayerOf(output, "W_after", 1, network.Depth) is { } w ? NetworkSettings.Weight(network, after, w)
            : NetworkSettings.LayerOf(output, "b_after", 1, network.Depth) is { } b ? NetworkSettings.Bias(network, after, b)
            : null;
    }
}
