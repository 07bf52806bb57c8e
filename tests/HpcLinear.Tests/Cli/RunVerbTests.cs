using System.Xml.Linq;
using HpcLinear.Experiments;
using Xunit;

namespace HpcLinear.Tests.Cli;

public sealed class RunVerbTests
{
    private static readonly string[] SmallTheory = ["run", "pc-theory", "--target", "cpu:portable", "--set", "depths=1,2,3", "--set", "nets=mupc-skips,sp", "--set", "widths=4", "--set", "draws=20", "--set", "draw-width=8", "--set", "samples=2"];

    private static readonly string[] SmallConditioning = ["run", "pc-conditioning", "--target", "cpu:portable", "--set", "depths=4,8", "--set", "seeds=1", "--set", "samples=2"];

    [Fact]
    public void Theory_agrees_with_relaxation()
    {
        using TemporaryFolder folder = new();
        CommandLine run = CommandLine.Run([.. SmallTheory, "--out", folder.File("r.jsonl")]);
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.StartsWith("pc-theory agrees; pictures: hpclinear plot ", run.LastLine, StringComparison.Ordinal);
        IReadOnlyList<Row> rows = RowFile.Read(folder.File("r.jsonl"));
        Assert.Equal("agrees", rows[^1].Text("verdict"));
        Assert.All(rows.Where(r => r.Text("part") == "equilibrium"), r => Assert.InRange(r.Number("energy_error"), 0, 1e-9));

        // Nothing is left to do.
        CommandLine again = CommandLine.Run([.. SmallTheory, "--out", folder.File("r.jsonl")]);
        Assert.Contains($"{rows.Count - 1} rows to {folder.File("r.jsonl")}, {rows.Count - 1} rows there", again.Output, StringComparison.Ordinal);
        Assert.Equal(rows.Count, RowFile.Read(folder.File("r.jsonl")).Count);
        Picture(folder, "ratio", "loss / F*", "N = 4", "mupc-skips");
        Picture(folder, "mean", "trace S / n_L - 1", "Mean of S over networks (markers) and its closed form (lines)");
        Picture(folder, "error", "relaxed in activities", "relaxed in errors");
    }

    [Fact]
    public void Conditioning_is_measured_and_drawn()
    {
        using TemporaryFolder folder = new();
        CommandLine run = CommandLine.Run([.. SmallConditioning, "--out", folder.File("r.jsonl")]);
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Row[] rows = [.. RowFile.Read(folder.File("r.jsonl")).Where(r => !r.IsVerdict)];
        Assert.Equal(8, rows.Length);
        Assert.All(rows, r => Assert.Equal(r.Number("cond"), r.Number("eigenvalue_max") / r.Number("eigenvalue_min")));
        Assert.All(rows, r => Assert.InRange(r.Number("error_cg"), 1, 12));
        Assert.All(rows, r => Assert.True(r.Number("gd") <= r.Number("gd_bound") && r.Number("hb") < r.Number("gd") && r.Number("cg") <= r.Number("hb")));
        Picture(folder, "iterations", "muPC, skips", "CG, errors", "iterations");
        Picture(folder, "condition", "λmax / λmin", "depth L, weight layers");
        CommandLine wrong = CommandLine.Run("plot", folder.File("r.jsonl"), "--kind", "pie", "--out", folder.File("p.svg"));
        Assert.Equal((2, "hpclinear: --kind: iterations or condition expected for rows of pc-conditioning, 'pie' given"), (wrong.ExitCode, wrong.Error.TrimEnd()));
    }

    [Fact]
    public void Iterations_above_the_limit_are_not_a_number()
    {
        using TemporaryFolder folder = new();
        CommandLine run = CommandLine.Run([.. SmallConditioning, "--out", folder.File("r.jsonl"), "--set", "limit=3"]);
        Assert.True(run.ExitCode is 0 or 1, run.Error);
        Assert.All(RowFile.Read(folder.File("r.jsonl")).Where(r => !r.IsVerdict), r => Assert.True(double.IsNaN(r.Number("gd")) && r.Number("gd_bound") > 3));
        Picture(folder, "iterations", "descent, bound");
    }

