using HpcLinear.Data;
using HpcLinear.Experiments;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Experiments;

public sealed class ExperimentRunTests
{
    [Fact]
    public void Rows_are_written_once_and_the_judgement_last()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("r.jsonl");
        SquaresExperiment first = new();
        Assert.Equal(Verdict.Agrees, Assert.Single(Run(first, path)).Verdict);
        string[] lines = File.ReadAllLines(path);
        Assert.Equal(4, lines.Length);
        Assert.StartsWith("""{"experiment":"squares","version":"0.1.0","target":"cpu:scalar","type":"f64","settings":{"factor":1,"colour":"red","is_fast":false},"number":2,"square":4,"curve":[2,"NaN","Infinity"],"seconds":""", lines[1], StringComparison.Ordinal);
        Assert.Contains("\"verdict\":\"agrees\"", lines[3], StringComparison.Ordinal);

        // The same run computes and writes nothing; another selection only what is new; another setting everything.
        SquaresExperiment again = new();
        Run(again, path);
        Assert.Empty(again.Computed);
        Assert.Equal(lines, File.ReadAllLines(path));
        Assert.Equal(Verdict.Differs, Assert.Single(Run(again, path, "numbers=2,4")).Verdict);
        Assert.Equal([4], again.Computed);
        Run(again, path, "factor=2");
        Assert.Equal([4, 1, 2, 3], again.Computed);
        IReadOnlyList<Row> rows = RowFile.Read(path);
        Assert.Equal(32, rows.Single(r => r.Number("number") == 4).Number("square") * 2);
        Assert.Equal([4, double.NaN, double.PositiveInfinity], rows.Single(r => r.Number("number") == 4).Numbers("curve"));
    }

    [Fact]
    public void An_interrupted_run_keeps_its_rows_and_goes_on()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("r.jsonl");
        SquaresExperiment interrupted = new() { CancelAt = 3 };
        Assert.Throws<OperationCanceledException>(() => Run(interrupted, path));
        Assert.Equal(2, RowFile.Read(path).Count);
        SquaresExperiment next = new();
        Run(next, path);
        Assert.Equal([3], next.Computed);
        Assert.Equal(4, RowFile.Read(path).Count);
    }

    [Fact]
    public void A_line_cut_short_anywhere_is_dropped_and_computed_again()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("r.jsonl");
        Run(new SquaresExperiment(), path);
        byte[] whole = File.ReadAllBytes(path);
        string[] lines = File.ReadAllLines(path);
        int start = lines[0].Length + 1;
        for (int length = start + 1; length < start + lines[1].Length; length += 7)
        {
            File.WriteAllBytes(path, whole[..length]);
            SquaresExperiment next = new();
            Run(next, path);
            Assert.Equal([2, 3], next.Computed);
            Assert.Equal(lines[0], File.ReadAllLines(path)[0]);
        }

        // A whole last row without its line end is a row.
        File.WriteAllBytes(path, whole[..(start + lines[1].Length)]);
        SquaresExperiment last = new();
        Run(last, path);
        Assert.Equal([3], last.Computed);
        Assert.Equal(4, RowFile.Read(path).Count);
    }

    [Theory]
    [InlineData("# A page\n", "line 1 is '# A page'")]
    [InlineData("words without an end", "line 1 is 'words without an end'")]
    [InlineData("{\"experiment\":\"squares\"}\n{\"experiment\":\n{\"experiment\":\"squares\"}\n", "line 2 is '{\"experiment\":'")]
    [InlineData("{\"a\":1}\n", "line 1 is '{\"a\":1}'")]
    [InlineData("{\"experiment\":1,\"experiment\":2}\n", "line 1 is '{\"experiment\":1,\"experiment\":2}'")]
    public void A_file_that_holds_something_else_is_refused_and_kept(string text, string message)
    {
        using TemporaryFolder folder = new();
        string path = folder.File("r.jsonl");
        File.WriteAllText(path, text);
        DataFormatException refused = Assert.Throws<DataFormatException>(() => RowFile.Open(path));
        Assert.Equal($"{path}: {message}, expected a row of an experiment in JSON", refused.Message);
        Assert.Equal(text, File.ReadAllText(path));
    }

    [Theory]
    [InlineData("speed=3", "--set: squares has no setting 'speed'; it has numbers, factor, most, colour, is-fast")]
    [InlineData("factor", "--set: 'factor' has no value, factor=… expected (number from 0)")]
    [InlineData("factor=-1", "--set: factor=-1 given, number from 0 expected")]
    [InlineData("factor=NaN", "--set: factor=NaN given, number from 0 expected")]
    [InlineData("numbers=1,101", "--set: numbers=1,101 given, list of whole numbers from 1 to 100 expected")]
    [InlineData("numbers=1,1", "--set: numbers=1,1 given, list of whole numbers from 1 to 100 expected")]
    [InlineData("numbers=", "--set: numbers= given, list of whole numbers from 1 to 100 expected")]
    [InlineData("colour=blue", "--set: colour=blue given, red|green expected")]
    [InlineData("is-fast=maybe", "--set: is-fast=maybe given, true|false expected")]
    public void Wrong_settings_name_what_is_expected(string assignment, string message) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => new SquaresExperiment().Prepare([assignment])).Message);

    [Fact]
    public void Full_settings_are_the_papers_unless_set()
    {
        using TemporaryFolder folder = new();
        using RowFile file = RowFile.Open(folder.File("r.jsonl"));
        using Device device = Devices.Open("cpu:scalar");
        using CommandQueue queue = device.CreateQueue();
        new SquaresExperiment().Prepare(["numbers=2,4"], isFull: true).Execute(queue, "f64", file, new Collect(), TestContext.Current.CancellationToken);
        Assert.Equal([12.0, 48], file.Rows.Where(r => !r.IsVerdict).Select(r => r.Number("square")));
        Assert.Equal(5, new SquaresExperiment().Prepare([], isFull: true).RowCount);
    }

    [Fact]
    public void A_type_that_the_experiment_does_not_run_in_is_refused()
    {
        using TemporaryFolder folder = new();
        using RowFile file = RowFile.Open(folder.File("r.jsonl"));
        using Device device = Devices.Open("cpu:scalar");
        using CommandQueue queue = device.CreateQueue();
        Assert.Equal("--type: squares runs in f64, f32 given", Assert.Throws<ArgumentException>(() => new SquaresExperiment().Prepare([]).Execute(queue, "f32", file, new Collect(), TestContext.Current.CancellationToken)).Message.Split(" (")[0]);
    }

    [Fact]
    public void Progress_grows_with_the_work_done()
    {
        using TemporaryFolder folder = new();
        Collect told = new();
        Run(new SquaresExperiment(), folder.File("r.jsonl"), told);
        Assert.Equal([0, 0.5 / 6, 1 / 6.0, 1 / 6.0, 2 / 6.0, 0.5, 0.5, 4.5 / 6, 1], told.All.Select(p => p.Share));
        Assert.Equal(("number=3", "done", true, 3), (told.All[^1].Row, told.All[^1].Text, told.All[^1].IsRowDone, told.All[^1].Rows));
    }

    private static IReadOnlyList<Expectation> Run(SquaresExperiment experiment, string path, params string[] settings) => Run(experiment, path, new Collect(), settings);

    private static IReadOnlyList<Expectation> Run(SquaresExperiment experiment, string path, Collect told, params string[] settings)
    {
        using Device device = Devices.Open("cpu:scalar");
        using CommandQueue queue = device.CreateQueue();
        using RowFile file = RowFile.Open(path);
        return experiment.Prepare(settings).Execute(queue, "f64", file, told, experiment.Cancellation.Token);
    }

    private sealed class Collect : IProgress<RunProgress>
    {
        public List<RunProgress> All { get; } = [];

        public void Report(RunProgress value) => All.Add(value);
    }
}
