using System.Numerics;
using HpcLinear.Cpu;
using Xunit;

namespace HpcLinear.Tests.Cpu;

public sealed class ThreadPlacementTests
{
    [Fact]
    public void A_sleeper_gives_up_one_processor_and_gets_it_back()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("threads are placed on Linux only");
        }

        using SemaphoreSlim ready = new(0), wake = new(0);
        Placed placed = new();
        List<int> allowed = [];
        Thread sleeper = new(() =>
        {
            placed.Placement = ThreadPlacement.Current();
            for (int round = 0; round < 3; round++)
            {
                allowed.Add(Allowed("/proc/thread-self/status"));
                ready.Release();
                wake.Wait();
                allowed.Add(Allowed("/proc/thread-self/status"));
                placed.Placement.Restore();
            }

            allowed.Add(Allowed("/proc/thread-self/status"));
        });
        sleeper.Start();
        for (int round = 0; round < 3; round++)
        {
            ready.Wait(TestContext.Current.CancellationToken);
            placed.Placement.KeepAway();
            wake.Release();
        }

        sleeper.Join();
        int all = Allowed("/proc/thread-self/status"), fewer = Math.Max(all - 1, 1);
        Assert.Equal([all, fewer, all, fewer, all, fewer, all], allowed);
    }

    [Fact]
    public void A_team_that_woke_up_may_run_everywhere()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("threads are placed on Linux only");
        }

        using ThreadTeam team = new(3);
        Nothing job = default;
        for (int round = 0; round < 5; round++)
        {
            Thread.Sleep(10);
            team.Run(100, ref job);
        }

        // A worker that came too late to do anything may still be on its way.
        int all = Allowed("/proc/thread-self/status");
        Assert.True(SpinWait.SpinUntil(() => Workers().All(worker => Allowed(worker) == all), TimeSpan.FromSeconds(20)));
    }

    /// <summary>The status files of all teams' workers: other tests run beside this one.</summary>
    private static IEnumerable<string> Workers() => Directory.GetDirectories("/proc/self/task").Where(task => Read(task + "/comm").StartsWith("hpclinear-", StringComparison.Ordinal)).Select(task => task + "/status");

    /// <summary>Processors that a thread may run on; of a thread that has ended, those of this one.</summary>
    private static int Allowed(string status)
    {
        const string key = "Cpus_allowed:";
        string? line = Read(status).Split('\n').FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal));
        return line is null ? Allowed("/proc/thread-self/status") : line[key.Length..].Where(char.IsAsciiHexDigit).Sum(digit => BitOperations.PopCount((uint)Convert.ToInt32(digit.ToString(), 16)));
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private sealed class Placed
    {
        public ThreadPlacement Placement;
    }

    private struct Nothing : ITeamJob
    {
        public readonly void Execute(int index, int worker)
        {
        }
    }
}
