using System.Numerics;

namespace HpcLinear;

/// <summary>A contiguous, row-major window of a <see cref="Tensor{T}"/>: what operations read and write. Owns nothing.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public readonly struct TensorView<T> : IEquatable<TensorView<T>>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Tensor<T>? tensor;
    private readonly Shape? shape;

    internal TensorView(Tensor<T> tensor, long offset, Shape shape)
    {
        this.tensor = tensor;
        Offset = offset;
        this.shape = shape;
    }

    /// <summary>Whether the view shows nothing (the default value): an optional operand that was not given.</summary>
    public bool IsEmpty => tensor is null;

    /// <summary>The tensor looked into.</summary>
    /// <exception cref="InvalidOperationException">The view is the default value.</exception>
    public Tensor<T> Tensor => tensor ?? throw new InvalidOperationException("the view is empty: no tensor was given");

    /// <summary>First element, counted in elements of the tensor.</summary>
    public long Offset { get; }

    /// <summary>The window's extents.</summary>
    public Shape Shape => shape ?? Shape.Scalar;

    /// <summary>The sub-view at <paramref name="index"/> of the first axis.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such index, or the view has no axes.</exception>
    public TensorView<T> this[long index] => Shape.Rank > 0 && index >= 0 && index < Shape[0]
        ? new(Tensor, Offset + (index * Shape.Skip(1).ElementCount), Shape.Skip(1))
        : throw new ArgumentOutOfRangeException(nameof(index), index, $"index: {index} is not in the first axis of {Shape}");

    /// <summary>The same elements under another shape.</summary>
    /// <exception cref="ArgumentException">The element counts differ.</exception>
    public TensorView<T> Reshape(Shape newShape)
    {
        ArgumentNullException.ThrowIfNull(newShape);
        return newShape.IsExtent && newShape.ElementCount == Shape.ElementCount
            ? new(Tensor, Offset, newShape)
            : throw new ArgumentException($"newShape: {newShape} has {newShape.ElementCount} elements, the view {Shape} has {Shape.ElementCount}", nameof(newShape));
    }

    /// <inheritdoc/>
    public bool Equals(TensorView<T> other) => ReferenceEquals(tensor, other.tensor) && Offset == other.Offset && Shape.Equals(other.Shape);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TensorView<T> other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(tensor, Offset, Shape);

    /// <summary>Whether two views show the same window of the same tensor.</summary>
    public static bool operator ==(TensorView<T> left, TensorView<T> right) => left.Equals(right);

    /// <summary>Whether two views show different windows.</summary>
    public static bool operator !=(TensorView<T> left, TensorView<T> right) => !left.Equals(right);

    /// <summary>Whether the windows share an element.</summary>
    internal bool Overlaps(TensorView<T> other) => tensor is not null && other.tensor is not null
        && ReferenceEquals(tensor.Buffer, other.tensor.Buffer)
        && Offset < other.Offset + other.Shape.ElementCount && other.Offset < Offset + Shape.ElementCount;
}
