using System.Numerics;

namespace HpcLinear.Cli.Bench;

/// <summary>Random elements that need no memory: each is a function of a seed and its place, exact in float32, between -1 and 1, never zero or denormal.</summary>
internal sealed record RandomOperand(ulong Seed, long Count)
{
    private const int Piece = 1 << 20;

    /// <summary>(2k + 1) / 2^23 - 1, k of 23 random bits: an odd numerator is never zero.</summary>
    public double this[long index]
    {
        get
        {
            // The finaliser of splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
            ulong z = (Seed * 0xD1342543DE82EF95UL) + ((ulong)index * 0x9E3779B97F4A7C15UL);
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
            z ^= z >> 31;
            return (((2.0 * (z >> 41)) + 1) / (1 << 23)) - 1;
        }
    }

    public double[] ToArray() => ToArray(0, Count);

    /// <summary>A part of the elements.</summary>
    public double[] ToArray(long from, long count)
    {
        double[] elements = new double[count];
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i] = this[from + i];
        }

        return elements;
    }

    /// <summary>A tensor of these elements, filled in pieces.</summary>
    public Tensor<T> Upload<T>(CommandQueue queue, Shape shape)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> tensor = queue.Device.Allocate<T>(shape);
        T[] piece = new T[Math.Min(Count, Piece)];
        for (long at = 0; at < Count; at += Piece)
        {
            int length = (int)Math.Min(Piece, Count - at);
            for (int i = 0; i < length; i++)
            {
                piece[i] = T.CreateTruncating(this[at + i]);
            }

            queue.Upload<T>(piece.AsSpan(0, length), tensor.View(at, [length]));
        }

        return tensor;
    }
}
