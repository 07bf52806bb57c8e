using ScottPlot;

namespace HpcLinear.Cli.Plots;

/// <summary>What all plots look like. The font is the program's own, so that none need be installed and pictures are the same everywhere.</summary>
internal static class PlotStyle
{
    public const float TextSize = 12, SmallSize = 10.5f, TitleSize = 14;

    private const string FontName = "DejaVu Sans";

    private static readonly Lock FontLock = new();
    private static bool hasFont;

    public static Color Ink { get; } = Color.FromHex("#222222");

    public static Color Faint { get; } = Color.FromHex("#777777");

    public static Color Grid { get; } = Color.FromHex("#E4E4E4");

    /// <summary>Fewest threads first.</summary>
    public static Color[] Threads { get; } = [Color.FromHex("#9DBBD9"), Color.FromHex("#1F4E79"), Color.FromHex("#0B2038")];

    /// <summary>Distinct to colour-blind readers too (Okabe and Ito, 2008).</summary>
    public static Color[] Families { get; } =
    [
        Color.FromHex("#0072B2"), Color.FromHex("#56B4E9"), Color.FromHex("#009E73"), Color.FromHex("#D55E00"),
        Color.FromHex("#E69F00"), Color.FromHex("#CC79A7"), Color.FromHex("#000000"), Color.FromHex("#8C6D31"),
    ];

    /// <summary>An empty plot with axes at the left and below, and a title line of what it shows and where that was measured.</summary>
    public static Plot Create(string title, string subtitle)
    {
        lock (FontLock)
        {
            if (!hasFont)
            {
                Fonts.AddFontFile(FontName, Path.Combine(AppContext.BaseDirectory, "Assets", "DejaVuSans.ttf"));
                Fonts.Default = FontName;
                hasFont = true;
            }
        }

        Plot plot = new();
        plot.FigureBackground.Color = Colors.White;
        plot.Axes.Title.Label.Text = $"{title}\n{subtitle}";
        plot.Axes.Title.Label.FontSize = TitleSize;
        plot.Axes.Title.Label.Bold = false;
        plot.Axes.Title.Label.ForeColor = Ink;
        plot.Grid.MajorLineColor = Grid;
        plot.Grid.MajorLineWidth = 1;
        plot.Axes.Right.FrameLineStyle.Width = 0;
        plot.Axes.Top.FrameLineStyle.Width = 0;
        foreach (IAxis axis in (IAxis[])[plot.Axes.Left, plot.Axes.Bottom])
        {
            axis.FrameLineStyle.Color = Ink;
            axis.TickLabelStyle.FontSize = TextSize;
            axis.TickLabelStyle.ForeColor = Ink;
            axis.MinorTickStyle.Length = 0;
        }

        plot.Axes.Left.Label.Bold = plot.Axes.Bottom.Label.Bold = false;
        plot.Axes.Left.Label.FontSize = plot.Axes.Bottom.Label.FontSize = TextSize;
        plot.Axes.Left.Label.ForeColor = plot.Axes.Bottom.Label.ForeColor = Ink;
        plot.Legend.FontSize = TextSize;
        plot.Legend.FontColor = Ink;
        plot.Legend.OutlineWidth = 0;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.BackgroundColor = Colors.White;
        return plot;
    }

    public static string Count(int threads) => threads == 1 ? "1 thread" : $"{threads} threads";
}
