using System.Text;
using Silk.NET.OpenCL;

namespace HpcLinear.OpenCl;

/// <summary>What a driver says of one device.</summary>
internal sealed record OpenClDescription
{
    public required nint Platform { get; init; }

    public required nint Device { get; init; }

    public required string PlatformName { get; init; }

    public required string PlatformVersion { get; init; }

    public required string Name { get; init; }

    public required string DriverVersion { get; init; }

    public required string Version { get; init; }

    public required uint VendorId { get; init; }

    public required DeviceType Type { get; init; }

    public required bool SupportsDouble { get; init; }

    public required int ComputeUnits { get; init; }

    public required long MaxAllocation { get; init; }

    public required long GlobalMemory { get; init; }

    public required long LocalMemory { get; init; }

    public required int MaxWorkGroup { get; init; }

    public required int FloatLanes { get; init; }

    public bool IsCpu => Type.HasFlag(DeviceType.Cpu);

    /// <summary>GPU before accelerator before CPU.</summary>
    public int Preference => Type.HasFlag(DeviceType.Gpu) ? 0 : Type.HasFlag(DeviceType.Accelerator) ? 1 : IsCpu ? 3 : 2;

    /// <summary>PoCL keeps compiled programs itself.</summary>
    public bool IsPocl => PlatformName.Contains("Portable Computing Language", StringComparison.Ordinal);

    public string Detail => $"{(IsCpu ? "CPU" : Type.HasFlag(DeviceType.Gpu) ? "GPU" : "accelerator")} by {PlatformName}, {Version}, driver {DriverVersion}, {ComputeUnits} compute units, "
        + $"{GlobalMemory >> 20} MiB, {(SupportsDouble ? "float32 and float64" : "float32 only")}, {(IsCpu ? "cpu" : "gpu")} kernels by default";

    /// <summary>Asks a device; throws <see cref="DeviceException"/> when it does not answer.</summary>
    public static OpenClDescription Read(Target target, nint platform, nint device) => new()
    {
        Platform = platform,
        Device = device,
        PlatformName = PlatformText(target, platform, PlatformInfo.Name),
        PlatformVersion = PlatformText(target, platform, PlatformInfo.Version),
        Name = DeviceText(target, device, DeviceInfo.Name),
        DriverVersion = DeviceText(target, device, DeviceInfo.DriverVersion),
        Version = DeviceText(target, device, DeviceInfo.Version),
        VendorId = (uint)Number(target, device, DeviceInfo.VendorID),
        Type = (DeviceType)Number(target, device, DeviceInfo.Type),
        SupportsDouble = NumberOr(device, DeviceInfo.DoubleFPConfig, 0) != 0,
        ComputeUnits = (int)Math.Max(1, Number(target, device, DeviceInfo.MaxComputeUnits)),
        MaxAllocation = Number(target, device, DeviceInfo.MaxMemAllocSize),
        GlobalMemory = Number(target, device, DeviceInfo.GlobalMemSize),
        LocalMemory = Number(target, device, DeviceInfo.LocalMemSize),
        MaxWorkGroup = (int)Number(target, device, DeviceInfo.MaxWorkGroupSize),
        FloatLanes = (int)NumberOr(device, DeviceInfo.NativeVectorWidthFloat, 4),
    };

    private static long Number(Target target, nint device, DeviceInfo what) => ReadNumber(device, what, out int code) is { } value
        ? value
        : throw ClCheck.Exception(code, target, $"clGetDeviceInfo({what})");

    private static long NumberOr(nint device, DeviceInfo what, long fallback) => ReadNumber(device, what, out _) ?? fallback;

    private static unsafe long? ReadNumber(nint device, DeviceInfo what, out int code)
    {
        // Every number is 4 or 8 bytes, little-endian: a shorter one leaves the upper half zero.
        long value = 0;
        code = ClApi.Cl.GetDeviceInfo(device, what, sizeof(long), &value, null);
        return code == 0 ? value : null;
    }

    private static unsafe string DeviceText(Target target, nint device, DeviceInfo what)
    {
        nuint size = 0;
        ClCheck.Check(ClApi.Cl.GetDeviceInfo(device, what, 0, null, &size), target, "clGetDeviceInfo");
        byte[] text = new byte[(int)size + 1];
        fixed (byte* at = text)
        {
            ClCheck.Check(ClApi.Cl.GetDeviceInfo(device, what, size, at, null), target, "clGetDeviceInfo");
        }

        return Clean(text);
    }

    private static unsafe string PlatformText(Target target, nint platform, PlatformInfo what)
    {
        nuint size = 0;
        ClCheck.Check(ClApi.Cl.GetPlatformInfo(platform, what, 0, null, &size), target, "clGetPlatformInfo");
        byte[] text = new byte[(int)size + 1];
        fixed (byte* at = text)
        {
            ClCheck.Check(ClApi.Cl.GetPlatformInfo(platform, what, size, at, null), target, "clGetPlatformInfo");
        }

        return Clean(text);
    }

    private static string Clean(byte[] text) => Encoding.UTF8.GetString(text).TrimEnd('\0').Trim();
}
