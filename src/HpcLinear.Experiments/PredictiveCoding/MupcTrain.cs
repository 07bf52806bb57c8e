using HpcLinear.PredictiveCoding;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Whether networks of more than a hundred layers learn digits: μPC relaxed in activities and in errors, the standard parameterisation, and back-propagation.</summary>
public sealed class MupcTrain : Experiment<MupcTrainSettings>
{
    private const int CurvePoints = 60, Tests = 4;
    private const double Chance = 0.1;

    private static readonly string[] Places = MupcTrainArm.Names.Split(' ');

    /// <inheritdoc/>
    public override string Name => "mupc-train";

    /// <inheritdoc/>
    public override string Title => "Training a network of 128 hidden layers on MNIST: muPC, the standard parameterisation, back-propagation";

    /// <inheritdoc/>
    public override string Paper => "2505.13124";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Types => ["f32", "f64"];

    /// <inheritdoc/>
    public override IReadOnlyList<Figure> Figures { get; } =
    [
        new("accuracy", "Test accuracy after training, one marker a seed", new("") { Places = Places }, new("test accuracy, %") { Limits = (0, 100) }, Accuracies),
        new("learning", "Accuracy on the minibatches while training, mean over seeds", new("updates of the weights"), new("accuracy, %") { Limits = (0, 100) }, Learning),
    ];

    /// <inheritdoc/>
    protected override IEnumerable<PlannedRow> Plan(MupcTrainSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Data.Length == 0)
        {
            throw new ArgumentException("mupc-train: no data; set where MNIST's four files lie: --set data=FOLDER");
        }

        // Read once, when the first row asks.
        Lazy<Digits> data = new(() => Digits.Read(settings.Data, settings.Samples));
        return from seed in settings.Seeds
               from arm in settings.Arms.Select(MupcTrainArm.Parse)
               select new PlannedRow([("arm", arm.Name), ("seed", seed)], arm.Passes(settings), row =>
                   new LabelledTraining
                   {
                       Network = arm.Network(settings, data.Value.Training.Features, Digits.Classes),
                       Options = arm.Options(settings),
                       Weights = WeightInitialisation.Of(arm.Parameterisation),
                       Seed = seed,
                       Epochs = settings.Epochs,
                       IsCosine = settings.Course == "cosine",
                       Tests = Tests,
                       CurvePoints = CurvePoints,
                   }.Run(data.Value, row));
    }

    /// <inheritdoc/>
    protected override IEnumerable<Expectation> Expect(MupcTrainSettings settings, IReadOnlyList<Row> rows)
    {
        ArgumentNullException.ThrowIfNull(settings);
        double activities = Mean("mupc-activities"), errors = Mean("mupc-errors"), propagated = Mean("mupc-bp"), standard = Mean("sp-activities");
        yield return Expectation.InRange("muPC relaxed in errors learns: test accuracy, %", "95 or more", 100 * errors, 95, 100);
        yield return Expectation.InRange("muPC relaxed in errors is close to back-propagation (accuracy less that of back-propagation, points)", "0", 100 * (errors - propagated), -2, 2);
        yield return Expectation.InRange("muPC relaxed in activities learns: test accuracy, %", "above chance", 100 * activities, 50, 100);
        yield return Expectation.InRange("muPC relaxed in activities is close to back-propagation (points)", "0", 100 * (activities - propagated), -2, 2);
        yield return settings.Hidden < 64
            ? new("the standard parameterisation stays at chance from 64 hidden layers on", "10", "fewer layers", "", Verdict.Undecided)
            : Expectation.AtMost("the standard parameterisation relaxed in activities stays at chance: test accuracy, %", "10", 100 * standard, 100 * (Chance + 0.05));

        double Mean(string arm) => rows.Where(r => r.Text("arm") == arm).Select(r => r.Number("test_accuracy")).DefaultIfEmpty(double.NaN).Average();
    }

    private static IEnumerable<Curve> Accuracies(IReadOnlyList<Row> rows)
    {
        foreach (IGrouping<string, Row> arm in rows.GroupBy(r => r.Text("arm")))
        {
            double place = Array.IndexOf(Places, arm.Key);
            yield return new("seeds", [.. arm.Select(r => (place, 100 * r.Number("test_accuracy")))], CurveForm.Markers);
            yield return new("mean", [(place, 100 * arm.Average(r => r.Number("test_accuracy")))], CurveForm.Bars);
        }
    }

    private static IEnumerable<Curve> Learning(IReadOnlyList<Row> rows) => rows.GroupBy(r => r.Text("arm")).Select(arm => new Curve(
        arm.Key,
        [.. arm.SelectMany(r => r.Numbers("curve_updates").Zip(r.Numbers("curve_accuracies"))).GroupBy(p => p.First).OrderBy(g => g.Key).Select(g => (g.Key, 100 * g.Average(p => p.Second)))],
        CurveForm.Line));
}
