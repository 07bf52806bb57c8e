using HpcLinear.OpenCl;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.OpenCl;

/// <summary>A driver may abort the process on a damaged binary: none ever gets one.</summary>
public sealed class BinaryCacheTests : IDisposable
{
    private static readonly byte[] Payload = [.. Enumerable.Range(0, 1000).Select(i => (byte)i)];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_was_written_is_read_back()
    {
        string path = Path.Combine(folder.Path, "deeper", "x.clbin");
        Assert.Null(BinaryCache.Read(path));
        BinaryCache.Write(path, Payload);
        Assert.Equal(Payload, BinaryCache.Read(path));
        BinaryCache.Write(path, Payload[..10]);
        Assert.Equal(Payload[..10], BinaryCache.Read(path));
        Assert.Equal(["x.clbin"], Directory.GetFiles(Path.GetDirectoryName(path)!).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("truncated")]
    [InlineData("lengthened")]
    [InlineData("flipped")]
    [InlineData("of another kind")]
    [InlineData("empty")]
    public void A_damaged_file_is_not_there_and_is_removed(string damage)
    {
        string path = folder.File("x.clbin");
        BinaryCache.Write(path, Payload);
        byte[] file = File.ReadAllBytes(path);
        switch (damage)
        {
            case "truncated":
                file = file[..^1];
                break;
            case "lengthened":
                file = [.. file, 0];
                break;
            case "flipped":
                file[^500] ^= 1;
                break;
            case "of another kind":
                file[0] ^= 1;
                break;
            default:
                file = [];
                break;
        }

        File.WriteAllBytes(path, file);
        Assert.Null(BinaryCache.Read(path));
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_no_error()
    {
        File.WriteAllText(folder.File("file"), "");
        BinaryCache.Write(Path.Combine(folder.File("file"), "x.clbin"), Payload);
        Assert.Null(BinaryCache.Read(Path.Combine(folder.File("file"), "x.clbin")));
    }
}
