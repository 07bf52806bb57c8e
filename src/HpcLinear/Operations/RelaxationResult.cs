using System.Globalization;

namespace HpcLinear.Operations;

/// <summary>How a relaxation went.</summary>
public sealed record RelaxationResult
{
    /// <summary>How it ended.</summary>
    public required RelaxationStatus Status { get; init; }

    /// <summary>Steps made: the most over the samples.</summary>
    public required int Steps { get; init; }

    /// <summary>Batch-mean energy, the sum over the layers as <see cref="RelaxationPlan{T}.Energies"/> gives them (without activity decay and the weights' regularisers), before every step and
    /// after the last; empty when not asked for.</summary>
    public IReadOnlyList<double> EnergyTrace { get; init; } = [];

    /// <summary>Energy, as in <see cref="EnergyTrace"/>, before the first step; NaN where there was neither a step nor a trace, or the start has none that is finite.</summary>
    public double InitialEnergy { get; init; } = double.NaN;

    /// <summary>Energy before the last step, or after it when traced; NaN where <see cref="InitialEnergy"/> is.</summary>
    public double LastEnergy { get; init; } = double.NaN;

    /// <summary>The step at which the energy left its bounds; -1 if it did not.</summary>
    public int DivergedStep { get; init; } = -1;

    /// <summary>The layer, from 1, of the largest or first non-finite energy at that step; 0 if none.</summary>
    public int DivergedLayer { get; init; }

    /// <summary>After a divergence by too long a step: a step that is stable at the feed-forward state, as <see cref="RelaxationPlan{T}.StableStep"/> finds it there
    /// (linear networks with squared error: everywhere). Null where the step was not at fault.</summary>
    public double? SuggestedStep { get; init; }

    /// <summary>How far the end is from the equilibrium at most, where <see cref="RelaxationOptions.EnergyTolerance"/> asks for it; null otherwise.</summary>
    public RelaxationCertificate? Certificate { get; init; }

    /// <summary>The outcome in words.</summary>
    public override string ToString() => Status == RelaxationStatus.Diverged
        ? string.Create(CultureInfo.InvariantCulture, $"diverged at step {DivergedStep}, layer {DivergedLayer}{(SuggestedStep is { } step ? $"; a step of {step:G2} is stable at the feed-forward state" : "")}")
        : $"{Status.ToString().ToLowerInvariant()} after {Steps} steps";
}
