using System.Globalization;
using HpcLinear.Data;
using HpcLinear.Experiments;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace HpcLinear.Cli.Plots;

/// <summary>A figure of an experiment: curves in panels, all with the same axes, and one legend at the right.</summary>
internal static class RowPlot
{
    private const float MarkerSize = 6;
    private const double Room = 0.06, PlaceRoom = 0.6, BarHalf = 0.22;

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
        return figure is HeatMapFigure map ? HeatMapPlot.Draw(map, rows, last, file) : Draw(figure, rows, last, file);
    }

    private static PanelPicture Draw(Figure figure, Row[] rows, Row last, string file)
    {
        Curve[] curves = [.. figure.Curves(rows)];
        (double X, double Y)[] points = [.. curves.SelectMany(c => c.Points).Select(p => Place(figure, p)).Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y))];
        if (points.Length == 0)
        {
            throw new ArgumentException($"--kind: the rows of {file} have nothing to show in '{figure.Name}'");
        }

        (double lowX, double highX) = Limits(figure.X, [.. points.Select(p => p.X)]);
        (double lowY, double highY) = Limits(figure.Y, [.. points.Select(p => p.Y)]);
        string[] panels = [.. curves.Select(c => c.Panel).Distinct()], names = [.. curves.Select(c => c.Name).Where(n => n.Length > 0).Distinct()];
        FigureFrame frame = new(figure.Title, last, panels.Length);
        for (int p = 0; p < panels.Length; p++)
        {
            Plot plot = frame.AddPanel(panels[p], figure);
            plot.Axes.SetLimits(lowX, highX, lowY, highY);
            plot.Axes.Bottom.TickGenerator = Ticks(figure.X, lowX, highX);
            plot.Axes.Left.TickGenerator = Ticks(figure.Y, lowY, highY);
            foreach (Curve curve in curves.Where(c => c.Panel == panels[p]))
            {
                Add(plot, figure, curve, Math.Max(0, Array.IndexOf(names, curve.Name)));
            }
        }

        if (names.Length > 1 || curves.Any(c => c.Form == CurveForm.OpenMarkers))
        {
            AddLegend(frame.AddSide(), curves, names);
        }

        return frame.ToPicture();
    }

    private static (double X, double Y) Place(Figure figure, (double X, double Y) point) => (Place(figure.X, point.X), Place(figure.Y, point.Y));

    public static double Place(FigureAxis axis, double value) => !axis.IsLogarithmic ? value : value > 0 ? Math.Log10(value) : double.NaN;

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

    private static void AddLegend(Plot plot, Curve[] curves, string[] names)
    {
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
    }

    private static NumericManual Ticks(FigureAxis axis, double low, double high)
    {
        (double Place, string Text)[] ticks = axis.Places.Count > 0 ? [.. axis.Places.Select((text, i) => ((double)i, text))] : Numbers(axis, low, high);
        return new NumericManual([.. ticks.Select(t => t.Place)], [.. ticks.Select(t => t.Text)]);
    }

    /// <summary>Where numbers stand at an axis, or at its logarithm.</summary>
    public static (double Place, string Text)[] Numbers(FigureAxis axis, double low, double high)
    {
        if (!axis.IsLogarithmic)
        {
            // 1, 2 or 5 times a power of ten apart, about five of them.
            double rough = (high - low) / 5, power = Math.Pow(10, Math.Floor(Math.Log10(rough))), step = power * (rough / power >= 5 ? 5 : rough / power >= 2 ? 2 : 1);
            return [.. Enumerable.Range(0, 20).Select(i => (Math.Ceiling(low / step) + i) * step).Where(t => t <= high).Select(t => (t, Text(t)))];
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

        return [.. values.Select(v => (Math.Log10(v), Text(v)))];
    }

    private static string Text(double value) => Math.Abs(value) is >= 1e4 or (> 0 and < 1e-3)
        ? value.ToString("0E+0", CultureInfo.InvariantCulture).Replace("E+", "e", StringComparison.Ordinal).Replace("E-", "e-", StringComparison.Ordinal)
        : Math.Round(value, 10).ToString("0.####", CultureInfo.InvariantCulture);
}
