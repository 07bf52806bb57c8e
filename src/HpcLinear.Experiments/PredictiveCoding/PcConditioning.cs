using System.Globalization;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>How badly conditioned relaxation is, by depth and parameterisation, and how many iterations solvers take for it in activities and in errors.</summary>
public sealed class PcConditioning : Experiment<PcConditioningSettings>
{
    private const string Condition = "cond";

    /// <summary>In errors, up to which conjugate gradients end as in exact arithmetic.</summary>
    private const double ExactCondition = 1e6;

    private static readonly FigureAxis DepthAxis = new("depth L, weight layers", true) { IsDoubling = true };

    private static readonly (string Field, string Name)[] Solvers =
    [
        ("gd", "descent"), ("hb", "heavy ball"), ("cg", "CG"), ("error_gd", "descent, errors"), ("error_cg", "CG, errors"),
    ];

    /// <summary>cond H, and iterations in the order of <see cref="Solvers"/>, of one seed at L = 4, 8, 16, 32, 64, N = 32, n_L = 10: from another implementation. NaN above 2·10⁴.</summary>
    private static readonly Dictionary<string, double[][]> Known = new()
    {
        ["mupc-skips"] = [[6e1, 177, 30, 25, 3, 3], [4e2, 1101, 78, 60, 5, 4], [1.5e3, 4208, 152, 120, 8, 5], [7e3, 19179, 322, 260, 16, 6], [2.4e4, 59788, 548, 505, 28, 6]],
        ["sp-skips"] = [[6e1, 158, 29, 27, 15, 6], [7e2, 1741, 96, 90, 124, 8], [1.2e4, 32225, 415, 306, 1211, 9], [3.5e5, 9e5, 2227, 1220, double.NaN, 11], [9e7, 3e8, double.NaN, 2623, double.NaN, 13]],
        ["mupc"] = [[9e1, 257, 38, 29, 3, 3], [6e2, 1878, 101, 78, 6, 4], [3e3, 9893, 242, 174, 13, 5], [9e3, 30844, 431, 295, 11, 4], [7.5e4, 221700, 1118, 679, 39, 5]],
        ["sp"] = [[13, 34, 13, 12, 6, 4], [27, 72, 19, 19, 6, 4], [35, 93, 21, 21, 6, 4], [39, 82, 21, 21, 6, 4], [42, 89, 22, 20, 6, 4]],
    };

    /// <inheritdoc/>
    public override string Name => "pc-conditioning";

    /// <inheritdoc/>
    public override string Title => "Condition of the activities' Hessian and iterations of solvers by depth";

