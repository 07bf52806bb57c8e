using Xunit;

namespace HpcLinear.Tests.Cli;

public sealed class GoldenCasesTests
{
    [Fact]
    public void Every_target_passes_our_own_golden_cases()
    {
        CommandLine run = CommandLine.Run("verify", Repository.GoldenConv, Repository.GoldenPc);
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.Matches("^[1-9][0-9]* passed, 0 failed, [0-9]+ skipped$", run.LastLine);
    }

    [Fact]
    public void Every_target_passes_the_golden_cases_beside_the_repository()
    {
        string folder = Path.Combine(Path.GetDirectoryName(Repository.Root)!, "shared", "vectors", "conv");
        if (!Directory.Exists(folder))
        {
            Assert.Skip("no shared/vectors/conv beside the repository");
        }

        CommandLine run = CommandLine.Run("verify", folder);
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.Matches("^[1-9][0-9]* passed, 0 failed, [0-9]+ skipped$", run.LastLine);
    }

    [Theory]
    [InlineData("equilibrium_activity_decay")]
    [InlineData("equilibrium_mupc_skip_deep")]
    [InlineData("equilibrium_origin_chain")]
    [InlineData("equilibrium_rank_deficient")]
    [InlineData("equilibrium_sp_unequal")]
    [InlineData("origin_hessian_L2")]
    [InlineData("origin_hessian_L3")]
    [InlineData("origin_hessian_L4_skip")]
    public void The_host_passes_the_cases_of_linear_networks_beside_the_repository(string name)
    {
        string folder = Path.Combine(Path.GetDirectoryName(Repository.Root)!, "shared", "vectors", "pc", name);
        if (!Directory.Exists(folder))
        {
            Assert.Skip("no shared/vectors/pc beside the repository");
        }

        CommandLine run = CommandLine.Run("verify", folder);
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.Matches("^[1-9][0-9]* passed, 0 failed, 0 skipped$", run.LastLine);
    }
}
