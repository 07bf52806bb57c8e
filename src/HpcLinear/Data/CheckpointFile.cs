using System.IO.Compression;

namespace HpcLinear.Data;

/// <summary>Writes and reads checkpoints as <c>.npz</c> files, which NumPy reads too.</summary>
/// <remarks>
/// A file is an uncompressed zip archive of one <c>NAME.npy</c> for each array, <c>manifest.json</c> (format, version, settings, and for each array type, shape and
/// SHA-256 of its <c>.npy</c>) and <c>manifest.sha256</c>. Equal checkpoints give equal files, byte for byte. A file is written under the name with <c>.tmp</c>
/// behind it, flushed to the disk and renamed, so that at every moment the name stands for a whole checkpoint, the old one or the new.
/// </remarks>
public static class CheckpointFile
{
    private const string TemporarySuffix = ".tmp";

    /// <summary>The earliest time that a zip archive can name: equal checkpoints are to be equal files.</summary>
    private static readonly DateTimeOffset NoTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes a checkpoint; an existing file is replaced at the very end.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="IOException">The disk is full or refuses; a file of that name is as it was, and no temporary file stays behind.</exception>
    public static void Write(string path, Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        RequireFolder(path);
        string temporary = path + TemporarySuffix;
        try
        {
            using (FileStream file = new(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                Write(file, checkpoint);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Delete(temporary);
            throw new IOException($"{path}: not written, {(File.Exists(path) ? "the file that was there is unchanged" : "nothing is left behind")}: {e.Message}", e);
        }
        catch
        {
            Delete(temporary);
            throw;
        }
    }

    /// <summary>Throws unless a file of that name could be made: to be asked before hours of work.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="IOException">The name is a folder's, or no file can be made in the folder.</exception>
    public static void RequireWritable(string path)
    {
        RequireFolder(path);
        try
        {
            using FileStream probe = new(path + TemporarySuffix, FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path}: no file can be made beside it: {e.Message}", e);
        }
    }

    /// <summary>Reads a checkpoint and verifies all of it.</summary>
    /// <exception cref="DataFormatException">The file is missing, cut short, altered, or no checkpoint of this version.</exception>
    public static Checkpoint Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new DataFormatException(path, Directory.Exists(path) ? "a folder" : "no such file", "a checkpoint");
        }

        using FileStream file = File.OpenRead(path);
        try
        {
            using ZipArchive zip = new(file, ZipArchiveMode.Read);
            return Read(zip, path, file.Length);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or ArgumentException or NotSupportedException or OverflowException)
        {
            throw new DataFormatException(path, $"no zip archive, one cut short or a damaged one ({e.Message})", "a checkpoint", e);
        }
    }

    internal static void Write(Stream stream, Checkpoint checkpoint)
    {
        using ZipArchive zip = new(stream, ZipArchiveMode.Create, leaveOpen: true);
        List<CheckpointManifest.Entry> entries = [];
        foreach ((string name, NpyArray array) in checkpoint.Arrays)
        {
            using HashedStream member = new(Create(zip, name + ".npy"), 0);
            NpyFile.Write(member, array);
            entries.Add(new(name, array.Type, array.Shape, member.Finish()));
        }

        byte[] manifest = CheckpointManifest.Write(checkpoint, entries);
        WriteBytes(zip, CheckpointManifest.FileName, manifest);
        WriteBytes(zip, CheckpointManifest.HashName, System.Text.Encoding.ASCII.GetBytes(Sha256.Hash(manifest) + "\n"));
    }

    private static void RequireFolder(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? path;
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"{path}: the folder {folder} does not exist");
        }

        if (Directory.Exists(path))
        {
            throw new IOException($"{path}: the name of a file expected, that of a folder given");
        }
    }

    private static void WriteBytes(ZipArchive zip, string name, byte[] bytes)
    {
        using Stream stream = Create(zip, name);
        stream.Write(bytes);
    }

    private static Stream Create(ZipArchive zip, string name)
    {
        ZipArchiveEntry entry = zip.CreateEntry(name, CompressionLevel.NoCompression);
        entry.LastWriteTime = NoTime;
        return entry.Open();
    }

    private static Checkpoint Read(ZipArchive zip, string path, long fileLength)
    {
        Dictionary<string, ZipArchiveEntry> members = new(StringComparer.Ordinal);
        foreach (ZipArchiveEntry member in zip.Entries)
        {
            // Stored as it is, so that no length in the archive can claim more memory than the file has bytes.
            if (member.Length != member.CompressedLength || member.Length > fileLength || !members.TryAdd(member.FullName, member))
            {
                throw new DataFormatException(path, $"the member {member.FullName} compressed or twice", "a checkpoint");
            }
        }

        Checkpoint checkpoint = new(path);
        foreach (CheckpointManifest.Entry entry in ReadManifest(members, path, checkpoint))
        {
            checkpoint.Add(entry.Name, ReadArray(members, path, entry));
        }

        return members.Count == 0
            ? checkpoint
            : throw new DataFormatException(path, $"the member {members.Keys.First()}, which the manifest does not name", "a checkpoint");
    }

    private static IReadOnlyList<CheckpointManifest.Entry> ReadManifest(Dictionary<string, ZipArchiveEntry> members, string path, Checkpoint checkpoint)
    {
        if (!members.ContainsKey(CheckpointManifest.FileName))
        {
            throw new DataFormatException(path, $"an archive without {CheckpointManifest.FileName}", "a checkpoint");
        }

        byte[] manifest = ReadBytes(members, path, CheckpointManifest.FileName);
        string expected = System.Text.Encoding.ASCII.GetString(ReadBytes(members, path, CheckpointManifest.HashName)).TrimEnd();
        return Sha256.Hash(manifest) == expected
            ? CheckpointManifest.Read(manifest, path, checkpoint)
            : throw new DataFormatException(path, $"{CheckpointManifest.FileName} altered: SHA-256 {Sha256.Hash(manifest)}", expected);
    }

    private static byte[] ReadBytes(Dictionary<string, ZipArchiveEntry> members, string path, string name)
    {
        if (!members.Remove(name, out ZipArchiveEntry? member))
        {
            throw new DataFormatException(path, $"no member {name}", "a whole checkpoint");
        }

        using Stream stream = member.Open();
        byte[] bytes = new byte[member.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static NpyArray ReadArray(Dictionary<string, ZipArchiveEntry> members, string path, CheckpointManifest.Entry entry)
    {
        string name = entry.Name + ".npy";
        if (!members.Remove(name, out ZipArchiveEntry? member))
        {
            throw new DataFormatException(path, $"no member {name}", "a whole checkpoint");
        }

        using HashedStream stream = new(member.Open(), member.Length);
        NpyArray array = NpyFile.Read(stream, $"{path}, {name}");
        string hash = stream.Finish();
        return hash != entry.Hash ? throw new DataFormatException(path, $"{name} altered: SHA-256 {hash}", entry.Hash)
            : array.Type != entry.Type || !array.Shape.Equals(entry.Shape) ? throw new DataFormatException(path, $"{name} of {array.Type} {array.Shape}", $"{entry.Type} {entry.Shape}")
            : array;
    }

    private static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What is being reported matters more, and the next write replaces the leftover.
        }
    }
}
