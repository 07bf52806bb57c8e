using System.Globalization;
using HpcLinear.Experiments;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace HpcLinear.Cli.Plots;

/// <summary>Maps of a value over a grid: a coloured cell a value, with the value in it and a frame around the optimum; one scale of colours at the right.</summary>
internal static class HeatMapPlot
{
    private const int ScaleSteps = 64, LabelLetters = 29;
    private const float OuterFrame = 4.5f, InnerFrame = 2;
    private const double ScaleLeft = 0.06, ScaleRight = 0.17, ScaleLow = 0.12, ScaleHigh = 0.92, FrameInset = 0.035, PaleLuminance = 0.21;

    /// <summary>Even to the eye, in grey too, and distinct to colour-blind readers (van der Walt and Smith, 2015).</summary>
    private static readonly ScottPlot.Colormaps.Viridis Colours = new();

    private static readonly Color Missing = Color.FromHex("#DDDDDD");

    /// <exception cref="ArgumentException">The rows have nothing to show in the figure.</exception>
    public static PanelPicture Draw(HeatMapFigure figure, IReadOnlyList<Row> rows, Row last, string file)
    {
        HeatMap[] maps = [.. figure.Maps(rows)];
        double[] values = [.. maps.SelectMany(m => m.Values).SelectMany(v => v).Where(v => double.IsFinite(Place(v))).Select(Place)];
        if (values.Length == 0)
        {
            throw new ArgumentException($"--kind: the rows of {file} have nothing to show in '{figure.Name}'");
        }

        (double low, double high) = (double.IsNaN(figure.Value.Limits.Low) ? values.Min() : Place(figure.Value.Limits.Low), double.IsNaN(figure.Value.Limits.High) ? values.Max() : Place(figure.Value.Limits.High));
        FigureFrame frame = new(figure.Title, last, maps.Length);
        foreach (HeatMap map in maps)
        {
            Plot plot = frame.AddPanel(map.Panel, figure);
            plot.HideGrid();
            plot.Axes.SetLimits(-0.5, map.Columns.Count - 0.5, -0.5, map.Rows.Count - 0.5);
            plot.Axes.Bottom.TickGenerator = Names(map.Columns);
            plot.Axes.Left.TickGenerator = Names(map.Rows);
            plot.Axes.Bottom.MajorTickStyle.Length = plot.Axes.Left.MajorTickStyle.Length = 0;
            float size = map.Columns.Count > 8 ? PlotStyle.SmallSize - 1.5f : PlotStyle.SmallSize;
            for (int r = 0; r < map.Rows.Count; r++)
            {
                for (int c = 0; c < map.Columns.Count; c++)
                {
                    Cell(plot, c, r, map.Values[r][c], size);
                }
            }

            if (Best(figure.Optimum, map) is { } best)
            {
                Mark(plot, best.Column - 0.5 + FrameInset, best.Column + 0.5 - FrameInset, best.Row - 0.5 + FrameInset, best.Row + 0.5 - FrameInset);
            }
        }

        Scale(frame.AddSide(), figure, low, high);
        return frame.ToPicture();

        double Place(double value) => RowPlot.Place(figure.Value, value);

        void Cell(Plot plot, int column, int row, double value, float size)
        {
            double place = Place(value);
            Color colour = double.IsFinite(place) ? Colours.GetColor(Math.Clamp(high > low ? (place - low) / (high - low) : 0.5, 0, 1)) : Missing;
            ScottPlot.Plottables.Rectangle cell = plot.Add.Rectangle(column - 0.5, column + 0.5, row - 0.5, row + 0.5);
            cell.FillColor = colour;
            cell.LineColor = Colors.White;
            cell.LineWidth = 1;
            ScottPlot.Plottables.Text text = plot.Add.Text(double.IsFinite(value) ? Short(value) : "–", column, row);
            text.LabelAlignment = Alignment.MiddleCenter;
            text.LabelFontSize = size;
            text.LabelFontColor = Luminance(colour) > PaleLuminance ? PlotStyle.Ink : Colors.White;
        }
    }

