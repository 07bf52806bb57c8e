using HpcLinear.Cli.Comparison;
using HpcLinear.Data;
using Xunit;

namespace HpcLinear.Tests.Cli;

public sealed class ComparisonTests
{
    [Fact]
    public void A_file_is_read_as_it_was_written()
    {
        using TemporaryFolder folder = new();
        ComparisonFile file = new();
        file.About.AddRange([("cpu", "A: B, 2 processors"), ("ceiling", new Ceilings("f32", 2, 228.5, 200, 150, 40.5).ToString()), ("problem", "G1 gemm m=4 n=5 k=6")]);
        file.Rows.AddRange([Row("G1", "product", "f32", 2, "hpclinear", 123.5), Row("C1", "bwdw", "f64", 1, "pytorch/nhwc", 7, state: "recorded"), Row("C1", "fwd", "f64", 1, "onednn", double.NaN, state: "failed")]);
        file.Write(folder.File("c.csv"));

        ComparisonFile read = ComparisonFile.Read(folder.File("c.csv"));
        Assert.Equal(file.About, read.About);
        Assert.Equal(file.Rows, read.Rows);
        Assert.Equal("A: B, 2 processors", read.Cpu);
        Assert.Equal(new Ceilings("f32", 2, 228.5, 200, 150, 40.5), Assert.Single(read.Ceilings));
        Assert.Equal("G1", Assert.Single(read.Problems).Id);
        Assert.Equal(["G1", "C1:bwdw", "C1:fwd"], read.Rows.Select(r => r.Name));
    }

