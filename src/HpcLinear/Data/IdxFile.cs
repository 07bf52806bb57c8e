using System.Buffers.Binary;
using System.IO.Compression;

namespace HpcLinear.Data;

/// <summary>Reads and writes bytes in the IDX format, the one of the MNIST digits, plain or compressed by gzip.</summary>
public static class IdxFile
{
    private const byte UnsignedByte = 0x08;

    /// <summary>Reads a file; gzip is recognised by its first bytes, not by the name.</summary>
    /// <exception cref="DataFormatException">The file is missing, damaged, cut short or longer than its header says, or holds something other than bytes.</exception>
    public static IdxArray Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!File.Exists(path))
        {
            throw new DataFormatException(path, Directory.Exists(path) ? "a folder" : "no such file", "an IDX file");
        }

        using FileStream file = File.OpenRead(path);
        bool compressed = file.ReadByte() == 0x1f && file.ReadByte() == 0x8b;
        file.Position = 0;
        try
        {
            using GZipStream? unzip = compressed ? new(file, CompressionMode.Decompress) : null;
            return Read((Stream?)unzip ?? file, path);
        }
        catch (InvalidDataException inner)
        {
            throw new DataFormatException(path, "damaged gzip data", "an IDX file", inner);
        }
    }

    /// <summary>Reads an uncompressed stream to its end.</summary>
    /// <param name="stream">Positioned at the magic bytes.</param>
    /// <param name="name">How errors call the stream.</param>
    /// <exception cref="DataFormatException">As for <see cref="Read(string)"/>.</exception>
    public static IdxArray Read(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Shape shape = ReadHeader(stream, name);
        long count = shape.ElementCount;

        // Grown while reading: a header that lies about a compressed file must not cost memory.
        byte[] elements = new byte[Math.Min(count, 1 << 20)];
        long read = 0;
        while (read < count)
        {
            if (read == elements.Length)
            {
                Array.Resize(ref elements, (int)Math.Min(count, 2L * elements.Length));
            }

            int got = stream.Read(elements, (int)read, (int)(elements.Length - read));
            if (got == 0)
            {
                throw new DataFormatException(name, $"{read} bytes of elements", $"{count} for shape {shape}");
            }

            read += got;
        }

        return stream.ReadByte() < 0
            ? new(shape, elements)
            : throw new DataFormatException(name, "more bytes after the last element", $"{count} for shape {shape}");
    }

    /// <summary>Writes bytes, row-major; compressed if the name ends in <c>.gz</c>. An existing file is replaced.</summary>
    /// <exception cref="ArgumentException">The element count is not the shape's, or an extent exceeds 2^31 - 1.</exception>
    public static void Write(string path, Shape shape, ReadOnlySpan<byte> elements)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(shape);
        Throw.IfCountDiffers(nameof(elements), elements.Length, shape);
        if (shape.Rank is 0 or > byte.MaxValue || shape.Any(e => e > int.MaxValue))
        {
            throw new ArgumentException($"shape: 1 to 255 extents below 2^31 expected, {shape} given", nameof(shape));
        }

        byte[] header = new byte[4 + (4 * shape.Rank)];
        header[2] = UnsignedByte;
        header[3] = (byte)shape.Rank;
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + (4 * axis)), (int)shape[axis]);
        }

        using FileStream file = File.Create(path);
        using GZipStream? zip = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new(file, CompressionLevel.Optimal) : null;
        Stream stream = (Stream?)zip ?? file;
        stream.Write(header);
        stream.Write(elements);
    }

    private static Shape ReadHeader(Stream stream, string name)
    {
        Span<byte> word = stackalloc byte[4];
        int got = stream.ReadAtLeast(word, 4, throwOnEndOfStream: false);
        if (got < 4 || word[0] != 0 || word[1] != 0)
        {
            throw new DataFormatException(name, got < 4 ? $"{got} bytes" : $"a file that begins with {Convert.ToHexString(word)}", "0000 (IDX)");
        }

        if (word[2] != UnsignedByte)
        {
            throw new DataFormatException(name, $"elements of IDX type 0x{word[2]:X2}", $"0x{UnsignedByte:X2} (unsigned bytes)");
        }

        long[] extents = new long[word[3]];
        for (int axis = 0; axis < extents.Length; axis++)
        {
            got = stream.ReadAtLeast(word, 4, throwOnEndOfStream: false);
            extents[axis] = got == 4
                ? BinaryPrimitives.ReadUInt32BigEndian(word)
                : throw new DataFormatException(name, $"a header of {axis} extents", $"{extents.Length}");
        }

        Shape shape = Shape.Create(extents);
        try
        {
            if (extents.Length > 0 && shape.ElementCount <= Array.MaxLength)
            {
                return shape;
            }
        }
        catch (OverflowException)
        {
            // Said below: the product of the extents is too large to count.
        }

        throw new DataFormatException(name, $"the shape {shape}", $"1 axis or more and at most {Array.MaxLength} elements");
    }
}