    /// <summary>The marked cell, the first of equals.</summary>
    private static (int Column, int Row)? Best(Optimum optimum, HeatMap map) => optimum == Optimum.None
        ? null
        : (from r in Enumerable.Range(0, map.Rows.Count)
           from c in Enumerable.Range(0, map.Columns.Count)
           where double.IsFinite(map.Values[r][c])
           orderby optimum == Optimum.Least ? map.Values[r][c] : -map.Values[r][c]
           select ((int, int)?)(c, r)).FirstOrDefault();

    /// <summary>A bar of the colours with ticks, and what the frame means.</summary>
    private static void Scale(Plot plot, HeatMapFigure figure, double low, double high)
    {
        plot.Axes.SetLimits(0, 1, 0, 1);
        Words(string.Join('\n', FigureFrame.Wrap(figure.Value.Label, LabelLetters)), ScaleLeft, 1, Alignment.UpperLeft);
        for (int i = 0; i < ScaleSteps; i++)
        {
            // Each goes on under the next, so that no seam shows.
            ScottPlot.Plottables.Rectangle part = plot.Add.Rectangle(ScaleLeft, ScaleRight, Height((double)i / ScaleSteps), ScaleHigh);
            part.FillColor = Colours.GetColor((i + 0.5) / ScaleSteps);
            part.LineWidth = 0;
        }

        foreach ((double place, string number) in high > low ? RowPlot.Numbers(figure.Value, low, high) : [])
        {
            double at = Height((place - low) / (high - low));
            ScottPlot.Plottables.LinePlot line = plot.Add.Line(ScaleRight, at, ScaleRight + 0.03, at);
            line.Color = PlotStyle.Ink;
            line.LineWidth = 1;
            Words(number, ScaleRight + 0.05, at, Alignment.MiddleLeft);
        }

        if (figure.Optimum != Optimum.None)
        {
            Mark(plot, ScaleLeft, ScaleRight, 0.015, 0.065);
            Words(figure.Optimum == Optimum.Least ? "least of a panel" : "greatest of a panel", ScaleRight + 0.05, 0.04, Alignment.MiddleLeft);
        }

        void Words(string words, double x, double y, Alignment alignment)
        {
            ScottPlot.Plottables.Text text = plot.Add.Text(words, x, y);
            text.LabelAlignment = alignment;
            text.LabelFontSize = PlotStyle.SmallSize;
            text.LabelFontColor = PlotStyle.Ink;
        }

        static double Height(double share) => ScaleLow + (share * (ScaleHigh - ScaleLow));
    }

    /// <summary>White in black: visible on every colour.</summary>
    private static void Mark(Plot plot, double left, double right, double bottom, double top)
    {
        foreach ((Color colour, float width) in new[] { (PlotStyle.Ink, OuterFrame), (Colors.White, InnerFrame) })
        {
            ScottPlot.Plottables.Rectangle mark = plot.Add.Rectangle(left, right, bottom, top);
            mark.FillColor = Colors.Transparent;
            mark.LineColor = colour;
            mark.LineWidth = width;
        }
    }

    private static NumericManual Names(IReadOnlyList<string> names) => new([.. Enumerable.Range(0, names.Count).Select(i => (double)i)], [.. names]);

    /// <summary>Relative luminance of sRGB, WCAG 2.</summary>
    private static double Luminance(Color c) => (0.2126 * Linear(c.R)) + (0.7152 * Linear(c.G)) + (0.0722 * Linear(c.B));

    private static double Linear(byte value) => value <= 10 ? value / 255.0 / 12.92 : Math.Pow(((value / 255.0) + 0.055) / 1.055, 2.4);

    private static string Short(double value) => Math.Abs(value) is >= 1e4 or (> 0 and < 1e-3)
        ? value.ToString("0E+0", CultureInfo.InvariantCulture).Replace("E+", "e", StringComparison.Ordinal).Replace("E-", "e-", StringComparison.Ordinal)
        : value.ToString("G3", CultureInfo.InvariantCulture);
}
