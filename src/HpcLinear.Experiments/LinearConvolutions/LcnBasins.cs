using System.Globalization;
using HpcLinear.Experiments.PredictiveCoding;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Where ten thousand starts at once end: limits, what critical points they are, their shares, and how these depend on the invariant and the scale.</summary>
public sealed class LcnBasins : Experiment<LcnBasinsSettings>
{
    private const string Limits = "limits", Phase = "phase", Single = "2-2/s2-1";

    /// <summary>End-to-end filters nearer than this are one limit.</summary>
    private const double Distance = 1e-3;

    /// <summary>Eigenvalues above minus this are not negative.</summary>
    private const double Zero = 1e-4;

    /// <summary>Gradient of a loss of order 1 at which a flow counts as ended.</summary>
    private const double Rest = 1e-5;

    private const int MostLimits = 40;

    /// <inheritdoc/>
    public override string Name => "lcn-basins";

    /// <inheritdoc/>
    public override string Title => "Limits of gradient flows from many starts, and the shares of their basins";

    /// <inheritdoc/>
    public override string Paper => "2507.06367";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f64"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new("phase", "Share of starts that end at the lowest minimum found", new("scale |w_1||w_2| of the start", true), new("share") { Limits = (0, 1.05) }, rows =>
            rows.Where(r => r.Text("part") == Phase).GroupBy(r => (Net: r.Text("net"), Target: r.Number("target_number"), Delta: r.Number("delta"))).Select(g => new Curve(
                string.Create(CultureInfo.InvariantCulture, $"delta {g.Key.Delta}"), [.. g.OrderBy(r => r.Number("scale")).Select(r => (r.Number("scale"), r.Number("best_share")))], Panel: string.Create(CultureInfo.InvariantCulture, $"{g.Key.Net}, target {g.Key.Target}")))),
        new("limits", "Limits of small balanced starts", new("loss above that of the target"), new("share", true) { Limits = (1e-3, 1.2) }, rows =>
            rows.Where(r => r.Text("part") == Limits).Select(r => new Curve(
                string.Create(CultureInfo.InvariantCulture, $"target {r.Number("target_number")}"), [.. r.Numbers("losses").Zip(r.Numbers("shares"), (x, y) => (x + 0.5, y))], CurveForm.Markers, r.Text("net")))),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(LcnBasinsSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        foreach (string net in settings.Nets)
        {
            for (int target = 1; target <= settings.Targets; target++)
            {
                int number = target;
                yield return new([("part", Limits), ("net", net), ("target_number", number), ("delta", 0.0), ("scale", settings.Scale)], settings.Networks, row =>
                    Measure(settings, net, number, 0, settings.Scale, settings.Networks, settings.Horizon, row));
            }

            // A single minimum has no phase diagram.
            foreach ((int target, double delta, double scale) in from t in settings.PhaseTargets where net != Single from d in settings.Deltas from s in settings.Scales select (t, d, s))
            {
                yield return new([("part", Phase), ("net", net), ("target_number", target), ("delta", delta), ("scale", scale)], settings.PhaseNetworks, row =>
                    Measure(settings, net, target, delta, scale, settings.PhaseNetworks, settings.PhaseHorizon, row));
            }
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(LcnBasinsSettings settings, IReadOnlyList<Row> rows)
    {
        Row[] limits = [.. rows.Where(r => r.Text("part") == Limits)];
        yield return Expectation.AtMost("flows that fail", "0", rows.Sum(r => r.Number("unfinished")), 0);
        yield return Expectation.AtMost("the loss never grows (most in a step)", "0", rows.Max(r => r.Number("loss_increase")), 1e-9);
        yield return Expectation.AtMost("share of small balanced starts that are not at rest at the end (most of a row)", "0", limits.Select(r => r.Number("moving_share")).DefaultIfEmpty(double.NaN).Max(), 0.01);
        yield return Expectation.AtMost("limits with a share above 1% and a negative eigenvalue of the Hessian", "0", rows.Sum(r => r.Numbers("shares").Zip(r.Numbers("indices")).Count(p => p.First > 0.01 && p.Second > 0)), 0);
        if (limits.Any(r => r.Text("net") == Single))
        {
            yield return Expectation.InRange("k = (2, 2), stride 2: minima of small balanced starts (most of a target)", "1", limits.Where(r => r.Text("net") == Single).Max(Minima), 1, 1);
        }

        foreach (IGrouping<string, Row> net in limits.Where(r => r.Text("net") != Single).GroupBy(r => r.Text("net")))
        {
            yield return net.Count() < 3
                ? new($"{net.Key}: minima of small balanced starts (most of a target)", "2 or more", "-", "3 targets needed", Verdict.Undecided)
                : Expectation.InRange($"{net.Key}: minima of small balanced starts (most of a target)", "2 or more", net.Max(Minima), 2, MostLimits);
        }

        static double Minima(Row row) => row.Numbers("shares").Zip(row.Numbers("indices")).Count(p => p.First > 0.01 && p.Second == 0);
    }

    private static void Measure(LcnBasinsSettings settings, string net, int target, double delta, double scale, int networks, double horizon, RowContext row)
    {
        DeepProductDescriptor network = Architectures.Parse(net, networks), one = Architectures.Parse(net);
        GradientFlowDescriptor descriptor = new() { Network = network };
        int m = (int)descriptor.QuadraticShape[0];
        ulong seed = ((ulong)settings.Seed * 1000) + (ulong)net.Sum(c => c);
        double[] linear = FlowEnsemble.Normal(row.Queue, m, (((seed * 1000) + (ulong)target) * 64) + 63);
        FlowEnsemble.Normalise(linear, m, _ => 1);
        FlowEnsemble flows = new(row.Queue, descriptor, FlowEnsemble.Start(row.Queue, network, scale, delta, seed + (ulong)target), FlowEnsemble.Identity(m), linear);
        bool detects = !row.Queue.Device.Target.IsOpenCl;
        (IReadOnlyList<FlowOutcome> outcomes, double[][] states) = flows.Run<double>([horizon], new() { DetectCrossings = detects });
        row.Report(0.7);
        double[] filters = flows.Compose(states);
        List<Limit> limits = [];
        int moving = 0;
        for (int p = 0; p < networks; p++)
        {
            double[] filter = filters[(p * m)..((p + 1) * m)];
            Limit? near = limits.Find(l => l.Filter.Zip(filter, (x, y) => (x - y) * (x - y)).Sum() < Distance * Distance);
            if (near is null && limits.Count < MostLimits)
            {
                near = Limit.Of(new(one, [.. states.Select(s => s[(p * (s.Length / networks))..((p + 1) * (s.Length / networks))])]), filter, linear);
                limits.Add(near);
            }

            if (near is null || near.Gradient > Rest)
            {
                moving++;
            }

            near?.Add();
        }

        limits.Sort((x, y) => y.Starts.CompareTo(x.Starts));
        Limit? best = limits.Where(l => l.Starts > 0.002 * networks && l.Gradient <= Rest).MinBy(l => l.Loss);
        double crossed = (double)outcomes.Count(o => o.SelfCrossings > 0) / networks, share = best is null ? double.NaN : (double)best.Starts / networks;
        row.Set("shares", limits.Select(l => (double)l.Starts / networks).ToArray());
        row.Set("losses", limits.Select(l => l.Loss).ToArray());
        row.Set("indices", limits.Select(l => (double)l.Index).ToArray());
        row.Set("gradients", limits.Select(l => l.Gradient).ToArray());
        row.Set("best_share", share);
        row.Set("moving_share", (double)moving / networks);
        row.Set("self_crossing_share", crossed);
        row.Set("unfinished", outcomes.Count(o => o.Status != FlowStatus.Finished));
        row.Set("loss_increase", outcomes.Max(o => o.LossIncrease));
        row.Set("drift", outcomes.Max(o => o.InvariantDrift));
        row.Set("steps", outcomes.Average(o => (double)o.Steps));
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"{limits.Count(l => l.Starts > 0.01 * networks)} limits, shares {string.Join(' ', limits.Take(3).Select(l => ((double)l.Starts / networks).ToString("F3", CultureInfo.InvariantCulture)))}");
    }

    /// <summary>A limit, by the first network that reached it.</summary>
    private sealed record Limit(double[] Filter, double Loss, double Gradient, int Index)
    {
        public int Starts { get; private set; }

        public static Limit Of(DeepLinearNetwork network, double[] filter, double[] linear)
        {
            double[] gradient = Slope(network.ToLayers());
            int n = gradient.Length;
            double[] hessian = new double[n * n];
            const double H = 1e-5;
            for (int i = 0; i < n; i++)
            {
                double[] above = Slope(Moved(i, H)), below = Slope(Moved(i, -H));
                for (int j = 0; j < n; j++)
                {
                    hessian[(i * n) + j] += (above[j] - below[j]) / (4 * H);
                    hessian[(j * n) + i] += (above[j] - below[j]) / (4 * H);
                }
            }

            double loss = filter.Zip(linear, (v, b) => (v * v / 2) - (v * b)).Sum();
            return new(filter, loss, Math.Sqrt(gradient.Sum(g => g * g)), SymmetricMatrix.Eigen(hessian).Values.Count(e => e < -Zero));

            double[] Slope(double[][] layers)
            {
                DeepLinearNetwork at = network.With(layers);
                return [.. at.JacobianTransposeProduct([.. at.EndToEnd().Zip(linear, (v, b) => v - b)]).SelectMany(g => g)];
            }

            double[][] Moved(int index, double by)
            {
                double[][] layers = network.ToLayers();
                int l = 0;
                for (; index >= layers[l].Length; l++)
                {
                    index -= layers[l].Length;
                }

                layers[l][index] += by;
                return layers;
            }
        }

        public void Add() => Starts++;
    }
}
