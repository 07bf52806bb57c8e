using System.Text;
using HpcLinear.Data;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Data;

public sealed class NpyFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string File => folder.File("array.npy");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData()]
    [InlineData(5L)]
    [InlineData(2L, 3L)]
    [InlineData(2L, 0L, 3L)]
    [InlineData(1L, 2L, 3L, 4L, 5L)]
    public void What_is_written_is_read_back(params long[] extents)
    {
        Shape shape = Shape.Create(extents);
        double[] elements = [.. Enumerable.Range(0, (int)shape.ElementCount).Select(i => Math.Sqrt(i) - 1)];
        NpyFile.Write(File, shape, elements);
        NpyArray array = NpyFile.Read(File);
        Assert.Equal((shape, NpyType.F8, false), (array.Shape, array.Type, array.IsInteger));
        Assert.Equal(elements, array.ToDoubles());
        Assert.Equal(0, (new FileInfo(File).Length - (8 * elements.Length)) % 64);
    }

    [Fact]
    public void Every_type_is_read_back()
    {
        NpyFile.Write(File, [2], [1.5f, -2f]);
        Assert.Equal([1.5, -2.0], NpyFile.Read(File).ToDoubles());
        NpyFile.Write(File, [2], [long.MaxValue, long.MinValue]);
        Assert.Equal([long.MaxValue, long.MinValue], NpyFile.Read(File).ToInt64s());
        NpyFile.Write(File, [2], [int.MaxValue, -7]);
        Assert.Equal([(long)int.MaxValue, -7], NpyFile.Read(File).ToInt64s());
        Assert.Equal([1L, 0L], Read(Bytes("{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", 1, 0)).ToInt64s());
    }

    [Fact]
    public void Reals_are_not_whole_numbers()
    {
        NpyFile.Write(File, [1], [1.0]);
        Assert.Throws<InvalidOperationException>(() => NpyFile.Read(File).ToInt64s());
    }

    [Fact]
    public void Fortran_order_is_turned_to_rows()
    {
        // [[1, 2, 3], [4, 5, 6]] stored by columns.
        NpyArray array = Read(Bytes("{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }", 1, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 3, 0, 0, 0, 6, 0, 0, 0));
        Assert.Equal<Shape>([2, 3], array.Shape);
        Assert.Equal([1L, 2, 3, 4, 5, 6], array.ToInt64s());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Later_versions_have_a_longer_length(byte version)
    {
        byte[] text = Encoding.UTF8.GetBytes("{\"descr\": \"|b1\", \"fortran_order\": False, \"shape\": ()}\n");
        Assert.Equal([1L], Read([0x93, .. "NUMPY"u8, version, 0, (byte)text.Length, 0, 0, 0, .. text, 1]).ToInt64s());
    }

    [Theory]
    [InlineData("{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }", "big-endian elements (>f8), expected one of <f4 <f8 <i4 <i8 |b1")]
    [InlineData("{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }", "elements of type <c16")]
    [InlineData("{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }", "elements of type <f2")]
    [InlineData("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", "elements of type a structured type")]
    [InlineData("{'descr': '<f8', 'fortran_order': Perhaps, 'shape': (1,), }", "the header")]
    [InlineData("{'descr': '<f8', 'fortran_order': False}", "the header")]
    [InlineData("nonsense", "the header 'nonsense'")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", "the extent '-1'")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (a,), }", "the extent 'a'")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "at most 2^63 - 1 bytes")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }", "8 bytes of elements, expected 8000000000000 for shape [1000000000000]")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", "8 bytes of elements, expected 16 for shape [2]")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (0,), }", "more bytes after the last element, expected 0 bytes")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "more bytes after the last element, expected 4 bytes")]
    public void A_header_that_lies_is_refused(string header, string message) => Refused(message, Bytes(header, 0, 0, 0, 0, 0, 0, 0, 0));

    [Fact]
    public void What_is_no_npy_file_is_refused()
    {
        Refused("0 bytes, expected a .npy header", []);
        Refused("a file that begins with 000000000000", new byte[16]);
        Refused(".npy version 4.0, expected version 1, 2 or 3", [0x93, .. "NUMPY"u8, 4, 0, 0, 0]);
        Refused("the end of the file", [0x93, .. "NUMPY"u8, 2, 0, 1]);
        Refused("3 bytes of header, expected 100", [0x93, .. "NUMPY"u8, 1, 0, 100, 0, 1, 2, 3]);
        Refused("a header of 4294967295 bytes", [0x93, .. "NUMPY"u8, 2, 0, 255, 255, 255, 255]);
    }

    [Fact]
    public void Every_cut_is_noticed()
    {
        NpyFile.Write(File, [2, 2], [1.0, 2.0, 3.0, 4.0]);
        byte[] whole = System.IO.File.ReadAllBytes(File);
        for (int length = 0; length < whole.Length; length++)
        {
            System.IO.File.WriteAllBytes(File, whole[..length]);
            Assert.Throws<DataFormatException>(() => NpyFile.Read(File));
        }
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        DataFormatException e = Assert.Throws<DataFormatException>(() => NpyFile.Read(folder.File("none.npy")));
        Assert.Equal((folder.File("none.npy"), "no such file", "a .npy file"), (e.File, e.Found, e.Expected));
        Assert.Contains("a folder", Assert.Throws<DataFormatException>(() => NpyFile.Read(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_count_is_not_written()
    {
        Assert.Throws<ArgumentException>(() => NpyFile.Write(File, [3], [1.0, 2.0]));
        Assert.False(System.IO.File.Exists(File));
    }

    private static byte[] Bytes(string header, params byte[] elements) =>
        [0x93, .. "NUMPY"u8, 1, 0, (byte)(header.Length + 1), 0, .. Encoding.ASCII.GetBytes(header), (byte)'\n', .. elements];

    private NpyArray Read(byte[] bytes)
    {
        System.IO.File.WriteAllBytes(File, bytes);
        return NpyFile.Read(File);
    }

    private void Refused(string message, byte[] bytes)
    {
        DataFormatException e = Assert.Throws<DataFormatException>(() => Read(bytes));
        Assert.StartsWith(File + ": ", e.Message, StringComparison.Ordinal);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);

        // A stream that cannot be measured gives the same verdict.
        using MemoryStream stream = new(bytes);
        using System.IO.BufferedStream buffered = new(stream);
        Assert.Throws<DataFormatException>(() => NpyFile.Read(buffered, "stream"));
    }
}
