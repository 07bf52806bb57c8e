using System.Globalization;
using HpcLinear.Data;
using HpcLinear.Experiments;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace HpcLinear.Cli.Plots;

/// <summary>A figure of an experiment: curves in panels, all with the same axes, and one legend at the right.</summary>
internal static class RowPlot
{
    private const int PanelWidth = 400, OnlyPanelWidth = 620, PanelHeight = 340, LegendWidth = 214, TitleHeight = 26, CaptionLine = 18, Left = 74, Right = 16, Bottom = 56, Top = 34;
    private const float MarkerSize = 6;
    private const double LetterWidth = 6.4, Room = 0.06, PlaceRoom = 0.6, BarHalf = 0.22;

    private static readonly double[] Mantissas = [1, 2, 5];
    private static readonly MarkerShape[] Shapes = [MarkerShape.FilledCircle, MarkerShape.FilledSquare, MarkerShape.FilledTriangleUp, MarkerShape.FilledDiamond];

    /// <summary>Draws the rows of the file's last run.</summary>
    /// <exception cref="DataFormatException">No rows.</exception>
    /// <exception cref="ArgumentException">The experiment has no such figure, or the rows have nothing to show in it.</exception>
    public static PanelPicture Draw(IReadOnlyList<Row> all, string file, string? kind)
    {
        Row last = all.LastOrDefault(r => !r.IsVerdict) ?? throw new DataFormatException(file, "no row", "rows that `hpclinear run` wrote");
        Experiment experiment = ExperimentList.Find(last.Experiment);
        Figure figure = kind is null ? experiment.Figures[0] : experiment.Figures.FirstOrDefault(f => f.Name == kind)
            ?? throw new ArgumentException($"--kind: {string.Join(" or ", experiment.Figures.Select(f => f.Name))} expected for rows of {experiment.Name}, '{kind}' given");
        Row[] rows = [.. all.Where(r => !r.IsVerdict && r.IsOfRun(last))];
        Curve[] curves = [.. figure.Curves(rows)];
        (double X, double Y)[] points = [.. curves.SelectMany(c => c.Points).Select(p => Place(figure, p)).Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y))];
        if (points.Length == 0)
        {
            throw new ArgumentException($"--kind: the rows of {file} have nothing to show in '{figure.Name}'");
        }

        (double lowX, double highX) = Limits(figure.X, [.. points.Select(p => p.X)]);
        (double lowY, double highY) = Limits(figure.Y, [.. points.Select(p => p.Y)]);
        string[] panels = [.. curves.Select(c => c.Panel).Distinct()], names = [.. curves.Select(c => c.Name).Where(n => n.Length > 0).Distinct()];
        int columns = Math.Min(panels.Length, 2), lines = (panels.Length + columns - 1) / columns, panelWidth = panels.Length == 1 ? OnlyPanelWidth : PanelWidth;
        int width = (columns * panelWidth) + LegendWidth;
        string[] caption = Wrap($"{last.Text("target")}, {last.Text("type")}; {last.SettingsText}", (int)(width / LetterWidth));
        int head = TitleHeight + ((caption.Length + 1) * CaptionLine), height = head + (lines * PanelHeight);
        List<(Plot, PixelRect)> parts = [];
        for (int p = 0; p < panels.Length; p++)
        {
            Plot plot = PlotStyle.Create(panels[p], "");
            plot.Axes.Title.Label.Text = panels[p];
            plot.Axes.Title.Label.FontSize = PlotStyle.TextSize;
            plot.Layout.Fixed(new PixelPadding(Left, Right, Bottom, Top));
            plot.Axes.SetLimits(lowX, highX, lowY, highY);
            plot.Axes.Bottom.TickGenerator = Ticks(figure.X, lowX, highX);
            plot.Axes.Left.TickGenerator = Ticks(figure.Y, lowY, highY);
            plot.Axes.Bottom.Label.Text = figure.X.Label;
            plot.Axes.Left.Label.Text = figure.Y.Label;
            foreach (Curve curve in curves.Where(c => c.Panel == panels[p]))
            {
                Add(plot, figure, curve, Math.Max(0, Array.IndexOf(names, curve.Name)));
            }

            float left = p % columns * panelWidth, top = head + (p / columns * PanelHeight);
            parts.Add((plot, new(left, left + panelWidth, top + PanelHeight, top)));
        }

        parts.Add((Caption(figure.Title, PlotStyle.TitleSize, TitleHeight), new(0, width, TitleHeight, 0)));
        for (int i = 0; i < caption.Length; i++)
        {
            int top = TitleHeight + (i * CaptionLine);
            parts.Add((Caption(caption[i], PlotStyle.SmallSize, CaptionLine), new(0, width, top + CaptionLine, top)));
        }

        if (names.Length > 1 || curves.Any(c => c.Form == CurveForm.OpenMarkers))
        {
            parts.Add((Legend(curves, names), new(columns * panelWidth, width, height, head)));
        }

        return new(width, height, parts);
    }

    /// <summary>Lines of whole words.</summary>
    private static string[] Wrap(string text, int letters)
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

    private static (double X, double Y) Place(Figure figure, (double X, double Y) point) => (Place(figure.X, point.X), Place(figure.Y, point.Y));

    private static double Place(FigureAxis axis, double value) => !axis.IsLogarithmic ? value : value > 0 ? Math.Log10(value) : double.NaN;

    private static (double Low, double High) Limits(FigureAxis axis, double[] values)
    {
        if (axis.Places.Count > 0)
        {
            // Places behind the last one used are left out.
            return (-PlaceRoom, values.Max() + PlaceRoom);
        }

        double low = values.Min(), high = values.Max(), room = Math.Max((high - low) * Room, high == low ? Math.Max(Math.Abs(high) * Room, 0.1) : 0);
        return (double.IsNaN(axis.Limits.Low) ? low - room : Place(axis, axis.Limits.Low), double.IsNaN(axis.Limits.High) ? high + room : Place(axis, axis.Limits.High));
    }

    private static void Add(Plot plot, Figure figure, Curve curve, int index)
    {
        Color color = PlotStyle.Families[index % PlotStyle.Families.Length];
        (double X, double Y)[] points = [.. curve.Points.Select(p => Place(figure, p))];
        if (curve.Form is CurveForm.MarkedLine or CurveForm.Line)
        {
            // A gap ends a piece of the curve.
            for (int at = 0; at < points.Length;)
            {
                (double X, double Y)[] piece = [.. points.Skip(at).TakeWhile(p => double.IsFinite(p.Y))];
                at += piece.Length + 1;
                if (piece.Length > 1)
                {
                    ScottPlot.Plottables.Scatter line = plot.Add.ScatterLine(piece.Select(p => p.X).ToArray(), piece.Select(p => p.Y).ToArray(), color);
                    line.LineWidth = 1.5f;
                }
            }
        }

        foreach ((double x, double y) in points.Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y)))
        {
            switch (curve.Form)
            {
                case CurveForm.MarkedLine or CurveForm.Markers:
                    _ = plot.Add.Marker(x, y, Shapes[index % Shapes.Length], MarkerSize, color);
                    break;
                case CurveForm.OpenMarkers:
                    _ = plot.Add.Marker(x, y, MarkerShape.FilledCircle, MarkerSize, Colors.White);
                    plot.Add.Marker(x, y, MarkerShape.OpenCircle, MarkerSize, color).MarkerLineWidth = 1.3f;
                    break;
                case CurveForm.Bars:
                    ScottPlot.Plottables.LinePlot bar = plot.Add.Line(x - BarHalf, y, x + BarHalf, y);
                    bar.Color = color;
                    bar.LineWidth = 2;
                    break;
            }
        }
    }

    private static Plot Caption(string text, float size, int height)
    {
        Plot plot = PlotStyle.Create("", "");
        plot.Axes.Title.Label.Text = text;
        plot.Axes.Title.Label.FontSize = size;
        Empty(plot, height);
        return plot;
    }

    private static Plot Legend(Curve[] curves, string[] names)
    {
        Plot plot = PlotStyle.Create("", "");
        plot.Axes.Title.Label.Text = "";
        Empty(plot);
        for (int i = 0; i < names.Length; i++)
        {
            Color color = PlotStyle.Families[i % PlotStyle.Families.Length];
            CurveForm[] forms = [.. curves.Where(c => c.Name == names[i]).Select(c => c.Form)];
            plot.Legend.ManualItems.Add(new LegendItem
            {
                LabelText = names[i],
                LineColor = color,
                LineWidth = forms.Any(f => f is CurveForm.Line or CurveForm.MarkedLine or CurveForm.Bars) ? 1.5f : 0,
                MarkerStyle = forms.Any(f => f is CurveForm.MarkedLine or CurveForm.Markers) ? new MarkerStyle(Shapes[i % Shapes.Length], MarkerSize, color)
                    : forms.Contains(CurveForm.OpenMarkers) ? new MarkerStyle(MarkerShape.OpenCircle, MarkerSize, color) { LineWidth = 1.3f } : MarkerStyle.None,
            });
        }

        plot.ShowLegend(Alignment.UpperLeft);
        return plot;
    }

    private static void Empty(Plot plot, int captionHeight = 0)
    {
        plot.HideGrid();
        plot.Layout.Fixed(new PixelPadding(Right, Right, 0, captionHeight > 0 ? captionHeight - 2 : Top));
        plot.Axes.Left.IsVisible = plot.Axes.Bottom.IsVisible = plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
    }

    private static NumericManual Ticks(FigureAxis axis, double low, double high)
    {
        if (axis.Places.Count > 0)
        {
            return new NumericManual([.. Enumerable.Range(0, axis.Places.Count).Select(i => (double)i)], [.. axis.Places]);
        }

        if (!axis.IsLogarithmic)
        {
            // 1, 2 or 5 times a power of ten apart, about five of them.
            double rough = (high - low) / 5, power = Math.Pow(10, Math.Floor(Math.Log10(rough))), step = power * (rough / power >= 5 ? 5 : rough / power >= 2 ? 2 : 1);
            double[] ticks = [.. Enumerable.Range(0, 20).Select(i => (Math.Ceiling(low / step) + i) * step).Where(t => t <= high)];
            return new NumericManual(ticks, [.. ticks.Select(Text)]);
        }

        // Powers of ten where there are several decades, else 1, 2, 5; or powers of two.
        bool several = high - low > 2.5;
        double[] values = [.. from decade in Enumerable.Range((int)Math.Floor(low), (int)Math.Ceiling(high) - (int)Math.Floor(low) + 1)
                              from mantissa in several ? Mantissas[..1] : Mantissas
                              let value = mantissa * Math.Pow(10, decade)
                              where Math.Log10(value) >= low && Math.Log10(value) <= high
                              select value];
        if (axis.IsDoubling)
        {
            values = [.. Enumerable.Range(0, 20).Select(e => Math.Pow(2, e)).Where(v => Math.Log10(v) >= low && Math.Log10(v) <= high)];
        }

        return new NumericManual([.. values.Select(Math.Log10)], [.. values.Select(Text)]);
    }

    private static string Text(double value) => Math.Abs(value) is >= 1e4 or (> 0 and < 1e-3)
        ? value.ToString("0E+0", CultureInfo.InvariantCulture).Replace("E+", "e", StringComparison.Ordinal).Replace("E-", "e-", StringComparison.Ordinal)
        : Math.Round(value, 10).ToString("0.####", CultureInfo.InvariantCulture);
}
