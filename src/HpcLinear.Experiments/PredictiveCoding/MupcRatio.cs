using System.Globalization;
using System.Numerics;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>The loss over the equilibrium energy F* of linear networks, by width and depth, at initialisation and along training on F*.</summary>
public sealed class MupcRatio : Experiment<MupcRatioSettings>
{
    /// <summary>Widths for one layer that count as wide.</summary>
    private const double Wide = 8;

    /// <summary>Of curves.</summary>
    private static readonly int[] Marks = [1, 2, 5];

    private static readonly FigureAxis WidthAxis = new("width N of the hidden layers"), HiddenAxis = new("hidden layers H"), RatioAxis = new("loss / F*", true);

    /// <inheritdoc/>
    public override string Name => "mupc-ratio";

    /// <inheritdoc/>
    public override string Title => "Loss over equilibrium energy of linear networks by width and depth, at initialisation and along training";

    /// <inheritdoc/>
    public override string Paper => "2505.13124";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f64", "f32"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new HeatMapFigure("ratio", "Loss over equilibrium energy of linear networks, means over seeds", WidthAxis, HiddenAxis, RatioAxis, Optimum.None, rows =>
        [
            Map("at initialisation", rows, r => r.Number("ratio_start")),
            Map("predicted there, 1 + (L/N) ((1 + 1/L)^(L-1) - 1)", rows, r => r.Number("predicted")),
            Map("after training on F*", rows, r => r.Number("ratio_end")),
        ]),
        new("training", "Loss over equilibrium energy along training on F*, means over seeds", new("updates + 1", true), RatioAxis, Training),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(MupcRatioSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Lazy<Digits> data = new(() => Digits.Read(settings.Data, 0));
        return from hidden in settings.Hidden
               from width in settings.Widths
               from seed in settings.Seeds
               select new PlannedRow(
                   [("data", Digits.NameOf(settings.Data)), ("hidden", hidden), ("width", width), ("seed", seed)],
                   width * (1000.0 + (hidden * (width + 20.0))),
                   row =>
                   {
                       if (row.Type == "f64")
                       {
                           Train<double>(settings, hidden, width, seed, data.Value, row);
                       }
                       else
                       {
                           Train<float>(settings, hidden, width, seed, data.Value, row);
                       }
                   });
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(MupcRatioSettings settings, IReadOnlyList<Row> rows)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Row[] wide = [.. rows.Where(r => r.Number("width") >= Wide * r.Number("hidden"))];
        yield return Expectation.AtMost("loss ≥ F*: their ratio is at least 1 (rows below 1)", "0", rows.Count == 0 ? double.NaN : rows.Count(r => !(r.Numbers("ratios").Min() >= 1 - 1e-6)), 0);
        foreach (int width in settings.Net == "mupc-skips" ? settings.Widths.Where(n => n >= 16) : [])
        {
            Row[] of = [.. rows.Where(r => r.Number("width") == width)];
            yield return Expectation.InRange(
                $"N = {width}: ratio - 1 at initialisation over its prediction (mean over depths and seeds)", "1",
                of.Length == 0 ? double.NaN : of.Average(r => (r.Number("ratio_start") - 1) / (r.Number("predicted") - 1)), 0.7, 1.3);
        }

        yield return Expectation.AtMost("wide networks, N ≥ 8 H: the ratio is near 1 at initialisation (largest mean over seeds)", "1", Largest("ratio_start"), 1.5);
        yield return Expectation.AtMost("and stays there along training", "1", Largest("ratio_end"), 1.5);
        int widest = settings.Widths.Max();
        yield return Expectation.AtMost($"the ratio falls with the width at initialisation: that of N = {widest} over that of N = {widest / 4} (largest over depths)", "below 1", Growth("ratio_start"), 1);
        yield return Expectation.AtMost("and after training", "below 1", Growth("ratio_end"), 1);

        double Largest(string field) => wide.GroupBy(r => (r.Number("hidden"), r.Number("width"))).Select(g => g.Average(r => r.Number(field))).DefaultIfEmpty(double.NaN).Max();

        double Growth(string field) => settings.Hidden.Select(h => Mean(field, h, widest) / Mean(field, h, widest / 4)).Max();

        double Mean(string field, int hidden, int width) =>
            rows.Where(r => r.Number("hidden") == hidden && r.Number("width") == width).Select(r => r.Number(field)).DefaultIfEmpty(double.NaN).Average();
    }

    private static void Train<T>(MupcRatioSettings settings, int hidden, int width, int seed, Digits data, RowContext row)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        bool skips = settings.Net.EndsWith("-skips", StringComparison.Ordinal);
        Parameterisation rule = settings.Net.StartsWith("sp", StringComparison.Ordinal) ? Parameterisation.Standard : Parameterisation.DepthMuP;
        RelaxationDescriptor network = RelaxationDescriptor.Create(settings.Batch, [data.Training.Features, .. Shape.Uniform(hidden, width), Digits.Classes], rule, skips);
        MinibatchOrder order = new(data.Training.Count, settings.Batch, (ulong)seed);
        using PredictiveCodingTrainer<T> trainer = PredictiveCodingTrainer.Create<T>(row.Queue, network, new() { Rule = LearningRule.ExactEquilibrium, LearningRate = settings.Rate });
        trainer.Initialise(WeightInitialisation.Of(rule), (ulong)seed);
        using Tensor<T> x = row.Queue.Device.Allocate<T>(network.InputShape), y = row.Queue.Device.Allocate<T>(network.TargetShape);
        T[] inputs = new T[network.InputShape.ElementCount], targets = new T[network.TargetShape.ElementCount];
        List<double> places = [], ratios = [];
        string outcome = "trained";
        double loss = double.NaN, first = double.NaN;
        for (long u = 0; u <= settings.Updates; u++)
        {
            row.Cancellation.ThrowIfCancellationRequested();
            data.Training.Gather<T>(order.Indices(u), inputs, targets);
            row.Queue.Upload(inputs, x);
            row.Queue.Upload(targets, y);

            // The step's loss and F* are those before its update: the last step's update is not used.
            TrainingStep step = trainer.Step(x, y);
            if (step.Status != TrainingStatus.Updated)
            {
                outcome = $"stopped at update {u}: {step}";
                break;
            }

            (loss, first) = (step.Loss, u == 0 ? step.Loss : first);
            if (u == settings.Updates || IsMark(u))
            {
                places.Add(u);
                ratios.Add(step.Loss / step.Energy);
            }

            row.Report((u + 1.0) / (settings.Updates + 1));
        }

        double l = hidden + 1, predicted = 1 + (l / width * (Math.Pow(1 + (1 / l), l - 1) - 1));
        row.Set("outcome", outcome);
        row.Set("predicted", settings.Net == "mupc-skips" ? predicted : double.NaN);
        row.Set("ratio_start", ratios.Count > 0 ? ratios[0] : double.NaN);
        row.Set("ratio_end", outcome == "trained" ? ratios[^1] : double.NaN);
        row.Set("loss_start", first);
        row.Set("loss_end", loss);
        row.Set("updates", places);
        row.Set("ratios", ratios);
        row.Summary = string.Create(CultureInfo.InvariantCulture, $"{outcome}, loss / F* {(ratios.Count > 0 ? ratios[0] : double.NaN):G4}, {(ratios.Count > 0 ? ratios[^1] : double.NaN):G4} after training");
    }

    /// <summary>0, 1, 2, 5, 10, 20, 50, …</summary>
    private static bool IsMark(long update) => update == 0 || Marks.Any(m => update % m == 0 && Math.Abs(Math.Log10(update / m) % 1) < 1e-9);

    private static HeatMap Map(string panel, IReadOnlyList<Row> rows, Func<Row, double> value) => HeatMaps.Of(panel, rows, r => r.Number("width"), r => r.Number("hidden"), value);

    private static IEnumerable<Curve> Training(IReadOnlyList<Row> rows)
    {
        double[] widths = [.. rows.Select(r => r.Number("width")).Distinct().Order()];
        foreach (double width in widths.Where((_, i) => (widths.Length - 1 - i) % 2 == 0))
        {
            foreach (IGrouping<double, Row> hidden in rows.Where(r => r.Number("width") == width).GroupBy(r => r.Number("hidden")).OrderBy(g => g.Key))
            {
                yield return new(
                    string.Create(CultureInfo.InvariantCulture, $"H = {hidden.Key}"),
                    [.. hidden.SelectMany(r => r.Numbers("updates").Zip(r.Numbers("ratios"))).GroupBy(p => p.First).OrderBy(g => g.Key).Select(g => (g.Key + 1, g.Average(p => p.Second)))],
                    CurveForm.MarkedLine, string.Create(CultureInfo.InvariantCulture, $"N = {width}"));
            }
        }
    }
}
