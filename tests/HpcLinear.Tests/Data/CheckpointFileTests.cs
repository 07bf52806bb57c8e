using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using HpcLinear.Data;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Data;

public sealed class CheckpointFileTests : IDisposable
{
    private static readonly double[] Doubles = [BitConverter.Int64BitsToDouble(0x7ff8_0000_dead_beef), -0.0, double.Epsilon, double.NegativeInfinity, 0.1, BitConverter.Int64BitsToDouble(-0x0007_1234_5678_9abc)];
    private static readonly float[] Singles = [BitConverter.Int32BitsToSingle(0x7fc1_2345), -0f, float.Epsilon, float.PositiveInfinity];
    private static readonly long[] Whole = [long.MinValue, -1, long.MaxValue];

    private readonly TemporaryFolder folder = new();

    private string Path => folder.File("state.ckpt");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back_bit_by_bit()
    {
        CheckpointFile.Write(Path, Sample());
        Checkpoint read = CheckpointFile.Read(Path);
        Assert.Equal(["weights", "slow.m-1", "counter", "none"], read.ArrayNames);
        Assert.Equal(Array.ConvertAll(Doubles, BitConverter.DoubleToInt64Bits), Array.ConvertAll(read.Get<double>("weights", [2, 3]), BitConverter.DoubleToInt64Bits));
        Assert.Equal(Array.ConvertAll(Singles, BitConverter.SingleToInt32Bits), Array.ConvertAll(read.Get<float>("slow.m-1", [4]), BitConverter.SingleToInt32Bits));
        Assert.Equal(Whole, read.Get<long>("counter", [3]));
        Assert.Empty(read.Get<float>("none", [0, 2]));
        Assert.Equal(("relax n64 \"é\"\n", 0.1, -3L, "1E-300"), (read.GetText("network"), read.GetDouble("rate"), read.GetInt64("epoch"), read.GetText("tiny")));
        Assert.Equal(BitConverter.DoubleToInt64Bits(-0.0), BitConverter.DoubleToInt64Bits(read.GetDouble("zero")));
        Assert.Equal(["state.ckpt"], Directory.EnumerateFiles(folder.Path).Select(f => System.IO.Path.GetFileName(f)));
    }

    [Fact]
    public void Equal_checkpoints_are_equal_files()
    {
        CheckpointFile.Write(Path, Sample());
        CheckpointFile.Write(folder.File("again"), CheckpointFile.Read(Path));
        Assert.Equal(File.ReadAllBytes(Path), File.ReadAllBytes(folder.File("again")));
    }

    [Fact]
    public void The_file_is_a_plain_archive_of_npy_files()
    {
        CheckpointFile.Write(Path, Sample());
        using ZipArchive zip = ZipFile.OpenRead(Path);
        Assert.Equal(["weights.npy", "slow.m-1.npy", "counter.npy", "none.npy", "manifest.json", "manifest.sha256"], zip.Entries.Select(e => e.FullName));
        zip.GetEntry("weights.npy")!.ExtractToFile(folder.File("weights.npy"));
        NpyArray array = NpyFile.Read(folder.File("weights.npy"));
        Assert.Equal(NpyType.F8, array.Type);
        Assert.Equal(Doubles, array.ToDoubles());
    }

