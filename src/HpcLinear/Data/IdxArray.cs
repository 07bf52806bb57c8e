namespace HpcLinear.Data;

/// <summary>The contents of an IDX file: a shape and its bytes, row-major.</summary>
public sealed class IdxArray
{
    private readonly byte[] elements;

    internal IdxArray(Shape shape, byte[] elements)
    {
        Shape = shape;
        this.elements = elements;
    }

    /// <summary>Extents: <c>[count, rows, columns]</c> for images, <c>[count]</c> for labels.</summary>
    public Shape Shape { get; }

    /// <summary>The elements, last axis contiguous.</summary>
    public ReadOnlySpan<byte> Elements => elements;

    /// <summary>The elements without a copy.</summary>
    internal byte[] Bytes => elements;

    /// <summary>The elements of every <paramref name="step"/>-th item of the first axis, at most <paramref name="count"/> items, multiplied by <paramref name="scale"/>.</summary>
    public double[] Scaled(double scale, int count = int.MaxValue, int step = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        int size = (int)Shape.Skip(1).ElementCount;
        int items = (int)Math.Min(count, (Shape[0] + step - 1) / step);
        double[] scaled = new double[items * size];
        for (int i = 0; i < scaled.Length; i++)
        {
            scaled[i] = elements[(i / size * step * size) + (i % size)] * scale;
        }

        return scaled;
    }
}
