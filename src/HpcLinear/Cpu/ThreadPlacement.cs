using System.Runtime.InteropServices;

namespace HpcLinear.Cpu;

/// <summary>
/// Where the system puts a thread that wakes up. Linux may choose the core of the thread that wakes it, though others are idle; there the sleeper waits until
/// the waker's time slice is over. Does nothing on other systems.
/// </summary>
internal unsafe struct ThreadPlacement
{
    // 1024 processors. Asking about fewer than the system has fails, and then threads stay where the system puts them.
    private const int Words = 1024 / 64;

    private fixed ulong allowed[Words];
    private nint thread;
    private bool narrowed;

    /// <summary>The placement of the calling thread.</summary>
    public static ThreadPlacement Current() => new() { thread = OperatingSystem.IsLinux() ? Self() : 0 };

    /// <summary>Lets a sleeping thread wake up on any of its processors but the caller's, until it calls <see cref="Restore"/>.</summary>
    public void KeepAway()
    {
        if (thread == 0)
        {
            return;
        }

        fixed (ulong* mask = allowed)
        {
            int processor = Processor();
            if ((uint)processor >= Words * 64 || GetAffinity(thread, sizeof(ulong) * Words, mask) != 0)
            {
                return;
            }

            ulong* others = stackalloc ulong[Words];
            new ReadOnlySpan<ulong>(mask, Words).CopyTo(new(others, Words));
            others[processor >> 6] &= ~(1ul << processor);

            // Refused where no other processor is allowed.
            narrowed = SetAffinity(thread, sizeof(ulong) * Words, others) == 0;
        }
    }

    /// <summary>Allows the calling thread again what it was allowed before <see cref="KeepAway"/>.</summary>
    public void Restore()
    {
        if (narrowed)
        {
            narrowed = false;
            fixed (ulong* mask = allowed)
            {
                _ = SetAffinity(thread, sizeof(ulong) * Words, mask);
            }
        }
    }

    [DllImport("libc", EntryPoint = "pthread_self")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Self();

    [DllImport("libc", EntryPoint = "sched_getcpu")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Processor();

    [DllImport("libc", EntryPoint = "pthread_getaffinity_np")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetAffinity(nint thread, nint size, ulong* mask);

    [DllImport("libc", EntryPoint = "pthread_setaffinity_np")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetAffinity(nint thread, nint size, ulong* mask);
}