    /// <inheritdoc/>
    public override string Paper => "2505.13124";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f64"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new("iterations", "Iterations until the error in z* is below a thousandth of its start", DepthAxis, new("iterations", true), Iterations),
        new("condition", "Condition of the Hessian in the activities", DepthAxis, new("λmax / λmin", true), rows =>
            rows.GroupBy(r => r.Text("net")).Select(net => new Curve(NetName(net.Key), ByDepth(net, r => r.Number(Condition))))),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(PcConditioningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return from depth in settings.Depths
               from net in settings.Nets
               from seed in settings.Seeds
               select new PlannedRow([("net", net), ("depth", depth), ("seed", seed)], Work(settings, net, depth), row => Measure(settings, net, depth, seed, row));
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(PcConditioningSettings settings, IReadOnlyList<Row> rows)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ILookup<string, Row> nets = rows.ToLookup(r => r.Text("net"));
        if (nets.Contains("mupc-skips"))
        {
            yield return Expectation.InRange("mupc with skips: cond H grows with the square of L (slope in logarithms)", "2", Slope(nets["mupc-skips"], r => Math.Log(r.Number("depth"))), 1.7, 2.5);
        }

        if (nets.Contains("sp-skips"))
        {
            // A power would have a slope that does not change; an exponential doubles it with L.
            Row[] deep = [.. nets["sp-skips"].Where(r => r.Number("depth") >= 8)];
            yield return Expectation.InRange("sp with skips: log10 cond H grows in proportion to L (decades a layer, L ≥ 8)", "0.09", Slope(deep, r => r.Number("depth")) / Math.Log(10), 0.06, 0.14);
        }

        if (nets.Contains("sp"))
        {
            yield return Expectation.AtMost("sp without skips: cond H is bounded", "below 50", nets["sp"].Max(r => r.Number(Condition)), 60);
        }

        // Beyond that condition rounding costs CG its orthogonality, and a few iterations.
        double[] iterations = [.. rows.Where(r => r.Number("error_cond") < ExactCondition).Select(r => r.Number("error_cg"))];
        yield return Expectation.AtMost(
            "CG in errors ends by iteration n_L + 1 at any depth (most iterations; cond below 1e6 in errors)", $"{settings.OutputWidth + 1}",
            iterations.Length == 0 ? double.NaN : iterations.Any(double.IsNaN) ? double.PositiveInfinity : iterations.Max(), settings.OutputWidth + 2);

        if (settings is { Width: 32, OutputWidth: 10, Reduction: 1e-3 })
        {
            yield return Compare(nets, r => r.Number(Condition), k => k[0], "cond H of another implementation is in the range of the seeds (largest factor outside)");
            for (int s = 0; s < Solvers.Length; s++)
            {
                (string field, string name) = Solvers[s];
                int at = s + 1;
                yield return Compare(nets, r => r.Number(field), k => k[at], $"iterations of {name}: the same");
            }
        }
    }

