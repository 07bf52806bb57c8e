using System.Globalization;
using HpcLinear.LinearConvolutions;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Layers with the same end-to-end filter and the same invariants: how many there are, whether their kernels agree, whether gradient flow moves their filters alike.</summary>
public sealed class LcnTwins : Experiment<LcnTwinsSettings>
{
    private const string Worked = "worked", Drawn = "drawn";

    private static readonly double[][] KnownKernels = [[10, 5, 0, 5, 15, 5, 0, 5, 5], [6.5, 5.5, 0, 5.5, 15, 5.5, 0, 5.5, 8.5]];

    /// <inheritdoc/>
    public override string Name => "lcn-twins";

    /// <inheritdoc/>
    public override string Title => "One filter, one set of invariants: how many layers and how many kernels";

    /// <inheritdoc/>
    public override string Paper => "2507.06367";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f64"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new("kernels", "Layers of one filter: how far apart their kernels and their filters after the flow", new("|K - K'| / |K| + 1e-17", true), new("|v - v'| / |v| + 1e-17", true), rows =>
            rows.Where(r => r.Text("part") == Drawn).GroupBy(r => r.Text("kind")).Select(g => new Curve(g.Key, [.. g.Select(r => (r.Number("kernel_spread") + 1e-17, r.Number("filters_apart") + 1e-17))], CurveForm.Markers))),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(LcnTwinsSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        yield return new([("part", Worked)], 1, row => Known(settings, row));
        foreach (PlannedRow row in from net in settings.Nets
                                   from delta in settings.Deltas
                                   from seed in settings.Seeds
                                   select new PlannedRow([("part", Drawn), ("net", net), ("delta", delta), ("seed", seed)], net.Length * net.Length, row => Measure(settings, net, delta, seed, row)))
        {
            yield return row;
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(LcnTwinsSettings settings, IReadOnlyList<Row> rows)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Row worked = rows.First(r => r.Text("part") == Worked);
        Row[] drawn = [.. rows.Where(r => r.Text("part") == Drawn)];
        yield return Expectation.AtMost("w = (1,2), (3,1): the two kernels (largest relative error)", "0", worked.Number("kernel_error"), 1e-12);
        if (settings.Time == 0.1)
        {
            yield return Expectation.InRange("filters of the two flows apart at t = 0.1 (largest element)", "0.98", worked.Number("filters_apart"), 0.975, 0.985);
        }

        yield return Expectation.AtMost("all classes have the filter and the invariants (largest relative error)", "0", Largest(drawn, "error"), 1e-12);
        yield return Expectation.AtMost("classes listed, less those of the formula (largest difference)", "0", Largest(drawn, r => Math.Abs(r.Number("classes") - r.Number("classes_predicted"))), 0);
        yield return Expectation.AtMost("classes from random starts beyond those of the formula (most)", "0", Largest(drawn, r => r.Number("classes_found") - r.Number("classes_predicted")), 0);
        yield return Expectation.AtMost("share of the formula's classes that random starts miss", "0", drawn.Length == 0 ? double.NaN : 1 - (drawn.Sum(r => r.Number("classes_found")) / drawn.Sum(r => r.Number("classes_predicted"))), 0.02);
        yield return Expectation.AtMost("different kernels, less those predicted (largest difference)", "0", Largest(drawn, r => Math.Abs(r.Number("kernels") - r.Number("kernels_predicted"))), 0);
        yield return Expectation.AtMost("one kernel for all layers: differences of kernels there", "0", Largest([.. drawn.Where(r => r.Number("kernels_predicted") == 1)], "kernel_spread"), 1e-10);
    }

    private static void Known(LcnTwinsSettings settings, RowContext row)
    {
        DeepProductDescriptor architecture = Architectures.Parse("2-2/s1-1");
        DeepLinearNetwork twin = new(architecture, [[1, 2], [3, 1]]);
        IReadOnlyList<FilterFactorisation> all = FilterFactorisation.All(architecture, twin.EndToEnd(), Invariants.NormDifferences(twin));
        double[][] kernels = [.. all.Select(c => c.Network!.Kernel())];
        double[][] filters = [.. all.Select(c => LayerClasses.Flow(c.Network!, [1, 0, -2], settings.Time))];
        row.Set("kernel_error", KnownKernels.Max(known => kernels.Min(k => LayerClasses.Difference(known, k))));
        row.Set("filters_apart", filters[0].Zip(filters[^1], (a, b) => Math.Abs(a - b)).Max());
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"{all.Count} classes, kernels apart by {LayerClasses.Spread(kernels):G3}");
    }

    private static void Measure(LcnTwinsSettings settings, string net, double delta, int seed, RowContext row)
    {
        Random random = new(seed);
        DeepProductDescriptor architecture = Architectures.Parse(net);
        double[] invariants = [.. Enumerable.Repeat(delta, architecture.Depth - 1)];
        DeepLinearNetwork network = Gauge.Regauge(LayerClasses.Draw(architecture, random), invariants);
        double[] v = network.EndToEnd();
        Identifiability known = Identifiability.Of(architecture, invariants);
        IReadOnlyList<FilterFactorisation> all = FilterFactorisation.All(architecture, v, invariants);
        double[][] kernels = [.. all.Select(c => c.Network!.Kernel())];
        double[] target = LayerClasses.Normal(v.Length, random);
        double[][] filters = [.. all.Select(c => LayerClasses.Flow(c.Network!, target, settings.Time))];
        int found = LayerClasses.Census(network, invariants, settings.Starts, random, row.Cancellation);
        row.Set("kind", known.Kind.ToString());
        row.Set("classes", all.Count);
        row.Set("classes_predicted", known.Classes(network));
        row.Set("classes_found", found);
        row.Set("kernels", LayerClasses.Different(kernels));
        row.Set("kernels_predicted", known.Kernels(network));
        row.Set("kernel_spread", LayerClasses.Spread(kernels));
        row.Set("filters_apart", LayerClasses.Spread(filters));
        row.Set("error", LayerClasses.Error(all, v, invariants));
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"{known.Kind}, {known.Classes(network)} classes predicted, {all.Count} listed, {found} from random starts, kernels apart by {LayerClasses.Spread(kernels):G3}");
    }

    private static double Largest(Row[] rows, string name) => Largest(rows, r => r.Number(name));

    private static double Largest(Row[] rows, Func<Row, double> value) => rows.Length == 0 ? double.NaN : rows.Max(value);
}
