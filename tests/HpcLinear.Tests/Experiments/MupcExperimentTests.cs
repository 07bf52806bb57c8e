using System.Xml.Linq;
using HpcLinear.Experiments;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Experiments;

/// <summary>The experiments of muPC with small settings, on the program's own digits.</summary>
public sealed class MupcExperimentTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("f64")]
    [InlineData("f32")]
    public void Ratios_are_predicted_of_wide_networks_and_drawn_as_maps(string type)
    {
        Row[] rows = Run("mupc-ratio", type, "hidden=1,2", "widths=16,64", "updates=3");
        Assert.Equal(12, rows.Length);
        Assert.All(rows, r =>
        {
            Assert.Equal("trained", r.Text("outcome"));
            Assert.Equal([0.0, 1, 2, 3], r.Numbers("updates"));
            Assert.Equal((r.Numbers("ratios")[0], r.Numbers("ratios")[3]), (r.Number("ratio_start"), r.Number("ratio_end")));
            Assert.InRange(r.Number("ratio_start"), 1, 1.5);
            Assert.True(r.Number("loss_end") < r.Number("loss_start"));
        });
        Assert.All(rows.Where(r => r.Number("width") == 64), r => Assert.InRange((r.Number("ratio_start") - 1) / (r.Number("predicted") - 1), 0.5, 2));

        // H = 1: S = I + W Wᵀ/N², of mean 1 + 1/N.
        Assert.Equal(1 + (1.0 / 64), rows.First(r => r.Number("hidden") == 1 && r.Number("width") == 64).Number("predicted"), 1e-12);
        string text = Picture("ratio");
        Assert.All(["at initialisation", "predicted there", "after training on F*", "loss / F*", "hidden layers H", "1.02"], t => Assert.Contains(t, text, StringComparison.Ordinal));
        Assert.Contains("H = 2", Picture("training"), StringComparison.Ordinal);
    }

    private Row[] Run(string experiment, string type, params string[] settings)
    {
        Cli.CommandLine run = Cli.CommandLine.Run(
            ["run", experiment, "--target", "cpu:portable", "--type", type, "--out", folder.File("r.jsonl"), .. settings.SelectMany(s => new[] { "--set", s })]);
        Assert.True(run.ExitCode is 0 or 1, run.Output + run.Error);
        return [.. RowFile.Read(folder.File("r.jsonl")).Where(r => !r.IsVerdict)];
    }

    private string Picture(string kind)
    {
        Cli.CommandLine svg = Cli.CommandLine.Run("plot", folder.File("r.jsonl"), "--kind", kind, "--out", folder.File("p.svg"));
        Assert.True(svg.ExitCode == 0, svg.Error);
        return string.Concat(XDocument.Load(folder.File("p.svg")).Root!.DescendantNodes().OfType<XText>().Select(t => t.Value + "\n"));
    }
}
