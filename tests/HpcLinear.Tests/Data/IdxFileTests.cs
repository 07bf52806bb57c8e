using HpcLinear.Data;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Data;

public sealed class IdxFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("plain.idx")]
    [InlineData("packed.idx.gz")]
    public void What_is_written_is_read_back(string name)
    {
        byte[] elements = [.. Enumerable.Range(0, 24).Select(i => (byte)(i * 10))];
        IdxFile.Write(folder.File(name), [2, 3, 4], elements);
        IdxArray array = IdxFile.Read(folder.File(name));
        Assert.Equal<Shape>([2, 3, 4], array.Shape);
        Assert.Equal(elements, array.Elements.ToArray());
        Assert.Equal([120.0 / 2, 130.0 / 2], array.Scaled(0.5)[12..14]);
    }

    [Fact]
    public void Items_are_taken_in_steps()
    {
        IdxFile.Write(folder.File("a"), [5, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        IdxArray array = IdxFile.Read(folder.File("a"));
        Assert.Equal([0.0, 1, 4, 5, 8, 9], array.Scaled(1, step: 2));
        Assert.Equal([0.0, 1, 2, 3], array.Scaled(1, count: 2));
        Assert.Empty(array.Scaled(1, count: 0));
    }

    [Theory]
    [InlineData("3 bytes, expected 0000 (IDX)", 0, 0, 8)]
    [InlineData("a file that begins with 01000801", 1, 0, 8, 1)]
    [InlineData("elements of IDX type 0x0D, expected 0x08", 0, 0, 13, 1, 0, 0, 0, 0)]
    [InlineData("a header of 1 extents, expected 2", 0, 0, 8, 2, 0, 0, 0, 1, 0, 0)]
    [InlineData("the shape [], expected 1 axis or more", 0, 0, 8, 0)]
    [InlineData("the shape [4294967295], expected", 0, 0, 8, 1, 255, 255, 255, 255)]
    [InlineData("the shape [4294967295, 4294967295, 4294967295]", 0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255)]
    [InlineData("2 bytes of elements, expected 2147483591", 0, 0, 8, 1, 127, 255, 255, 199, 1, 2)]
    [InlineData("more bytes after the last element, expected 1", 0, 0, 8, 1, 0, 0, 0, 1, 5, 6)]
    [InlineData("damaged gzip data", 0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9)]
    public void A_damaged_file_is_refused(string message, params int[] bytes)
    {
        File.WriteAllBytes(folder.File("bad"), [.. bytes.Select(b => (byte)b)]);
        Assert.Contains(message, Assert.Throws<DataFormatException>(() => IdxFile.Read(folder.File("bad"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_truncated_archive_is_refused()
    {
        byte[] random = new byte[5000];
        new Random(1).NextBytes(random);
        IdxFile.Write(folder.File("a.gz"), [50, 100], random);
        byte[] whole = File.ReadAllBytes(folder.File("a.gz"));
        foreach (int length in new[] { 2, 12, 20, whole.Length / 2, whole.Length - 20 })
        {
            File.WriteAllBytes(folder.File("a.gz"), whole[..length]);
            Assert.Throws<DataFormatException>(() => IdxFile.Read(folder.File("a.gz")));
        }
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("none: no such file, expected an IDX file", Assert.Throws<DataFormatException>(() => IdxFile.Read(folder.File("none"))).Message, StringComparison.Ordinal);

    [Fact]
    public void The_shipped_digits_are_ten_thousand_images_with_labels()
    {
        IdxArray images = IdxFile.Read(Path.Combine(AppContext.BaseDirectory, "Assets", "t10k-images-idx3-ubyte.gz"));
        IdxArray labels = IdxFile.Read(Path.Combine(AppContext.BaseDirectory, "Assets", "t10k-labels-idx1-ubyte.gz"));
        Assert.Equal<Shape>([10000, 28, 28], images.Shape);
        Assert.Equal<Shape>([10000], labels.Shape);
        Assert.Equal([7, 2, 1, 0, 4], labels.Elements[..5].ToArray());
    }
}
