using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Docs;

/// <summary>A C# block under <c>&lt;!-- snippet: NAME --&gt;</c> in README or docs is a region of <see cref="Snippets"/>.</summary>
public sealed class SnippetTests
{
    public static TheoryData<string> Documents =>
    [
        .. new[] { "README.md", "CONTRIBUTING.md" }.Where(f => File.Exists(Path.Combine(Repository.Root, f))),
        .. new[] { DocsFolder }.Where(Directory.Exists).SelectMany(f => Directory.EnumerateFiles(f, "*.md", SearchOption.AllDirectories)).Select(f => Path.GetRelativePath(Repository.Root, f)).Order(StringComparer.Ordinal),
    ];

    private static string DocsFolder => Path.Combine(Repository.Root, "docs");

    [Theory, MemberData(nameof(Documents))]
    public void Marked_blocks_are_the_compiled_ones(string document)
    {
        Dictionary<string, string> regions = Regions(File.ReadAllLines(SourcePath()));
        foreach ((string name, string code) in Blocks(File.ReadAllLines(Path.Combine(Repository.Root, document))))
        {
            Assert.True(regions.TryGetValue(name, out string? compiled), $"{document}: there is no region 'snippet: {name}'");
            Assert.Equal(compiled, code);
        }
    }

    [Fact]
    public void Every_region_is_shown_somewhere_and_is_short()
    {
        string[] shown = [.. Documents.SelectMany(row => Blocks(File.ReadAllLines(Path.Combine(Repository.Root, row.Data))).Select(b => b.Name))];
        Assert.All(Regions(File.ReadAllLines(SourcePath())), region =>
        {
            Assert.Contains(region.Key, shown);
            Assert.InRange(region.Value.Split('\n').Length, 1, 20);
        });
    }

    [Fact]
    public void Blocks_and_regions_are_read()
    {
        Assert.Equal([("a", "x\n  y")], Blocks(["text", "<!-- snippet: a -->", "```csharp", "x", "  y", "```", "```csharp", "unmarked", "```"]));
        Assert.Equal("x\n  y", Regions(["    // snippet: a", "    x", "      y", "    // end snippet"])["a"]);
    }

    private static Dictionary<string, string> Regions(string[] lines)
    {
        Dictionary<string, string> regions = [];
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].TrimStart().StartsWith("// snippet: ", StringComparison.Ordinal))
            {
                int indent = lines[i].Length - lines[i].TrimStart().Length, end = Array.FindIndex(lines, i, l => l.Trim() == "// end snippet");
                Assert.True(end > i, $"the region of line {i + 1} has no end");
                regions.Add(lines[i].Trim()["// snippet: ".Length..], string.Join('\n', lines[(i + 1)..end].Select(l => l.Length >= indent ? l[indent..] : "")));
            }
        }

        return regions;
    }

    private static List<(string Name, string Code)> Blocks(string[] lines)
    {
        List<(string, string)> blocks = [];
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.StartsWith("<!-- snippet: ", StringComparison.Ordinal))
            {
                Assert.Equal("```csharp", lines[i + 1].Trim());
                int end = Array.FindIndex(lines, i + 2, l => l.Trim() == "```");
                blocks.Add((line["<!-- snippet: ".Length..^" -->".Length], string.Join('\n', lines[(i + 2)..end])));
            }
        }

        return blocks;
    }

    private static string SourcePath() => Path.Combine(Repository.Root, "tests", "HpcLinear.Tests", "Docs", "Snippets.cs");
}
