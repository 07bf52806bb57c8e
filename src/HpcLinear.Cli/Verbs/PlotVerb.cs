using CommandLine;
using CommandLine.Text;
using HpcLinear.Cli.Comparison;
using HpcLinear.Cli.Plots;
using ScottPlot;

namespace HpcLinear.Cli.Verbs;

/// <summary>Draws a comparison.</summary>
[Verb("plot", HelpText = "Draw a comparison that `build.sh bench compare --csv` wrote, as SVG or PNG.")]
internal sealed class PlotVerb : IVerb
{
    private const double PngScale = 2;

    [Usage(ApplicationAlias = "hpclinear")]
    public static IEnumerable<Example> Examples =>
    [
        new("Ours against the best peer, a bar a group and thread count", new PlotVerb { File = "compare.csv", Kind = "ratios", Out = "ratios.svg" }),
        new("The same for every row, in float64", new PlotVerb { File = "compare.csv", Kind = "ratios", Rows = true, Type = "f64", Out = "rows.png" }),
        new("GFLOP/s under what processor and memory allow", new PlotVerb { File = "compare.csv", Kind = "roofline", Out = "roofline.svg" }),
    ];

    [Value(0, MetaName = "FILE", Required = true, HelpText = "The comparison.")]
    public string File { get; set; } = "";

    [Option("kind", MetaValue = "ratios|roofline", Required = true, HelpText = "What to draw.")]
    public string Kind { get; set; } = "";

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
        if (Kind is not ("ratios" or "roofline"))
        {
            throw new ArgumentException($"--kind: ratios or roofline expected, '{Kind}' given");
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

        ComparisonFile file = ComparisonFile.Read(File);
        byte[] picture;
        try
        {
            (Plot plot, int width, int height) = Kind == "ratios" ? RatioPlot.Draw(file, type, Rows) : RooflinePlot.Draw(file, type, operation);
            picture = ending == ".SVG" ? System.Text.Encoding.UTF8.GetBytes(plot.GetSvgXml(width, height)) : Png(plot, width, height);
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

    private static byte[] Png(Plot plot, int width, int height)
    {
        plot.ScaleFactor = PngScale;
        return plot.GetImageBytes((int)(width * PngScale), (int)(height * PngScale), ImageFormat.Png);
    }
}
