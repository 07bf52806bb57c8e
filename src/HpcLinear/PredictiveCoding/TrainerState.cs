using System.Numerics;

namespace HpcLinear.PredictiveCoding;

/// <summary>All that a trainer would lose if the process ended: what a checkpoint keeps. Restored, training goes on with the same bits.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public sealed class TrainerState<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Network, options and element type as text, a line each; a trainer restores only what has its own.</summary>
    public required string Description { get; init; }

    /// <summary>Training steps that updated the weights.</summary>
    public required long Updates { get; init; }

    /// <summary>Updates by the optimizer: more than <see cref="Updates"/> where weights move within a relaxation.</summary>
    public required long OptimizerUpdates { get; init; }

    /// <summary>By name: <c>parameters</c>; <c>velocity</c>, or <c>first_moment</c> and <c>second_moment</c>; <c>activities</c> of a warm start.</summary>
    public required IReadOnlyDictionary<string, T[]> Arrays { get; init; }
}
