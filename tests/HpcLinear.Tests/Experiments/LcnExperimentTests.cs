using HpcLinear.Experiments;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Experiments;

/// <summary>Experiments on linear convolutional networks with small settings: rows are complete and expectations that need no large sample hold.</summary>
public sealed class LcnExperimentTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Flows_of_weights_and_of_filters_are_one()
    {
        Row[] rows = Run("lcn-flow", agrees: true, "nets=3-2/s2-1,2x2-3x3/s1x1-1x1,2-2/s1-1", "deltas=0.5", "seeds=1,2", "times=0.25,0.5");
        Assert.Equal(12, rows.Length);
        Assert.All(rows.Where(r => r.Text("net") != "2-2/s1-1"), r => Assert.True(r.Text("status") == "Finished" && r.Number("difference") is >= 0 and < 1e-10));
    }

    [Fact]
    public void Shares_of_crossings_are_near_known_ones()
    {
        Row[] rows = Run("lcn-crossing", agrees: true, "networks=400", "deltas=0,1");
        Assert.Equal(6, rows.Length);
        Assert.All(rows, r => Assert.InRange(r.Number("share"), 0, 0.6));
        Assert.Equal(0, rows[0].Number("share"));
        Assert.True(rows[1].Number("share") > 0.2);
    }

    [Theory]
    [InlineData("f64")]
    [InlineData("f32")]
    public void Integrators_drift_as_they_should(string type)
    {
        Row[] rows = Run("lcn-drift", agrees: true, type, "networks=16", "nets=2-3-2/s2-2-1", "horizon=1", "tolerances=0.0001,0.00000001", "steps=0.04,0.02");
        Assert.Equal(10, rows.Length);
        Assert.All(rows, r => Assert.Equal(0, r.Number("unfinished")));
    }

    [Fact]
    public void Basins_are_counted()
    {
        Row[] rows = Run("lcn-basins", agrees: false, "networks=200", "phase-networks=50", "targets=2", "nets=3-2/s2-1,2-2/s2-1", "deltas=1", "scales=1", "phase-targets=1", "phase-horizon=300");
        Assert.Equal(5, rows.Length);
        Assert.All(rows, r =>
        {
            Assert.Equal(1, r.Numbers("shares").Sum(), 0.2);
            Assert.All(r.Numbers("losses"), l => Assert.InRange(l, -0.5000001, 1e-6));
        });
        Assert.All(rows.Where(r => r.Text("net") == "2-2/s2-1" && r.Text("part") == "limits"), r => Assert.Single(r.Numbers("shares"), s => s > 0.01));
    }

    private Row[] Run(string experiment, bool agrees, params string[] settings)
    {
        string file = folder.File($"{experiment}.jsonl");
        bool typed = settings[0] is "f32" or "f64";
        string[] type = typed ? ["--type", settings[0]] : [];
        string[] assignments = [.. settings.Skip(typed ? 1 : 0).SelectMany(s => (string[])["--set", s])];
        Cli.CommandLine run = Cli.CommandLine.Run(["run", experiment, "--target", "cpu:portable", "--out", file, .. type, .. assignments]);
        Assert.True(agrees ? run.ExitCode == 0 : run.ExitCode is 0 or 1, run.Output + run.Error);
        return [.. RowFile.Read(file).Where(r => !r.IsVerdict)];
    }
}