    [Theory]
    [InlineData("", "no row")]
    [InlineData("problem,peer,threads", "line 1 is 'problem,peer,threads'")]
    [InlineData(ComparisonRow.Header, "no row")]
    [InlineData(ComparisonRow.Header + "\nG1,product,f32,1,hpclinear,1,1,0.5,fast,ok", "line 2 is 'G1,product,f32,1,hpclinear,1,1,0.5,fast,ok'")]
    [InlineData(ComparisonRow.Header + "\nG1,product,f16,1,hpclinear,1,1,0.5,1,ok", "line 2 is")]
    [InlineData("# cpu: x\n\n" + ComparisonRow.Header + "\nG1,product,f32", "line 4 is 'G1,product,f32'")]
    public void What_is_no_comparison_is_refused_by_its_line(string text, string found)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("c.csv"), text);
        Assert.Contains(found, Assert.Throws<DataFormatException>(() => ComparisonFile.Read(folder.File("c.csv"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cell_is_the_median_of_the_rounds_of_the_fastest_form()
    {
        ComparedRow row = Assert.Single(Assert.Single(ComparisonTable.Of([
            Row("C03n1", "fwd", "f32", 1, "hpclinear", 50, 1), Row("C03n1", "fwd", "f32", 1, "hpclinear", 90, 2), Row("C03n1", "fwd", "f32", 1, "hpclinear", 60, 3),
            Row("C03n1", "fwd", "f32", 1, "pytorch", 70), Row("C03n1", "fwd", "f32", 1, "pytorch/nhwc", 80), Row("C03n1", "fwd", "f32", 1, "onednn", 1000, state: "failed"),
        ])).Rows);
        Assert.Equal((60, "pytorch/nhwc", 0.75), (row.Ours, row.Best!.Engine, row.Ratio));
    }

    [Fact]
    public void Recorded_figures_stand_in_only_where_nothing_runs_or_where_the_group_says_so()
    {
        ComparisonTable table = Assert.Single(ComparisonTable.Of(
        [
            Row("G256", "product", "f32", 1, "hpclinear", 100), Row("G256", "product", "f32", 1, "onednn", 90), Row("G256", "product", "f32", 1, "pytorch", 200, state: "recorded"),
            Row("C40", "fwd", "f32", 1, "hpclinear", 100), Row("C40", "fwd", "f32", 1, "pytorch", 200, state: "recorded"),
            Row("P01", "fwd", "f32", 1, "hpclinear", 10), Row("P01", "fwd", "f32", 1, "onednn", 1), Row("P01", "fwd", "f32", 1, "pytorch/groups", 5, state: "recorded"),
            Row("L01", "compose", "f32", 1, "hpclinear", 10),
            Row("G512", "product", "f32", 1, "onednn", 10),
        ]));
        Assert.Equal(["onednn", "pytorch", "pytorch/groups", null], table.Rows.Select(r => r.Best?.Engine));
        Assert.Equal([100 / 90.0, 0.5, 2, double.NaN], table.Rows.Select(r => r.Ratio));
    }

    [Fact]
    public void Groups_are_geometric_means_and_weigh_the_same()
    {
        ComparisonTable table = Assert.Single(ComparisonTable.Of([.. Pair("G64", 2), .. Pair("G128", 8), .. Pair("B8", 1), .. Pair("X1", 100)]));
        Assert.Equal([("GEMM, small", 2), ("GEMM, batched", 1)], table.Groups.Select(g => (g.Group.Name, g.Rows)));
        Assert.Equal((4, 2), (table.Groups[0].Ratio, table.Groups[0].Worst));
        Assert.Equal(2, table.Overall, 1e-12);

        static ComparisonRow[] Pair(string problem, double ratio) => [Row(problem, "product", "f32", 1, "hpclinear", ratio), Row(problem, "product", "f32", 1, "onednn", 1)];
    }

    [Theory]
    [InlineData("G512", "product", "GEMM, large")]
    [InlineData("S32x2048", "product", "GEMM, large")]
    [InlineData("G256", "product", "GEMM, small")]
    [InlineData("S128x512", "product", "GEMM, small")]
    [InlineData("B64", "product", "GEMM, batched")]
    [InlineData("C09n32", "fwd", "convolution, forward")]
    [InlineData("C31", "bwdd", "convolution, gradients")]
    [InlineData("C21", "bwdw", "convolution, gradients")]
    [InlineData("C21", "bwdd", "input gradient, stride 2")]
    [InlineData("C01n1", "bwdd", "input gradient, stride 2")]
    [InlineData("C10n32", "bwdd", "depthwise")]
    [InlineData("C40", "fwd", "four axes")]
    [InlineData("P03", "bwdw", "own filters")]
    [InlineData("L01", "compose", "composition")]
    [InlineData("R008w128", "relax", null)]
    public void Every_row_of_the_list_has_its_group(string problem, string operation, string? group) => Assert.Equal(group, ProblemGroup.Of(problem, operation)?.Name);

    [Theory]
    [InlineData("product", "G256")]
    [InlineData("compose", "G256")]
    [InlineData("relax", "G256")]
    [InlineData("grads", "G256:grads")]
    [InlineData("bwdw", "G256:bwdw")]
    public void Rows_are_named_as_the_benchmark_names_them(string operation, string name) => Assert.Equal(name, Row("G256", operation, "f32", 1, "hpclinear", 1).Name);

    [Theory]
    [InlineData(89, 100, true)] // ours slower, the peer as before
    [InlineData(91, 100, false)]
    [InlineData(75, 80, false)] // both slower: drift
    [InlineData(70, 80, true)]
    [InlineData(100, 150, true)] // the machine is faster, and ours is not
    public void A_regression_is_slower_than_drift_explains(double ours, double peer, bool isRegression)
    {
        // Four rows drift like the peer; the third is ours to watch.
        IEnumerable<ComparisonRow> before = Run(100, 100, 100), now = Run(100 * peer / 100, peer, ours);
        IReadOnlyList<Regression> found = Regression.Find(before, now);
        Assert.Equal(isRegression ? ["G256"] : [], found.Select(r => r.Row.Name));
    }

    [Fact]
    public void One_noisy_figure_of_a_peer_makes_nothing_of_ours_slow()
    {
        IEnumerable<ComparisonRow> now = Run(100, 100, 100).Select(r => r.Engine == "onednn" && r.Problem == "G256" ? r with { Gflops = 150 } : r);
        Assert.Empty(Regression.Find(Run(100, 100, 100), now));
    }

    [Fact]
    public void Without_peers_nothing_is_put_down_to_drift()
    {
        ComparisonRow[] before = [Row("L01", "compose", "f32", 1, "hpclinear", 10)], now = [Row("L01", "compose", "f32", 1, "hpclinear", 8.9)];
        Assert.Equal(0.89, Assert.Single(Regression.Find(before, now)).Change, 1e-9);
        Assert.Empty(Regression.Find(before, [Row("L02", "compose", "f32", 1, "hpclinear", 1)]));
    }

    private static IEnumerable<ComparisonRow> Run(double other, double peer, double watched) =>
        from problem in (string[])["G64", "G128", "G256", "G512"]
        from engine in (string[])["hpclinear", "onednn"]
        select Row(problem, "product", "f32", 1, engine, engine == "onednn" ? peer : problem == "G256" ? watched : other);

    private static ComparisonRow Row(string problem, string operation, string type, int threads, string engine, double gflops, int round = 1, string state = "ok") =>
        new(problem, operation, type, threads, engine, "1.0", round, 2, gflops, state);
}
