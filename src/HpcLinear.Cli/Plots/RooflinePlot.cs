using System.Globalization;
using HpcLinear.Cli.Comparison;
using HpcLinear.Cli.Problems;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace HpcLinear.Cli.Plots;

/// <summary>GFLOP/s against operations a byte of compulsory traffic, under what the processor and its memory allow (Williams, Waterman and Patterson, 2009).</summary>
internal static class RooflinePlot
{
    private const int Width = 1100, Height = 760, Left = 70, Right = 20, Bottom = 60, Top = 60, LegendWidth = 260, LegendHeight = 210;
    private const float MarkerSize = 7;
    private const double LetterWidth = 0.64, LetterHeight = 1.25;

    /// <summary>Decades at the right for the names of the peaks.</summary>
    private const double PeakNameRoom = 0.45;

    /// <summary>Bandwidths nearer than this share a name.</summary>
    private const double SameLevel = 1.15;

    private static readonly double[] Mantissas = [1, 2, 5];

    public static (Plot Plot, int Width, int Height) Draw(ComparisonFile file, string type, string operation)
    {
        Ceilings[] ceilings = [.. file.Ceilings.Where(c => c.Type == type).OrderBy(c => c.Threads)];
        if (ceilings.Length == 0)
        {
            throw new ArgumentException($"--kind: a roofline needs lines '# ceiling: {type} …' in the file; `build.sh bench compare --csv` writes them");
        }

        Dictionary<string, double> intensity = [];
        foreach (Problem problem in file.Problems)
        {
            if (Intensity(problem, type == "f32" ? sizeof(float) : sizeof(double)) is > 0 and double flopsPerByte)
            {
                intensity[problem.Id] = flopsPerByte;
            }
        }

        ComparisonTable[] tables = [.. ComparisonTable.Of(file.Rows).Where(t => t.Type == type && ceilings.Any(c => c.Threads == t.Threads))];
        var points = (from name in tables.SelectMany(t => t.Rows).Where(r => (r.Key.Operation == operation || r.Key.Operation is "product" or "compose") && intensity.ContainsKey(r.Key.Problem)).Select(r => r.Key.Problem).Distinct()
                      let rows = tables.Select(t => t.Rows.FirstOrDefault(r => r.Key.Problem == name && (r.Key.Operation == operation || r.Key.Operation is "product" or "compose"))).ToArray()
                      select (Name: name, X: intensity[name], rows.First(r => r is not null)!.Group, Gflops: rows.Select(r => r?.Ours ?? double.NaN).ToArray())).ToArray();
        if (points.Length == 0)
        {
            throw new ArgumentException($"--type: no row of {type} with its problem's definition in the file");
        }

        double lowX = Math.Floor(Math.Log10(points.Min(p => p.X)) * 2) / 2 - 0.15, highX = Math.Ceiling(Math.Log10(points.Max(p => p.X)) * 4) / 4 + PeakNameRoom;
        double lowY = Math.Floor(Math.Log10(points.SelectMany(p => p.Gflops).Where(g => g > 0).Min()) * 4) / 4 - 0.2, highY = Math.Log10(ceilings.Max(c => c.Peak)) + 0.25;
        Plot plot = PlotStyle.Create($"Roofline, {(type == "f32" ? "float32" : "float64")}{(operation == "fwd" ? "" : ", " + operation)}", RatioPlot.Where(file));
        plot.Layout.Fixed(new PixelPadding(Left, Right, Bottom, Top));
        plot.Axes.SetLimits(lowX, highX, lowY, highY);
        plot.Axes.Bottom.TickGenerator = Ticks(lowX, highX);
        plot.Axes.Left.TickGenerator = Ticks(lowY, highY);
        plot.Axes.Bottom.Label.Text = "flop per byte of compulsory traffic (every operand once)";
        plot.Axes.Left.Label.Text = "GFLOP/s";

        Box area = new(Left + 2, Top + 2, Width - Right - 2, Height - Bottom - 2);
        double PixelX(double logX) => Left + ((logX - lowX) / (highX - lowX) * (Width - Left - Right));
        double PixelY(double logY) => Height - Bottom - ((logY - lowY) / (highY - lowY) * (Height - Top - Bottom));
        List<Box> obstacles = DrawRoofs(plot, ceilings, lowX, highX, lowY, PixelX, PixelY);
        List<(double, double, double, double)> labels = [];
        obstacles.Add(new(Width - Right - LegendWidth, Height - Bottom - LegendHeight, Width - Right, Height - Bottom));
        ProblemGroup?[] families = [.. points.Select(p => p.Group).Distinct().OrderBy(g => g is null ? int.MaxValue : ProblemGroup.All.ToList().IndexOf(g))];
        foreach ((string name, double x, ProblemGroup? group, double[] gflops) in points)
        {
            Color color = PlotStyle.Families[Array.IndexOf(families, group) % PlotStyle.Families.Length];
            double logX = Math.Log10(x);
            double[] heights = [.. gflops.Where(g => g > 0).Select(Math.Log10)];
            ScottPlot.Plottables.LinePlot link = plot.Add.Line(logX, heights.Min(), logX, heights.Max());
            link.Color = color.WithAlpha(.5);
            link.LineWidth = 1;
            obstacles.Add(new(PixelX(logX) - 1, PixelY(heights.Max()), PixelX(logX) + 1, PixelY(heights.Min())));
            for (int t = 0; t < gflops.Length; t++)
            {
                if (gflops[t] > 0)
                {
                    bool isOpen = t < gflops.Length - 1;
                    _ = plot.Add.Marker(logX, Math.Log10(gflops[t]), MarkerShape.FilledCircle, MarkerSize, isOpen ? Colors.White : color);
                    if (isOpen)
                    {
                        plot.Add.Marker(logX, Math.Log10(gflops[t]), MarkerShape.OpenCircle, MarkerSize - 1, color).MarkerLineWidth = 1.3f;
                    }

                    double px = PixelX(logX), py = PixelY(Math.Log10(gflops[t]));
                    obstacles.Add(new(px - (MarkerSize / 2) - 1, py - (MarkerSize / 2) - 1, px + (MarkerSize / 2) + 1, py + (MarkerSize / 2) + 1));
                }
            }

            labels.Add((PixelX(logX), PixelY(heights.Max()), name.Length * PlotStyle.SmallSize * LetterWidth, PlotStyle.SmallSize * LetterHeight));
        }

        Box[] boxes = LabelPlacement.Place(labels, area, obstacles);
        for (int i = 0; i < boxes.Length; i++)
        {
            DrawLabel(plot, points[i].Name, labels[i], boxes[i], lowX, highX, lowY, highY);
        }

        for (int f = 0; f < families.Length; f++)
        {
            plot.Legend.ManualItems.Add(new LegendItem { LabelText = families[f]?.Name.Replace(", forward", "", StringComparison.Ordinal) ?? "other", LineWidth = 0, MarkerStyle = new MarkerStyle(MarkerShape.FilledCircle, MarkerSize, PlotStyle.Families[f % PlotStyle.Families.Length]) });
        }

        if (tables.Length > 1)
        {
            plot.Legend.ManualItems.Add(new LegendItem { LabelText = $"open: {PlotStyle.Count(tables[0].Threads)}, full: {PlotStyle.Count(tables[^1].Threads)}", LineWidth = 0, MarkerStyle = MarkerStyle.None });
        }

        plot.ShowLegend(Alignment.LowerRight);
        return (plot, Width, Height);
    }

