using System.Runtime.InteropServices;
using HpcLinear.Cli.Bench;

namespace HpcLinear.Benchmarks.Peers;

/// <summary>Memory for a peer's operands: aligned, and on huge pages like our own tensors, so that no engine pays for translation that another does not.</summary>
internal sealed unsafe partial class HostMemory : IDisposable
{
    private const nuint HugePage = 2 << 20, Line = 64;
    private const int MadviseHugePage = 14;

    public HostMemory(long bytes)
    {
        nuint alignment = (nuint)bytes >= HugePage ? HugePage : Line;
        nuint size = ((nuint)Math.Max(bytes, 1) + alignment - 1) / alignment * alignment;
        Address = (nint)NativeMemory.AlignedAlloc(size, alignment);
        if (alignment == HugePage && OperatingSystem.IsLinux())
        {
            _ = Madvise(Address, size, MadviseHugePage); // a wish: ordinary pages do as well
        }

        NativeMemory.Clear((void*)Address, size);
    }

    public nint Address { get; private set; }

    /// <summary>The elements of an operand of <c>hpclinear bench</c>.</summary>
    public static HostMemory Of<T>(RandomOperand operand)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        HostMemory memory = new(operand.Count * sizeof(T));
        T* elements = (T*)memory.Address;
        for (long i = 0; i < operand.Count; i++)
        {
            elements[i] = T.CreateTruncating(operand[i]);
        }

        return memory;
    }

    public T[] ToArray<T>(long count)
        where T : unmanaged => new ReadOnlySpan<T>((void*)Address, checked((int)count)).ToArray();

    public void Dispose()
    {
        NativeMemory.AlignedFree((void*)Address);
        Address = 0;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Madvise(nint address, nuint length, int advice);
}
