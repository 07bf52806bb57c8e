using System.Globalization;
using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>Trainers as text, and what a state must have to be restored.</summary>
internal static class TrainerText
{
    /// <summary>Everything that a step's bits depend on but numbers and device.</summary>
    public static string Describe<T>(RelaxationDescriptor network, TrainingOptions options)
    {
        string[] lines =
        [
            $"type {typeof(T).Name}",
            network.ToString(),
            "scalings " + string.Join(' ', Layers(network).Select(l => Text(network.Scaling(l)))),
            "skips " + string.Join(' ', Layers(network).Where(network.Skip).Select(l => l.ToString(CultureInfo.InvariantCulture))),
            "precisions " + string.Join(' ', Layers(network).Select(l => Text(network.Precision(l)))),
            $"decay activities {Text(network.ActivityDecay)} weights {Text(network.WeightDecay)} spectral {Text(network.SpectralPenalty)}",
            options.ToString(),
        ];
        return string.Join('\n', lines);
    }

    /// <exception cref="ArgumentException">The texts differ; the message shows the first line that does.</exception>
    public static void CheckSame(string expected, string given)
    {
        string[] wanted = expected.Split('\n'), found = (given ?? "").Split('\n');
        int at = Enumerable.Range(0, Math.Max(wanted.Length, found.Length)).FirstOrDefault(i => Line(wanted, i) != Line(found, i), -1);
        if (at >= 0)
        {
            throw new ArgumentException($"state: of another training: '{Line(wanted, at)}' expected, '{Line(found, at)}' given", nameof(given));
        }

        static string Line(string[] lines, int i) => i < lines.Length ? lines[i] : "";
    }

    /// <exception cref="ArgumentException">An array is missing, of another length or not expected, or a counter is negative or too small.</exception>
    public static void CheckArrays<T>(IReadOnlyList<(string Name, long Count)> expected, TrainerState<T> state)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        foreach ((string name, long count) in expected)
        {
            string found = state.Arrays.TryGetValue(name, out T[]? array) ? string.Create(CultureInfo.InvariantCulture, $"{array.Length} elements") : "none";
            if (array is null || array.Length != count)
            {
                throw new ArgumentException($"state: array '{name}' of {count} elements expected, {found} given", nameof(state));
            }
        }

        string? unknown = state.Arrays.Keys.FirstOrDefault(k => expected.All(e => e.Name != k));
        if (unknown is not null)
        {
            throw new ArgumentException($"state: array '{unknown}' given, only {string.Join(", ", expected.Select(e => e.Name))} expected", nameof(state));
        }

        if (state.Updates < 0 || state.OptimizerUpdates < state.Updates)
        {
            throw new ArgumentException($"state: {state.Updates} updates and {state.OptimizerUpdates} by the optimizer given, 0 or more and at least as many expected", nameof(state));
        }
    }

    private static IEnumerable<int> Layers(RelaxationDescriptor network) => Enumerable.Range(1, network.Depth);

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
