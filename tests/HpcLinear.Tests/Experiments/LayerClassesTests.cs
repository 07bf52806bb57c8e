using HpcLinear.Experiments;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Experiments;

public sealed class LayerClassesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("lcn-twins", "nets=2-2/s1-1,2-3/s1-1,3-2/s2-1,2x2-2x2/s1x1-1x1", "starts=60")]
    [InlineData("lcn-exchange", "nets=2x2-2x2/s1x1-1x1", "deltas=0,0.001,0.01,1")]
    public void Small_settings_agree_with_the_theorem(string experiment, params string[] settings)
    {
        Cli.CommandLine run = Cli.CommandLine.Run(["run", experiment, "--target", "cpu:portable", "--set", "seeds=1,2", .. settings.SelectMany(s => (string[])["--set", s]), "--out", folder.File("r.jsonl")]);
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Row[] rows = [.. RowFile.Read(folder.File("r.jsonl")).Where(r => !r.IsVerdict && r.Text("net").Length > 0)];
        Assert.All(rows, r => Assert.Equal(r.Number("kernels_predicted"), r.Number("kernels")));
        Assert.Contains(rows, r => r.Number("kernels") > 1 && r.Number("kernel_spread") > 1e-3 && r.Number("filters_apart") > 1e-3);
    }
}
