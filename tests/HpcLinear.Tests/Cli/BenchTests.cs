using System.Text.Json;
using HpcLinear.Cli.Bench;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Cli;

public sealed class BenchTests
{
    [Fact]
    public void Csv_rows_have_the_columns_of_a_comparison()
    {
        using TemporaryFolder folder = new();
        CommandLine run = CommandLine.Run("bench", "G1 gemm m=24 n=20 k=16", "C1 conv n=2 ic=3 oc=4 g=1 in=9x9 k=3x3 s=2x2 p=1x1 d=1x1", "R1 pc L=2 w=2 b=3 steps=4", "J1 jac L=3 n=5 p=2", "--target", "cpu:portable", "--threads", "1", "--min", "0", "--csv", folder.File("out.csv"));
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        string[] lines = File.ReadAllLines(folder.File("out.csv"));
        Assert.Equal("problem,peer,threads,dtype,seconds_median,gflops,seconds_best", lines[0]);
        Assert.Equal(["G1", "C1:fwd", "C1:bwdd", "C1:bwdw", "R1", "R1:grads", "R1:minibatch", "J1:jv", "J1:jtu", "J1:K"], lines.Skip(1).Select(l => l.Split(',')[0]));
        Assert.All(lines.Skip(1), l => Assert.Matches(@"^[^,]+,hpclinear,1,f32,\d\.\d{4}E-\d{3},\d+\.\d\d,\d\.\d{4}E-\d{3}$", l));
    }