    [Fact]
    public void Experiments_and_their_settings_are_listed()
    {
        CommandLine list = CommandLine.Run("run");
        Assert.Equal(0, list.ExitCode);
        Assert.All(ExperimentList.All, e => Assert.Contains($"{e.Name} ", list.Output, StringComparison.Ordinal));
        foreach (Experiment e in ExperimentList.All)
        {
            CommandLine help = CommandLine.Run("run", e.Name, "--help");
            Assert.Equal((0, ""), (help.ExitCode, help.Error));
            Assert.All(e.Settings, s => Assert.Contains(s.Help, help.Output, StringComparison.Ordinal));
            Assert.NotEmpty(e.Figures);

            // The defaults are what they say.
            Assert.NotEqual(0, e.Prepare(e.Settings.Where(s => s.Default.Length > 0).Select(s => $"{s.Key}={s.Default}").Concat(e.Settings.Any(s => s.Key == "data") ? ["data=here"] : [])).RowCount);
            Assert.Equal(e.Settings.Any(s => s.Full.Length > 0), help.Output.Contains("--full", StringComparison.Ordinal));
            if (e.Settings.Any(s => s.Full.Length > 0))
            {
                Assert.NotEqual(0, e.Prepare(e.Settings.Any(s => s.Key == "data") ? ["data=here"] : [], isFull: true).RowCount);
            }
        }
    }

    [Theory]
    [InlineData("run: unknown experiment 'frob'; there are mupc-train, mupc-depth, mupc-transfer, mupc-ratio, pc-theory, pc-conditioning, lcn-twins, lcn-exchange, lcn-curvature, lcn-flow, lcn-crossing, lcn-drift, lcn-basins", "run", "frob")]
    [InlineData("--type: pc-theory runs in f64, f32 given", "run", "pc-theory", "--type", "f32")]
    [InlineData("mupc-train: no data; set where MNIST's four files lie: --set data=FOLDER", "run", "mupc-train")]
    [InlineData("no-such-folder: no such folder, expected a folder of data", "run", "mupc-train", "--set", "data=no-such-folder")]
    [InlineData("--threads: 1 to 1024 expected, -1 given", "run", "pc-theory", "--threads", "-1")]
    [InlineData("--set: samples=0 given, whole number from 1 to 4096 expected", "run", "pc-theory", "--set", "samples=0")]
    [InlineData("--set: width is given twice", "run", "pc-conditioning", "--set", "width=4", "--set", "width=5")]
    [InlineData("--full: the defaults of pc-theory are its only settings", "run", "pc-theory", "--full")]
    [InlineData("option --set needs a value; see hpclinear run --help", "run", "pc-theory", "--set")]
    public void A_wrong_call_is_one_line(string message, params string[] args)
    {
        using TemporaryFolder folder = new();
        CommandLine run = CommandLine.Run(args[^1] == "--set" ? args : [.. args, "--out", folder.File("r.jsonl")]);
        Assert.Equal((2, true), (run.ExitCode, run.Error.TrimEnd().StartsWith($"hpclinear: {message}", StringComparison.Ordinal)));
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static void Picture(TemporaryFolder folder, string kind, params string[] texts)
    {
        CommandLine svg = CommandLine.Run("plot", folder.File("r.jsonl"), "--kind", kind, "--out", folder.File("p.svg"));
        Assert.True(svg.ExitCode == 0, svg.Error);
        string all = string.Concat(XDocument.Load(folder.File("p.svg")).Root!.DescendantNodes().OfType<XText>().Select(t => t.Value + "\n"));
        Assert.All(texts, text => Assert.Contains(text, all, StringComparison.Ordinal));
        Assert.Equal(0, CommandLine.Run("plot", folder.File("r.jsonl"), "--kind", kind, "--out", folder.File("p.png")).ExitCode);
    }
}
