using HpcLinear.Cpu;
using Xunit;

namespace HpcLinear.Tests.Cpu;

public sealed class ThreadTeamTests
{
    public static TheoryData<int> Sizes => [1, 2, 7];

    [Theory, MemberData(nameof(Sizes))]
    public void Every_item_is_done_exactly_once(int size)
    {
        using ThreadTeam team = new(size);
        foreach (int count in new[] { 0, 1, 2, size, 1000 })
        {
            Counting job = new() { Done = new int[count], Size = size };
            team.Run(count, ref job);
            Assert.All(job.Done, times => Assert.Equal(1, times));
        }
    }

    [Theory, MemberData(nameof(Sizes))]
    public void Many_tiny_jobs_lose_nothing(int size)
    {
        using ThreadTeam team = new(size);
        Adding job = new() { Sum = new long[1] };
        for (int round = 0; round < 20_000; round++)
        {
            team.Run(3, ref job);
        }

        Assert.Equal(60_000, job.Sum[0]);
    }

    [Theory, MemberData(nameof(Sizes))]
    public void A_team_wakes_up_after_sleeping(int size)
    {
        using ThreadTeam team = new(size);
        Adding job = new() { Sum = new long[1] };
        for (int round = 0; round < 30; round++)
        {
            team.Run(5, ref job);
            Thread.Sleep(round % 3);
        }

        Assert.Equal(150, job.Sum[0]);
    }

    [Theory, MemberData(nameof(Sizes))]
    public void An_exception_reaches_the_caller_and_the_team_works_on(int size)
    {
        using ThreadTeam team = new(size);
        for (int round = 0; round < 50; round++)
        {
            Failing failing = new() { At = round % 20 };
            InvalidOperationException e = Assert.Throws<InvalidOperationException>(() => team.Run(20, ref failing));
            Assert.Equal($"item {round % 20}", e.Message);
            Counting job = new() { Done = new int[50], Size = size };
            team.Run(50, ref job);
            Assert.All(job.Done, times => Assert.Equal(1, times));
        }
    }

    [Theory, MemberData(nameof(Sizes))]
    public void Calls_from_several_threads_take_turns(int size)
    {
        using ThreadTeam team = new(size);
        long[] sums = new long[4];
        Thread[] callers = [.. Enumerable.Range(0, sums.Length).Select(caller => new Thread(() =>
        {
            Adding job = new() { Sum = new long[1] };
            for (int round = 0; round < 500; round++)
            {
                team.Run(7, ref job);
            }

            sums[caller] = job.Sum[0];
        }))];
        foreach (Thread caller in callers)
        {
            caller.Start();
        }

        foreach (Thread caller in callers)
        {
            caller.Join();
        }

        Assert.All(sums, sum => Assert.Equal(3500, sum));
    }

    [Theory, MemberData(nameof(Sizes))]
    public void Dispose_ends_the_threads_and_may_be_repeated(int size)
    {
        ThreadTeam team = new(size);
        Assert.Equal(size, team.Size);
        Adding job = new() { Sum = new long[1] };
        team.Run(5, ref job);
        team.Dispose();
        team.Dispose();
        ThreadTeam unused = new(size);
        unused.Dispose();
    }

    [Fact]
    public void Running_allocates_nothing()
    {
        using ThreadTeam team = new(2);
        Adding job = new() { Sum = new long[1] };
        team.Run(100, ref job);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 100; round++)
        {
            team.Run(100, ref job);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private struct Counting : ITeamJob
    {
        public int[] Done;
        public int Size;

        public readonly void Execute(int index, int worker)
        {
            // A wrong worker number counts as a second visit.
            Interlocked.Add(ref Done[index], worker >= 0 && worker < Size ? 1 : 100);
        }
    }

    private struct Adding : ITeamJob
    {
        public long[] Sum;

        public readonly void Execute(int index, int worker) => Interlocked.Increment(ref Sum[0]);
    }

    private struct Failing : ITeamJob
    {
        public int At;

        public readonly void Execute(int index, int worker)
        {
            if (index == At)
            {
                throw new InvalidOperationException($"item {index}");
            }
        }
    }
}
