using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

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
    // After about 75 µs of polling, and then every microsecond, other threads that wait for the core are let through.
    private const int SpinsBeforeYield = 2000, SpinsAYield = 32;

    // Waking a thread costs 30 to 150 µs, most of it for a processor that was halted: 1.5 ms of polling spare it to a program that calls every millisecond.
    private static readonly long LongestPoll = Stopwatch.Frequency * 3 / 2000;

    // Two cache lines: neighbours are fetched in pairs.
    private const int Line = 128;

    private readonly Sleeper[] sleepers;
    private readonly Lock gate = new();
    private readonly byte[] memory;
    private readonly Board* board;
    private int ticket;
    private volatile bool closed;
    private ExceptionDispatchInfo? failure;

    public ThreadTeam(int size)
    {
        Size = size;
        memory = GC.AllocateArray<byte>(sizeof(Board) + Line, pinned: true);
        nint start = (nint)Unsafe.AsPointer(ref memory[0]);
        board = (Board*)((start + Line - 1) & -Line);
        sleepers = new Sleeper[size - 1];
        for (int i = 0; i < sleepers.Length; i++)
        {
            int worker = i + 1;
            sleepers[i] = new Sleeper(new Thread(() => Work(worker)) { IsBackground = true, Name = $"hpclinear-{worker}" });
        }

        foreach (Sleeper sleeper in sleepers)
        {
            sleeper.Thread.Start();
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
            // The job stays on this stack frame until all its items are done.
            board->Job = Unsafe.AsPointer(ref teamJob);
            board->Work = &Execute<TJob>;
            board->Count = itemCount;
            board->Done = 0;
            failure = null;
            Interlocked.Exchange(ref board->Open, ((long)++ticket << 32) | (uint)itemCount);
            int needed = itemCount - 1;
            for (int i = 0; i < sleepers.Length && needed > 0; i++, needed--)
            {
                sleepers[i].Wake();
            }

            Claim(0);
            for (int spins = 0; Volatile.Read(ref board->Done) != itemCount; spins++)
            {
                if (spins < SpinsBeforeYield)
                {
                    Thread.SpinWait(1);
                }
                else
                {
                    Thread.Yield();
                }
            }

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
            foreach (Sleeper sleeper in sleepers)
            {
                sleeper.Wake();
            }
        }

        foreach (Sleeper sleeper in sleepers)
        {
            sleeper.Dispose();
        }
    }

    private static void Execute<TJob>(void* job, int index, int worker)
        where TJob : struct, ITeamJob => Unsafe.AsRef<TJob>(job).Execute(index, worker);

    private void Work(int worker)
    {
        Sleeper sleeper = sleepers[worker - 1];
        sleeper.Enter();
        while (Await(sleeper))
        {
            Claim(worker);
        }
    }

    /// <summary>Returns true when there is something to do, false when the team ends.</summary>
    private bool Await(Sleeper sleeper)
    {
        long start = Stopwatch.GetTimestamp();
        for (int spins = 0; !(IsOpen || closed); spins++)
        {
            Thread.SpinWait(1);
            if (spins < SpinsBeforeYield || spins % SpinsAYield != 0)
            {
                continue;
            }

            Thread.Yield();
            if (Stopwatch.GetTimestamp() - start < LongestPoll)
            {
                continue;
            }

            // Announce first, look second: the caller publishes first and looks for sleepers second, so one of the two sees the other.
            sleeper.Announce();
            if (!(IsOpen || closed) || !sleeper.TakeBack())
            {
                sleeper.Sleep();
            }

            start = Stopwatch.GetTimestamp();
            spins = 0;
        }

        return !closed;
    }

    private bool IsOpen => (int)Volatile.Read(ref board->Open) != 0;

    /// <summary>Does items until none is left. An item claimed keeps its job alive: the caller waits for it, so what the board says holds until then.</summary>
    private void Claim(int worker)
    {
        int claimed = 0;
        try
        {
            for (long open = Volatile.Read(ref board->Open); (int)open != 0; open = Volatile.Read(ref board->Open))
            {
                if (Interlocked.CompareExchange(ref board->Open, open - 1, open) == open)
                {
                    claimed++;
                    board->Work(board->Job, board->Count - (int)open, worker);
                }
            }
        }
        catch (Exception e)
        {
            // The first failure ends the claiming; the caller throws it again.
            failure ??= ExceptionDispatchInfo.Capture(e);
            claimed += (int)Interlocked.And(ref board->Open, ~0L << 32);
        }

        if (claimed > 0)
        {
            Interlocked.Add(ref board->Done, claimed);
        }
    }

    /// <summary>A worker's thread and its sleep.</summary>
    private sealed class Sleeper(Thread thread) : IDisposable
    {
        private readonly SemaphoreSlim wake = new(0);
        private ThreadPlacement placement;
        private int asleep;

        public Thread Thread => thread;

        /// <summary>By the worker, before all others.</summary>
        public void Enter() => placement = ThreadPlacement.Current();

        public void Announce() => Interlocked.Exchange(ref asleep, 1);

        /// <summary>False if a wake-up is on its way.</summary>
        public bool TakeBack() => Interlocked.Exchange(ref asleep, 0) == 1;

        public void Sleep()
        {
            wake.Wait();
            placement.Restore();
        }

        /// <summary>By a caller: wakes the worker if it has announced to sleep.</summary>
        public void Wake()
        {
            if (Volatile.Read(ref asleep) == 1 && Interlocked.Exchange(ref asleep, 0) == 1)
            {
                placement.KeepAway();
                wake.Release();
            }
        }

        public void Dispose()
        {
            thread.Join();
            wake.Dispose();
        }
    }

    /// <summary>What threads tell each other: one line that a call writes and idle workers read, and one for what is done.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 2 * Line)]
    private struct Board
    {
        /// <summary>High half the number of the call, low half its items not yet claimed: a claim for an earlier call cannot succeed.</summary>
        [FieldOffset(0)]
        public long Open;

        [FieldOffset(8)]
        public void* Job;

        [FieldOffset(16)]
        public delegate*<void*, int, int, void> Work;

        [FieldOffset(24)]
        public int Count;

        [FieldOffset(Line)]
        public int Done;
    }
}
