using System.Numerics;

namespace HpcLinear.Cpu;

/// <summary>Computes inside the call, with the device's thread team; owns one block of scratch memory.</summary>
internal sealed unsafe class CpuQueue : CommandQueue
{
    // Below this many bytes a copy or a fill stays on the calling thread.
    private const long ParallelBytes = 1 << 20;

    private readonly CpuDevice device;
    private NativeBlock? workspace;

    public CpuQueue(CpuDevice device)
        : base(device) => this.device = device;

    public override long WorkspaceBytes => (workspace?.ByteCount ?? 0) + ScratchBytes;

    public ThreadTeam Team => device.Team;

    /// <summary>At least <paramref name="byteCount"/> bytes of scratch memory, valid until the next call; allocates only when larger than ever before.</summary>
    public byte* Workspace(long byteCount)
    {
        if (workspace is null || workspace.ByteCount < byteCount)
        {
            workspace?.Dispose();
            workspace = null;
            workspace = new(device.Target, byteCount);
        }

        return workspace.Pointer;
    }

    private protected override void UploadCore<T>(ReadOnlySpan<T> source, TensorView<T> destination)
    {
        fixed (T* from = source)
        {
            CopyBytes((byte*)from, (byte*)destination.Pointer(), (long)source.Length * sizeof(T));
        }
    }

    private protected override void DownloadCore<T>(TensorView<T> source, Span<T> destination)
    {
        fixed (T* to = destination)
        {
            CopyBytes((byte*)source.Pointer(), (byte*)to, (long)destination.Length * sizeof(T));
        }
    }

    private protected override void CopyCore<T>(TensorView<T> source, TensorView<T> destination) =>
        CopyBytes((byte*)source.Pointer(), (byte*)destination.Pointer(), source.Shape.ElementCount * sizeof(T));

    private protected override void FillCore<T>(TensorView<T> destination, T value)
    {
        FillJob<T> job = new() { Destination = destination.Pointer(), Count = destination.Shape.ElementCount, Value = value };
        Team.Run((int)((job.Count + FillJob<T>.Chunk - 1) / FillJob<T>.Chunk), ref job);
    }

    private protected override void DisposeCore()
    {
        DisposeScratch();
        workspace?.Dispose();
        workspace = null;
    }

    private void CopyBytes(byte* from, byte* to, long bytes)
    {
        if (bytes < ParallelBytes)
        {
            Buffer.MemoryCopy(from, to, bytes, bytes);
            return;
        }

        CopyJob job = new() { From = from, To = to, Bytes = bytes };
        Team.Run((int)((bytes + CopyJob.Chunk - 1) / CopyJob.Chunk), ref job);
    }

    private struct CopyJob : ITeamJob
    {
        public const long Chunk = 1 << 19;
        public byte* From;
        public byte* To;
        public long Bytes;

        public readonly void Execute(int index, int worker)
        {
            long at = index * Chunk, length = Math.Min(Chunk, Bytes - at);
            Buffer.MemoryCopy(From + at, To + at, length, length);
        }
    }

    private struct FillJob<T> : ITeamJob
        where T : unmanaged
    {
        public const long Chunk = 1 << 16;
        public T* Destination;
        public long Count;
        public T Value;

        public readonly void Execute(int index, int worker)
        {
            long at = index * Chunk;
            new Span<T>(Destination + at, (int)Math.Min(Chunk, Count - at)).Fill(Value);
        }
    }
}

/// <summary>Reaches the elements of views of CPU tensors.</summary>
internal static unsafe class CpuViews
{
    /// <summary>First element; null for an empty view.</summary>
    public static T* Pointer<T>(this TensorView<T> view)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => view.IsEmpty ? null : (T*)((CpuBuffer)view.Tensor.Buffer).Pointer + view.Offset;
}
