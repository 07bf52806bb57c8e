using System.Globalization;
using HpcLinear.Cli.Comparison;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace HpcLinear.Cli.Plots;

/// <summary>Ours over the best peer as horizontal bars from the line at 1, to the right where ours is faster; on a logarithmic scale, where twice and half are as long.</summary>
internal static class RatioPlot
{
    private const int Width = 900, BarHeight = 15, Margin = 130;
    private const double BarShare = 0.8, LabelRoom = 0.45, MeanGap = 0.5;
    private const string Dagger = " †";

    public static (Plot Plot, int Width, int Height) Draw(ComparisonFile file, string type, bool byRow)
    {
        ComparisonTable[] tables = [.. ComparisonTable.Of(file.Rows).Where(t => t.Type == type && t.Groups.Count > 0)];
        List<(string Name, bool IsRecorded, double[] Ratios)> lines = byRow ? Rows(tables) : Groups(tables);
        if (lines.Count == 0)
        {
            throw new ArgumentException($"--type: no row of {type} has both our figure and a peer's");
        }

        Plot plot = PlotStyle.Create($"Speed relative to the best peer, {(type == "f32" ? "float32" : "float64")}", Where(file));
        bool hasMean = !byRow && lines.Count > 1;
        double[] places = [.. lines.Select((_, i) => -i - (hasMean && i == lines.Count - 1 ? MeanGap : 0))];
        double[] logarithms = [.. lines.SelectMany(l => l.Ratios).Where(r => r > 0).Select(Math.Log2)];
        double low = Math.Min(-1, Math.Floor(logarithms.Min() - LabelRoom)), high = Math.Max(1, Math.Ceiling(logarithms.Max() + LabelRoom));
        for (int line = 0; line < lines.Count; line++)
        {
            for (int t = 0; t < tables.Length; t++)
            {
                double size = BarShare / tables.Length, ratio = lines[line].Ratios[t], at = places[line] + ((((tables.Length - 1) / 2.0) - t) * size);
                if (!(ratio > 0))
                {
                    continue;
                }

                double value = Math.Log2(ratio);
                plot.Add.Bars(new Bar[] { new() { Position = at, Value = value, Size = size * 0.94, Orientation = Orientation.Horizontal, FillColor = ColorOf(t, tables.Length), LineWidth = 0 } }).Horizontal = true;
                ScottPlot.Plottables.Text label = plot.Add.Text(ratio.ToString("0.00", CultureInfo.InvariantCulture), value, at);
                label.LabelFontSize = PlotStyle.SmallSize;
                label.LabelFontColor = PlotStyle.Ink;
                label.LabelAlignment = ratio >= 1 ? Alignment.MiddleLeft : Alignment.MiddleRight;
                label.OffsetX = ratio >= 1 ? 4 : -4;
            }
        }

        ScottPlot.Plottables.VerticalLine one = plot.Add.VerticalLine(0);
        one.Color = PlotStyle.Ink;
        one.LineWidth = 1.2f;
        double[] ticks = [.. Enumerable.Range((int)low, (int)(high - low) + 1).Select(e => (double)e)];
        plot.Axes.Bottom.TickGenerator = new NumericManual(ticks, [.. ticks.Select(e => Math.Pow(2, e).ToString("0.###", CultureInfo.InvariantCulture))]);
        plot.Axes.Left.TickGenerator = new NumericManual(places, [.. lines.Select(l => l.Name + (l.IsRecorded ? Dagger : ""))]);
        plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.Axes.Left.FrameLineStyle.Width = 0;
        plot.Grid.YAxisStyle.IsVisible = false;
        string footnote = lines.Any(l => l.IsRecorded) ? $"\n{Dagger.Trim()} the peer's figure, or one of the group's, was recorded at another time" : "";
        plot.Axes.Bottom.Label.Text = $"ours / best peer{(byRow ? "" : ", geometric means")}{footnote}";
        plot.Axes.SetLimits(low, high, places[^1] - 0.6, 0.6);
        for (int t = 0; t < tables.Length; t++)
        {
            plot.Legend.ManualItems.Add(new LegendItem { LabelText = PlotStyle.Count(tables[t].Threads), FillColor = ColorOf(t, tables.Length), LineWidth = 0, MarkerStyle = MarkerStyle.None });
        }

        plot.ShowLegend(Alignment.UpperRight);
        return (plot, Width, Margin + (lines.Count * Math.Max(BarHeight * tables.Length, 24)));
    }

    /// <summary>Where and when a comparison was made.</summary>
    public static string Where(ComparisonFile file)
    {
        string date = file.About.FirstOrDefault(a => a.Key == "date").Value ?? "";
        return string.Join(", ", new[] { file.Cpu, date.Split(' ')[0] }.Where(s => s.Length > 0));
    }

    public static Color ColorOf(int place, int count) => PlotStyle.Threads[count == 1 ? 1 : Math.Min(place, PlotStyle.Threads.Length - 1)];

    private static List<(string Name, bool IsRecorded, double[] Ratios)> Groups(ComparisonTable[] tables)
    {
        List<(string, bool, double[])> lines =
        [
            .. from g in ProblemGroup.All
               where tables.Any(t => t.Groups.Any(m => m.Group == g))
               select (g.Name, tables.Any(t => t.Rows.Any(r => r.Group == g && r.Best is { IsRecorded: true })), tables.Select(t => t.Groups.FirstOrDefault(m => m.Group == g)?.Ratio ?? double.NaN).ToArray()),
        ];
        if (lines.Count > 1)
        {
            lines.Add(("mean of groups", false, [.. tables.Select(t => t.Overall)]));
        }

        return lines;
    }

    private static List<(string Name, bool IsRecorded, double[] Ratios)> Rows(ComparisonTable[] tables) =>
    [
        .. from name in tables.SelectMany(t => t.Rows).Where(r => r.Ratio > 0).Select(r => r.Name).Distinct()
           let own = tables.Select(t => t.Rows.FirstOrDefault(r => r.Name == name)).ToArray()
           select (name, own.Any(r => r?.Best is { IsRecorded: true }), own.Select(r => r?.Ratio ?? double.NaN).ToArray()),
    ];
}
