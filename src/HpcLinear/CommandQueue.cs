using System.Numerics;

namespace HpcLinear;

/// <summary>Orders the work of one device and owns its scratch memory. Use each queue from one thread at a time.</summary>
/// <remarks>In order. A CPU queue computes inside the call; an OpenCL queue is asynchronous until <see cref="Wait"/> or a download.</remarks>
public abstract class CommandQueue : IDisposable
{
    private Tensor<float>? floatScratch;
    private Tensor<double>? doubleScratch;

    private protected CommandQueue(Device device) => Device = device;

    /// <summary>The device whose work this queue orders.</summary>
    public Device Device { get; }

    /// <summary>Whether the queue was closed.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>Scratch memory held now, in bytes: the largest that any executed plan asked for.</summary>
    public abstract long WorkspaceBytes { get; }

    /// <summary>Copies host elements to a tensor; the source may be reused when the call returns.</summary>
    /// <exception cref="ArgumentException">The element counts differ.</exception>
    public void Upload<T>(ReadOnlySpan<T> source, TensorView<T> destination)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CheckView(destination, nameof(destination));
        Throw.IfCountDiffers(nameof(source), source.Length, destination.Shape);
        if (!source.IsEmpty)
        {
            UploadCore(source, destination);
        }
    }

    /// <inheritdoc cref="Upload{T}(ReadOnlySpan{T}, TensorView{T})"/>
    public void Upload<T>(T[] source, TensorView<T> destination)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(source);
        Upload<T>(source.AsSpan(), destination);
    }

    /// <summary>Waits for earlier work and copies a tensor's elements to the host.</summary>
    /// <exception cref="ArgumentException">The element counts differ.</exception>
    public void Download<T>(TensorView<T> source, Span<T> destination)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CheckView(source, nameof(source));
        Throw.IfCountDiffers(nameof(destination), destination.Length, source.Shape);
        if (!destination.IsEmpty)
        {
            DownloadCore(source, destination);
        }
    }

    /// <summary>Waits for earlier work and returns a tensor's elements.</summary>
    public T[] Download<T>(TensorView<T> source)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CheckView(source, nameof(source));
        T[] elements = new T[source.Shape.ElementCount];
        Download(source, elements.AsSpan());
        return elements;
    }

    /// <summary>Copies elements between tensors of this device.</summary>
    /// <exception cref="ArgumentException">The element counts differ, or the views overlap.</exception>
    public void Copy<T>(TensorView<T> source, TensorView<T> destination)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CheckView(source, nameof(source));
        CheckView(destination, nameof(destination));
        if (source.Shape.ElementCount != destination.Shape.ElementCount)
        {
            throw new ShapeException(nameof(destination), source.Shape, destination.Shape, "copy");
        }

        Throw.IfOverlaps("copy", destination, source);
        if (source.Shape.ElementCount > 0)
        {
            CopyCore(source, destination);
        }
    }

    /// <summary>Sets every element to <paramref name="value"/>.</summary>
    public void Fill<T>(TensorView<T> destination, T value)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CheckView(destination, nameof(destination));
        if (destination.Shape.ElementCount > 0)
        {
            FillCore(destination, value);
        }
    }

    /// <summary>Hands queued work to the device without waiting.</summary>
    public virtual void Flush() => CheckOpen();

    /// <summary>Waits until all queued work is done.</summary>
    /// <exception cref="DeviceException">The device failed.</exception>
    public virtual void Wait() => CheckOpen();

    /// <summary>Completes when all queued work is done.</summary>
    /// <param name="cancellationToken">Ends the waiting; the work itself goes on.</param>
    public virtual Task WaitAsync(CancellationToken cancellationToken = default)
    {
        CheckOpen();
        return cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : Task.CompletedTask;
    }

    /// <summary>Waits for queued work and gives the scratch memory back.</summary>
    public void Dispose()
    {
        if (!IsDisposed)
        {
            DisposeCore();
            IsDisposed = true;
        }

        GC.SuppressFinalize(this);
    }

    internal void CheckOpen()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        ObjectDisposedException.ThrowIf(Device.IsDisposed, Device);
    }

    internal void CheckView<T>(TensorView<T> view, string argument)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CheckOpen();
        Throw.IfUnusable(argument, view, Device);
    }

    /// <summary>
    /// A tensor of at least <paramref name="elementCount"/> elements that belongs to the queue, for intermediate results of plans made of other plans.
    /// Valid until the next plan asks; contents undefined.
    /// </summary>
    internal Tensor<T> Scratch<T>(long elementCount)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
        {
            return (Tensor<T>)(object)Grow(ref floatScratch, elementCount);
        }

        return (Tensor<T>)(object)Grow(ref doubleScratch, elementCount);
    }

    private protected long ScratchBytes => ((floatScratch?.Shape.ElementCount ?? 0) * sizeof(float)) + ((doubleScratch?.Shape.ElementCount ?? 0) * sizeof(double));

    private protected void DisposeScratch()
    {
        floatScratch?.Dispose();
        doubleScratch?.Dispose();
    }

    private Tensor<T> Grow<T>(ref Tensor<T>? scratch, long elementCount)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (scratch is null || scratch.Shape.ElementCount < elementCount)
        {
            Wait();
            scratch?.Dispose();
            scratch = null;
            scratch = Device.Allocate<T>([elementCount]);
        }

        return scratch;
    }

    private protected abstract void UploadCore<T>(ReadOnlySpan<T> source, TensorView<T> destination)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    private protected abstract void DownloadCore<T>(TensorView<T> source, Span<T> destination)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    private protected abstract void CopyCore<T>(TensorView<T> source, TensorView<T> destination)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    private protected abstract void FillCore<T>(TensorView<T> destination, T value)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    private protected abstract void DisposeCore();
}
