using HpcLinear.Data;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Training;

/// <summary>A call of <c>train</c>, read and checked.</summary>
internal sealed record TrainingPlan
{
    public required RelaxationDescriptor Network { get; init; }

    public required WeightInitialisation Weights { get; init; }

    public required TrainingOptions Options { get; init; }

    public required LabelledData Training { get; init; }

    public required LabelledData Test { get; init; }

    public required int Epochs { get; init; }

    public required ulong Seed { get; init; }

    public string? Checkpoint { get; init; }

    /// <summary>The longest time between checkpoints.</summary>
    public TimeSpan Every { get; init; }

    public bool Resume { get; init; }

    public string? Rows { get; init; }
}
