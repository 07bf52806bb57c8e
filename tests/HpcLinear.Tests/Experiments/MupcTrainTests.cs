using HpcLinear.Data;
using HpcLinear.Experiments;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Experiments;

public sealed class MupcTrainTests : IDisposable
{
    private const string Arms = "mupc-activities,mupc-errors,mupc-bp,sp-activities,sp-errors,sp-bp";

    private readonly TemporaryFolder folder = new();

    public MupcTrainTests()
    {
        foreach ((string part, int samples) in new[] { ("train", 64), ("t10k", 30) })
        {
            Random random = new(samples);
            byte[] images = new byte[samples * 36], labels = new byte[samples];
            random.NextBytes(images);
            for (int i = 0; i < samples; i++)
            {
                labels[i] = (byte)(i % 10);
                images.AsSpan((i * 36) + (3 * labels[i]), 3).Fill(255);
            }

            IdxFile.Write(folder.File($"{part}-images-idx3-ubyte"), [samples, 6, 6], images);
            IdxFile.Write(folder.File($"{part}-labels-idx1-ubyte"), [samples], labels);
        }
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_arm_trains_and_a_finished_run_computes_nothing_again()
    {
        Cli.CommandLine run = Run("data=" + folder.Path);
        Assert.True(run.ExitCode is 0 or 1, run.Error);
        IReadOnlyList<Row> all = RowFile.Read(folder.File("r.jsonl"));
        Row[] rows = [.. all.Where(r => !r.IsVerdict)];
        Assert.Equal(Arms.Split(','), rows.Select(r => r.Text("arm")));
        Assert.All(rows, r =>
        {
            Assert.Equal("trained", r.Text("outcome"));
            Assert.Equal(12, r.Number("updates"));
            Assert.InRange(r.Number("test_accuracy"), 0, 1);
            Assert.Equal(r.Number("test_accuracy"), r.Numbers("test_accuracies")[^1]);
            Assert.Equal([3.0, 6, 9, 12], r.Numbers("test_updates"));
            Assert.Equal(Enumerable.Range(1, 12).Select(u => (double)u), r.Numbers("curve_updates"));
            Assert.All(r.Numbers("curve_accuracies"), a => Assert.InRange(a, 0, 1));
            Assert.All(r.Numbers("curve_losses"), l => Assert.True(double.IsFinite(l) && l > 0));
        });

        // Back-propagation of three epochs has learned something, from losses of another size at the start.
        Assert.All(rows.Where(r => r.Text("arm") == "mupc-bp"), r => Assert.True(r.Numbers("curve_losses")[^1] < r.Numbers("curve_losses")[0]));
        byte[] bytes = File.ReadAllBytes(folder.File("r.jsonl"));
        Assert.Contains("6 rows there", Run("data=" + folder.Path).Output, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(folder.File("r.jsonl")));

        // With all rows there the data may be gone; other settings need them.
        Assert.Equal(run.ExitCode, Run("data=" + folder.File("gone")).ExitCode);
        Cli.CommandLine gone = Run("data=" + folder.File("gone"), "rate=0.01");
        Assert.Equal((2, $"hpclinear: {folder.File("gone")}: no such folder, expected a folder of data"), (gone.ExitCode, gone.Error.TrimEnd()));
        Assert.Equal(bytes, File.ReadAllBytes(folder.File("r.jsonl")));
    }

    [Theory]
    [InlineData("train-labels-idx1-ubyte", ": none of the files looked for, expected train-labels-idx1-ubyte")]
    [InlineData("t10k-images-idx3-ubyte", ": none of the files looked for, expected t10k-images-idx3-ubyte")]
    public void Missing_files_are_named_and_leave_no_rows(string missing, string message)
    {
        File.Delete(folder.File(missing));
        Cli.CommandLine run = Run("data=" + folder.Path);
        Assert.Equal(2, run.ExitCode);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.StartsWith($"hpclinear: {folder.Path}{message}", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("r.jsonl")));
    }

    private Cli.CommandLine Run(params string[] settings) => Cli.CommandLine.Run(
    [
        "run", "mupc-train", "--target", "cpu:portable", "--threads", "1", "--out", folder.File("r.jsonl"),
        .. new[] { "hidden=3", "width=8", "batch=16", "epochs=3", "seeds=1", $"arms={Arms}" }.Concat(settings).SelectMany(s => new[] { "--set", s }),
    ]);
}
