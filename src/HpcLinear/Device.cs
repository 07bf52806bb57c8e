using System.Numerics;

namespace HpcLinear;

/// <summary>One place that computes: an instruction set of this processor, or an OpenCL device. Opened by <see cref="Devices"/>.</summary>
/// <remarks>Thread-safe. Tensors, queues and plans belong to their device and are refused by every other.</remarks>
public abstract class Device : IDisposable
{
    private protected Device(Target target) => Target = target;

    /// <summary>The device's text name, with its instruction set or number.</summary>
    public Target Target { get; }

    /// <summary>The hardware's name.</summary>
    public abstract string Name { get; }

    /// <summary>Threads of a CPU device, compute units of an OpenCL device.</summary>
    public abstract int Parallelism { get; }

    /// <summary>Whether float64 can be computed.</summary>
    public abstract bool SupportsDouble { get; }

    /// <summary>The largest single allocation, in bytes.</summary>
    public abstract long MaxAllocationBytes { get; }

    /// <summary>Whether the device was closed.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>Allocates a tensor of zeros.</summary>
    /// <exception cref="NativeMemoryException">More than the device's memory.</exception>
    /// <exception cref="NotSupportedException">An element type other than float and double, or float64 on a device without it.</exception>
    /// <exception cref="ArgumentException">A negative extent, or a size over 2^63 - 1 bytes.</exception>
    public Tensor<T> Allocate<T>(Shape shape)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long bytes = CheckAllocation<T>(shape);
        return new(this, AllocateBuffer(bytes), shape);
    }

    /// <summary>Makes a tensor of the caller's own memory, without a copy; the memory stays pinned until the tensor is disposed. CPU devices only.</summary>
    /// <param name="memory">At least as many elements as <paramref name="shape"/> counts.</param>
    /// <param name="shape">The tensor's shape.</param>
    /// <exception cref="ArgumentException">The memory is shorter than the shape.</exception>
    /// <exception cref="NotSupportedException">The device has memory of its own.</exception>
    public Tensor<T> Borrow<T>(Memory<T> memory, Shape shape)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CheckAllocation<T>(shape);
        Throw.IfTooShort(nameof(memory), memory.Length, shape);
        return new(this, BorrowBuffer(memory), shape);
    }

    /// <summary>Makes a queue: it orders work and owns the scratch memory. One queue, one thread.</summary>
    public abstract CommandQueue CreateQueue();

    /// <summary>Closes the device; its tensors and queues must have been disposed.</summary>
    public void Dispose()
    {
        if (!IsDisposed)
        {
            IsDisposed = true;
            DisposeCore();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>The target and the hardware's name.</summary>
    public override string ToString() => $"{Target} ({Name})";

    internal void CheckSupports<T>()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double))
        {
            throw new NotSupportedException($"{Target} computes in float and double, not in {typeof(T).Name}");
        }

        if (typeof(T) == typeof(double) && !SupportsDouble)
        {
            throw new NotSupportedException($"{Target} ({Name}) has no float64: use float, or a cpu target");
        }
    }

    private protected abstract DeviceBuffer AllocateBuffer(long byteCount);

    private protected virtual DeviceBuffer BorrowBuffer<T>(Memory<T> memory)
        where T : unmanaged => throw new NotSupportedException($"{Target} has memory of its own: allocate a tensor and upload");

    private protected abstract void DisposeCore();

    private long CheckAllocation<T>(Shape shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(shape);
        CheckSupports<T>();
        foreach (long extent in shape)
        {
            if (extent < 0)
            {
                throw new ArgumentException($"shape: every extent must be at least 0, got {shape}", nameof(shape));
            }
        }

        long bytes = Throw.IfTooLarge<T>(nameof(shape), shape);
        return bytes <= MaxAllocationBytes ? bytes : throw new NativeMemoryException(Target, bytes, MaxAllocationBytes);
    }
}
