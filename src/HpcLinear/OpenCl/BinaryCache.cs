using System.Buffers.Binary;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace HpcLinear.OpenCl;

/// <summary>Compiled programs on disk. Every failure means "not there": the source is compiled instead.</summary>
/// <remarks>A file is magic, length and SHA-256 of the payload, payload. Both are verified before a driver sees a byte: drivers have been seen to abort the
/// process on a truncated binary. Off on PoCL, which keeps a cache of its own and takes 0.7 s to hand a binary out.</remarks>
internal static class BinaryCache
{
    private const int HeaderBytes = 8 + 8 + 32;

    private static ReadOnlySpan<byte> Magic => "HPCLBIN1"u8;

    /// <summary>The file for a program; null when nothing is to be kept.</summary>
    public static string? PathFor(OpenClDescription device, string options, string source)
    {
        if (Settings.ProgramCacheOff || (device.IsPocl && !Settings.ProgramCacheForced) || Settings.CacheDirectory is not { } folder)
        {
            return null;
        }

        string key = string.Join(
            '\n',
            Encoding.ASCII.GetString(Magic),
            Assembly.GetExecutingAssembly().GetName().Version,
            device.PlatformName,
            device.PlatformVersion,
            device.Name,
            device.VendorId,
            device.DriverVersion,
            device.Version,
            options,
            source);
        return Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key))) + ".clbin");
    }

    /// <summary>The payload, if the file is whole; a broken one is deleted.</summary>
    public static byte[]? Read(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            byte[] file = File.ReadAllBytes(path);
            if (file.Length > HeaderBytes && file.AsSpan(0, 8).SequenceEqual(Magic)
                && BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(8)) == file.Length - HeaderBytes
                && SHA256.HashData(file.AsSpan(HeaderBytes)).AsSpan().SequenceEqual(file.AsSpan(16, 32)))
            {
                return file[HeaderBytes..];
            }

            Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not there, then.
        }

        return null;
    }

    /// <summary>Writes under a temporary name and renames, so that no reader meets half a file.</summary>
    public static void Write(string path, byte[] payload)
    {
        string temporary = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using (FileStream file = new(temporary, FileMode.CreateNew))
            {
                Span<byte> length = stackalloc byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(length, payload.Length);
                file.Write(Magic);
                file.Write(length);
                file.Write(SHA256.HashData(payload));
                file.Write(payload);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Delete(temporary);
        }
    }

    public static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Left behind; it will be refused again.
        }
    }
}