    [Fact]
    public void Every_cut_is_noticed()
    {
        CheckpointFile.Write(Path, Sample());
        byte[] whole = File.ReadAllBytes(Path);
        for (int length = 0; length < whole.Length; length += 10)
        {
            File.WriteAllBytes(Path, whole[..length]);
            Assert.StartsWith(Path, Assert.Throws<DataFormatException>(() => CheckpointFile.Read(Path)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_altered_byte_is_noticed_or_changes_nothing()
    {
        CheckpointFile.Write(Path, Sample());
        byte[] whole = File.ReadAllBytes(Path), altered = [.. whole];
        int noticed = 0;
        for (int at = 0; at < whole.Length; at++)
        {
            altered[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(Path, altered);
            altered[at] = whole[at];
            Checkpoint read;
            try
            {
                read = CheckpointFile.Read(Path);
            }
            catch (DataFormatException)
            {
                noticed++;
                continue;
            }

            using MemoryStream again = new();
            CheckpointFile.Write(again, read);
            Assert.True(whole.AsSpan().SequenceEqual(again.ToArray()), $"byte {at} was altered and not noticed");
        }

        // The rest are times, attributes and second copies of names in the archive.
        Assert.InRange(noticed, whole.Length * 3 / 4, whole.Length);
    }

    [Fact]
    public void A_tampered_member_is_named()
    {
        foreach (string member in new[] { "weights.npy", "slow.m-1.npy", "counter.npy", "none.npy", "manifest.json" })
        {
            Tamper(member, bytes => bytes[^1] ^= 1);
            Refused(member);
            Tamper(member, null);
            Refused(member);
        }

        Tamper("counter.npy", bytes => bytes[^1] ^= 1);
        Refused("counter.npy altered: SHA-256 ");
        Tamper("manifest.json", bytes => bytes.AsSpan().Replace((byte)'1', (byte)'2'));
        Refused("manifest.json altered");
    }

    [Theory]
    [InlineData("a checkpoint of version 2, expected version 1", "\"version\": 1", "\"version\": 2")]
    [InlineData("a manifest.json of something else, expected format 'hpclinear-checkpoint'", "hpclinear-checkpoint", "other")]
    [InlineData("a manifest.json that cannot be read", "\"settings\"", "\"sittings\"")]
    [InlineData("counter.npy of I8 [3], expected I8 [4]", "[\n        3\n", "[\n        4\n")]
    [InlineData("no member kaunter.npy, expected a whole checkpoint", "\"counter\"", "\"kaunter\"")]
    public void A_manifest_that_says_something_else_is_refused(string message, string from, string to)
    {
        CheckpointFile.Write(Path, Sample());
        using (ZipArchive zip = ZipFile.Open(Path, ZipArchiveMode.Update))
        {
            string manifest = Encoding.UTF8.GetString(Content(zip, "manifest.json"));
            Assert.Contains(from, manifest, StringComparison.Ordinal);
            byte[] changed = Encoding.UTF8.GetBytes(manifest.Replace(from, to, StringComparison.Ordinal));
            Replace(zip, "manifest.json", changed);
            Replace(zip, "manifest.sha256", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(changed))));
        }

        Refused(message);
    }

    [Fact]
    public void Other_files_are_refused()
    {
        Refused("no such file, expected a checkpoint");
        File.WriteAllText(Path, "this is no archive");
        Refused("no zip archive");
        File.WriteAllBytes(Path, []);
        Refused("no zip archive");
        File.Delete(Path);
        using (ZipArchive zip = ZipFile.Open(Path, ZipArchiveMode.Create))
        {
            Replace(zip, "arr_0.npy", [1, 2, 3]);
        }

        Refused("an archive without manifest.json, expected a checkpoint");
        Assert.Contains("a folder, expected a checkpoint", Assert.Throws<DataFormatException>(() => CheckpointFile.Read(folder.Path)).Message, StringComparison.Ordinal);
        CheckpointFile.Write(folder.File("more"), Sample());
        using (ZipArchive zip = ZipFile.Open(folder.File("more"), ZipArchiveMode.Update))
        {
            Replace(zip, "extra.npy", [1]);
        }

        Assert.Contains("the member extra.npy, which the manifest does not name", Assert.Throws<DataFormatException>(() => CheckpointFile.Read(folder.File("more"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_folder_is_named_and_a_folder_is_no_file()
    {
        string missing = folder.File("none");
        Assert.Equal(
            $"{missing}/a: the folder {missing} does not exist",
            Assert.Throws<DirectoryNotFoundException>(() => CheckpointFile.Write($"{missing}/a", Sample())).Message.Replace('\\', '/'));
        Assert.Throws<DirectoryNotFoundException>(() => CheckpointFile.RequireWritable($"{missing}/a"));
        Assert.Contains("that of a folder given", Assert.Throws<IOException>(() => CheckpointFile.Write(folder.Path, Sample())).Message, StringComparison.Ordinal);
        CheckpointFile.RequireWritable(Path);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_full_disk_leaves_the_old_checkpoint_and_nothing_else()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "no /dev/full on this system");
        Checkpoint large = new();
        large.Add("a", [100_000], new double[100_000]);
        File.CreateSymbolicLink(Path + ".tmp", "/dev/full");
        Assert.Contains("not written, nothing is left behind: ", Assert.Throws<IOException>(() => CheckpointFile.Write(Path, large)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));

        CheckpointFile.Write(Path, Sample());
        byte[] old = File.ReadAllBytes(Path);
        File.CreateSymbolicLink(Path + ".tmp", "/dev/full");
        string message = Assert.Throws<IOException>(() => CheckpointFile.Write(Path, large)).Message;
        Assert.Contains($"{Path}: not written, the file that was there is unchanged: No space left on device", message, StringComparison.Ordinal);
        Assert.Equal(old, File.ReadAllBytes(Path));
        Assert.Single(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_stream_that_fails_at_any_byte_fails_with_its_own_error()
    {
        using MemoryStream whole = new();
        CheckpointFile.Write(whole, Sample());
        for (int room = 0; room < whole.Length; room += 10)
        {
            using FullStream stream = new(room);
            Assert.Equal("full", Assert.Throws<IOException>(() => CheckpointFile.Write(stream, Sample())).Message);
        }
    }

    [Fact]
    public void Leftovers_of_a_killed_process_are_replaced()
    {
        File.WriteAllBytes(Path + ".tmp", new byte[100_000]);
        CheckpointFile.Write(Path, Sample());
        Assert.Equal(4, CheckpointFile.Read(Path).ArrayNames.Count);
        Assert.Single(Directory.EnumerateFiles(folder.Path));
    }

    [Fact]
    public void The_first_setting_that_differs_is_named()
    {
        CheckpointFile.Write(Path, Sample());
        Checkpoint read = CheckpointFile.Read(Path);
        read.RequireSettings([new("rate", "0.1"), new("epoch", "-3")]);
        Assert.Equal($"{Path}: rate '0.1', expected '0.2'", Assert.Throws<DataFormatException>(() => read.RequireSettings([new("epoch", "-3"), new("rate", "0.2"), new("epoch", "4")])).Message);
        Assert.Equal($"{Path}: no setting 'seed', expected one", Assert.Throws<DataFormatException>(() => read.RequireSettings([new("seed", "1")])).Message);
        Assert.Contains("setting 'network' relax", Assert.Throws<DataFormatException>(() => read.GetDouble("network")).Message, StringComparison.Ordinal);
        Assert.Contains("setting 'rate' 0.1, expected a whole number", Assert.Throws<DataFormatException>(() => read.GetInt64("rate")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_array_of_another_type_or_shape_is_refused()
    {
        CheckpointFile.Write(Path, Sample());
        Checkpoint read = CheckpointFile.Read(Path);
        Assert.Contains("no array 'biases', expected Single [2]", Assert.Throws<DataFormatException>(() => read.Get<float>("biases", [2])).Message, StringComparison.Ordinal);
        Assert.Contains("array 'weights' of Double [2, 3], expected Single [2, 3]", Assert.Throws<DataFormatException>(() => read.Get<float>("weights", [2, 3])).Message, StringComparison.Ordinal);
        Assert.Contains("array 'weights' of Double [2, 3], expected Double [3, 2]", Assert.Throws<DataFormatException>(() => read.Get<double>("weights", [3, 2])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_names_and_numbers_are_refused()
    {
        Checkpoint checkpoint = Sample();
        foreach (string name in new[] { "", "a/b", "ä", "weights", new string('a', 101) })
        {
            Assert.Throws<ArgumentException>(() => checkpoint.Add(name, [0], Array.Empty<float>()));
        }

        Assert.Throws<ArgumentException>(() => checkpoint.Add("short", [2], new float[1]));
        Assert.Throws<ArgumentException>(() => checkpoint.Set("rate", "again"));
        Assert.Contains("a finite number expected, NaN given", Assert.Throws<ArgumentException>(() => checkpoint.Set("bad", double.NaN)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_hash_is_SHA_256()
    {
        Random random = new(1);
        for (int length = 0; length < 300; length++)
        {
            byte[] bytes = new byte[length];
            random.NextBytes(bytes);
            Sha256 hash = new();
            for (int at = 0; at < length;)
            {
                int piece = random.Next(1, Math.Min(100, length - at) + 1);
                hash.Append(bytes.AsSpan(at, piece));
                at += piece;
            }

            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), hash.Finish());
        }
    }

    private static Checkpoint Sample()
    {
        Checkpoint checkpoint = new();
        checkpoint.Add("weights", [2, 3], Doubles);
        checkpoint.Add("slow.m-1", [4], Singles);
        checkpoint.Add("counter", [3], Whole);
        checkpoint.Add("none", [0, 2], Array.Empty<float>());
        checkpoint.Set("network", "relax n64 \"é\"\n");
        checkpoint.Set("rate", 0.1);
        checkpoint.Set("epoch", -3);
        checkpoint.Set("tiny", 1e-300);
        checkpoint.Set("zero", -0.0);
        return checkpoint;
    }

    private static byte[] Content(ZipArchive zip, string name)
    {
        using Stream stream = zip.GetEntry(name)!.Open();
        using MemoryStream bytes = new();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static void Replace(ZipArchive zip, string name, byte[] bytes)
    {
        if (zip.Mode == ZipArchiveMode.Update)
        {
            zip.GetEntry(name)?.Delete();
        }

        using Stream stream = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
        stream.Write(bytes);
    }

    /// <summary>Writes the sample with one member changed, or left out, and the checksums of the archive right.</summary>
    private void Tamper(string member, Action<byte[]>? change)
    {
        CheckpointFile.Write(Path, Sample());
        using ZipArchive zip = ZipFile.Open(Path, ZipArchiveMode.Update);
        byte[] changed = Content(zip, member);
        if (change is null)
        {
            zip.GetEntry(member)!.Delete();
            return;
        }

        change(changed);
        Replace(zip, member, changed);
    }

    private void Refused(string message)
    {
        DataFormatException e = Assert.Throws<DataFormatException>(() => CheckpointFile.Read(Path));
        Assert.StartsWith(Path, e.Message, StringComparison.Ordinal);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    /// <summary>Throws once a number of bytes was written.</summary>
    private sealed class FullStream(int room) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Check(buffer.Length);
            base.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            Check(count);
            base.Write(buffer, offset, count);
        }

        private void Check(int count)
        {
            if (Position + count > room)
            {
                throw new IOException("full");
            }
        }
    }
}
