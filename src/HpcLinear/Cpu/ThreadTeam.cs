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
    // About 75 µs of polling before a worker sleeps: waking a sleeping thread costs as much.
    private const int SpinsBeforeSleep = 2000;

    // Two cache lines: neighbours are fetched in pairs.
    private const int Line = 128;

    private readonly Thread[] threads;
    private readonly SemaphoreSlim wake = new(0);
    private readonly Lock gate = new();
    private readonly byte[] memory;
    private readonly Board* board;
    private int ticket;
    private int sleeping;
    private volatile bool closed;
    private ExceptionDispatchInfo? failure;

    public ThreadTeam(int size)
    {
        Size = size;
        memory = GC.AllocateArray<byte>(sizeof(Board) + Line, pinned: true);
        nint start = (nint)Unsafe.AsPointer(ref memory[0]);
        board = (Board*)((start + Line - 1) & -Line);
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
            // The job stays on this stack frame until all its items are done.
            board->Job = Unsafe.AsPointer(ref teamJob);
            board->Work = &Execute<TJob>;
            board->Count = itemCount;
            board->Done = 0;
            failure = null;
            Interlocked.Exchange(ref board->Open, ((long)++ticket << 32) | (uint)itemCount);
            if (Volatile.Read(ref sleeping) > 0 && Interlocked.Exchange(ref sleeping, 0) is int asleep and > 0)
            {
                wake.Release(asleep);
            }

            Claim(0);
            for (int spins = 0; Volatile.Read(ref board->Done) != itemCount; spins++)
            {
                if (spins < SpinsBeforeSleep)
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
        while (true)
        {
            for (int spins = 0; !IsOpen && !closed; spins++)
            {
                if (spins < SpinsBeforeSleep)
                {
                    Thread.SpinWait(1);
                    continue;
                }

                // Announce first, look second: the caller publishes first and looks for sleepers second, so one of the two sees the other.
                Interlocked.Increment(ref sleeping);
                if (IsOpen)
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

            if (closed)
            {
                return;
            }

            Claim(worker);
        }
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
