using System.Numerics;

namespace HpcLinear;

/// <summary>Owns row-major elements in the memory of one device. Dispose it to give the memory back.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
/// <remarks>Data moves only by a <see cref="CommandQueue"/>. Operations take a <see cref="TensorView{T}"/>, which a tensor becomes by itself.</remarks>
public sealed class Tensor<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private DeviceBuffer? buffer;

    internal Tensor(Device device, DeviceBuffer buffer, Shape shape)
    {
        Device = device;
        this.buffer = buffer;
        Shape = shape;
    }

    /// <summary>The device whose memory holds the elements.</summary>
    public Device Device { get; }

    /// <summary>Extents, the last axis contiguous.</summary>
    public Shape Shape { get; }

    /// <summary>Whether the memory was given back.</summary>
    public bool IsDisposed => buffer is null;

    internal DeviceBuffer Buffer => buffer ?? throw new ObjectDisposedException($"Tensor<{typeof(T).Name}>{Shape}");

    /// <summary>All elements, as a view.</summary>
    public static implicit operator TensorView<T>(Tensor<T> tensor) => tensor is null ? default : new(tensor, 0, tensor.Shape);

    /// <summary>All elements, as a view.</summary>
    public TensorView<T> AsView() => this;

    /// <summary>A contiguous window: <paramref name="shape"/> elements from <paramref name="offset"/> on.</summary>
    /// <param name="offset">First element, counted in elements.</param>
    /// <param name="shape">The window's shape.</param>
    /// <exception cref="ArgumentOutOfRangeException">The window is not inside the tensor.</exception>
    public TensorView<T> View(long offset, Shape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return offset >= 0 && shape.IsExtent && shape.ElementCount <= Shape.ElementCount - offset
            ? new(this, offset, shape)
            : throw new ArgumentOutOfRangeException(nameof(offset), offset, $"offset: a view {shape} at {offset} does not fit a tensor {Shape} of {Shape.ElementCount} elements");
    }

    /// <summary>The sub-tensor at <paramref name="index"/> of the first axis.</summary>
    public TensorView<T> this[long index] => AsView()[index];

    /// <summary>Gives the memory back. Work already queued must have finished.</summary>
    public void Dispose()
    {
        buffer?.Dispose();
        buffer = null;
    }
}
