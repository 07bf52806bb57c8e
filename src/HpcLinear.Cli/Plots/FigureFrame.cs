using HpcLinear.Experiments;
using ScottPlot;

namespace HpcLinear.Cli.Plots;

/// <summary>What figures of rows have in common: a title, a line of where and how it was measured, panels in one or two columns, and a legend at the right.</summary>
internal sealed class FigureFrame
{
    private const int PanelWidth = 400, OnlyPanelWidth = 620, PanelHeight = 340, SideWidth = 214, TitleHeight = 26, CaptionLine = 18, Left = 74, Right = 16, Bottom = 56, Top = 34;
    private const double LetterWidth = 6.4;

    private readonly string title;
    private readonly string[] caption;
    private readonly int columns, panelWidth, width, head, height;
    private readonly List<(Plot, PixelRect)> parts = [];

    public FigureFrame(string title, Row row, int panels)
    {
        this.title = title;
        columns = Math.Min(panels, 2);
        panelWidth = panels == 1 ? OnlyPanelWidth : PanelWidth;
        width = (columns * panelWidth) + SideWidth;
        caption = Wrap($"{row.Text("target")}, {row.Text("type")}; {row.SettingsText}", (int)(width / LetterWidth));
        head = TitleHeight + ((caption.Length + 1) * CaptionLine);
        height = head + ((panels + columns - 1) / columns * PanelHeight);
    }

    /// <summary>The next panel, with the figure's labels at its axes.</summary>
    public Plot AddPanel(string name, Figure figure)
    {
        Plot plot = PlotStyle.Create("", "");
        plot.Axes.Title.Label.Text = name;
        plot.Axes.Title.Label.FontSize = PlotStyle.TextSize;
        plot.Layout.Fixed(new PixelPadding(Left, Right, Bottom, Top));
        plot.Axes.Bottom.Label.Text = figure.X.Label;
        plot.Axes.Left.Label.Text = figure.Y.Label;
        float left = parts.Count % columns * panelWidth, top = head + (parts.Count / columns * PanelHeight);
        parts.Add((plot, new(left, left + panelWidth, top + PanelHeight, top)));
        return plot;
    }

    /// <summary>The place at the right, beside the first line of panels; after all of them.</summary>
    public Plot AddSide()
    {
        Plot plot = PlotStyle.Create("", "");
        plot.Axes.Title.Label.Text = "";
        Empty(plot, Top);
        parts.Add((plot, new(columns * panelWidth, width, head + PanelHeight, head)));
        return plot;
    }

    public PanelPicture ToPicture()
    {
        parts.Add((Line(title, PlotStyle.TitleSize, TitleHeight), new(0, width, TitleHeight, 0)));
        for (int i = 0; i < caption.Length; i++)
        {
            int top = TitleHeight + (i * CaptionLine);
            parts.Add((Line(caption[i], PlotStyle.SmallSize, CaptionLine), new(0, width, top + CaptionLine, top)));
        }

        return new(width, height, parts);
    }

    /// <summary>Lines of whole words.</summary>
    public static string[] Wrap(string text, int letters)
    {
        List<string> lines = [""];
        foreach (string word in text.Split(' '))
        {
            if (lines[^1].Length + word.Length >= letters)
            {
                lines.Add("");
            }

            lines[^1] += lines[^1].Length == 0 ? word : $" {word}";
        }

        return [.. lines];
    }

    private static Plot Line(string text, float size, int height)
    {
        Plot plot = PlotStyle.Create("", "");
        plot.Axes.Title.Label.Text = text;
        plot.Axes.Title.Label.FontSize = size;
        Empty(plot, height - 2);
        return plot;
    }

    private static void Empty(Plot plot, int top)
    {
        plot.HideGrid();
        plot.Layout.Fixed(new PixelPadding(Right, Right, 0, top));
        plot.Axes.Left.IsVisible = plot.Axes.Bottom.IsVisible = plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
    }
}
