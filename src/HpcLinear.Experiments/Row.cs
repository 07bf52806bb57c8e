using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace HpcLinear.Experiments;

/// <summary>A row of a file: its run, its key and what was measured.</summary>
public sealed class Row
{
    private readonly JsonObject values;

    internal Row(JsonObject values) => this.values = values;

    /// <summary>Name of the experiment.</summary>
    public string Experiment => Text("experiment");

    /// <summary>Whether the row holds the expectations of a run instead of measurements.</summary>
    public bool IsVerdict => Has("verdict");

    internal JsonObject Values => values;

    /// <summary>Whether there is a value of that name.</summary>
    public bool Has(string name) => values.ContainsKey(name);

    /// <summary>A number; NaN if there is none.</summary>
    public double Number(string name) => Read(name, NumberOf, double.NaN);

    /// <summary>A text; empty if there is none.</summary>
    public string Text(string name) => Read(name, node => node.GetValue<string>(), "");

    /// <summary>A truth value; false if there is none.</summary>
    public bool Flag(string name) => Read(name, node => node.GetValue<bool>(), false);

    /// <summary>Numbers; none if there is no such value.</summary>
    public IReadOnlyList<double> Numbers(string name) => Read<IReadOnlyList<double>>(name, node => [.. node.AsArray().Select(n => n is null ? double.NaN : NumberOf(n))], []);

    /// <summary>A setting's text; empty if rows do not carry it.</summary>
    /// <param name="name">In snake case.</param>
    public string Setting(string name) => values["settings"] is JsonObject settings && settings[name] is { } value ? value.ToString() : "";

    /// <summary>All settings as <c>key=value</c>.</summary>
    public string SettingsText => values["settings"] is JsonObject settings ? string.Join(", ", settings.Select(s => $"{s.Key}={s.Value}")) : "";

    /// <summary>Whether two rows belong to one run: experiment, version, target, type and settings are the same.</summary>
    public bool IsOfRun(Row other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return RowFile.Header.All(name => JsonNode.DeepEquals(values[name], other.values[name]));
    }

    /// <summary>Whether every value given is the row's.</summary>
    internal bool Matches(JsonObject key) => key.All(k => JsonNode.DeepEquals(values[k.Key], k.Value));

    private TValue Read<TValue>(string name, Func<JsonNode, TValue> read, TValue none)
    {
        if (values[name] is not { } node)
        {
            return none;
        }

        try
        {
            return read(node);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or JsonException)
        {
            throw new ArgumentException($"row of {Experiment}: {name} is {node.ToJsonString()}, a {typeof(TValue).Name} expected", e);
        }
    }

    private static double NumberOf(JsonNode node) => node.GetValueKind() == JsonValueKind.String ? double.Parse(node.GetValue<string>(), CultureInfo.InvariantCulture) : node.GetValue<double>();
}
