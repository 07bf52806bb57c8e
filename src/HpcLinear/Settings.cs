using System.Globalization;

namespace HpcLinear;

/// <summary>Every environment variable the engine reads, in one place.</summary>
internal static class Settings
{
    /// <summary><c>HPCLINEAR_TARGET</c>: what <see cref="Devices.Open(string?, DeviceOptions?)"/> opens when no target is named.</summary>
    public static string? Target => Read("HPCLINEAR_TARGET");

    /// <summary><c>HPCLINEAR_THREADS</c>: threads of CPU devices; one a processor by default.</summary>
    public static int Threads
    {
        get
        {
            string? text = Read("HPCLINEAR_THREADS");
            if (text is null)
            {
                return Environment.ProcessorCount;
            }

            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int threads) && threads is >= 1 and <= 1024
                ? threads
                : throw new ArgumentException($"HPCLINEAR_THREADS: a number from 1 to 1024 expected, '{text}' given");
        }
    }

    /// <summary><c>HPCLINEAR_DEVICE=cpu</c>: OpenCL is not even looked for.</summary>
    public static bool SkipOpenCl => Read("HPCLINEAR_DEVICE") == "cpu";

    /// <summary><c>HPCLINEAR_CACHE=off</c>: compiled OpenCL programs are not kept on disk.</summary>
    public static bool ProgramCacheOff => Read("HPCLINEAR_CACHE") == "off";

    /// <summary><c>HPCLINEAR_CACHE=on</c>: programs are kept on disk even for drivers that keep a cache of their own.</summary>
    public static bool ProgramCacheForced => Read("HPCLINEAR_CACHE") == "on";

    /// <summary><c>HPCLINEAR_CACHE_DIR</c>, else <c>$XDG_CACHE_HOME/hpclinear</c>, else none.</summary>
    public static string? CacheDirectory => Read("HPCLINEAR_CACHE_DIR") ?? (Read("XDG_CACHE_HOME") is { } home ? Path.Combine(home, "hpclinear") : null);

    /// <summary><c>HPCLINEAR_KERNEL_FAMILY=cpu|gpu</c>: the OpenCL kernel family, whatever the device's type.</summary>
    public static KernelFamily KernelFamily => Read("HPCLINEAR_KERNEL_FAMILY") switch
    {
        null => KernelFamily.Automatic,
        "cpu" => KernelFamily.Cpu,
        "gpu" => KernelFamily.Gpu,
        { } other => throw new ArgumentException($"HPCLINEAR_KERNEL_FAMILY: cpu or gpu expected, '{other}' given"),
    };

    /// <summary><c>HPCLINEAR_LAPACK</c>: the file of the LAPACK library to use, or <c>off</c> for none; the system's by default.</summary>
    public static string? Lapack => Read("HPCLINEAR_LAPACK");

    /// <summary><c>OCL_ICD_VENDORS</c>, <c>OPENCL_VENDOR_PATH</c>: where the OpenCL loader looks for drivers; only explained, the loader reads them itself.</summary>
    public static string OpenClVendors => Read("OCL_ICD_VENDORS") ?? Read("OPENCL_VENDOR_PATH") ?? "/etc/OpenCL/vendors";

    /// <summary><c>HPCLINEAR_TRACE=plans</c>: every plan prints what it chose to standard error.</summary>
    public static bool TracePlans => Read("HPCLINEAR_TRACE") == "plans";

    private static string? Read(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
