using HpcLinear.PredictiveCoding;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Means over equal stretches of a training.</summary>
internal sealed class LearningCurve(long updates, int points)
{
    private double loss, correct;
    private long samples, made, steps;

    public long Updates => updates;

    public List<double> Places { get; } = [];

    public List<double> Accuracies { get; } = [];

    public List<double> Losses { get; } = [];

    /// <summary>Accuracy over the last stretch.</summary>
    public double Recent => Accuracies.Count > 0 ? Accuracies[^1] : samples > 0 ? correct / samples : 0;

    public void Add(TrainingStep step)
    {
        (loss, correct, samples, steps) = (loss + step.Loss, correct + step.Correct!.Value, samples + step.Samples, steps + 1);
        made++;
        if (made * points / updates > (made - 1) * points / updates)
        {
            Places.Add(made);
            Accuracies.Add(correct / samples);
            Losses.Add(loss / steps);
            (loss, correct, samples, steps) = (0, 0, 0, 0);
        }
    }
}
