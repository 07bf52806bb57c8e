using HpcLinear.PredictiveCoding;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Accuracy by depth: μPC, the standard parameterisation and back-propagation in one loop, with the paper's relaxation and with ours; and the output layer alone.</summary>
public sealed class MupcDepth : Experiment<MupcDepthSettings>
{
    /// <summary>%: above it a network has learned something for sure, below it nothing.</summary>
    private const double Learned = 50, Chance = 15;

    private static readonly FigureAxis HiddenAxis = new("hidden layers H", true) { IsDoubling = true };

    /// <inheritdoc/>
    public override string Name => "mupc-depth";

    /// <inheritdoc/>
    public override string Title => "Accuracy on digits by depth: muPC, the standard parameterisation, back-propagation";

    /// <inheritdoc/>
    public override string Paper => "2505.13124";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f32", "f64"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new("accuracy", "Test accuracy by depth, means over seeds", HiddenAxis, new("test accuracy, %") { Limits = (0, 100) }, rows => Curves(rows, r => 100 * r.Number("test_accuracy"))),
        new("moved", "Layers that training moved, by 1 % or more of the one that moved most", HiddenAxis, new("layers moved", true) { IsDoubling = true }, rows => Curves(rows, r => r.Number("moved_layers"))),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(MupcDepthSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Lazy<Digits> data = new(() => Digits.Read(settings.Data, settings.Samples));
        return from activation in settings.Activations
               from hidden in settings.Hidden
               from arm in settings.Arms.Select(MupcDepthArm.Parse)
               from seed in settings.Seeds
               select new PlannedRow(
                   [("data", Digits.NameOf(settings.Data)), ("activation", activation), ("hidden", hidden), ("arm", arm.Name), ("seed", seed)],
                   20 + (hidden * arm.Passes(settings, hidden)),
                   row => new LabelledTraining
                   {
                       Network = arm.Network(settings, hidden, activation, data.Value.Training.Features),
                       Options = arm.Options(settings, hidden, activation),
                       Weights = WeightInitialisation.Of(arm.Parameterisation),
                       Seed = seed,
                       Epochs = settings.Epochs,
                       CountsMovedLayers = true,
                   }.Run(data.Value, row));
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(MupcDepthSettings settings, IReadOnlyList<Row> rows)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ILookup<string, (double Accuracy, double Behind)> nets = (
            from g in rows.GroupBy(r => (Activation: r.Text("activation"), Hidden: r.Number("hidden"), Arm: r.Text("arm")))
            let propagated = Accuracy(rows.Where(r => (r.Text("activation"), r.Number("hidden"), r.Text("arm")) == (g.Key.Activation, g.Key.Hidden, "mupc-bp")))
            select (g.Key.Arm, Value: (Accuracy(g), propagated - Accuracy(g)))).ToLookup(n => n.Arm, n => n.Value);
        foreach ((string arm, string what) in new[] { ("mupc-paper", "the paper's relaxation and rate"), ("mupc-activities", "longer steps in activities"), ("mupc-errors", "two steps in errors") })
        {
            double[] accuracies = [.. nets[arm].Select(n => n.Accuracy)], behind = [.. nets[arm].Select(n => n.Behind)];
            yield return Expectation.InRange($"muPC learns at every depth, {what}: least test accuracy, %", "above chance", accuracies.DefaultIfEmpty(double.NaN).Min(), Learned, 100);
            yield return Expectation.AtMost($"and is close to back-propagation: most points behind", "0", behind.DefaultIfEmpty(double.NaN).Max(), 2);
        }

        yield return AtChance("relu", 64, "sp-paper");
        yield return AtChance("linear", 32, "sp-paper");
        yield return AtChance("relu", 64, "sp-activities");
        yield return AtChance("linear", 32, "sp-activities");

        Expectation AtChance(string activation, int hidden, string arm) => Expectation.AtMost(
            $"{arm} stays at chance, {activation}, H ≥ {hidden}: greatest test accuracy, %", "10",
            rows.Where(r => r.Text("activation") == activation && r.Number("hidden") >= hidden && r.Text("arm") == arm).Select(r => 100 * r.Number("test_accuracy")).DefaultIfEmpty(double.NaN).Max(), Chance);

        static double Accuracy(IEnumerable<Row> of) => of.Select(r => 100 * r.Number("test_accuracy")).DefaultIfEmpty(double.NaN).Average();
    }

    private static IEnumerable<Curve> Curves(IReadOnlyList<Row> rows, Func<Row, double> value) =>
        from net in rows.GroupBy(r => (Arm: r.Text("arm"), Activation: r.Text("activation")))
        select new Curve(net.Key.Arm, [.. net.GroupBy(r => r.Number("hidden")).OrderBy(g => g.Key).Select(g => (g.Key, g.Average(value)))], Panel: net.Key.Activation);
}
