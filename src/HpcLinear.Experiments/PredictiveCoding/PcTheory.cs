using System.Globalization;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>The exact theory of linear networks against what relaxation on a device finds.</summary>
public sealed class PcTheory : Experiment<PcTheorySettings>
{
    private const string Equilibrium = "equilibrium", MeanOfS = "mean-of-s", Origin = "origin";

    /// <summary>Relative, of energies and gradients at the equilibrium.</summary>
    private const double EnergyTolerance = 1e-9;

    /// <summary>Standard errors of a mean.</summary>
    private const double MeanTolerance = 4;

    /// <summary>A mean with a larger standard error, relative to what it adds to 1, decides nothing.</summary>
    private const double UselessError = 0.1;

    /// <summary>Residual at which a relaxation ends, far below what the tolerance needs.</summary>
    private const double Residual = 1e-13;

    private static readonly double[] Mixed = [0.5, 2, 1];

    private static readonly FigureAxis DepthAxis = new("depth L, weight layers", true) { IsDoubling = true };

    /// <inheritdoc/>
    public override string Name => "pc-theory";

    /// <inheritdoc/>
    public override string Title => "Relaxed linear networks against their exact equilibria";

    /// <inheritdoc/>
    public override string Paper => "2408.11979";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f64"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new("ratio", "Loss over equilibrium energy at initialisation", DepthAxis, new("loss / F*", true), rows =>
            Part(rows, Equilibrium).Where(r => r.Text("precisions") == "one" && r.Text("coordinates") == "errors").GroupBy(r => (Net: r.Text("net"), Width: r.Number("width")))
                .OrderBy(g => g.Key.Width).Select(g => new Curve(g.Key.Net, ByDepth(g, r => r.Number("loss") / r.Number("energy_exact")), Panel: string.Create(CultureInfo.InvariantCulture, $"N = {g.Key.Width}")))),
        new("mean", "Mean of S over networks (markers) and its closed form (lines)", DepthAxis, new("trace S / n_L - 1", true), rows =>
            Part(rows, MeanOfS).GroupBy(r => r.Text("net")).SelectMany(g => new[]
            {
                new Curve(g.Key, ByDepth(g, r => r.Number("predicted") - 1), CurveForm.Line),
                new Curve(g.Key, ByDepth(g, r => r.Number("mean") - 1), CurveForm.Markers),
            })),
        new("error", "Relative error of the relaxed energy", DepthAxis, new("|F - F*| / F* + 1e-17", true) { Limits = (1e-17, 1e-8) }, rows =>
            Part(rows, Equilibrium).GroupBy(r => (Net: r.Text("net"), Coordinates: r.Text("coordinates")))
                .Select(g => new Curve(g.Key.Net, [.. g.Select(r => (r.Number("depth"), r.Number("energy_error") + 1e-17))], CurveForm.Markers, $"relaxed in {g.Key.Coordinates}"))),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(PcTheorySettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        foreach (int depth in settings.Depths)
        {
            foreach (string net in settings.Nets)
            {
                foreach ((int width, string precisions, int seed, string coordinates) in
                         from w in settings.Widths from p in settings.Precisions from s in settings.Seeds from c in (string[])["activities", "errors"] select (w, p, s, c))
                {
                    double work = depth * (double)width * width * (net == "sp-skips" && coordinates == "activities" ? Math.Exp(depth / 6.0) : coordinates == "activities" ? depth : 1) / 1e4;
                    yield return new(
                        [("part", Equilibrium), ("net", net), ("precisions", precisions), ("coordinates", coordinates), ("depth", depth), ("width", width), ("seed", seed)], work,
                        row => Relax(settings, net, precisions, coordinates == "errors", depth, width, seed, row));
                }

                if (depth > 1)
                {
                    double work = depth * (double)settings.DrawWidth * settings.DrawWidth * settings.Draws / 1e6;
                    yield return new([("part", MeanOfS), ("net", net), ("depth", depth), ("seed", settings.Seeds[0])], work, row => Average(settings, net, depth, settings.Seeds[0], row));
                }

                if (depth is > 1 and <= 16)
                {
                    foreach ((string precisions, int seed) in from p in settings.Precisions from s in settings.Seeds select (p, s))
                    {
                        yield return new([("part", Origin), ("net", net), ("precisions", precisions), ("depth", depth), ("seed", seed)], 0.1, row => Saddle(settings, net, precisions, depth, seed, row));
                    }
                }
            }
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(PcTheorySettings settings, IReadOnlyList<Row> rows)
    {
        Row[] relaxed = [.. Part(rows, Equilibrium)], means = [.. Part(rows, MeanOfS)], origins = [.. Part(rows, Origin)];
        bool converged = relaxed.All(r => r.Text("status") == "Converged");
        yield return Error("relaxed energy = F* (largest relative error)", "energy_error", EnergyTolerance);
        yield return Error("gradient of the weights there = ∂F*/∂W (largest relative error)", "gradient_error", EnergyTolerance);
        yield return Expectation.AtMost("loss / F* lies between the extreme eigenvalues of S (networks outside)", "0", relaxed.Length == 0 ? double.NaN : relaxed.Count(r => !IsBetween(r)), 0);

        Expectation mean = Expectation.AtMost("mean of S at initialisation = closed form (largest difference, standard errors)", "0", Largest(means, "deviation"), MeanTolerance);
        yield return means.Any(r => r.Number("standard_error") > UselessError * (r.Number("predicted") - 1)) ? mean with { Verdict = Verdict.Undecided, Found = mean.Found + ", too noisy" } : mean;

        Row[] plain = [.. origins.Where(r => !r.Text("net").EndsWith("-skips", StringComparison.Ordinal) && r.Number("depth") > 2)];
        yield return Expectation.AtMost("weights 0, no skips, L > 2: λmin = -λ_L² a_L²/λ_(L-1) λmax(Syy) (largest relative error)", "0", Largest(plain, "eigenvalue_error"), EnergyTolerance);
        yield return Expectation.AtMost("weights 0: strict saddle for every L > 1, skips or not (largest λmin)", "< 0", origins.Length == 0 ? double.NaN : origins.Max(r => r.Number("eigenvalue_min")), -1e-12);
        yield return Expectation.AtMost("curvature of the relaxed energy along W_L there (largest relative error)", "0", Largest(origins, "curvature_error"), 1e-5);

        Expectation Error(string text, string field, double tolerance)
        {
            Expectation e = Expectation.AtMost(text, "0", Largest(relaxed, field), tolerance);
            return converged ? e : e with { Verdict = Verdict.Undecided, Found = e.Found + ", not all converged" };
        }
    }

    /// <summary>Relaxes a network and compares with its exact equilibrium.</summary>
    private static void Relax(PcTheorySettings settings, string net, string precisions, bool inErrors, int depth, int width, int seed, RowContext row)
    {
        LinearNet drawn = Draw(settings, net, precisions, depth, width, settings.Samples, seed, row.Queue);
        LinearEquilibrium exact = LinearEquilibrium.Solve(drawn.Network, drawn.Parameters, drawn.Input, drawn.Target);
        double[] spectrum = SymmetricMatrix.Eigen(exact.OutputCovariance).Values;
        (double low, double high) = depth == 1 ? (1, 1) : inErrors ? ErrorBounds(drawn.Network, spectrum[^1]) : ActivityHessian.Create(drawn.Network, drawn.Parameters).ExtremeEigenvalues();
        (double step, double momentum) = HeavyBall.Optimal(low, high);
        using LinearNetOnDevice device = new(row.Queue, drawn);
        (RelaxationResult result, double energy, double[] gradient) = device.Relax(
            inErrors, new() { Steps = settings.Steps, Step = step, Momentum = momentum, Method = RelaxationMethod.Momentum, AbsoluteTolerance = Residual * Math.Sqrt(exact.Loss), DivergenceFactor = 1e12 });

        double energyError = Math.Abs(energy - exact.Energy) / exact.Energy;
        row.Set("status", result.Status.ToString());
        row.Set("steps", result.Steps);
        row.Set("eigenvalue_min", low);
        row.Set("eigenvalue_max", high);
        row.Set("energy", energy);
        row.Set("energy_exact", exact.Energy);
        row.Set("energy_error", energyError);
        row.Set("gradient_error", Distance(gradient, exact.WeightGradient) / Norm(exact.WeightGradient));
        row.Set("loss", exact.Loss);
        row.Set("s_min", spectrum[0]);
        row.Set("s_max", spectrum[^1]);
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"{result.Status} in {result.Steps} steps, F {energy:G5}, relative error {energyError:0.0E+0}");
    }

    /// <summary>The mean of S over drawn networks.</summary>
    private static void Average(PcTheorySettings settings, string net, int depth, int seed, RowContext row)
    {
        double[] traces = new double[settings.Draws];
        for (int i = 0; i < traces.Length; i++)
        {
            row.Cancellation.ThrowIfCancellationRequested();
            row.Report((double)i / traces.Length);
            LinearNet drawn = Draw(settings, net, "one", depth, settings.DrawWidth, 1, (seed * 1_000_000) + i, row.Queue);
            ReadOnlySpan<double> s = LinearEquilibrium.Solve(drawn.Network, drawn.Parameters, drawn.Input, drawn.Target).OutputCovariance;
            for (int k = 0; k < settings.OutputWidth; k++)
            {
                traces[i] += s[(k * settings.OutputWidth) + k] / settings.OutputWidth;
            }
        }

        double mean = traces.Average(), predicted = MeanCovariance(net, depth, settings.DrawWidth);
        double error = Math.Sqrt(traces.Sum(t => (t - mean) * (t - mean)) / (traces.Length - 1) / traces.Length);
        row.Set("mean", mean);
        row.Set("standard_error", error);
        row.Set("predicted", predicted);
        row.Set("deviation", Math.Abs(mean - predicted) / error);
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"mean of S {mean:G5} ± {error:G2}, {predicted:G5} predicted");
    }

    /// <summary>The Hessian where all weights are 0, and the curvature that relaxed energies show there.</summary>
    private static void Saddle(PcTheorySettings settings, string net, string precisions, int depth, int seed, RowContext row)
    {
        // Narrow layers: what is predicted does not depend on the hidden width but through a_L.
        const int Width = 6;
        LinearNet drawn = Draw(settings, net, precisions, depth, Width, settings.Samples, seed, row.Queue);
        RelaxationDescriptor network = drawn.Network;
        (double low, double high) = OriginHessian.Create(network, drawn.Input, drawn.Target).ExtremeEigenvalues();
        (double[] values, double[][] vectors) = SymmetricMatrix.Eigen(Covariance(drawn.Target, settings.OutputWidth));
        double last = network.Precision(depth) * network.Scaling(depth), sum = 0;
        for (int l = depth - 1; l >= 1; l--)
        {
            sum += 1 / network.Precision(l);
            if (!network.Skip(l))
            {
                break;
            }
        }

        double predicted = -last * last * sum * values[^1];

        // F along W_L = t u 1ᵀ/|1|, u the first eigenvector of Syy, all other weights 0: relaxed on the device at t and at 0.
        const double T = 3e-4;
        double[] parameters = new double[network.ParameterCount];
        double atOrigin = Energy(parameters);
        for (int i = 0; i < settings.OutputWidth; i++)
        {
            for (int j = 0; j < Width; j++)
            {
                parameters[(int)network.WeightOffset(depth) + (i * Width) + j] = T * vectors[^1][i] / Math.Sqrt(Width) / network.Scaling(depth);
            }
        }

        double curvature = 2 * (Energy(parameters) - atOrigin) / (T * T) * network.Scaling(depth) * network.Scaling(depth);
        row.Set("eigenvalue_min", low);
        row.Set("eigenvalue_max", high);
        row.Set("predicted", predicted);
        row.Set("eigenvalue_error", Math.Abs(low - predicted) / Math.Abs(predicted));
        row.Set("curvature", curvature);
        row.Set("curvature_error", Math.Abs(curvature - predicted) / Math.Abs(predicted));
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"λmin {low:G5}, {predicted:G5} along W_L, relaxed {curvature:G5}");

        double Energy(double[] at)
        {
            LinearNet net = drawn.With(at);
            (double from, double to) = ErrorBounds(network, 1 / network.Precision(depth) + (sum * 1e-2));
            (double step, double momentum) = HeavyBall.Optimal(from, to);
            using LinearNetOnDevice device = new(row.Queue, net);
            return device.Relax(true, new() { Steps = settings.Steps, Step = step, Momentum = momentum, Method = RelaxationMethod.Momentum, AbsoluteTolerance = Residual }).Energy;
        }
    }

    private static LinearNet Draw(PcTheorySettings settings, string net, string precisions, int depth, int width, int samples, int seed, CommandQueue queue)
    {
        long[] widths = [settings.InputWidth, .. Enumerable.Repeat((long)width, depth - 1), settings.OutputWidth];
        double[] factors = precisions == "one" ? [] : [.. Enumerable.Range(1, depth).Select(l => Mixed[l % Mixed.Length])];
        return LinearNet.Draw(queue, net.Split('-')[0], net.EndsWith("-skips", StringComparison.Ordinal), widths, samples, (ulong)seed, factors);
    }

    /// <summary>Bounds of the eigenvalues of Λ + λ_L QᵀQ from the largest one of S.</summary>
    private static (double Low, double High) ErrorBounds(RelaxationDescriptor network, double largest)
    {
        double[] precisions = [.. Enumerable.Range(1, network.Depth - 1).Select(network.Precision)];
        double output = network.Precision(network.Depth);
        return (precisions.Min(), precisions.Max() * (1 + (output * (largest - (1 / output)))));
    }

    /// <summary>E[S] of λ = 1: 1 + Σ_(l&lt;L) of the mean square row of Q_l. A layer of N inputs multiplies it by a²N var + s.</summary>
    private static double MeanCovariance(string net, int depth, int width)
    {
        double n = width, l = depth;
        return net switch
        {
            "mupc-skips" => 1 + (l / n * (Math.Pow(1 + (1 / l), l - 1) - 1)),
            "mupc" => 1 + ((l - 1) / n),
            "ntp-skips" => 1 + (l * (Math.Pow(1 + (1 / l), l - 1) - 1)),
            "ntp" => l,
            "sp-skips" => Math.Pow(4.0 / 3, l - 1),
            _ => 1 + ((1 - Math.Pow(3, 1 - l)) / 2),
        };
    }

    private static bool IsBetween(Row row)
    {
        double ratio = row.Number("loss") / row.Number("energy_exact");
        return ratio >= row.Number("s_min") * (1 - EnergyTolerance) && ratio <= row.Number("s_max") * (1 + EnergyTolerance);
    }

    private static double[] Covariance(double[] target, int width)
    {
        double[] covariance = new double[width * width];
        for (int at = 0; at < target.Length; at += width)
        {
            for (int i = 0; i < covariance.Length; i++)
            {
                covariance[i] += target[at + (i / width)] * target[at + (i % width)] * width / target.Length;
            }
        }

        return covariance;
    }

    private static IEnumerable<Row> Part(IReadOnlyList<Row> rows, string part) => rows.Where(r => r.Text("part") == part);

    private static double Largest(IEnumerable<Row> rows, string field) => rows.Select(r => r.Number(field)).DefaultIfEmpty(double.NaN).Max();

    private static List<(double X, double Y)> ByDepth(IEnumerable<Row> rows, Func<Row, double> value) =>
        [.. rows.GroupBy(r => r.Number("depth")).OrderBy(g => g.Key).Select(g => (g.Key, g.Average(value)))];

    private static double Norm(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double value in values)
        {
            sum += value * value;
        }

        return Math.Sqrt(sum);
    }

    private static double Distance(double[] a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        }

        return Math.Sqrt(sum);
    }
}
