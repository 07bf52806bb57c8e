namespace HpcLinear.OpenCl;

/// <summary>A cl_mem.</summary>
internal sealed class OpenClBuffer(ClHandle memory, long byteCount) : DeviceBuffer
{
    /// <summary>The memory object.</summary>
    public ClHandle Memory { get; } = memory;

    public override long ByteCount { get; } = byteCount;

    public override void Dispose() => Memory.Dispose();
}
