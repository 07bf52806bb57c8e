using Xunit;

namespace HpcLinear.Tests.Cli;

public sealed class GoldenCasesTests
{
    [Fact]
    public void Every_target_passes_our_own_golden_cases()
    {
        CommandLine run = CommandLine.Run("verify", Repository.GoldenConv);
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
}
