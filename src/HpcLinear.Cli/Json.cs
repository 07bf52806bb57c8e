using System.Text.Json;
using System.Text.Json.Serialization;

namespace HpcLinear.Cli;

/// <summary>How records become the JSON documents of <c>--json</c>.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    public static string Text<T>(T document) => JsonSerializer.Serialize(document, Options);
}