    [Theory, AllTargets]
    public void Relaxations_in_errors_have_a_row_for_descent_and_each_solver(Target target)
    {
        foreach (string text in new[] { "relax_errors n5 d3x4x4x2 tanh mupc skip", "relax_errors n3 d2x5x3 gelu post bias ce", "relax_errors n2 d2x2" })
        {
            CommandLine run = CommandLine.Run("bench", text, "--target", target.ToString(), "--min", "0", "--json", "--type", "f64");
            using JsonDocument document = JsonDocument.Parse(run.Output);
            Assert.Equal([text, $"{text}:cg", $"{text}:gauss-newton"], document.RootElement.GetProperty("rows").EnumerateArray().Select(r => r.GetProperty("problem").GetString()));
            Assert.All(document.RootElement.GetProperty("rows").EnumerateArray(), r => Assert.StartsWith("ok", r.GetProperty("check").GetString(), StringComparison.Ordinal));
        }

        Assert.Contains("Gauss-Newton iteration", CommandLine.Run("explain", "relax_errors n5 d3x4x4x2 tanh mupc skip", "--target", target.ToString()).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_filter_chooses_problems_or_rows()
    {
        CommandLine run = CommandLine.Run("bench", "C1 conv n=1 ic=1 oc=1 g=1 in=9 k=3 s=1 p=1 d=1", "G1 gemm m=4 n=4 k=4", "--filter", ":bwdw$", "--target", "cpu:portable", "--min", "0", "--json", "--type", "f64");
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement row = Assert.Single(document.RootElement.GetProperty("rows").EnumerateArray());
        Assert.Equal(("C1:bwdw", "f64", "ok"), (row.GetProperty("problem").GetString(), row.GetProperty("type").GetString(), row.GetProperty("check").GetString()));
    }

    [Fact]
    public void A_filter_that_matches_nothing_is_refused() => Assert.Equal(2, CommandLine.Run("bench", "gemm m4 n4 k4", "--filter", "^nothing$", "--min", "0").ExitCode);

    [Theory]
    [InlineData("hpclinear: --threads: a number from 1 to 1024, or 0 for one a processor, expected, -3 given", "--threads", "-3")]
    [InlineData("hpclinear: --csv: ", "--csv", "/no such folder/out.csv")]
    public void Wrong_options_are_named(string message, params string[] options)
    {
        CommandLine run = CommandLine.Run(["bench", "gemm m4 n4 k4", "--target", "cpu:portable", "--min", "0", .. options]);
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith(message, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_problems_that_the_machine_cannot_have_end_like_a_wrong_call()
    {
        CommandLine run = CommandLine.Run("bench", "gemm m300000000 n300000000 k1", "--target", "cpu:portable", "--min", "0");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("skipped: cpu:portable: 360000000000000000 bytes requested", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, CommandLine.Run("bench", "gemm m300000000 n300000000 k1", "gemm m4 n4 k4", "--target", "cpu:portable", "--min", "0").ExitCode);
    }

    [Fact]
    public void A_file_without_problems_is_refused()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("none.txt"), "# nothing\n");
        CommandLine run = CommandLine.Run("bench", "--problems", folder.File("none.txt"));
        Assert.Equal((2, $"hpclinear: --problems: no problem in {folder.File("none.txt")}"), (run.ExitCode, run.Error.TrimEnd()));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1e-3, false)]
    [InlineData(double.NaN, false)]
    public void A_wrong_result_is_noticed(double error, bool passes)
    {
        float[] got = [1, 2, (float)(3 + error)];
        Assert.Equal(passes, BenchCheck.Of<float>(got, [1, 2, 3], [1, 2, 3], terms: 9, total: 3).Passed);
    }

    [Fact]
    public void A_wrong_result_has_no_time_in_a_comparison()
    {
        BenchRow row = new("a,b", "cpu", 2, "f32", 1, 1, 1, 1, 1, "FAILED", IsWrong: true);
        Assert.Equal("\"a,b\",hpclinear,2,f32,nan,nan,nan", row.ToCsv());
    }

    [Fact]
    public void Random_elements_are_exact_in_float32_and_never_zero()
    {
        double[] elements = new RandomOperand(3, 10000).ToArray();
        Assert.All(elements, x => Assert.True(x == (float)x && Math.Abs(x) is > 1e-8 and < 1));
        Assert.InRange(elements.Average(), -0.05, 0.05);
        Assert.Equal(elements.Length, elements.Distinct().Count(), 20.0);
    }

    [Theory]
    [InlineData("conv n2 c4 k6 g2 i7x6 f3x2 s2x1 d1x2 lo1x0 hi2x1")]
    [InlineData("conv n1 c2 k3 i3x4 f3x3 s1x2 lo7x2 hi6x5 circular true")]
    [InlineData("conv n1 c2 k2 i5x4x3 f2x3x2 s1x2x1 d2x1x1 pad2x1x1 reflect")]
    [InlineData("conv n3 c1 k2 i6 f4 s3 lo5 hi2 replicate")]
    [InlineData("conv p3 sharedx n2 c2 k2 i6 f3 s2 pad1")]
    [InlineData("conv p3 sharedw n2 c2 k4 g2 i5x4 f2x2 same_lower")]
    [InlineData("conv n1 c1 k1 i9x9 f3x3 lo-2x1 hi1x-1")]
    public void Single_elements_agree_with_the_reference(string text)
    {
        ConvolutionDescriptor d = ConvolutionDescriptor.Parse(text);
        RandomOperand x = new(1, d.InputShape.ElementCount), w = new(2, d.FilterShape.ElementCount), dy = new(3, d.OutputShape.ElementCount);
        ConvolutionElements elements = new(d, i => x[i], i => w[i], i => dy[i]);
        double[] y = new double[dy.Count], dx = new double[x.Count], dw = new double[w.Count];
        ConvolutionReference.Forward(d, x.ToArray(), w.ToArray(), null, y);
        ConvolutionReference.BackwardInput(d, dy.ToArray(), w.ToArray(), dx);
        ConvolutionReference.BackwardFilter(d, x.ToArray(), dy.ToArray(), dw);
        for (int i = 0; i < y.Length; i++)
        {
            Assert.Equal(y[i], elements.Forward(i).Sum, 1e-13);
        }

        for (int i = 0; i < dx.Length; i++)
        {
            Assert.Equal(dx[i], elements.BackwardInput(i).Sum, 1e-13);
        }

        for (int i = 0; i < dw.Length; i++)
        {
            Assert.Equal(dw[i], elements.BackwardFilter(i).Sum, 1e-13);
        }
    }

    [Fact]
    public void Explain_says_what_runs_and_prints_json()
    {
        CommandLine run = CommandLine.Run("explain", "gemm m64 n64 k64", "--target", "cpu:portable");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("algorithm", run.Output, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(CommandLine.Run("explain", "mb1ic3_ih32_oc16_kh5_sh2", "--target", "cpu:portable", "--json").Output);
        Assert.Equal("mb1ic3_ih32iw32_oc16_oh14ow14_kh5kw5_sh2sw2", document.RootElement.GetProperty("benchdnn").GetString());
    }
}
