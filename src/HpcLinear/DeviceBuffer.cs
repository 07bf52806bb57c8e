namespace HpcLinear;

/// <summary>Memory of one device. Backends derive from it; tensors own it.</summary>
internal abstract class DeviceBuffer : IDisposable
{
    /// <summary>Size in bytes.</summary>
    public abstract long ByteCount { get; }

    public abstract void Dispose();
}
