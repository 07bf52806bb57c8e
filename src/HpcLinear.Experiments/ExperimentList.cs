using HpcLinear.Experiments.LinearConvolutions;
using HpcLinear.Experiments.PredictiveCoding;

namespace HpcLinear.Experiments;

/// <summary>All experiments. A new one is a class and an entry here.</summary>
public static class ExperimentList
{
    /// <summary>In the order they are listed.</summary>
    public static IReadOnlyList<Experiment> All { get; } = [new MupcTrain(), new MupcDepth(), new MupcTransfer(), new MupcRatio(), new PcTheory(), new PcConditioning(), new LcnTwins(), new LcnExchange(), new LcnCurvature(), new LcnFlow(), new LcnCrossing(), new LcnDrift(), new LcnBasins()];

    /// <summary>Finds an experiment.</summary>
    /// <exception cref="ArgumentException">There is none of that name; the message lists them.</exception>
    public static Experiment Find(string name) => All.FirstOrDefault(e => e.Name == name)
        ?? throw new ArgumentException($"run: unknown experiment '{name}'; there are {string.Join(", ", All.Select(e => e.Name))}", nameof(name));
}
