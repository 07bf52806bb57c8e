using CommandLine;
using CommandLine.Text;
using HpcLinear.Cli.Comparison;
using HpcLinear.Cli.Plots;
using HpcLinear.Experiments;
using ScottPlot;

namespace HpcLinear.Cli.Verbs;

/// <summary>Draws a comparison or the rows of an experiment.</summary>
[Verb("plot", HelpText = "Draw rows that `run` wrote, or a comparison that `build.sh bench compare --csv` wrote, as SVG or PNG.")]
internal sealed class PlotVerb : IVerb
{
    [Usage(ApplicationAlias = "hpclinear")]
    public static IEnumerable<Example> Examples =>
    [
        new("Rows of an experiment", new PlotVerb { File = "pc-conditioning.jsonl", Kind = "condition", Out = "condition.svg" }),
        new("Ours against the best peer, a bar a group and thread count", new PlotVerb { File = "compare.csv", Kind = "ratios", Out = "ratios.svg" }),
        new("The same for every row, in float64", new PlotVerb { File = "compare.csv", Kind = "ratios", Rows = true, Type = "f64", Out = "rows.png" }),
        new("GFLOP/s under what processor and memory allow", new PlotVerb { File = "compare.csv", Kind = "roofline", Out = "roofline.svg" }),
    ];

    [Value(0, MetaName = "FILE", Required = true, HelpText = "Rows (FILE.jsonl) or a comparison.")]
    public string File { get; set; } = "";

    [Option("kind", MetaValue = "KIND", HelpText = "What to draw: of a comparison ratios or roofline; of rows one of the experiment's pictures (run NAME --help), its first by default.")]
    public string? Kind { get; set; }

    [Option("out", MetaValue = "FILE", Required = true, HelpText = "The picture; its ending, .svg or .png, is its format.")]
    public string Out { get; set; } = "";

    [Option("type", MetaValue = "f32|f64", HelpText = "Element type; f32 by default.")]
    public string? Type { get; set; }

    [Option("rows", HelpText = "With ratios: a bar for every row instead of every group.")]
    public bool Rows { get; set; }

    [Option("operation", MetaValue = "fwd|bwdd|bwdw", HelpText = "With roofline: the direction of convolutions; fwd by default.")]
    public string? Operation { get; set; }

    public int Run(Terminal terminal)
    {
        string type = Targets.IsSingle(Type) == false ? "f64" : "f32", operation = Operation ?? "fwd";
        bool isRows = Path.GetExtension(File).Equals(".jsonl", StringComparison.OrdinalIgnoreCase);
        if (!isRows && Kind is not ("ratios" or "roofline"))
        {
            throw new ArgumentException($"--kind: ratios or roofline expected, {(Kind is null ? "none" : $"'{Kind}'")} given");
        }

        if (operation is not ("fwd" or "bwdd" or "bwdw"))
        {
            throw new ArgumentException($"--operation: fwd, bwdd or bwdw expected, '{operation}' given");
        }

        string ending = Path.GetExtension(Out).ToUpperInvariant();
        if (ending is not (".SVG" or ".PNG"))
        {
            throw new ArgumentException($"--out: a file that ends in .svg or .png expected, '{Out}' given");
        }

        byte[] picture;
        try
        {
            picture = isRows ? RowPlot.Draw(RowFile.Read(File), File, Kind).ToBytes(ending == ".SVG") : Comparison(ComparisonFile.Read(File), type, operation, ending == ".SVG");
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException)
        {
            throw new NotSupportedException($"plot: the drawing library cannot be loaded here: {Messages.OneLine(e.GetBaseException())}", e);
        }

        try
        {
            System.IO.File.WriteAllBytes(Out, picture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"--out: {e.Message}", e);
        }

        terminal.WriteLine($"{Out}: {Quantity.Bytes(picture.Length)}");
        return ExitCode.Done;
    }

    private byte[] Comparison(ComparisonFile file, string type, string operation, bool isSvg)
    {
        (Plot plot, int width, int height) = Kind == "ratios" ? RatioPlot.Draw(file, type, Rows) : RooflinePlot.Draw(file, type, operation);
        if (isSvg)
        {
            return System.Text.Encoding.UTF8.GetBytes(plot.GetSvgXml(width, height));
        }

        plot.ScaleFactor = PanelPicture.PngScale;
        return plot.GetImageBytes((int)(width * PanelPicture.PngScale), (int)(height * PanelPicture.PngScale), ImageFormat.Png);
    }
}
