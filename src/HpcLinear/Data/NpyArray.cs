namespace HpcLinear.Data;

/// <summary>The contents of a <c>.npy</c> file: a shape and its elements, row-major whatever the file's order.</summary>
public sealed class NpyArray
{
    private readonly Array elements;

    internal NpyArray(Shape shape, NpyType type, Array elements)
    {
        Shape = shape;
        Type = type;
        this.elements = elements;
    }

    /// <summary>Extents, the last axis contiguous; no axes for a scalar.</summary>
    public Shape Shape { get; }

    /// <summary>The element type in the file.</summary>
    public NpyType Type { get; }

    /// <summary>The elements without a copy: float[], double[], int[], long[] or, for truth values and bytes, byte[].</summary>
    internal Array Elements => elements;

    /// <summary>Whether the elements are whole numbers or truth values.</summary>
    public bool IsInteger => Type is NpyType.I4 or NpyType.I8 or NpyType.B1 or NpyType.U1;

    /// <summary>A copy of the elements as float64; int64 beyond 2^53 is rounded.</summary>
    public double[] ToDoubles() => Convert(x => x, x => x, x => x, x => x);

    /// <summary>A copy of the elements rounded to float32.</summary>
    public float[] ToSingles() => Convert(x => (float)x, x => x, x => x, x => (float)x);

    /// <summary>A copy of the elements as int64.</summary>
    /// <exception cref="InvalidOperationException">The file holds floating-point numbers.</exception>
    public long[] ToInt64s() => IsInteger
        ? Convert(x => (long)x, x => (long)x, x => x, x => x)
        : throw new InvalidOperationException($"the array {Shape} holds {Type}, not whole numbers");

    private TResult[] Convert<TResult>(Converter<double, TResult> fromDouble, Converter<float, TResult> fromFloat, Converter<int, TResult> fromInt, Converter<long, TResult> fromLong) => elements switch
    {
        double[] values => Array.ConvertAll(values, fromDouble),
        float[] values => Array.ConvertAll(values, fromFloat),
        int[] values => Array.ConvertAll(values, fromInt),
        long[] values => Array.ConvertAll(values, fromLong),
        byte[] values => Array.ConvertAll(values, x => fromInt(Type == NpyType.U1 || x == 0 ? x : 1)),
        _ => throw new InvalidOperationException($"unexpected element type {elements.GetType().Name}"),
    };
}
