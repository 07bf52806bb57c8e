using System.Runtime.InteropServices;

namespace HpcLinear.Data;

/// <summary>Reads and writes arrays in NumPy's <c>.npy</c> format.</summary>
/// <remarks>Reads versions 1 to 3, C and Fortran order, little-endian float32, float64, int32, int64, uint8 and bool. Writes version 1, C order.</remarks>
public static class NpyFile
{
    /// <summary>Elements read or written at once: the byte count of a large array exceeds what one span can hold.</summary>
    private const int LargestPiece = 1 << 24;

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataFormatException">The file is missing, cut short, longer than its header says, or of a kind that is not read.</exception>
    public static NpyArray Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!File.Exists(path))
        {
            throw new DataFormatException(path, Directory.Exists(path) ? "a folder" : "no such file", "a .npy file");
        }

        using FileStream stream = File.OpenRead(path);
        return Read(stream, path);
    }

    /// <summary>Reads a stream to its end.</summary>
    /// <param name="stream">Positioned at the magic bytes.</param>
    /// <param name="name">How errors call the stream.</param>
    /// <exception cref="DataFormatException">As for <see cref="Read(string)"/>.</exception>
    public static NpyArray Read(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        NpyHeader header = NpyHeader.Read(stream, name);
        long count = header.Shape.ElementCount, bytes = count * header.ElementSize;
        if (stream.CanSeek && stream.Length - stream.Position < bytes)
        {
            // Before anything is allocated: a lying header must not cost memory.
            throw Truncated(name, stream.Length - stream.Position, bytes, header.Shape);
        }

        if (count > Array.MaxLength)
        {
            throw new DataFormatException(name, $"{count} elements", $"at most {Array.MaxLength}");
        }

        Array elements = header.Type switch
        {
            NpyType.F4 => ReadElements<float>(stream, name, header),
            NpyType.F8 => ReadElements<double>(stream, name, header),
            NpyType.I4 => ReadElements<int>(stream, name, header),
            NpyType.I8 => ReadElements<long>(stream, name, header),
            _ => ReadElements<byte>(stream, name, header),
        };
        return new(header.Shape, header.Type, elements);
    }

    /// <summary>Writes float64 elements, row-major; an existing file is replaced.</summary>
    /// <exception cref="ArgumentException">The element count is not the shape's.</exception>
    public static void Write(string path, Shape shape, ReadOnlySpan<double> elements) => WriteElements(path, NpyType.F8, shape, elements);

    /// <summary>Writes float32 elements, row-major; an existing file is replaced.</summary>
    /// <exception cref="ArgumentException">The element count is not the shape's.</exception>
    public static void Write(string path, Shape shape, ReadOnlySpan<float> elements) => WriteElements(path, NpyType.F4, shape, elements);

    /// <summary>Writes int64 elements, row-major; an existing file is replaced.</summary>
    /// <exception cref="ArgumentException">The element count is not the shape's.</exception>
    public static void Write(string path, Shape shape, ReadOnlySpan<long> elements) => WriteElements(path, NpyType.I8, shape, elements);

    /// <summary>Writes int32 elements, row-major; an existing file is replaced.</summary>
    /// <exception cref="ArgumentException">The element count is not the shape's.</exception>
    public static void Write(string path, Shape shape, ReadOnlySpan<int> elements) => WriteElements(path, NpyType.I4, shape, elements);

    private static void WriteElements<T>(string path, NpyType type, Shape shape, ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(shape);
        Throw.IfCountDiffers(nameof(elements), elements.Length, shape);
        using FileStream stream = File.Create(path);
        WriteElements(stream, type, shape, elements);
    }

    /// <summary>Writes float32, float64 or int64 elements to a stream.</summary>
    internal static void Write(Stream stream, NpyArray array)
    {
        switch (array.Elements)
        {
            case float[] singles:
                WriteElements<float>(stream, array.Type, array.Shape, singles);
                break;
            case double[] doubles:
                WriteElements<double>(stream, array.Type, array.Shape, doubles);
                break;
            default:
                WriteElements<long>(stream, array.Type, array.Shape, (long[])array.Elements);
                break;
        }
    }

    private static void WriteElements<T>(Stream stream, NpyType type, Shape shape, ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        stream.Write(NpyHeader.Write(type, shape));
        while (!elements.IsEmpty)
        {
            ReadOnlySpan<T> piece = elements[..Math.Min(elements.Length, LargestPiece)];
            stream.Write(MemoryMarshal.AsBytes(piece));
            elements = elements[piece.Length..];
        }
    }

    private static T[] ReadElements<T>(Stream stream, string name, NpyHeader header)
        where T : unmanaged
    {
        T[] elements = new T[header.Shape.ElementCount];
        Span<T> rest = elements;
        while (!rest.IsEmpty)
        {
            Span<byte> piece = MemoryMarshal.AsBytes(rest[..Math.Min(rest.Length, LargestPiece)]);
            int got = stream.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false);
            if (got < piece.Length)
            {
                long before = (long)(elements.Length - rest.Length) * header.ElementSize;
                throw Truncated(name, before + got, header.Shape.ElementCount * header.ElementSize, header.Shape);
            }

            rest = rest[(piece.Length / header.ElementSize)..];
        }

        if (stream.ReadByte() >= 0)
        {
            throw new DataFormatException(name, "more bytes after the last element", $"{header.Shape.ElementCount * header.ElementSize} bytes for shape {header.Shape}");
        }

        return header.FortranOrder && header.Shape.Rank > 1 ? ToRowMajor(elements, header.Shape) : elements;
    }

    private static DataFormatException Truncated(string name, long got, long expected, Shape shape) =>
        new(name, $"{got} bytes of elements", $"{expected} for shape {shape}");

    /// <summary>Reorders elements whose first axis is contiguous.</summary>
    private static T[] ToRowMajor<T>(T[] columnMajor, Shape shape)
    {
        T[] rowMajor = new T[columnMajor.Length];
        long[] index = new long[shape.Rank], step = new long[shape.Rank];
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            step[axis] = axis == 0 ? 1 : step[axis - 1] * shape[axis - 1];
        }

        long from = 0;
        for (int to = 0; to < rowMajor.Length; to++)
        {
            rowMajor[to] = columnMajor[from];
            for (int axis = shape.Rank - 1; axis >= 0; axis--)
            {
                from += step[axis];
                if (++index[axis] < shape[axis])
                {
                    break;
                }

                from -= step[axis] * shape[axis];
                index[axis] = 0;
            }
        }

        return rowMajor;
    }
}
