using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using HpcLinear.Data;

namespace HpcLinear.Experiments;

/// <summary>Rows as JSON Lines, appended one at a time, so that an interrupted run keeps what it has.</summary>
public sealed class RowFile : IDisposable
{
    private const string LineStart = "{\"experiment\":";

    private readonly FileStream stream;
    private readonly List<Row> rows;

    private bool isNew;

    private RowFile(string path, FileStream stream, List<Row> rows, bool droppedTail, bool isNew)
    {
        this.isNew = isNew;
        Path = path;
        this.stream = stream;
        this.rows = rows;
        DroppedTail = droppedTail;
    }

    /// <summary>The file as it was named.</summary>
    public string Path { get; }

    /// <summary>Whether the file ended in a line that an interruption had cut short, and which was removed.</summary>
    public bool DroppedTail { get; }

    /// <summary>Rows of the file, first to last.</summary>
    public IReadOnlyList<Row> Rows => rows;

    internal static string[] Header { get; } = ["experiment", "version", "target", "type", "settings"];

    /// <summary>Opens a file to go on with, or makes a new one. Another process cannot write to it meanwhile.</summary>
    /// <exception cref="DataFormatException">The file holds something else; nothing is changed.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static RowFile Open(string path)
    {
        bool isNew = !File.Exists(path);
        FileStream stream = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        try
        {
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            (List<Row> rows, long end) = Parse(path, bytes);
            stream.SetLength(end);
            stream.Position = end;
            if (end > 0 && bytes[end - 1] != (byte)'\n')
            {
                stream.WriteByte((byte)'\n');
            }

            return new(path, stream, rows, end < bytes.Length, isNew);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads a file's rows.</summary>
    /// <exception cref="DataFormatException">No such file, or not rows of experiments; the message names the line.</exception>
    public static IReadOnlyList<Row> Read(string path)
    {
        try
        {
            return Parse(path, File.ReadAllBytes(path)).Rows;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataFormatException(path, "no such file", "rows that `hpclinear run` wrote", e);
        }
    }

    /// <summary>Closes the file. One that was made by <see cref="Open"/> and got no row is removed.</summary>
    public void Dispose()
    {
        stream.Dispose();
        if (isNew && rows.Count == 0)
        {
            File.Delete(Path);
        }

        isNew = false;
    }

    internal Row? Find(JsonObject key) => rows.Find(r => !r.IsVerdict && r.Matches(key));

    internal Row Append(JsonObject values)
    {
        // In one piece and flushed: an interruption leaves whole lines, and at worst one cut short.
        long start = stream.Position;
        string line = JsonText.Line(values);
        try
        {
            stream.Write(Encoding.UTF8.GetBytes(line + "\n"));
            stream.Flush();
        }
        catch (IOException e)
        {
            stream.SetLength(start);
            throw new IOException($"{Path}: row {rows.Count + 1} cannot be written ({e.Message}); the {rows.Count} before it are safe", e);
        }

        // As it would be read: the same values whether a row is new or kept.
        Row row = new((JsonObject)JsonNode.Parse(line)!);
        rows.Add(row);
        return row;
    }

    /// <summary>Rows, and where the last whole one ends.</summary>
    private static (List<Row> Rows, long End) Parse(string path, byte[] bytes)
    {
        List<Row> rows = [];
        int number = 1;
        for (int at = 0; at < bytes.Length; number++)
        {
            int length = bytes.AsSpan(at).IndexOf((byte)'\n');
            bool isWhole = length >= 0;
            string line = Encoding.UTF8.GetString(bytes, at, isWhole ? length : bytes.Length - at);
            if (line.Trim().Length > 0)
            {
                if (Row(line) is { } values)
                {
                    rows.Add(new(values));
                }
                else if (!isWhole && (line.StartsWith(LineStart, StringComparison.Ordinal) || LineStart.StartsWith(line, StringComparison.Ordinal)))
                {
                    return (rows, at);
                }
                else
                {
                    throw new DataFormatException(path, $"line {number} is '{(line.Length > 40 ? line[..40] + "…" : line.Trim())}'", "a row of an experiment in JSON");
                }
            }

            at = isWhole ? at + length + 1 : bytes.Length;
        }

        return (rows, bytes.Length);
    }

    private static JsonObject? Row(string line)
    {
        try
        {
            return JsonNode.Parse(line) is JsonObject values && values["experiment"] is JsonValue name && name.GetValueKind() == JsonValueKind.String ? values : null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return null;
        }
    }
}
