using System.Globalization;
using HpcLinear.LinearConvolutions;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>The flow of the weights against the flow of the end-to-end filter by its own metric: where they are one, and when they part.</summary>
public sealed class LcnFlow : Experiment<LcnFlowSettings>
{
    private const double Agreement = 1e-10;

    /// <inheritdoc/>
    public override string Name => "lcn-flow";

    /// <inheritdoc/>
    public override string Title => "Gradient flow of the weights and of the end-to-end filter";

    /// <inheritdoc/>
    public override string Paper => "2507.06367";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f64"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new("difference", "Largest difference of the two filters", new("time"), new("difference + 1e-16", true), rows =>
            rows.Where(r => double.IsFinite(r.Number("difference"))).GroupBy(r => r.Text("net"))
                .Select(g => new Curve(g.Key, [.. g.Select(r => (r.Number("until"), r.Number("difference") + 1e-16))], CurveForm.Markers))),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(LcnFlowSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return from net in settings.Nets
               from delta in settings.Deltas
               where Architectures.Parse(net).Depth == 2 || delta == 0
               from seed in settings.Seeds
               from until in settings.Times
               select new PlannedRow([("net", net), ("delta", delta), ("seed", seed), ("until", until)], net.Length * (1 + until), row => Compare(net, delta, seed, until, row));
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(LcnFlowSettings settings, IReadOnlyList<Row> rows)
    {
        Row[] unique = [.. rows.Where(r => !Architectures.IsBranched(r.Text("net")))], branched = [.. rows.Where(r => Architectures.IsBranched(r.Text("net")))];
        Row[] crossed = [.. branched.Where(r => double.IsFinite(r.Number("shared_root")))], others = [.. branched.Except(crossed)];
        yield return Expectation.AtMost("strides above 1, or two axes: the filter's flow does not reach the end (rows)", "0", unique.Length == 0 ? double.NaN : unique.Count(r => r.Text("status") != "Finished"), 0);
        yield return Expectation.AtMost("strides above 1, or two axes: largest difference of the flows", "0", Largest(unique), Agreement);
        yield return Expectation.AtMost("one axis, stride 1, no shared root met: largest difference of the flows on the branch of the start", "0", Largest(others), Agreement);
        yield return Expectation.AtMost("one axis, stride 1, a shared root met: the branch ends elsewhere (largest difference of times)", "0",
            crossed.Select(r => Math.Abs(r.Number("ended") - r.Number("shared_root"))).DefaultIfEmpty(double.NaN).Max(), 1e-3);
    }

    private static double Largest(Row[] rows) => rows.Select(r => r.Number("difference")).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Max();

    private static void Compare(string net, double delta, int seed, double until, RowContext row)
    {
        DeepProductDescriptor network = Architectures.Parse(net);
        GradientFlowDescriptor descriptor = new() { Network = network };
        int m = (int)descriptor.QuadraticShape[0];
        ulong key = ((ulong)seed * 1000) + (ulong)net.Sum(c => c);
        double[][] start = FlowEnsemble.Start(row.Queue, network, 1, delta, key);
        double[] factor = FlowEnsemble.Normal(row.Queue, m * m, (key * 64) + 62), linear = FlowEnsemble.Normal(row.Queue, m, (key * 64) + 63), quadratic = FlowEnsemble.Identity(m);
        for (int i = 0; i < m * m; i++)
        {
            // Identity and a random covariance in equal parts: the condition stays small.
            quadratic[i] = (quadratic[i] + (Enumerable.Range(0, m).Sum(k => factor[(i / m * m) + k] * factor[(i % m * m) + k]) / m)) / 2;
        }

        DeepLinearNetwork layers = new(network, start);
        GradientFlowOptions options = new() { RelativeTolerance = 1e-13, AbsoluteTolerance = 1e-15, DetectCrossings = !row.Queue.Device.Target.IsOpenCl };
        (IReadOnlyList<FlowOutcome> outcomes, double[][] states) = new FlowEnsemble(row.Queue, descriptor, start, quadratic, linear).Run<double>([until], options);
        FunctionSpaceFlow flow = FunctionSpaceFlow.Integrate(layers, quadratic, linear, [until], new() { Lift = FilterLift.FixedBranch, RelativeTolerance = 3e-12, AbsoluteTolerance = 3e-14 });
        double shared = outcomes[0].FirstSharedRoot;
        double difference = flow.Status == FunctionSpaceFlowStatus.Finished ? layers.With(states).EndToEnd().Zip(flow.Filters[0], (x, y) => Math.Abs(x - y)).Max() : double.NaN;
        row.Set("status", flow.Status.ToString());
        row.Set("ended", flow.Time);
        row.Set("shared_root", shared);
        row.Set("difference", difference);
        row.Set("steps", flow.Steps);
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"{flow.Status} at {flow.Time:G4}, difference {difference:0.0E+0}{(double.IsFinite(shared) ? $", roots met at {shared:G4}" : "")}");
    }
}
