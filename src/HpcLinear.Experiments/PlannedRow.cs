using System.Text.Json.Nodes;

namespace HpcLinear.Experiments;

/// <summary>A row to compute.</summary>
/// <param name="Key">What tells it from the other rows of its run, e.g. network, depth and seed: names in snake case with values of type string, bool, int or double.</param>
/// <param name="Work">What it costs, in any unit that is the same for all rows; for the remaining time.</param>
/// <param name="Compute">Measures.</param>
public sealed record PlannedRow(IReadOnlyList<(string Name, object Value)> Key, double Work, Action<RowContext> Compute)
{
    /// <summary>The key as a phrase.</summary>
    public override string ToString() => string.Join(' ', Key.Select(k => k.Value is string word ? word : $"{k.Name}={JsonText.Value(k.Value).ToJsonString()}"));

    internal JsonObject ToJson(JsonObject header)
    {
        JsonObject json = (JsonObject)header.DeepClone();
        foreach ((string name, object value) in Key)
        {
            json.Add(name, JsonText.Value(value));
        }

        return json;
    }
}
