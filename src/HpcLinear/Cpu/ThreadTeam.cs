using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace HpcLinear.Cpu;

/// <summary>Work that a <see cref="ThreadTeam"/> divides: a struct, so that handing it over allocates nothing.</summary>
internal interface ITeamJob
{
    /// <summary>Does item <paramref name="index"/>; <paramref name="worker"/> numbers the executing thread and selects its scratch memory.</summary>
    void Execute(int index, int worker);
}

/// <summary>
/// A fork-join team. Items are claimed one by one by whoever is free, the caller included, so that a busy neighbour costs time but no idle wait;
/// what an item computes must not depend on who claims it.
/// </summary>
internal sealed unsafe class ThreadTeam : IDisposable
{
    // About 50 µs of polling before a worker sleeps: waking a sleeping thread costs as much.
    private const int SpinsBeforeSleep = 2000;

    private readonly Thread[] threads;
    private readonly SemaphoreSlim wake = new(0);
    private readonly Lock gate = new();
    private delegate*<void*, int, int, void> work;
    private void* job;
    private int count;
    private int next;
    private int active;
    private int sleeping;
    private volatile int ticket;
    private volatile int open;
    private volatile bool closed;
    private ExceptionDispatchInfo? failure;

    public ThreadTeam(int size)
    {
        Size = size;
        threads = new Thread[size - 1];
        for (int i = 0; i < threads.Length; i++)
        {
            int worker = i + 1;
            threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"hpclinear-{worker}" };
            threads[i].Start();
        }
    }

    /// <summary>Threads, the caller included.</summary>
    public int Size { get; }

    /// <summary>Runs items 0 … count - 1; returns when all are done. Calls from several threads take turns.</summary>
    public void Run<TJob>(int itemCount, ref TJob teamJob)
        where TJob : struct, ITeamJob
    {
        if (Size == 1 || itemCount <= 1)
        {
            for (int i = 0; i < itemCount; i++)
            {
                teamJob.Execute(i, 0);
            }

            return;
        }

        lock (gate)
        {
            // The job stays on this stack frame until every worker has left it.
            job = Unsafe.AsPointer(ref teamJob);
            work = &Execute<TJob>;
            count = itemCount;
            next = 0;
            failure = null;
            open = ticket + 1;
            ticket++;
            Interlocked.MemoryBarrier();
            int asleep = Interlocked.Exchange(ref sleeping, 0);
            if (asleep > 0)
            {
                wake.Release(asleep);
            }

            Claim(0);

            // Nothing is left to claim: workers still asleep need not come; those inside are waited for.
            open = 0;
            Interlocked.MemoryBarrier();
            SpinWait wait = default;
            while (Volatile.Read(ref active) != 0)
            {
                wait.SpinOnce(sleep1Threshold: -1);
            }

            job = null;
            failure?.Throw();
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (closed)
            {
                return;
            }

            closed = true;
            ticket++;
            if (threads.Length > 0)
            {
                wake.Release(threads.Length);
            }
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        wake.Dispose();
    }

    private static void Execute<TJob>(void* job, int index, int worker)
        where TJob : struct, ITeamJob => Unsafe.AsRef<TJob>(job).Execute(index, worker);

    private void Work(int worker)
    {
        int seen = 0;
        while (true)
        {
            for (int spins = 0; ticket == seen; spins++)
            {
                if (spins < SpinsBeforeSleep)
                {
                    Thread.SpinWait(8);
                    continue;
                }

                Interlocked.Increment(ref sleeping);
                if (ticket != seen)
                {
                    // A call came between: take the announcement back, or the wake-up that answers it.
                    int asleep = Volatile.Read(ref sleeping);
                    while (asleep > 0 && Interlocked.CompareExchange(ref sleeping, asleep - 1, asleep) is int found && found != asleep)
                    {
                        asleep = found;
                    }

                    if (asleep > 0)
                    {
                        break;
                    }
                }

                wake.Wait();
                spins = 0;
            }

            seen = ticket;
            if (closed)
            {
                return;
            }

            // Enter first, look second: the caller closes first and looks for workers second, so one of the two sees the other.
            Interlocked.Increment(ref active);
            if (open == seen)
            {
                Claim(worker);
            }

            Interlocked.Decrement(ref active);
        }
    }

    private void Claim(int worker)
    {
        try
        {
            for (int index = Interlocked.Increment(ref next) - 1; index < count; index = Interlocked.Increment(ref next) - 1)
            {
                work(job, index, worker);
            }
        }
        catch (Exception e)
        {
            // The first failure ends the claiming; the caller throws it again.
            failure ??= ExceptionDispatchInfo.Capture(e);
            Volatile.Write(ref next, int.MaxValue / 2);
        }
    }
}
