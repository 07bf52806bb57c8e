using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HpcLinear.Native;

/// <summary>What the library says about itself. The header documents each function.</summary>
internal static unsafe class LibraryExports
{
    private const int AbiVersion = 1;

    [UnmanagedCallersOnly(EntryPoint = "hpcl_version", CallConvs = [typeof(CallConvCdecl)])]
    public static int Version()
    {
        Version version = typeof(Shape).Assembly.GetName().Version ?? new();
        return (10000 * version.Major) + (100 * version.Minor) + version.Build;
    }

    [UnmanagedCallersOnly(EntryPoint = "hpcl_abi_version", CallConvs = [typeof(CallConvCdecl)])]
    public static int Abi() => AbiVersion;

    [UnmanagedCallersOnly(EntryPoint = "hpcl_status_text", CallConvs = [typeof(CallConvCdecl)])]
    public static byte* StatusText(Status status) => Constant.Pointer(status switch
    {
        Status.Ok => "ok"u8,
        Status.InvalidArgument => "invalid argument"u8,
        Status.Unsupported => "not supported here"u8,
        Status.OutOfMemory => "out of memory"u8,
        Status.Device => "device error"u8,
        Status.Internal => "internal error"u8,
        _ => "unknown status"u8,
    });

    [UnmanagedCallersOnly(EntryPoint = "hpcl_last_error", CallConvs = [typeof(CallConvCdecl)])]
    public static byte* LastError() => ErrorText.Current;
}
