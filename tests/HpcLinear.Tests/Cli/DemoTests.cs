using System.Text.Json;
using Xunit;

namespace HpcLinear.Tests.Cli;

public sealed class DemoTests
{
    [Fact]
    public void The_quick_demonstration_is_right_on_the_default_target()
    {
        CommandLine run = CommandLine.Run("demo", "--quick", "--target", "cpu", "--json");
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement[] rows = [.. document.RootElement.GetProperty("rows").EnumerateArray()];
        Assert.Equal(2 * 9, rows.Length);
        Assert.All(rows, row => Assert.True(row.GetProperty("is_right").GetBoolean()));
    }
}
