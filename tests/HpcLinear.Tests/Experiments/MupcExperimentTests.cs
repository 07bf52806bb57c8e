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

    [Fact]
    public void Depth_compares_all_arms_in_one_loop()
    {
        const string Arms = "mupc-paper,mupc-activities,mupc-errors,mupc-bp,mupc-head,sp-paper,sp-bp,sp-skips-errors";
        Row[] rows = Run("mupc-depth", "f32", "hidden=2,6", "activations=tanh,relu", $"arms={Arms}", "width=8", "samples=640");
        Assert.Equal(Arms.Split(','), rows.Take(8).Select(r => r.Text("arm")));
        Assert.Equal(32, rows.Length);
        Assert.All(rows, r => Assert.Equal(("trained", 10.0), (r.Text("outcome"), r.Number("updates"))));
        Assert.All(rows.Where(r => r.Text("arm") == "mupc-head"), r => Assert.Equal(1, r.Number("moved_layers")));
        Assert.All(rows.Where(r => r.Text("arm") is "mupc-bp" or "mupc-errors"), r => Assert.Equal(r.Number("hidden") + 1, r.Number("moved_layers")));

        // The signal law: six short steps reach six layers, but the lowest of them with nothing that Adam would see.
        Assert.All(rows.Where(r => r.Text("arm") == "mupc-paper" && r.Number("hidden") == 6), r => Assert.InRange(r.Number("moved_layers"), 2, 6));
        Assert.Contains("mupc-bp", Picture("accuracy"), StringComparison.Ordinal);
        Assert.Contains("layers moved", Picture("moved"), StringComparison.Ordinal);
    }

    [Fact]
    public void Transfer_marks_the_optimum_of_every_network()
    {
        Row[] rows = Run("mupc-transfer", "f32", "hidden=1,3", "widths=8,16", "depth-width=8", "rates=0.03,0.1", "steps=0.1,0.3", "samples=640");
        Assert.Equal([(8, 1), (16, 1), (8, 3)], rows.Select(r => ((int)r.Number("width"), (int)r.Number("hidden"))).Distinct());
        Assert.Equal(3 * 3 * 2, rows.Length);
        Assert.All(rows, r => Assert.Equal(("trained", 10.0, 5), (r.Text("outcome"), r.Number("updates"), r.Numbers("curve_losses").Count)));
        foreach (string kind in (string[])["widths", "depths"])
        {
            Assert.All(["N = 8, H = 1", kind == "widths" ? "N = 16, H = 1" : "N = 8, H = 3", "least of a panel", "0.03", "0.3"], t => Assert.Contains(t, Picture(kind), StringComparison.Ordinal));
        }

        Assert.Contains("layers moved", Picture("moved"), StringComparison.Ordinal);
        Assert.Contains("depths, back-propagation", Picture("rates"), StringComparison.Ordinal);
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
