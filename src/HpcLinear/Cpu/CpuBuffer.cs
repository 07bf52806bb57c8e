using System.Buffers;
using System.Runtime.InteropServices;

namespace HpcLinear.Cpu;

/// <summary>Host memory: native, aligned to a cache line (large blocks to a huge page), or a caller's pinned array.</summary>
internal abstract unsafe class CpuBuffer : DeviceBuffer
{
    /// <summary>First byte.</summary>
    public abstract byte* Pointer { get; }

    /// <summary>Zeroed native memory.</summary>
    public static CpuBuffer Allocate(Target target, long byteCount) => new NativeCpuBuffer(target, byteCount);

    /// <summary>The caller's memory, pinned until disposed.</summary>
    public static CpuBuffer Borrow<T>(Memory<T> memory)
        where T : unmanaged => new PinnedCpuBuffer(memory.Pin(), (long)memory.Length * sizeof(T));

    private sealed class NativeCpuBuffer : CpuBuffer
    {
        private readonly NativeBlock block;

        public NativeCpuBuffer(Target target, long byteCount)
        {
            block = new(target, byteCount);
            ByteCount = byteCount;
        }

        public override long ByteCount { get; }

        public override byte* Pointer => block.Pointer;

        public override void Dispose() => block.Dispose();
    }

    private sealed class PinnedCpuBuffer(MemoryHandle handle, long byteCount) : CpuBuffer
    {
        private MemoryHandle handle = handle;

        public override long ByteCount => byteCount;

        public override byte* Pointer => (byte*)handle.Pointer;

        public override void Dispose() => handle.Dispose();
    }
}

/// <summary>A block of native memory, freed by the finalizer at the latest.</summary>
internal sealed unsafe class NativeBlock : SafeHandle
{
    private const int Line = 64;
    private const int HugePage = 2 << 20;

    public NativeBlock(Target target, long byteCount)
        : base(0, ownsHandle: true)
    {
        nuint alignment = byteCount >= HugePage ? (nuint)HugePage : Line;
        nuint size = (nuint)Math.Max(byteCount, 1);
        try
        {
            SetHandle((nint)NativeMemory.AlignedAlloc((size + alignment - 1) & ~(alignment - 1), alignment));
        }
        catch (OutOfMemoryException)
        {
            throw new NativeMemoryException(target, byteCount, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        }

        if (byteCount >= HugePage && OperatingSystem.IsLinux())
        {
            _ = Advise((byte*)handle, size, 14); // MADV_HUGEPAGE: a hint, refused without harm
        }

        NativeMemory.Clear((void*)handle, size);
        GC.AddMemoryPressure((long)size);
        ByteCount = (long)size;
    }

    public long ByteCount { get; }

    public byte* Pointer => (byte*)handle;

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        GC.RemoveMemoryPressure(ByteCount);
        return true;
    }

    [DllImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Advise(byte* address, nuint length, int advice);
}
