using System.Globalization;
using HpcLinear.LinearConvolutions;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Equal layers of several axes exchanged: the filter and the invariants stay, the kernel stays only where the exchanged layers have the same norm.</summary>
public sealed class LcnExchange : Experiment<LcnExchangeSettings>
{
    private static readonly double[] SmallDeltas = [0.001, 0.01];

    /// <inheritdoc/>
    public override string Name => "lcn-exchange";

    /// <inheritdoc/>
    public override string Title => "Equal layers exchanged: same filter, same invariants, another kernel unless delta is 0";

    /// <inheritdoc/>
    public override string Paper => "2507.06367";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f64"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new("kernels", "Kernels of exchanged layers", new("delta", true), new("|K - K'| / |K|, largest", true), rows => Curves(rows, "kernel_spread")),
        new("filters", "Filters that start as one, after the flow", new("delta", true), new("|v - v'| / |v|, largest", true), rows => Curves(rows, "filters_apart")),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(LcnExchangeSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return from net in settings.Nets
               from delta in settings.Deltas
               from seed in settings.Seeds
               select new PlannedRow([("net", net), ("delta", delta), ("seed", seed)], net.Length * net.Length, row => Measure(settings, net, delta, seed, row));
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(LcnExchangeSettings settings, IReadOnlyList<Row> rows)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Row[] balanced = [.. rows.Where(r => r.Number("delta") == 0)], others = [.. rows.Where(r => r.Number("delta") != 0)];
        yield return Expectation.AtMost("exchanged layers have the filter and the invariants (largest relative error)", "0", rows.Max(r => r.Number("error")), 1e-12);
        yield return Expectation.AtMost("delta = 0: the kernels agree (largest relative difference)", "0", balanced.Length == 0 ? double.NaN : balanced.Max(r => r.Number("kernel_spread")), 1e-12);
        yield return Expectation.AtMost("delta = 0: the filters flow alike (largest relative difference)", "0", balanced.Length == 0 ? double.NaN : balanced.Max(r => r.Number("filters_apart")), 1e-10);
        yield return Expectation.AtMost("different kernels, less those predicted (largest difference)", "0", rows.Max(r => Math.Abs(r.Number("kernels") - r.Number("kernels_predicted"))), 0);
        yield return Expectation.AtMost("delta other than 0: filters whose kernels agree to 1e-6", "0", others.Length == 0 ? double.NaN : others.Count(r => r.Number("kernel_gap") < 1e-6), 0);
        if (SmallDeltas.All(settings.Deltas.Contains))
        {
            double[] slopes = [.. rows.GroupBy(r => (r.Text("net"), r.Number("seed"))).Select(g => Math.Log10(Spread(g, SmallDeltas[1]) / Spread(g, SmallDeltas[0])))];
            yield return Expectation.InRange("small delta: the difference is linear in it (mean slope in logarithms)", "1", slopes.Average(), 0.97, 1.03);
        }

        static double Spread(IEnumerable<Row> rows, double delta) => rows.First(r => r.Number("delta") == delta).Number("kernel_spread");
    }

    private static IEnumerable<Curve> Curves(IReadOnlyList<Row> rows, string name) => rows.GroupBy(r => r.Text("net"))
        .Select(g => new Curve(g.Key, [.. g.Where(r => r.Number("delta") > 0).GroupBy(r => r.Number("delta")).OrderBy(d => d.Key).Select(d => (d.Key, d.Average(r => r.Number(name))))]));

    private static void Measure(LcnExchangeSettings settings, string net, double delta, int seed, RowContext row)
    {
        Random random = new(seed);
        DeepProductDescriptor architecture = Architectures.Parse(net);
        double[] invariants = [delta, .. Enumerable.Repeat(0.0, architecture.Depth - 2)];
        DeepLinearNetwork drawn = LayerClasses.Draw(architecture, random);

        // Length 1, so that delta means the same for every draw.
        double norm = Math.Sqrt(drawn.EndToEnd().Sum(x => x * x));
        double[] v = [.. drawn.EndToEnd().Select(x => x / norm)], target = LayerClasses.Normal(v.Length, random);
        IReadOnlyList<FilterFactorisation> all = FilterFactorisation.All(architecture, v, invariants);
        double[][] kernels = [.. all.Select(c => c.Network!.Kernel())];
        double[][] filters = [.. all.Select(c => LayerClasses.Flow(c.Network!, target, settings.Time))];
        row.Set("classes", all.Count);
        row.Set("kernels", LayerClasses.Different(kernels));
        row.Set("kernels_predicted", Identifiability.Of(architecture, invariants).Kernels(all[0].Network!));
        row.Set("kernel_spread", LayerClasses.Spread(kernels));
        row.Set("kernel_gap", LayerClasses.Gap([.. Distinct(kernels)]));
        row.Set("filters_apart", LayerClasses.Spread(filters));
        row.Set("error", LayerClasses.Error(all, v, invariants));
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"{all.Count} classes, {LayerClasses.Different(kernels)} kernels, apart by {LayerClasses.Spread(kernels):G3}; filters by {LayerClasses.Spread(filters):G3}");
    }

    /// <summary>Of kernels that agree, because the layers exchanged have one norm, the first.</summary>
    private static IEnumerable<double[]> Distinct(double[][] kernels) => kernels.Where((k, i) => !kernels.Take(i).Any(d => LayerClasses.Difference(d, k) <= 1e-8));
}
