using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>The relaxation steps of incremental learning as runs: the warm-up; then one step at whose start weights have their gradient, and the steps to the next.</summary>
internal sealed class IncrementalSchedule
{
    private readonly Dictionary<int, RelaxationOptions> runs = [];
    private readonly RelaxationOptions options;
    private readonly int warmup;
    private readonly int every;

    public IncrementalSchedule(TrainingOptions training)
    {
        options = training.Relaxation! with { TraceEnergy = false };
        warmup = training.Warmup;
        every = Math.Max(1, training.Every);
    }

    /// <summary>The steps of the run that follows <paramref name="made"/> steps, and whether the weights move with its first.</summary>
    public int NextRun(int made, out bool updates)
    {
        int left = options.Steps - made, place = made - warmup;
        updates = place >= 0 && place % every == 0;
        return Math.Min(left, place < 0 ? -place : updates ? 1 : every - (place % every));
    }

    /// <summary>The options of a run.</summary>
    public RelaxationOptions OptionsOf(int steps)
    {
        if (!runs.TryGetValue(steps, out RelaxationOptions? run))
        {
            runs[steps] = run = options with { Steps = steps };
        }

        return run;
    }
}
