using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Training;

/// <summary>Sums over the minibatches of an epoch so far.</summary>
internal readonly record struct EpochSum
{
    public double Loss { get; init; }

    public long Correct { get; init; }

    public long Samples { get; init; }

    public EpochSum Add(TrainingStep step) => new() { Loss = Loss + (step.Loss * step.Samples), Correct = Correct + (step.Correct ?? 0), Samples = Samples + step.Samples };
}