    private static double? Intensity(Problem problem, int elementSize) => problem switch
    {
        GemmProblem gemm => gemm.Descriptor.Flops / gemm.Descriptor.Bytes(elementSize),
        ConvolutionProblem conv => conv.Descriptor.Flops / conv.Descriptor.Bytes(elementSize),
        CompositionProblem chain => chain.NominalFlops / elementSize / (chain.Descriptor.ComposedShape.ElementCount + Enumerable.Range(0, chain.Descriptor.Depth).Sum(l => chain.Descriptor.FilterShape(l).ElementCount)),
        _ => null,
    };

    /// <summary>1, 2, 5, 10, … of a logarithmic axis.</summary>
    private static NumericManual Ticks(double low, double high)
    {
        double[] values = [.. from decade in Enumerable.Range((int)Math.Floor(low), (int)Math.Ceiling(high) - (int)Math.Floor(low) + 1)
                              from mantissa in Mantissas
                              let value = mantissa * Math.Pow(10, decade)
                              where Math.Log10(value) >= low && Math.Log10(value) <= high
                              select value];
        return new NumericManual([.. values.Select(Math.Log10)], [.. values.Select(v => v.ToString("0.###", CultureInfo.InvariantCulture))]);
    }

    /// <summary>Slopes of memory and flat peaks with their names; all of it as boxes, which points' labels avoid.</summary>
    private static List<Box> DrawRoofs(Plot plot, Ceilings[] ceilings, double lowX, double highX, double lowY, Func<double, double> pixelX, Func<double, double> pixelY)
    {
        List<Box> names = [];
        for (int t = 0; t < ceilings.Length; t++)
        {
            Ceilings c = ceilings[t];
            Color color = t == ceilings.Length - 1 ? PlotStyle.Faint : PlotStyle.Faint.WithAlpha(.55);
            LinePattern pattern = t == ceilings.Length - 1 ? LinePattern.Solid : LinePattern.Dashed;
            double peak = Math.Log10(c.Peak);
            string suffix = ceilings.Length > 1 ? $", {PlotStyle.Count(c.Threads)}" : "";
            Segment(Math.Max(lowX, peak - Math.Log10(c.L2)), peak, highX, peak);
            Name($"peak {c.Peak:F0} GFLOP/s{suffix}", highX, peak, Alignment.LowerRight, 0);
            bool together = c.L2 / c.L3 < SameLevel;
            foreach ((string level, double bandwidth) in (ReadOnlySpan<(string, double)>)[(together ? "L2, L3" : "L2", c.L2), ("L3", together ? 0 : c.L3), ("DRAM", c.Dram)])
            {
                if (bandwidth == 0)
                {
                    continue;
                }

                // y = x + log10(bandwidth), from where it enters the plot up to the peak.
                double rise = Math.Log10(bandwidth), from = Math.Max(lowX, lowY - rise), to = peak - rise;
                if (to > from)
                {
                    Segment(from, from + rise, to, peak);
                    double slope = Math.Atan2(pixelY(from + rise) - pixelY(to + rise), pixelX(to) - pixelX(from)) * 180 / Math.PI;
                    double at = from + ((to - from) * (level == "L3" ? 0.45 : 0.07));
                    Name($"{level} {bandwidth:F0} GB/s{suffix}", at, at + rise, Alignment.LowerLeft, (float)-slope);
                }
            }

            void Segment(double fromX, double fromY, double toX, double toY)
            {
                ScottPlot.Plottables.LinePlot line = plot.Add.Line(fromX, fromY, toX, toY);
                line.Color = color;
                line.LineWidth = 1.2f;
                line.LinePattern = pattern;
                for (double along = 0; along <= 1; along += 1.0 / 128)
                {
                    double px = pixelX(fromX + (along * (toX - fromX))), py = pixelY(fromY + (along * (toY - fromY)));
                    names.Add(new(px - 2, py - 2, px + 2, py + 2));
                }
            }

            void Name(string text, double x, double y, Alignment alignment, float rotation)
            {
                ScottPlot.Plottables.Text label = plot.Add.Text(text, x, y);
                label.LabelFontSize = PlotStyle.SmallSize - 1;
                label.LabelFontColor = PlotStyle.Faint;
                label.LabelAlignment = alignment;
                label.LabelRotation = rotation;
                double length = text.Length * PlotStyle.SmallSize * LetterWidth, px = pixelX(x), py = pixelY(y), turn = -rotation * Math.PI / 180;
                for (double along = 0; along < length; along += 8)
                {
                    double bx = alignment == Alignment.LowerRight ? px - along : px + (along * Math.Cos(turn)), by = py - (along * Math.Sin(turn));
                    names.Add(new(bx - 8, by - 14, bx + 8, by + 2));
                }
            }
        }

        return names;
    }

