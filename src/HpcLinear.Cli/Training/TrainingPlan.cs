using System.Globalization;
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

    /// <summary>Whether the learning rate falls to 0 at the end.</summary>
    public bool IsCosine { get; init; }

    /// <summary>What the rate of an update depends on, besides its number and the rate it starts from.</summary>
    public string CourseText => IsCosine ? string.Create(CultureInfo.InvariantCulture, $"cosine over {Epochs} epochs") : "constant";

    public required LabelledData Training { get; init; }

    public required LabelledData Test { get; init; }

    public required int Epochs { get; init; }

    public required ulong Seed { get; init; }

    public string? Checkpoint { get; init; }

    /// <summary>The longest time between checkpoints.</summary>
    public TimeSpan Every { get; init; }

    public bool Resume { get; init; }

    public string? Rows { get; init; }

    /// <summary>The learning rate of an update, from 0: r cos²(π/2 update/total) of a cosine course, above 0 to the last.</summary>
    public static double CosineRate(double rate, long update, long total)
    {
        double cosine = Math.Cos(Math.PI / 2 * update / total);
        return rate * cosine * cosine;
    }
}
