using System.Globalization;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Metric and curvature of the function space of linear convolutional networks in closed form, against numbers from networks.</summary>
public sealed class LcnCurvature : Experiment<LcnCurvatureSettings>
{
    private static readonly FigureAxis ScaleAxis = new("smallest squared norm t", true);

    /// <inheritdoc/>
    public override string Name => "lcn-curvature";

    /// <inheritdoc/>
    public override string Title => "Curvature of the function space of linear convolutional networks";

    /// <inheritdoc/>
    public override string Paper => "2507.06367";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f64"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new("curvature", "Curvature times t of the first layer's planes: closed form (lines), from the function space's metric (markers)", ScaleAxis, new("sectional curvature · t"), rows =>
            from kind in (string[])["radial", "within", "between"]
            from leaf in rows.Where(r => r.Text("net") == "line3-strided").GroupBy(r => r.Number("delta"))
            let points = leaf.GroupBy(r => r.Number("scale")).Select(g => g.First()).OrderBy(r => r.Number("smallest")).ToArray()
            from curve in new[]
            {
                new Curve(Label(leaf.Key), [.. Grid(points[0].Number("smallest"), points[^1].Number("smallest")).Select(t => (t, t * Predicted(kind, [t + leaf.Key, t, t + leaf.Key])))], CurveForm.Line, kind),
                new Curve(Label(leaf.Key), [.. points.Select(r => (r.Number("smallest"), r.Number("smallest") * r.Numbers(kind + "_measured")[0]))], CurveForm.Markers, kind),
            }
            select curve),
        new("error", "Errors of curvatures against the closed form, relative to the largest", ScaleAxis, new("error + 1e-17", true), rows =>
            from way in (string[])["gauss", "metric"]
            from delta in rows.GroupBy(r => r.Number("delta"))
            select new Curve(Label(delta.Key), [.. delta.Select(r => (r.Number("smallest"), r.Number(way + "_error") + 1e-17))], CurveForm.Markers, way == "gauss" ? "Gauss equation" : "finite differences of K⁺")),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(LcnCurvatureSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return from net in settings.Nets
               from delta in settings.Deltas
               from scale in settings.Scales
               from seed in settings.Seeds
               let d = Architecture(net)
               select new PlannedRow([("net", net), ("delta", delta), ("scale", scale), ("seed", seed)], Math.Pow(d.ComposedShape.ElementCount, 3) * d.Depth * d.Depth, row => Measure(settings, d, delta, scale, seed, row));
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(LcnCurvatureSettings settings, IReadOnlyList<Row> rows)
    {
        yield return Expectation.AtMost("length in the metric K⁺ of the function space = closed form ds² (largest relative error)", "0", Largest(rows, "length_error"), 1e-8);
        yield return Expectation.AtMost("curvature by the Gauss equation in the space of weights = closed form (largest error, relative to the largest curvature)", "0", Largest(rows, "gauss_error"), 1e-11);
        yield return Expectation.AtMost("curvature from finite differences of K⁺ = closed form (the same)", "0", Largest(rows, "metric_error"), 1e-3);
        yield return Expectation.AtMost("delta = 0: 0, (1 - 1/L)/n and -1/(L n) (largest error times n)", "0", Largest([.. rows.Where(r => r.Number("delta") == 0)], "balanced_error"), 1e-11);

        static double Largest(IReadOnlyList<Row> rows, string name) => rows.Select(r => r.Number(name)).DefaultIfEmpty(double.NaN).Max();
    }

    private static string Label(double delta) => string.Create(CultureInfo.InvariantCulture, $"delta = {(delta > 0 ? "±" : "")}{delta}");

    private static IEnumerable<double> Grid(double from, double to) => Enumerable.Range(0, 81).Select(i => from * Math.Pow(to / from, i / 80.0));

    /// <summary>The first layer's curvature of a kind; between it and the second layer.</summary>
    private static double Predicted(string kind, double[] norms) => kind switch
    {
        "radial" => LeafCurvature.Radial(norms)[0],
        "within" => LeafCurvature.Within(norms)[0],
        _ => LeafCurvature.Between(norms)[1],
    };

    private static DeepProductDescriptor Architecture(string net) => net switch
    {
        "line2" => Of([[3], [4]], [[1], [1]]),
        "line3-strided" => Of([[3], [3], [3]], [[2], [2], [1]]),
        "line4-strided" => Of([[3], [2], [3], [2]], [[2], [3], [2], [1]]),
        "plane2" => Of([[2, 2], [2, 3]], [[1, 1], [1, 1]]),
        "plane2-strided" => Of([[2, 2], [3, 1]], [[2, 1], [1, 1]]),
        _ => Of([[2, 1, 2], [2, 2, 1]], [[1, 2, 1], [1, 1, 1]]),
    };

    private static DeepProductDescriptor Of(Shape[] filters, Shape[] strides) => new() { Channels = Shape.Uniform(filters.Length + 1, 1), Filters = filters, Strides = strides };

    private static void Measure(LcnCurvatureSettings settings, DeepProductDescriptor architecture, double delta, double scale, int seed, RowContext row)
    {
        int layers = architecture.Depth, rank = (int)architecture.Filters.Sum(f => f.ElementCount) - (layers - 1);
        LeafPoint point = LeafPoint.Draw(architecture, scale * scale, [.. Enumerable.Range(0, layers - 1).Select(l => l % 2 == 0 ? delta : -delta)], seed);
        double[] n = point.Norms, radial = LeafCurvature.Radial(n), within = LeafCurvature.Within(n), between = LeafCurvature.Between(n);
        double[] radialFound = new double[layers], withinFound = new double[layers], betweenFound = new double[layers * layers];
        double least = n.Min(), largest = radial.Concat(within).Concat(between).Max(Math.Abs), gauss = 0, metric = 0, length = 0;
        Array.Fill(withinFound, double.NaN);
        for (int l = 0; l < layers; l++)
        {
            Compare(ref gauss, point.GaussCurvature((-1, 0), (l, 0)), radial[l]);
            if (point.Across[l].Length > 1)
            {
                Compare(ref gauss, point.GaussCurvature((l, 0), (l, 1)), within[l]);
                withinFound[l] = Chart((l, 0), (l, 1)).Sectional(1, 2);
                Compare(ref metric, withinFound[l], within[l]);
            }

            for (int m = 0; m < l; m++)
            {
                row.Cancellation.ThrowIfCancellationRequested();
                int at = (l * layers) + m;
                Compare(ref gauss, point.GaussCurvature((l, 0), (m, 0)), between[at]);
                MetricCurvature chart = Chart((l, 0), (m, 0));
                (betweenFound[at], radialFound[l], radialFound[m]) = (chart.Sectional(1, 2), chart.Sectional(0, 1), chart.Sectional(0, 2));
                Compare(ref metric, betweenFound[at], between[at]);
                Compare(ref metric, radialFound[l], radial[l]);
                Compare(ref metric, radialFound[m], radial[m]);
            }
        }

        row.Set("norms", n);
        row.Set("smallest", least);
        row.Set("radial", radial);
        row.Set("radial_measured", radialFound);
        row.Set("within", within);
        row.Set("within_measured", withinFound);
        row.Set("between", between.Skip(layers).Take(1).ToArray());
        row.Set("between_measured", betweenFound.Skip(layers).Take(1).ToArray());
        row.Set("gauss_error", gauss);
        row.Set("metric_error", metric);
        row.Set("length_error", length);
        row.Set("balanced_error", Balanced());
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"curvatures {radial.Concat(between).Min():G3} to {within.Max():G3}, errors {gauss:0.0E+0} and {metric:0.0E+0}");

        void Compare(ref double worst, double found, double want) => worst = Math.Max(worst, Math.Abs(found - want) / largest);

        MetricCurvature Chart((int Layer, int Number) first, (int Layer, int Number) second)
        {
            // At the chart's middle the turns are the coordinates themselves, and dt = t d(log t).
            double[,] here = point.Metric([0, 0, 0], first, second, rank);
            Length(here[0, 0], LeafCurvature.SquaredLength(n, least, new double[layers]));
            Length(here[1, 1], LeafCurvature.SquaredLength(n, 0, [.. Enumerable.Range(0, layers).Select(l => l == first.Layer ? 1.0 : 0)]));
            Length(here[2, 2], LeafCurvature.SquaredLength(n, 0, [.. Enumerable.Range(0, layers).Select(l => l == second.Layer ? 1.0 : 0)]));
            for (int i = 0; i < 3; i++)
            {
                length = Math.Max(length, Math.Abs(here[i, (i + 1) % 3]) / Math.Sqrt(here[i, i] * here[(i + 1) % 3, (i + 1) % 3]));
            }

            return new(x => point.Metric(x, first, second, rank), settings.Step);
        }

        void Length(double found, double want) => length = Math.Max(length, Math.Abs(found - want) / want);

        double Balanced() => Enumerable.Range(0, layers).Max(l => n[l] * Math.Max(
            Math.Max(Math.Abs(radial[l]), Math.Abs(within[l] - ((1 - (1.0 / layers)) / n[l]))),
            between.Skip(l * layers).Take(layers).Max(b => Math.Abs(b + (1 / (layers * n[l]))))));
    }
}
