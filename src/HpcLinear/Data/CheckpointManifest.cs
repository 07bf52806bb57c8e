using System.Text.Json;

namespace HpcLinear.Data;

/// <summary>What <c>manifest.json</c> of a checkpoint says.</summary>
internal static class CheckpointManifest
{
    public const string FileName = "manifest.json";
    public const string HashName = "manifest.sha256";

    private const string Format = "hpclinear-checkpoint";
    private const int Version = 1;

    public static byte[] Write(Checkpoint checkpoint, IEnumerable<Entry> entries)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new() { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("format", Format);
            json.WriteNumber("version", Version);
            json.WriteStartObject("settings");
            foreach ((string name, string text) in checkpoint.Settings)
            {
                json.WritePropertyName(name);
                if (checkpoint.IsNumber(name))
                {
                    json.WriteRawValue(text);
                }
                else
                {
                    json.WriteStringValue(text);
                }
            }

            json.WriteEndObject();
            json.WriteStartArray("arrays");
            foreach (Entry entry in entries)
            {
                json.WriteStartObject();
                json.WriteString("name", entry.Name);
                json.WriteString("type", entry.Type.ToString());
                json.WriteStartArray("shape");
                foreach (long extent in entry.Shape)
                {
                    json.WriteNumberValue(extent);
                }

                json.WriteEndArray();
                json.WriteString("sha256", entry.Hash);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Reads the settings into a checkpoint and returns what is said of its arrays.</summary>
    public static IReadOnlyList<Entry> Read(byte[] manifest, string path, Checkpoint checkpoint)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(manifest);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("format", out JsonElement format) || format.ValueKind != JsonValueKind.String || format.GetString() != Format)
            {
                throw new DataFormatException(path, $"a {FileName} of something else", $"format '{Format}'");
            }

            long version = root.GetProperty("version").GetInt64();
            if (version != Version)
            {
                throw new DataFormatException(path, $"a checkpoint of version {version}", $"version {Version}");
            }

            foreach (JsonProperty setting in root.GetProperty("settings").EnumerateObject())
            {
                bool isNumber = setting.Value.ValueKind == JsonValueKind.Number;
                checkpoint.Set(setting.Name, isNumber ? setting.Value.GetRawText() : setting.Value.GetString() ?? throw new JsonException($"null as {setting.Name}"), isNumber);
            }

            List<Entry> entries = [];
            foreach (JsonElement array in root.GetProperty("arrays").EnumerateArray())
            {
                entries.Add(new(
                    array.GetProperty("name").GetString() ?? "",
                    Enum.Parse<NpyType>(array.GetProperty("type").GetString() ?? ""),
                    Shape.Create([.. array.GetProperty("shape").EnumerateArray().Select(e => e.GetInt64())]),
                    array.GetProperty("sha256").GetString() ?? ""));
            }

            return entries;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new DataFormatException(path, $"a {FileName} that cannot be read ({e.Message})", "that of a checkpoint", e);
        }
    }

    internal sealed record Entry(string Name, NpyType Type, Shape Shape, string Hash);
}
