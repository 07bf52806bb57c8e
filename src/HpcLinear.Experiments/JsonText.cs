using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace HpcLinear.Experiments;

/// <summary>Values as JSON: infinities and NaN, which it lacks, are texts.</summary>
internal static class JsonText
{
    private static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonNode Value(object value) => value switch
    {
        string text => JsonValue.Create(text)!,
        bool flag => JsonValue.Create(flag),
        int whole => JsonValue.Create(whole),
        long whole => JsonValue.Create(whole),
        double number => Number(number),
        IEnumerable<double> numbers => new JsonArray([.. numbers.Select(Number)]),
        _ => throw new ArgumentException($"a row holds texts, truth values and numbers; {value.GetType().Name} given", nameof(value)),
    };

    public static string Line(JsonObject row) => row.ToJsonString(OneLine);

    private static JsonNode Number(double value) => double.IsFinite(value) ? JsonValue.Create(value)
        : JsonValue.Create(double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity")!;
}