    private static void Measure(PcConditioningSettings settings, string net, int depth, int seed, RowContext row)
    {
        long[] widths = [.. Enumerable.Repeat((long)settings.Width, depth), settings.OutputWidth];
        LinearNet drawn = LinearNet.Draw(row.Queue, net.Split('-')[0], net.EndsWith("-skips", StringComparison.Ordinal), widths, settings.Samples, (ulong)seed, []);
        LinearEquilibrium equilibrium = LinearEquilibrium.Solve(drawn.Network, drawn.Parameters, drawn.Input, drawn.Target);
        (double low, double high) = ActivityHessian.Create(drawn.Network, drawn.Parameters).ExtremeEigenvalues();
        double[] spectrum = SymmetricMatrix.Eigen(equilibrium.OutputCovariance).Values, solution = equilibrium.Activities.ToArray();
        double condition = high / low;

        // In errors H is I + QᵀQ, whose eigenvalues are 1 and those of S = I + QQᵀ.
        double errorHigh = spectrum[^1], errorLow = 1;
        row.Set("eigenvalue_min", low);
        row.Set("eigenvalue_max", high);
        row.Set(Condition, condition);
        row.Set("error_cond", errorHigh / errorLow);

        using LinearNetOnDevice device = new(row.Queue, drawn);
        double[] start = device.Forward(), origin = new double[start.Length];
        IterationCount activities = new(
            (state, gradient, z) =>
            {
                device.ActivityGradient(state, gradient);
                state.CopyTo(z, 0);
            },
            solution, settings.Reduction, settings.Limit, row.Cancellation);
        IterationCount errors = new(device.ErrorGradient, solution, settings.Reduction, settings.Limit, row.Cancellation);
        double worst = Math.Ceiling(Math.Log(1 / settings.Reduction) / (Math.Log(condition + 1) - Math.Log(condition - 1)));
        row.Set("gd", activities.Descent(start, 2 / (low + high), 0));
        row.Set("gd_bound", worst);
        row.Report(0.4, "descent done");
        (double step, double momentum) = HeavyBall.Optimal(low, high);
        row.Set("hb", activities.Descent(start, step, momentum));
        row.Report(0.6, "heavy ball done");
        row.Set("cg", activities.ConjugateGradients(start));
        row.Set("error_gd", errors.Descent(origin, 2 / (errorLow + errorHigh), 0));
        row.Set("error_cg", errors.ConjugateGradients(origin));
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"cond {condition:G3}, {string.Join(' ', Solvers.Select(s => $"{s.Field} {row.Values[s.Field]}"))}");
    }

    /// <summary>Mostly the iterations of descent, each of which passes once over the weights.</summary>
    private static double Work(PcConditioningSettings settings, string net, int depth)
    {
        double iterations = net switch
        {
            "sp" => 100,
            "sp-skips" => depth < 16 ? 40.0 * depth * depth : 2.0 * settings.Limit,
            _ => Math.Min(20.0 * depth * depth, settings.Limit),
        };
        return depth * (iterations + 1000);
    }

    /// <summary>How far the known values, each of one draw, lie outside of what the seeds span.</summary>
    private static Expectation Compare(ILookup<string, Row> nets, Func<Row, double> value, Func<double[], double> known, string text)
    {
        double largest = double.NaN;
        string where = "";
        foreach ((string net, double[][] table) in Known)
        {
            foreach (IGrouping<double, Row> depth in nets[net].GroupBy(r => r.Number("depth")))
            {
                int at = (int)Math.Round(Math.Log2(depth.Key)) - 2;
                if (depth.Key != Math.Pow(2, at + 2) || at < 0 || at >= table.Length || depth.Any(r => double.IsNaN(value(r))) || double.IsNaN(known(table[at])))
                {
                    continue;
                }

                double factor = Math.Max(1, Math.Max(depth.Min(value) / known(table[at]), known(table[at]) / depth.Max(value)));
                if (!(factor <= largest))
                {
                    (largest, where) = (factor, factor > 1 ? string.Create(CultureInfo.InvariantCulture, $" ({net} L={depth.Key})") : "");
                }
            }
        }

        Expectation expectation = Expectation.AtMost(text, "1", largest, 2);
        return expectation with { Found = expectation.Found + where };
    }

    private static IEnumerable<Curve> Iterations(IReadOnlyList<Row> rows)
    {
        foreach (IGrouping<string, Row> net in rows.GroupBy(r => r.Text("net")))
        {
            string panel = NetName(net.Key);
            foreach ((string field, string name) in Solvers)
            {
                yield return new(name, ByDepth(net, r => r.Number(field)), Panel: panel);
            }

            // Where counting stopped at the limit, descent's bound from the spectrum.
            List<(double X, double Y)> bounds = [.. ByDepth(net.Where(r => double.IsNaN(r.Number("gd"))), r => r.Number("gd_bound"))];
            if (bounds.Count > 0)
            {
                yield return new("descent, bound", bounds, CurveForm.OpenMarkers, panel);
            }
        }
    }

    /// <summary>Geometric means over seeds; NaN where one has none.</summary>
    private static List<(double X, double Y)> ByDepth(IEnumerable<Row> rows, Func<Row, double> value) =>
        [.. rows.GroupBy(r => r.Number("depth")).OrderBy(g => g.Key).Select(g => (g.Key, Math.Exp(g.Average(r => Math.Log(value(r))))))];

    /// <summary>Least-squares slope of log cond.</summary>
    private static double Slope(IEnumerable<Row> rows, Func<Row, double> place)
    {
        (double X, double Y)[] points = [.. rows.Select(r => (place(r), Math.Log(r.Number(Condition))))];
        // Two depths make a slope, but say nothing of its course.
        if (points.Select(p => p.X).Distinct().Count() < 3)
        {
            return double.NaN;
        }

        double x = points.Average(p => p.X), y = points.Average(p => p.Y);
        return points.Sum(p => (p.X - x) * (p.Y - y)) / points.Sum(p => (p.X - x) * (p.X - x));
    }

    private static string NetName(string net) => net switch
    {
        "mupc-skips" => "muPC, skips",
        "sp-skips" => "standard, skips",
        "mupc" => "muPC, no skips",
        _ => "standard, no skips",
    };
}
