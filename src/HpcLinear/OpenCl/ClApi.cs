using Silk.NET.OpenCL;

namespace HpcLinear.OpenCl;

/// <summary>The OpenCL loader, found once a process.</summary>
internal static class ClApi
{
    private static readonly Lazy<(CL? Api, string Reason)> Loaded = new(Load);

    /// <summary>The loader's functions.</summary>
    /// <exception cref="InvalidOperationException">No loader; <see cref="WhyNot"/> tells beforehand.</exception>
    public static CL Cl => Loaded.Value.Api ?? throw new InvalidOperationException(Loaded.Value.Reason);

    /// <summary>Why there are no functions to call; null when there are.</summary>
    public static string? WhyNot => Loaded.Value.Api is null ? Loaded.Value.Reason : null;

    private static (CL? Api, string Reason) Load()
    {
        try
        {
            return (CL.GetApi(), "");
        }
        catch (FileNotFoundException)
        {
            return (null, "no OpenCL loader: libOpenCL.so.1 (opencl.dll) is neither installed nor beside the executable");
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException or PlatformNotSupportedException)
        {
            return (null, $"the OpenCL loader cannot be used: {e.Message}");
        }
    }
}
