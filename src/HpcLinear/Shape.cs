using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace HpcLinear;

/// <summary>
/// A short tuple of integers, one an axis: the extents of a tensor, or a per-axis setting such as stride or padding.
/// </summary>
/// <remarks>A value: two shapes are equal when their entries are. Written with a collection expression, <c>[64, 3, 32, 32]</c>.</remarks>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public sealed class Shape : IEquatable<Shape>, IReadOnlyList<long>
{
    private readonly long[] extents;

    private Shape(long[] extents) => this.extents = extents;

    /// <summary>The shape of a scalar: no axes, one element.</summary>
    public static Shape Scalar { get; } = new([]);

    /// <summary>Number of axes.</summary>
    public int Rank => extents.Length;

    int IReadOnlyCollection<long>.Count => extents.Length;

    /// <summary>Number of elements: the product of all extents, 1 for no axes.</summary>
    /// <exception cref="OverflowException">The product exceeds 2^63 - 1.</exception>
    public long ElementCount
    {
        get
        {
            long count = 1;
            foreach (long extent in extents)
            {
                if (extent == 0)
                {
                    return 0;
                }
            }

            foreach (long extent in extents)
            {
                count = checked(count * extent);
            }

            return count;
        }
    }

    /// <summary>The entry of one axis; the first axis varies slowest in memory.</summary>
    /// <param name="axis">0 for the first axis.</param>
    public long this[int axis] => extents[axis];

    /// <summary>The entry of one axis, counted from either end.</summary>
    /// <param name="axis"><c>^1</c> for the last axis.</param>
    public long this[Index axis] => extents[axis];

    /// <summary>Whether no entry is negative: a shape that memory can have.</summary>
    internal bool IsExtent => extents.AsSpan().IndexOfAnyInRange(long.MinValue, -1) < 0;

    /// <summary>Makes a shape of the given entries.</summary>
    public static Shape Create(ReadOnlySpan<long> extents) => extents.IsEmpty && Scalar is { } scalar ? scalar : new(extents.ToArray());

    /// <summary>Makes a shape whose <paramref name="rank"/> entries are all <paramref name="value"/>.</summary>
    public static Shape Uniform(int rank, long value)
    {
        long[] extents = new long[rank];
        Array.Fill(extents, value);
        return new(extents);
    }

    /// <summary>The entries as a span.</summary>
    public ReadOnlySpan<long> AsSpan() => extents;

    /// <summary>The shape without its first <paramref name="count"/> axes.</summary>
    public Shape Skip(int count) => Create(extents.AsSpan(count));

    /// <inheritdoc/>
    public IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)extents).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => extents.GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(Shape? other) => other is not null && extents.AsSpan().SequenceEqual(other.extents);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (long extent in extents)
        {
            hash.Add(extent);
        }

        return hash.ToHashCode();
    }

    /// <summary>The entries in brackets, <c>[64, 3, 32, 32]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", extents.Select(e => e.ToString(CultureInfo.InvariantCulture)))}]";

    /// <summary>The entries joined by x, <c>32x32</c>: the form used in problem texts.</summary>
    public string ToProblemText() => string.Join('x', extents.Select(e => e.ToString(CultureInfo.InvariantCulture)));
}
