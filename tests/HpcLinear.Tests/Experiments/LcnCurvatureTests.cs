using HpcLinear.Experiments;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Experiments;

public sealed class LcnCurvatureTests
{
    [Fact]
    public void Curvatures_measured_in_function_space_agree_with_the_closed_form()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("r.jsonl");
        Cli.CommandLine run = Cli.CommandLine.Run("run", "lcn-curvature", "--target", "cpu:portable", "--out", path,
            "--set", "nets=line3-strided,plane2", "--set", "deltas=0,2", "--set", "scales=0.5,2", "--set", "seeds=3");
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Row[] rows = [.. RowFile.Read(path).Where(r => !r.IsVerdict)];
        Assert.Equal(8, rows.Length);
        Assert.All(rows, r =>
        {
            Assert.InRange(r.Number("metric_error"), 1e-12, 1e-3);
            Assert.InRange(r.Number("length_error"), 0, 1e-8);
            Assert.Equal(r.Numbers("norms").Min(), r.Number("smallest"));
        });

        // Differences make the radial planes curved.
        Assert.All(rows, r => Assert.Equal(r.Number("delta") > 0, Math.Abs(r.Numbers("radial_measured")[0]) > 1e-3));

        // A coarser step is worse by its square: what is measured is a finite difference and no formula.
        string coarse = folder.File("c.jsonl");
        Cli.CommandLine.Run("run", "lcn-curvature", "--target", "cpu:portable", "--out", coarse, "--set", "nets=plane2", "--set", "deltas=2", "--set", "scales=2", "--set", "seeds=3", "--set", "step=0.008");
        double ratio = RowFile.Read(coarse)[0].Number("metric_error") / rows.Single(r => r.Text("net") == "plane2" && r.Number("delta") == 2 && r.Number("scale") == 2).Number("metric_error");
        Assert.InRange(ratio, 14, 18);
    }
}
