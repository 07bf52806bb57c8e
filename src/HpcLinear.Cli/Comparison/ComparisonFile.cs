using HpcLinear.Cli.Problems;
using HpcLinear.Data;

namespace HpcLinear.Cli.Comparison;

/// <summary>A comparison as a file: lines <c># key: value</c> about the run, then CSV.</summary>
/// <remarks>Keys: <c>cpu</c>, <c>date</c>, <c>runtime</c>, <c>note</c>, one <c>engine</c> an engine, one <c>ceiling</c> a type and thread count, and one <c>problem</c> a
/// problem with its whole definition, so that a file can be read without the list it came from.</remarks>
internal sealed class ComparisonFile
{
    private const string Expected = $"a comparison, '{ComparisonRow.Header}', as `build.sh bench compare --csv` writes it";

    public List<(string Key, string Value)> About { get; } = [];

    public List<ComparisonRow> Rows { get; } = [];

    /// <summary>The processor; empty when the file does not say.</summary>
    public string Cpu => About.FirstOrDefault(a => a.Key == "cpu").Value ?? "";

    public IEnumerable<Ceilings> Ceilings => About.Where(a => a.Key == "ceiling").Select(a => Comparison.Ceilings.Parse(a.Value)).OfType<Ceilings>();

    /// <summary>The problems of the file.</summary>
    public IEnumerable<Problem> Problems => About.Where(a => a.Key == "problem").Select(a => ProblemNotation.Parse(a.Value));

    /// <exception cref="DataFormatException">Not such a file.</exception>
    public static ComparisonFile Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new DataFormatException(path, "no such file", Expected);
        }

        ComparisonFile file = new();
        bool inRows = false;
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (line.StartsWith('#'))
            {
                string[] parts = line[1..].Split(':', 2, StringSplitOptions.TrimEntries);
                file.About.Add(parts.Length == 2 ? (parts[0], parts[1]) : ("note", parts[0]));
            }
            else if (inRows && line.Trim().Length > 0)
            {
                file.Rows.Add(ComparisonRow.Parse(line) ?? throw new DataFormatException(path, $"line {number} is '{Short(line)}'", $"a row of {ComparisonRow.Header}"));
            }
            else if (line.Trim().Length > 0)
            {
                inRows = line.Trim() == ComparisonRow.Header ? true : throw new DataFormatException(path, $"line {number} is '{Short(line)}'", Expected);
            }
        }

        return file.Rows.Count > 0 ? file : throw new DataFormatException(path, "no row", Expected);
    }

    public void Write(string path)
    {
        using StreamWriter writer = new(path) { NewLine = "\n" };
        WriteTo(writer);
    }

    public void WriteTo(TextWriter writer)
    {
        foreach ((string key, string value) in About)
        {
            writer.WriteLine($"# {key}: {value}");
        }

        writer.WriteLine(ComparisonRow.Header);
        Rows.ForEach(row => writer.WriteLine(row.ToCsv()));
    }

    private static string Short(string line) => line.Length <= 60 ? line : line[..60] + "…";
}