    private static void DrawLabel(Plot plot, string name, (double X, double Y, double Width, double Height) point, Box box, double lowX, double highX, double lowY, double highY)
    {
        double dx = box.CenterX - point.X, dy = box.CenterY - point.Y;

        // The leader ends at the box, and short ones say nothing.
        double share = Math.Max(0, 1 - Math.Min(point.Width / 2 / Math.Max(Math.Abs(dx), 1e-9), point.Height / 2 / Math.Max(Math.Abs(dy), 1e-9)));
        if (share * Math.Sqrt((dx * dx) + (dy * dy)) > 12)
        {
            ScottPlot.Plottables.LinePlot leader = plot.Add.Line(CoordinateX(point.X), CoordinateY(point.Y), CoordinateX(point.X + (dx * share)), CoordinateY(point.Y + (dy * share)));
            leader.Color = PlotStyle.Faint.WithAlpha(.6);
            leader.LineWidth = 0.7f;
        }

        ScottPlot.Plottables.Text label = plot.Add.Text(name, CoordinateX(box.CenterX), CoordinateY(box.CenterY));
        label.LabelFontSize = PlotStyle.SmallSize;
        label.LabelFontColor = PlotStyle.Ink;
        label.LabelAlignment = Alignment.MiddleCenter;

        double CoordinateX(double pixel) => lowX + ((pixel - Left) / (Width - Left - Right) * (highX - lowX));
        double CoordinateY(double pixel) => lowY + ((Height - Bottom - pixel) / (Height - Top - Bottom) * (highY - lowY));
    }
}
