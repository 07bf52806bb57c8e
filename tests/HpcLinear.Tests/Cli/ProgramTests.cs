using HpcLinear.Cli;
using Xunit;

namespace HpcLinear.Tests.Cli;

public sealed class ProgramTests
{
    [Theory]
    [InlineData("unknown verb 'frob'; see hpclinear --help", "frob")]
    [InlineData("unknown option '--frob'; see hpclinear bench --help", "bench", "--frob")]
    [InlineData("an argument is missing; see hpclinear verify --help", "verify")]
    [InlineData("option --min has a value that cannot be read; see hpclinear bench --help", "bench", "--min", "soon")]
    [InlineData("option --csv needs a value; see hpclinear bench --help", "bench", "--csv")]
    [InlineData("option --target needs a value; see hpclinear explain --help", "explain", "gemm m4 n4 k4", "--target", "--json")]
    [InlineData("option --threads is given twice; see hpclinear bench --help", "bench", "--threads", "1", "--threads", "2")]
    [InlineData("--type: f32 or f64 expected, 'f16' given", "verify", ".", "--type", "f16")]
    [InlineData("target: 'gpu' is not known; expected cpu, cpu:avx512, cpu:avx2, cpu:portable, cpu:scalar or opencl:N", "demo", "--target", "gpu")]
    [InlineData("--csv: one target a file expected, 2 given (cpu:scalar,cpu:portable)", "bench", "--target", "cpu:scalar", "--target", "cpu:portable", "--csv", "x.csv")]
    [InlineData("--min: seconds from 0 to 3600 expected, -1 given", "bench", "--min", "-1")]
    [InlineData("no-such-file: no such file, expected a file of problems, one a line", "bench", "--problems", "no-such-file")]
    [InlineData("gemm: 'k' is missing in 'gemm m1 n2', expected e.g. k64", "explain", "gemm m1 n2")]
    public void A_wrong_call_is_one_line_and_exit_code_2(string message, params string[] args)
    {
        CommandLine run = CommandLine.Run(args);
        Assert.Equal(2, run.ExitCode);
        Assert.Equal($"hpclinear: {message}", run.Error.TrimEnd());
    }

    [Fact]
    public void A_wrong_filter_is_refused() => Assert.Equal(2, CommandLine.Run("bench", "--filter", "(").ExitCode);

    [Theory]
    [InlineData("--help")]
    [InlineData("help")]
    [InlineData("verify", "--help")]
    [InlineData("help", "bench")]
    public void Help_is_not_an_error(params string[] args)
    {
        CommandLine run = CommandLine.Run(args);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("Exit codes:", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("devices")]
    [InlineData("demo")]
    [InlineData("verify")]
    [InlineData("bench")]
    [InlineData("explain")]
    [InlineData("train")]
    [InlineData("run")]
    [InlineData("plot")]
    public void Help_of_a_verb_shows_examples(string verb) =>
        Assert.Contains($"hpclinear {verb}", CommandLine.Run(verb, "--help").Output, StringComparison.Ordinal);

    [Fact]
    public void No_verb_shows_help_and_is_an_error()
    {
        CommandLine run = CommandLine.Run();
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("usage: hpclinear VERB", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_is_one_line()
    {
        CommandLine run = CommandLine.Run("--version");
        Assert.Equal(0, run.ExitCode);
        Assert.Matches(@"^hpclinear \d+\.\d+\.\d+$", run.Output.TrimEnd());
    }

    [Fact]
    public void Interruption_exits_130()
    {
        using CancellationTokenSource interrupted = new();
        interrupted.Cancel();
        using StringWriter output = new(), error = new();
        Assert.Equal(130, Program.Run(["verify", Repository.GoldenConv], output, error, false, interrupted.Token));
    }

    [Theory]
    [InlineData("a --target=x,y b", "a", "--target", "x", "b", "--target=y")]
    [InlineData("a --target", "a", "--target")]
    [InlineData("a -- --target x", "a", "--", "--target", "x")]
    [InlineData("verify --help", "help", "verify")]
    public void Repeated_targets_are_joined(string expected, params string[] args) => Assert.Equal(expected, string.Join(' ', Arguments.Prepare(args)));

    [Fact]
    public void Devices_lists_every_target_and_why_others_are_refused()
    {
        CommandLine run = CommandLine.Run("devices", "--explain");
        Assert.Equal(0, run.ExitCode);
        foreach (TargetStatus status in Devices.Probe())
        {
            Assert.Contains(status.Target.ToString(), run.Output, StringComparison.Ordinal);
            Assert.Contains(status.Detail, run.Output, StringComparison.Ordinal);
        }

        Assert.Contains("HPCLINEAR_TARGET", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Devices_prints_json()
    {
        using System.Text.Json.JsonDocument document = System.Text.Json.JsonDocument.Parse(CommandLine.Run("devices", "--json").Output);
        Assert.Equal(Devices.Probe().Count, document.RootElement.GetProperty("targets").GetArrayLength());
    }
}
