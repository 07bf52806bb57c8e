using System.Text.Json;
using HpcLinear.Data;

namespace HpcLinear.Cli.Golden;

/// <summary>The parameters of a case, read with errors that name the file and the parameter.</summary>
internal sealed class GoldenParameters(string file, JsonElement element)
{
    public bool Has(string name) => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out _);

    public Shape Extents(string name) => Read(name, JsonValueKind.Array, "a list of whole numbers", ReadExtents);

    public IReadOnlyList<Shape> ExtentLists(string name) =>
        Read(name, JsonValueKind.Array, "a list of lists of whole numbers", list => list.EnumerateArray().Select(ReadExtents).ToArray());

    public IReadOnlyList<string> Words(string name) =>
        Read(name, JsonValueKind.Array, "a list of words", list => list.EnumerateArray().Select(w => w.GetString() ?? "").ToArray());

    public IReadOnlyList<double> Reals(string name) =>
        Read(name, JsonValueKind.Array, "a list of numbers", list => list.EnumerateArray().Select(n => n.GetDouble()).ToArray());

    public long Number(string name) => Read(name, JsonValueKind.Number, "a whole number", n => n.GetInt64());

    public double Real(string name, double otherwise) => Has(name) ? Read(name, JsonValueKind.Number, "a number", n => n.GetDouble()) : otherwise;

    public string Word(string name) => Read(name, JsonValueKind.String, "a word", w => w.GetString()!);

    public bool Flag(string name) => Has(name) && Read(name, null, "true or false", f => f.GetBoolean());

    /// <summary>One of the given words.</summary>
    public TValue Choice<TValue>(string name, params (string Word, TValue Value)[] choices)
    {
        string word = Word(name);
        int at = Array.FindIndex(choices, c => c.Word == word);
        return at >= 0 ? choices[at].Value : throw Bad(name, $"'{word}'", string.Join(", ", choices.Select(c => c.Word)));
    }

    private static Shape ReadExtents(JsonElement list) => Shape.Create([.. list.EnumerateArray().Select(e => e.GetInt64())]);

    private TValue Read<TValue>(string name, JsonValueKind? kind, string expected, Func<JsonElement, TValue> read)
    {
        if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out JsonElement value))
        {
            throw Bad(name, "nothing", expected);
        }

        try
        {
            return kind is null || value.ValueKind == kind ? read(value) : throw Bad(name, value.GetRawText(), expected);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            throw Bad(name, value.GetRawText(), expected);
        }
    }

    private DataFormatException Bad(string name, string found, string expected) => new(file, $"{found} for the parameter '{name}'", expected);
}
