using System.Globalization;
using HpcLinear.Operations;

namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>The share of gradient flows that meet a point where the filter no longer says which its layers are, against the invariant.</summary>
public sealed class LcnCrossing : Experiment<LcnCrossingSettings>
{
    private const string Branched = "2-2/s1-1";

    /// <summary>Shares by delta from another implementation, of smaller samples.</summary>
    private static readonly Dictionary<(string Net, double Delta), double> Known = new()
    {
        [(Branched, 0)] = 0, [(Branched, 0.25)] = 0.20, [(Branched, 1)] = 0.34, [(Branched, 4)] = 0.49,
        [("2-3/s1-1", 0)] = 0.28, [("2-3/s1-1", 0.25)] = 0.26, [("2-3/s1-1", 1)] = 0.37, [("2-3/s1-1", 4)] = 0.47,
        [("3-2/s2-1", 0)] = 0.43, [("3-2/s2-1", 1)] = 0.32, [("3-2/s2-1", 4)] = 0.25,
    };

    /// <inheritdoc/>
    public override string Name => "lcn-crossing";

    /// <inheritdoc/>
    public override string Title => "Share of gradient flows whose layers come to share a root, or whose sheets cross";

    /// <inheritdoc/>
    public override string Paper => "2507.06367";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f64"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new("share", "Share of flows that cross before the end", new("delta = |w_1|² - |w_2|²"), new("share") { Limits = (0, 0.6) }, rows =>
            rows.GroupBy(r => r.Text("net")).Select(g => new Curve(g.Key, [.. g.OrderBy(r => r.Number("delta")).Select(r => (r.Number("delta"), r.Number("share")))]))),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(LcnCrossingSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return from net in settings.Nets from delta in settings.Deltas select new PlannedRow([("net", net), ("delta", delta)], 1 + delta, row => Measure(settings, net, delta, row));
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(LcnCrossingSettings settings, IReadOnlyList<Row> rows)
    {
        ArgumentNullException.ThrowIfNull(settings);
        yield return Expectation.AtMost("flows that do not end at the last time", "0", rows.Sum(r => r.Number("unfinished")), 0);
        if (rows.FirstOrDefault(r => r.Text("net") == Branched && r.Number("delta") == 0) is { } balanced)
        {
            yield return Expectation.AtMost("k = (2, 2), balanced: a shared root is invariant and never met (share)", "0", balanced.Number("share"), 0);
        }

        // The error of the known shares, of about a thousand flows, and of ours.
        foreach (Row row in rows.Where(r => r.Number("delta") > 0 || r.Text("net") != Branched))
        {
            if (settings.Horizon == 20 && Known.TryGetValue((row.Text("net"), row.Number("delta")), out double share))
            {
                double width = 0.05 + (2 / Math.Sqrt(settings.Networks));
                yield return Expectation.InRange(
                    string.Create(CultureInfo.InvariantCulture, $"{row.Text("net")}, delta {row.Number("delta")}: share of flows that cross"), share.ToString(CultureInfo.InvariantCulture), row.Number("share"), share - width, share + width);
            }
        }
    }

    private static void Measure(LcnCrossingSettings settings, string net, double delta, RowContext row)
    {
        DeepProductDescriptor network = Architectures.Parse(net, settings.Networks);
        GradientFlowDescriptor descriptor = new() { Network = network, OwnTargets = true };
        ulong seed = ((ulong)settings.Seed * 1000) + (ulong)net.Sum(c => c);
        int columns = (int)descriptor.QuadraticShape[0];
        double[] targets = FlowEnsemble.Normal(row.Queue, columns * settings.Networks, (seed * 64) + 63);
        FlowEnsemble.Normalise(targets, columns, _ => 1);
        FlowEnsemble flows = new(row.Queue, descriptor, FlowEnsemble.Start(row.Queue, network, 1, delta, seed), FlowEnsemble.Identity(columns), targets);
        IReadOnlyList<FlowOutcome> outcomes = flows.Run<double>([settings.Horizon], new() { RelativeTolerance = 1e-10, AbsoluteTolerance = 1e-12, DetectCrossings = true }).Outcomes;
        bool roots = Architectures.IsBranched(net);
        double[] times = [.. outcomes.Select(o => roots ? o.FirstSharedRoot : o.FirstSelfCrossing).Where(double.IsFinite).Order()];
        double share = (double)times.Length / settings.Networks;
        row.Set("share", share);
        row.Set("standard_error", Math.Sqrt(share * (1 - share) / settings.Networks));
        row.Set("median_time", times.Length == 0 ? double.NaN : times[times.Length / 2]);
        row.Set("unfinished", outcomes.Count(o => o.Status != FlowStatus.Finished));
        row.Set("steps", outcomes.Average(o => (double)o.Steps));
        row.Set("drift", outcomes.Max(o => o.InvariantDrift));
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"{share:P1} of {settings.Networks} cross, drift {outcomes.Max(o => o.InvariantDrift):0.0E+0}");
    }
}
