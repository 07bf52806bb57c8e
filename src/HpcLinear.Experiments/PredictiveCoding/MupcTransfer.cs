using System.Globalization;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Whether the best learning rate and the best step of activities are the same for all widths and depths.</summary>
public sealed class MupcTransfer : Experiment<MupcTransferSettings>
{
    /// <summary>Points of the learning curve; the last one is what is compared.</summary>
    private const int CurvePoints = 5;

    /// <summary>Steps that the theory of the signal calls small, and depths that it calls deep.</summary>
    private const double SmallStep = 1.0 / 64, Deep = 16;

    private static readonly string[] Axes = ["width", "hidden"];

    private static readonly bool[] Rules = [false, true];

    private static readonly FigureAxis RateAxis = new("Adam's learning rate"), StepAxis = new("step of activities, per sample"), LossAxis = new("training loss, last fifth", true);

    /// <inheritdoc/>
    public override string Name => "mupc-transfer";

    /// <inheritdoc/>
    public override string Title => "Best learning rate and step of activities across widths and depths";

    /// <inheritdoc/>
    public override string Paper => "2505.13124";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f32", "f64"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new HeatMapFigure("widths", "Training loss by learning rate, step and width", RateAxis, StepAxis, LossAxis, Optimum.Least, rows => Maps(Series(rows, "width"), "width", r => Loss(r))),
        new HeatMapFigure("depths", "Training loss by learning rate, step and depth", RateAxis, StepAxis, LossAxis, Optimum.Least, rows => Maps(Series(rows, "hidden"), "hidden", r => Loss(r))),
        new HeatMapFigure("moved", "Layers that training moved, by 1 % or more of the one that moved most", RateAxis, StepAxis, new("layers moved", true) { IsDoubling = true }, Optimum.None,
            rows => Maps(Series(rows, "hidden"), "hidden", r => r.Number("moved_layers"))),
        new("rates", "Training loss of the best step, by learning rate", new("Adam's learning rate", true), LossAxis, Rates),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(MupcTransferSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Lazy<Digits> data = new(() => Digits.Read(settings.Data, settings.Samples));
        Parameterisation rule = settings.Net.StartsWith("sp", StringComparison.Ordinal) ? Parameterisation.Standard : Parameterisation.DepthMuP;
        bool skips = settings.Net.EndsWith("-skips", StringComparison.Ordinal);
        (int Width, int Hidden)[] nets = [.. settings.Widths.Select(n => (n, settings.Hidden[0])).Concat(settings.Hidden.Select(h => (settings.DepthWidth, h))).Distinct()];

        // A step of 0 is back-propagation.
        return from net in nets
               from step in settings.Steps.Append(0)
               from rate in settings.Rates
               from seed in settings.Seeds
               select new PlannedRow(
                   [("data", Digits.NameOf(settings.Data)), ("width", net.Width), ("hidden", net.Hidden), ("step", step), ("rate", rate), ("seed", seed)],
                   net.Width * (1000.0 + (net.Hidden * net.Width * (step == 0 ? 3 : net.Hidden))),
                   row => new LabelledTraining
                   {
                       Network = RelaxationDescriptor.Create(settings.Batch, [data.Value.Training.Features, .. Shape.Uniform(net.Hidden, net.Width), Digits.Classes], rule, skips) with
                       {
                           Activation = Enum.Parse<Activation>(settings.Activation, ignoreCase: true),
                       },
                       Options = step == 0
                           ? new() { Rule = LearningRule.BackPropagation, LearningRate = rate }
                           : new() { LearningRate = rate, Relaxation = new() { Steps = net.Hidden, Step = step } },
                       Weights = WeightInitialisation.Of(rule),
                       Seed = seed,
                       Epochs = settings.Epochs,
                       CurvePoints = CurvePoints,
                       CountsMovedLayers = true,
                   }.Run(data.Value, row));
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(MupcTransferSettings settings, IReadOnlyList<Row> rows)
    {
        ArgumentNullException.ThrowIfNull(settings);
        foreach (string axis in Axes)
        {
            string letter = Letter(axis);
            Row[] series = [.. Series(rows, axis)];
            (double Size, double Rate, double Step, double Loss)[] best = [.. Best(series.Where(r => r.Number("step") > 0), axis)];
            yield return Same($"the best learning rate is the same for all {letter}", letter, [.. best.Select(b => (b.Size, b.Rate))], [.. settings.Rates.Order()]);
            yield return Same($"the best step of activities is the same for all {letter}", letter, [.. best.Select(b => (b.Size, b.Step))], [.. settings.Steps.Order()]);
            yield return Expectation.AtMost(
                $"with both taken from the least {letter} the loss is near the best (largest ratio)", "1",
                best.Length < 2 ? double.NaN : best.Max(b => Means(series, axis).Where(m => (m.Size, m.Rate, m.Step) == (b.Size, best[0].Rate, best[0].Step)).Select(m => m.Loss / b.Loss).First()), 1.1);
            yield return Same($"back-propagation: the best learning rate is the same for all {letter}", letter, [.. Best(series.Where(r => r.Number("step") == 0), axis).Select(b => (b.Size, b.Rate))], [.. settings.Rates.Order()]);
        }

        Row[] slow = [.. Series(rows, "hidden").Where(r => r.Number("step") is > 0 and <= SmallStep && r.Number("hidden") >= Deep)];
        yield return Expectation.AtMost(
            "signal law: steps up to 1/64 move only the top layers, H ≥ 16 (largest share of the layers)", "few",
            slow.Length == 0 ? double.NaN : slow.Max(r => r.Number("moved_layers") / (r.Number("hidden") + 1)), 0.5);
        double[] deep = [.. Best(slow, "hidden").Select(b => b.Loss)];
        yield return Expectation.AtMost("and so their best loss is the same at all these depths (largest ratio)", "1", deep.Length < 2 ? double.NaN : deep.Max() / deep.Min(), 1.1);
    }

    private static string Letter(string axis) => axis == "width" ? "N" : "H";

    /// <summary>Mean over the last fifth of the updates; NaN where training ended early.</summary>
    private static double Loss(Row row) => row.Text("outcome") == "trained" ? row.Numbers("curve_losses")[^1] : double.NaN;

    /// <summary>Networks of one depth, the least; or of one width, that of the deepest.</summary>
    private static IEnumerable<Row> Series(IReadOnlyList<Row> rows, string axis)
    {
        double least = rows.Min(r => r.Number("hidden")), width = rows.MaxBy(r => r.Number("hidden"))!.Number("width");
        return axis == "width" ? rows.Where(r => r.Number("hidden") == least) : rows.Where(r => r.Number("width") == width);
    }

    /// <summary>Means over seeds.</summary>
    private static IEnumerable<(double Size, double Rate, double Step, double Loss)> Means(IEnumerable<Row> rows, string axis) =>
        rows.GroupBy(r => (Size: r.Number(axis), Rate: r.Number("rate"), Step: r.Number("step"))).Select(g => (g.Key.Size, g.Key.Rate, g.Key.Step, g.Average(Loss)));

    /// <summary>The least loss of every size, by size.</summary>
    private static IEnumerable<(double Size, double Rate, double Step, double Loss)> Best(IEnumerable<Row> rows, string axis) =>
        Means(rows, axis).Where(m => double.IsFinite(m.Loss)).GroupBy(m => m.Size).OrderBy(g => g.Key).Select(g => g.MinBy(m => m.Loss));

    /// <summary>Whether optima lie within one step of the grid. Undecided where several lie at one end of it: they may lie further apart beyond it.</summary>
    private static Expectation Same(string text, string letter, (double Size, double Value)[] optima, double[] grid)
    {
        int[] places = [.. optima.Select(o => Array.IndexOf(grid, o.Value))];
        string found = string.Join(", ", optima.GroupBy(o => o.Value).Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Key} ({letter} {string.Join(' ', g.Select(o => o.Size))})")));
        bool isNear = places.Length > 1 && places.Max() - places.Min() <= 1, isAtEnd = places.Count(p => p == 0) > 1 || places.Count(p => p == grid.Length - 1) > 1;
        return new(text, "the same", found, "one step of the grid", places.Length < 2 || (isNear && isAtEnd) ? Verdict.Undecided : isNear ? Verdict.Agrees : Verdict.Differs);
    }

    private static IEnumerable<HeatMap> Maps(IEnumerable<Row> rows, string axis, Func<Row, double> value) =>
        from size in rows.Where(r => r.Number("step") > 0).GroupBy(r => r.Number(axis))
        orderby size.Key
        let first = size.First()
        select HeatMaps.Of(string.Create(CultureInfo.InvariantCulture, $"N = {first.Number("width")}, H = {first.Number("hidden")}"), size, r => r.Number("rate"), r => r.Number("step"), value);

    private static IEnumerable<Curve> Rates(IReadOnlyList<Row> rows) =>
        from axis in Axes
        from isPropagated in Rules
        from size in Means(Series(rows, axis).Where(r => (r.Number("step") == 0) == isPropagated), axis).GroupBy(m => m.Size)
        orderby axis == "hidden", isPropagated, size.Key
        let points = size.Where(m => double.IsFinite(m.Loss)).GroupBy(m => m.Rate).OrderBy(g => g.Key).Select(g => (g.Key, g.Min(m => m.Loss)))
        select new Curve(
            string.Create(CultureInfo.InvariantCulture, $"{Letter(axis)} = {size.Key}"), [.. points],
            Panel: $"{(axis == "width" ? "widths" : "depths")}, {(isPropagated ? "back-propagation" : "best step of activities")}");
}
