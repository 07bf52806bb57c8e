using System.Globalization;
using System.Numerics;
using HpcLinear.Data;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Training;

/// <summary>A trainer's state and how far its epoch is, as a checkpoint.</summary>
internal static class TrainingCheckpoint
{
    public static Checkpoint From<T>(TrainingPlan plan, Target target, TrainerState<T> state, EpochSum epoch)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Checkpoint checkpoint = new();
        foreach ((string name, T[] elements) in state.Arrays.OrderBy(a => a.Key, StringComparer.Ordinal))
        {
            if (elements is float[] singles)
            {
                checkpoint.Add(name, [singles.Length], singles);
            }
            else
            {
                checkpoint.Add(name, [elements.Length], (double[])(object)elements);
            }
        }

        checkpoint.Set("training", state.Description);
        checkpoint.Set("target", target.ToString());
        foreach ((string name, string value) in Settings<T>(plan))
        {
            checkpoint.Set(name, value);
        }

        checkpoint.Set("updates", state.Updates);
        checkpoint.Set("optimizer_updates", state.OptimizerUpdates);
        checkpoint.Set("epoch_loss", epoch.Loss);
        checkpoint.Set("epoch_correct", epoch.Correct);
        checkpoint.Set("epoch_samples", epoch.Samples);
        return checkpoint;
    }

    /// <summary>Continues a trainer from a checkpoint of the same network, options, seed and data.</summary>
    /// <exception cref="DataFormatException">It is of something else.</exception>
    public static EpochSum Restore<T>(TrainingPlan plan, Checkpoint checkpoint, PredictiveCodingTrainer<T> trainer)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        checkpoint.RequireSettings(Settings<T>(plan));
        Dictionary<string, T[]> arrays = checkpoint.ArrayNames.ToDictionary(name => name, name => checkpoint.Get<T>(name));
        try
        {
            trainer.Restore(new() { Description = checkpoint.GetText("training"), Updates = checkpoint.GetInt64("updates"), OptimizerUpdates = checkpoint.GetInt64("optimizer_updates"), Arrays = arrays });
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"{checkpoint.Name}: {Messages.OneLine(e)}", e);
        }

        return new() { Loss = checkpoint.GetDouble("epoch_loss"), Correct = checkpoint.GetInt64("epoch_correct"), Samples = checkpoint.GetInt64("epoch_samples") };
    }

    /// <summary>What has to be the same for the same bits, in words of the command line. Mean and deviation stand for the data themselves.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Settings<T>(TrainingPlan plan)
    {
        TrainingOptions options = plan.Options;
        InputStandardisation inputs = plan.Training.MeasureStandardisation();
        return
        [
            new("network", plan.Network.ToString()),
            new("type", typeof(T) == typeof(float) ? "f32" : "f64"),
            new("rule", options.Rule.ToString()),
            new("steps", Text(options.Relaxation?.Steps ?? 0)),
            new("method", options.Relaxation?.Method.ToString() ?? "none"),
            new("step", options.Relaxation is { Step: null } ? "auto" : Text(options.Relaxation?.Step ?? 0)),
            new("optimizer", options.Optimizer.ToString()),
            new("rate", Text(options.LearningRate)),
            new("course", plan.CourseText),
            new("seed", Text(plan.Seed)),
            new("samples", Text(plan.Training.Count)),
            new("data_mean", Text(inputs.Mean)),
            new("data_deviation", Text(inputs.StandardDeviation)),
            new("standardised", plan.Training.Standardisation is null ? "no" : "yes"),
        ];
    }

    private static string Text(IFormattable value) => value.ToString(value is double ? "R" : null, CultureInfo.InvariantCulture);
}
