using System.Globalization;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>What a training step did.</summary>
public readonly record struct TrainingStep
{
    /// <summary>How it ended. Only <see cref="TrainingStatus.Updated"/> counts in <see cref="PredictiveCodingTrainer{T}.Updates"/>.</summary>
    public required TrainingStatus Status { get; init; }

    /// <summary>Samples of the minibatch.</summary>
    public required long Samples { get; init; }

    /// <summary>Mean loss of the feed-forward pass before the step.</summary>
    public required double Loss { get; init; }

    /// <summary>Samples whose largest prediction stood where the target's largest element is, before the step; null where there is one output.</summary>
    public required long? Correct { get; init; }

    /// <summary>Batch-mean energy without regularisers of weights: of the relaxation's last report (<see cref="RelaxationResult.LastEnergy"/>); of back-propagation λ_L loss;
    /// of an exact equilibrium F*.</summary>
    public double Energy { get; init; }

    /// <summary>Largest magnitude of the (last) weight gradient; NaN where none was computed.</summary>
    public double GradientMagnitude { get; init; }

    /// <summary>The relaxation; null where there was none.</summary>
    public RelaxationResult? Relaxation { get; init; }

    /// <summary>The layer, from 1, where a step that did not update left the finite numbers or its bounds; 0 if none can be named.</summary>
    public int Layer { get; init; }

    /// <summary>The outcome in words.</summary>
    public override string ToString() => Status switch
    {
        TrainingStatus.Updated => string.Create(CultureInfo.InvariantCulture, $"updated, loss {Loss:G6}, energy {Energy:G6}"),
        TrainingStatus.Diverged => $"{Relaxation}: no update",
        _ when !double.IsFinite(Loss) => string.Create(CultureInfo.InvariantCulture, $"loss {Loss}{Place}: no update"),
        _ => string.Create(CultureInfo.InvariantCulture, $"weight gradient of magnitude {GradientMagnitude}{Place}: no update"),
    };

    private string Place => Layer > 0 ? string.Create(CultureInfo.InvariantCulture, $", layer {Layer}") : "";
}
