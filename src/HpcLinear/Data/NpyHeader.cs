using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace HpcLinear.Data;

/// <summary>What the text at the head of a <c>.npy</c> file says: element type, order and shape.</summary>
internal sealed partial record NpyHeader(NpyType Type, bool FortranOrder, Shape Shape)
{
    /// <summary>Longer headers are lies: 32 axes and a plain type need a few hundred bytes.</summary>
    private const int LongestHeader = 1 << 16;

    private static readonly (NpyType Type, string Text, int Size)[] Types =
    [
        (NpyType.F4, "<f4", 4), (NpyType.F8, "<f8", 8), (NpyType.I4, "<i4", 4), (NpyType.I8, "<i8", 8), (NpyType.B1, "|b1", 1), (NpyType.U1, "|u1", 1),
    ];

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    public int ElementSize => Array.Find(Types, t => t.Type == Type).Size;

    /// <summary>Reads versions 1, 2 and 3 and leaves the stream at the first element.</summary>
    public static NpyHeader Read(Stream stream, string file)
    {
        Span<byte> head = stackalloc byte[12];
        int got = stream.ReadAtLeast(head[..8], 8, throwOnEndOfStream: false);
        if (got < 8)
        {
            throw new DataFormatException(file, $"{got} bytes", "a .npy header");
        }

        if (!head[..6].SequenceEqual(Magic))
        {
            throw new DataFormatException(file, $"a file that begins with {Convert.ToHexString(head[..6])}", $"{Convert.ToHexString(Magic)} (.npy)");
        }

        int version = head[6];
        if (version is < 1 or > 3)
        {
            throw new DataFormatException(file, $".npy version {version}.{head[7]}", "version 1, 2 or 3");
        }

        int lengthBytes = version == 1 ? 2 : 4;
        got = stream.ReadAtLeast(head[8..(8 + lengthBytes)], lengthBytes, throwOnEndOfStream: false);
        long length = got < lengthBytes ? -1 : version == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(head[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(head[8..]);
        if (length is < 0 or > LongestHeader)
        {
            throw new DataFormatException(file, length < 0 ? "the end of the file" : $"a header of {length} bytes", $"a header length up to {LongestHeader}");
        }

        byte[] text = new byte[length];
        got = stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
        return got < text.Length
            ? throw new DataFormatException(file, $"{got} bytes of header", $"{length}")
            : Parse(Encoding.UTF8.GetString(text).Trim(), file);
    }

    /// <summary>A version 1 header, padded so that the elements begin at a multiple of 64 bytes.</summary>
    public static byte[] Write(NpyType type, Shape shape)
    {
        string extents = string.Join(", ", shape.Select(e => e.ToString(CultureInfo.InvariantCulture)));
        string text = $"{{'descr': '{Array.Find(Types, t => t.Type == type).Text}', 'fortran_order': False, 'shape': ({extents}{(shape.Rank == 1 ? "," : "")}), }}";
        int length = ((10 + text.Length + 1 + 63) / 64 * 64) - 10;
        byte[] header = [.. Magic, 1, 0, (byte)length, (byte)(length >> 8), .. Encoding.ASCII.GetBytes(text.PadRight(length - 1)), (byte)'\n'];
        return header;
    }

    private static NpyHeader Parse(string text, string file)
    {
        Match type = TypePattern().Match(text), order = OrderPattern().Match(text), shape = ShapePattern().Match(text);
        if (!text.StartsWith('{') || !text.EndsWith('}') || !order.Success || !shape.Success)
        {
            throw new DataFormatException(file, $"the header {Shorten(text)}", "{'descr': …, 'fortran_order': …, 'shape': …}");
        }

        string name = type.Success ? type.Groups[1].Value : "a structured type";
        (NpyType Type, string Text, int Size) known = Array.Find(Types, t => t.Text == name || (t.Type == NpyType.B1 && name is "?" or "b1" or "<b1") || (t.Type == NpyType.U1 && name is "<u1" or "u1"));
        if (known.Text is null || !type.Success)
        {
            string why = name.StartsWith('>') ? $"big-endian elements ({name})" : $"elements of type {name}";
            throw new DataFormatException(file, why, $"one of {string.Join(' ', Types.Select(t => t.Text))}");
        }

        return new(known.Type, order.Groups[1].Value == "True", ParseShape(shape.Groups[1].Value, known.Size, file));
    }

    private static Shape ParseShape(string text, int elementSize, string file)
    {
        List<long> extents = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            extents.Add(long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out long extent)
                ? extent
                : throw new DataFormatException(file, $"the extent '{part}'", "whole numbers from 0 on"));
        }

        Shape shape = Shape.Create(extents.ToArray());
        try
        {
            _ = checked(shape.ElementCount * elementSize);
        }
        catch (OverflowException inner)
        {
            throw new DataFormatException(file, $"the shape {shape}", "at most 2^63 - 1 bytes", inner);
        }

        return shape;
    }

    private static string Shorten(string text) => text.Length <= 80 ? $"'{text}'" : $"'{text[..77]}...'";

    [GeneratedRegex("""['"]descr['"]\s*:\s*['"]([^'"]*)['"]""")]
    private static partial Regex TypePattern();

    [GeneratedRegex("""['"]fortran_order['"]\s*:\s*(True|False)""")]
    private static partial Regex OrderPattern();

    [GeneratedRegex("""['"]shape['"]\s*:\s*\(([^)]*)\)""")]
    private static partial Regex ShapePattern();
}
