using System.Globalization;
using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>How far integrators leave the invariants of the gradient flow, and what that costs in accuracy and steps.</summary>
public sealed class LcnDrift : Experiment<LcnDriftSettings>
{
    private const string Pair = "pair", Regauged = "pair, re-gauged", Polar = "pair, polar", Midpoint = "midpoint", Gauss = "gauss-4";

    /// <inheritdoc/>
    public override string Name => "lcn-drift";

    /// <inheritdoc/>
    public override string Title => "Drift of the invariants |w_l|² - |w_(l+1)|² by integrator";

    /// <inheritdoc/>
    public override string Paper => "2507.06367";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f64", "f32"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new("drift", "Largest drift of an invariant, relative to the largest squared norm", new("evaluations of the slope", true), new("drift + 1e-17", true), rows => Curves(rows, r => r.Number("drift") + 1e-17)),
        new("error", "Largest error of a weight at the end", new("evaluations of the slope", true), new("error", true), rows => Curves(rows, r => r.Number("error"))),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(LcnDriftSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        foreach (string net in settings.Nets)
        {
            foreach ((string method, double tolerance) in from m in (string[])[Pair, Regauged, Polar] from t in settings.Tolerances select (m, t))
            {
                yield return new([("net", net), ("method", method), ("control", tolerance)], 1, row => Measure(settings, net, method, tolerance, row));
            }

            foreach ((string method, double step) in from m in (string[])[Midpoint, Gauss] from s in settings.Steps select (m, s))
            {
                yield return new([("net", net), ("method", method), ("control", step)], 3, row => Measure(settings, net, method, step, row));
            }
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(LcnDriftSettings settings, IReadOnlyList<Row> rows)
    {
        ArgumentNullException.ThrowIfNull(settings);
        bool single = rows.Any(r => r.Text("type") == "f32");
        double rounding = single ? 1e-4 : 1e-12;
        yield return Expectation.AtMost("flows that do not end at the last time", "0", rows.Sum(r => r.Number("unfinished")), 0);
        yield return Expectation.AtMost("implicit methods: drift", "rounding", Largest(r => r.Text("method") is Midpoint or Gauss), rounding);
        yield return Expectation.AtMost("polar coordinates: drift at any tolerance", "rounding", Largest(r => r.Text("method") == Polar), rounding);
        if (!single && settings.Tolerances.Count > 1)
        {
            double low = settings.Tolerances.Min(), high = settings.Tolerances.Max();
            yield return Expectation.InRange(
                "Dormand and Prince's pair: drift in proportion to the tolerance (slope in logarithms)", "1",
                Math.Log(Drift(Pair, high) / Drift(Pair, low)) / Math.Log(high / low), 0.7, 1.4);
            yield return Expectation.AtMost("midpoint: error, halving the step (ratio to a fourth of it)", "1", settings.Steps.Count < 2 ? double.NaN : Ratio(rows, Midpoint, 2), 1.3);
            yield return Expectation.AtMost("Gauss-Legendre of two stages: error, halving the step (ratio to a sixteenth of it)", "1", settings.Steps.Count < 2 ? double.NaN : Ratio(rows, Gauss, 4), 1.3);
        }

        double Largest(Func<Row, bool> which) => rows.Where(which).Select(r => r.Number("drift")).DefaultIfEmpty(double.NaN).Max();

        double Drift(string method, double control) => Largest(r => r.Text("method") == method && r.Number("control") == control);
    }

    /// <summary>The largest ratio of the errors at the two largest steps to what the order says.</summary>
    private static double Ratio(IReadOnlyList<Row> rows, string method, int order) => rows.Where(r => r.Text("method") == method).GroupBy(r => r.Text("net")).Select(g =>
    {
        Row[] steps = [.. g.OrderByDescending(r => r.Number("control"))];
        return steps[1].Number("error") / steps[0].Number("error") / Math.Pow(steps[1].Number("control") / steps[0].Number("control"), order);
    }).Max();

    private static IEnumerable<Curve> Curves(IReadOnlyList<Row> rows, Func<Row, double> value) =>
        rows.GroupBy(r => (Method: r.Text("method"), Net: r.Text("net"))).Select(g => new Curve(g.Key.Method, [.. g.OrderBy(r => r.Number("evaluations")).Select(r => (r.Number("evaluations"), value(r)))], Panel: g.Key.Net));

    private static void Measure(LcnDriftSettings settings, string net, string method, double control, RowContext row)
    {
        if (row.Type == "f32")
        {
            Measure<float>(settings, net, method, control, row);
        }
        else
        {
            Measure<double>(settings, net, method, control, row);
        }
    }

    private static void Measure<T>(LcnDriftSettings settings, string net, string method, double control, RowContext row)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        DeepProductDescriptor network = Architectures.Parse(net, settings.Networks);
        GradientFlowDescriptor descriptor = new() { Network = network, OwnTargets = true };
        ulong seed = ((ulong)settings.Seed * 1000) + (ulong)net.Sum(c => c);
        int columns = (int)descriptor.QuadraticShape[0];
        double[] targets = FlowEnsemble.Normal(row.Queue, columns * settings.Networks, (seed * 64) + 63);
        FlowEnsemble.Normalise(targets, columns, _ => 1);
        FlowEnsemble flows = new(row.Queue, descriptor, FlowEnsemble.Start(row.Queue, network, 1, 0.5, seed), FlowEnsemble.Identity(columns), targets);
        bool isImplicit = method is Midpoint or Gauss;
        GradientFlowOptions options = new()
        {
            Method = method switch { Midpoint => FlowMethod.ImplicitMidpoint, Gauss => FlowMethod.GaussLegendre, _ => FlowMethod.DormandPrince },
            Coordinates = method == Polar ? FlowCoordinates.Polar : FlowCoordinates.Weights, Regauge = method == Regauged,
            RelativeTolerance = isImplicit ? 1e-8 : control, AbsoluteTolerance = isImplicit ? 1e-10 : control / 100, Step = isImplicit ? control : 1,
        };
        (IReadOnlyList<FlowOutcome> outcomes, double[][] states) = flows.Run<T>([settings.Horizon], options);
        double[][] exact = flows.Run<double>([settings.Horizon], new() { RelativeTolerance = 1e-13, AbsoluteTolerance = 1e-15 }).States;
        double error = exact.Zip(states, (e, s) => e.Zip(s, (x, y) => Math.Abs(x - y)).Max()).Max(), drift = outcomes.Max(o => o.InvariantDrift);
        double steps = outcomes.Average(o => (double)o.Steps + o.Refused);

        // An implicit step is counted as ten evaluations a stage: about as many iterations as it takes.
        double evaluations = steps * (method switch { Midpoint => 10, Gauss => 20, Regauged => 7, _ => 6 });
        row.Set("steps", steps);
        row.Set("evaluations", evaluations);
        row.Set("drift", drift);
        row.Set("error", error);
        row.Set("energy_residual", outcomes.Max(o => o.EnergyResidual));
        row.Set("loss_increase", outcomes.Max(o => o.LossIncrease));
        row.Set("unfinished", outcomes.Count(o => o.Status != FlowStatus.Finished));
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"drift {drift:0.0E+0}, error {error:0.0E+0}, {steps:F0} steps");
    }
}
