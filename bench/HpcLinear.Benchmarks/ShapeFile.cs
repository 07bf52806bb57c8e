using System.Globalization;

namespace HpcLinear.Benchmarks;

/// <summary>One line of <c>bench/shapes/peers.txt</c>.</summary>
/// <param name="Id">Name of the problem, such as <c>G256</c>.</param>
/// <param name="Kind">Which operation, such as <c>gemm</c>.</param>
/// <param name="Values">Its sizes by key; several axes are joined by <c>x</c>.</param>
internal sealed record ShapeLine(string Id, string Kind, IReadOnlyDictionary<string, string> Values)
{
    /// <summary>A size with one number.</summary>
    public int this[string key] => int.Parse(Values[key], NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>A size with one number an axis.</summary>
    public Shape Axes(string key) =>
        Shape.Create(Array.ConvertAll(Values[key].Split('x'), part => long.Parse(part, NumberStyles.None, CultureInfo.InvariantCulture)));
}

/// <summary>The named problems that benchmarks share.</summary>
internal static class ShapeFile
{
    /// <summary>The problems of one kind, in the order of the file.</summary>
    public static IEnumerable<ShapeLine> Read(string kind) => Read().Where(line => line.Kind == kind);

    private static IEnumerable<ShapeLine> Read()
    {
        foreach (string text in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "shapes", "peers.txt")))
        {
            string[] words = text.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0)
            {
                yield return new(words[0], words[1], words.Skip(2).Select(word => word.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]));
            }
        }
    }
}
