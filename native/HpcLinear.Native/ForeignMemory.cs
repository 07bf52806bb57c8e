using System.Buffers;
using System.Numerics;

namespace HpcLinear.Native;

/// <summary>The caller's own array, seen as managed memory without a copy.</summary>
internal sealed unsafe class ForeignMemory<T> : MemoryManager<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly T* start;
    private readonly int length;

    private ForeignMemory(T* start, int length)
    {
        this.start = start;
        this.length = length;
    }

    /// <summary>A tensor of <paramref name="length"/> elements in the caller's array.</summary>
    /// <exception cref="ArgumentNullException">A null pointer to one element or more.</exception>
    /// <exception cref="NotSupportedException">More than 2^31 - 1 elements.</exception>
    public static Tensor<T> Borrow(Device device, string argument, T* start, long length)
    {
        if (start is null && length > 0)
        {
            throw new ArgumentNullException(argument, $"{argument}: {length} elements expected, a null pointer given");
        }

        return length <= int.MaxValue
            ? device.Borrow(new ForeignMemory<T>(start, (int)length).Memory, [length])
            : throw new NotSupportedException($"{argument}: at most {int.MaxValue} elements are supported here, {length} given");
    }

    public override Span<T> GetSpan() => new(start, length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
