using HpcLinear.Experiments;

namespace HpcLinear.Tests.Experiments;

/// <summary>Squares of numbers, to test what all experiments share.</summary>
internal sealed class SquaresExperiment : Experiment<SquaresSettings>
{
    public List<int> Computed { get; } = [];

    public int CancelAt { get; init; } = -1;

    public CancellationTokenSource Cancellation { get; } = new();

    public override string Name => "squares";

    public override string Title => "Squares";

    public override string Paper => "0000.00000";

    public override IReadOnlyList<string> Types => ["f64"];

    public override IReadOnlyList<Figure> Figures => [];

    protected override IEnumerable<PlannedRow> Plan(SquaresSettings settings) => settings.Numbers.Select(n => new PlannedRow([("number", n)], n, row =>
    {
        if (n == CancelAt)
        {
            Cancellation.Cancel();
            row.Cancellation.ThrowIfCancellationRequested();
        }

        Computed.Add(n);
        row.Report(0.5, "half");
        row.Set("square", n * n * settings.Factor);
        row.Set("curve", new[] { n, double.NaN, double.PositiveInfinity });
        row.Summary = "done";
    }));

    protected override IEnumerable<Expectation> Expect(SquaresSettings settings, IReadOnlyList<Row> rows) =>
        [Expectation.AtMost("the sum of squares", "small", rows.Sum(r => r.Number("square")), settings.Most)];
}

internal sealed record SquaresSettings
{
    [Setting("what to square", Minimum = 1, Maximum = 100, InRows = false, Full = "1,2,3,4,5")]
    public IReadOnlyList<int> Numbers { get; init; } = [1, 2, 3];

    [Setting("a factor", Minimum = 0, Full = "3")]
    public double Factor { get; init; } = 1;

    [Setting("the most expected", InRows = false)]
    public double Most { get; init; } = 14;

    [Setting("a word", Choices = "red green")]
    public string Colour { get; init; } = "red";

    [Setting("a switch")]
    public bool IsFast { get; init; }
}
