using System.Text.Json;
using HpcLinear.Data;

namespace HpcLinear.Cli.Golden;

/// <summary>A golden case: <c>case.json</c> and the arrays it names, all read and checked before anything is computed.</summary>
internal sealed class GoldenCase
{
    public const string FileName = "case.json";

    private readonly Dictionary<string, NpyArray> inputs;

    private GoldenCase(string name, string operation, GoldenParameters parameters, Dictionary<string, NpyArray> inputs, IReadOnlyList<GoldenOutput> outputs)
    {
        Name = name;
        Operation = operation;
        Parameters = parameters;
        this.inputs = inputs;
        Outputs = outputs;
    }

    /// <summary>The last two folders, <c>area/case</c>.</summary>
    public string Name { get; }

    public string Operation { get; }

    public GoldenParameters Parameters { get; }

    public IReadOnlyList<GoldenOutput> Outputs { get; }

    public bool HasInput(string name) => inputs.ContainsKey(name);

    /// <exception cref="DataFormatException">The case has no such input.</exception>
    public NpyArray Input(string name) => inputs.TryGetValue(name, out NpyArray? array)
        ? array
        : throw new DataFormatException(Name, "no such input", $"an input '{name}' for {Operation}");

    /// <summary>The output of that name that the case lists.</summary>
    public GoldenOutput Expected(string name) => Outputs.First(o => o.Name == name);

    public static string NameOf(string file)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string? area = Path.GetFileName(Path.GetDirectoryName(folder));
        return string.IsNullOrEmpty(area) ? Path.GetFileName(folder) : $"{area}/{Path.GetFileName(folder)}";
    }

    /// <summary>Reads a case.</summary>
    /// <exception cref="DataFormatException">The JSON or an array it names cannot be read.</exception>
    public static GoldenCase Read(string file)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
            JsonElement root = document.RootElement.Clone();
            string operation = Member(root, "op", JsonValueKind.String, file).GetString()!;
            JsonElement parameters = root.TryGetProperty("params", out JsonElement p) ? p : default;
            Dictionary<string, NpyArray> inputs = [];
            if (root.TryGetProperty("inputs", out _))
            {
                foreach (JsonProperty input in Member(root, "inputs", JsonValueKind.Object, file).EnumerateObject())
                {
                    string name = input.Value.ValueKind == JsonValueKind.String
                        ? input.Value.GetString()!
                        : throw new DataFormatException(file, $"{input.Value.GetRawText()} for the input '{input.Name}'", "a file name");
                    inputs[input.Name] = NpyFile.Read(Path.Combine(folder, name));
                }
            }

            GoldenOutput[] outputs = [.. Member(root, "outputs", JsonValueKind.Object, file).EnumerateObject().Select(o => ReadOutput(o, folder, file))];
            return outputs.Length > 0
                ? new(NameOf(file), operation, new(file, parameters), inputs, outputs)
                : throw new DataFormatException(file, "no outputs", "at least one");
        }
        catch (JsonException e)
        {
            throw new DataFormatException(file, $"malformed JSON ({e.Message})", "a golden case", e);
        }
    }

    private static GoldenOutput ReadOutput(JsonProperty output, string folder, string file)
    {
        JsonElement e = output.Value;
        string what = $"the output '{output.Name}'";
        if (e.ValueKind != JsonValueKind.Object)
        {
            throw new DataFormatException(file, $"{e.ValueKind} for {what}", "an object");
        }

        bool hasFile = e.TryGetProperty("file", out JsonElement array), hasValue = e.TryGetProperty("value", out JsonElement value);
        if (hasFile == hasValue || (hasFile && array.ValueKind != JsonValueKind.String) || (hasValue && value.ValueKind != JsonValueKind.Number))
        {
            throw new DataFormatException(file, $"{what} with {(hasFile ? hasValue ? "a file and a value" : $"the file {array.GetRawText()}" : hasValue ? $"the value {value.GetRawText()}" : "neither file nor value")}", "a file name or a number");
        }

        double? relativeSingle = Tolerance(e, "rtol_f32", what, file), absoluteSingle = Tolerance(e, "atol_f32", what, file);
        if (relativeSingle.HasValue != absoluteSingle.HasValue)
        {
            throw new DataFormatException(file, $"{what} with one of rtol_f32 and atol_f32", "both or none");
        }

        return new(
            output.Name,
            hasFile ? NpyFile.Read(Path.Combine(folder, array.GetString()!)) : null,
            hasValue ? value.GetDouble() : 0,
            Tolerance(e, "rtol", what, file) ?? throw new DataFormatException(file, $"{what} without rtol", "rtol and atol"),
            Tolerance(e, "atol", what, file) ?? throw new DataFormatException(file, $"{what} without atol", "rtol and atol"),
            relativeSingle,
            absoluteSingle);
    }

    private static double? Tolerance(JsonElement output, string name, string what, string file)
    {
        if (!output.TryGetProperty(name, out JsonElement e))
        {
            return null;
        }

        return e.ValueKind == JsonValueKind.Number && e.TryGetDouble(out double tolerance) && tolerance >= 0 && double.IsFinite(tolerance)
            ? tolerance
            : throw new DataFormatException(file, $"{name} {e.GetRawText()} of {what}", "a number from 0 on");
    }

    private static JsonElement Member(JsonElement root, string name, JsonValueKind kind, string file) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out JsonElement member) && member.ValueKind == kind
            ? member
            : throw new DataFormatException(file, $"no member '{name}'", $"one of kind {kind}");
}
