using Spectre.Console;

namespace HpcLinear.Cli;

/// <summary>Rows of text under headers; a header that begins with &gt; aligns its column to the right.</summary>
internal sealed class TextTable(params string[] headers)
{
    private readonly List<string[]> rows = [];

    public void Add(params string[] cells) => rows.Add(cells);

    /// <summary>Columns padded with blanks, two between them.</summary>
    public void WriteTo(TextWriter output)
    {
        string[] names = [.. headers.Select(Name)];
        int[] widths = [.. names.Select((name, column) => rows.Select(r => r[column].Length).Append(name.Length).Max())];
        foreach (string[] row in rows.Prepend(names))
        {
            IEnumerable<string> cells = row.Select((cell, column) => IsRight(headers[column]) ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]));
            output.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }

    public Table ToSpectre()
    {
        Table table = new() { Border = TableBorder.Rounded };
        foreach (string header in headers)
        {
            table.AddColumn(new TableColumn(Markup.Escape(Name(header))) { Alignment = IsRight(header) ? Justify.Right : Justify.Left });
        }

        foreach (string[] row in rows)
        {
            table.AddRow([.. row.Select(cell => new Text(cell))]);
        }

        return table;
    }

    private static bool IsRight(string header) => header.StartsWith('>');

    private static string Name(string header) => header.TrimStart('>');
}
