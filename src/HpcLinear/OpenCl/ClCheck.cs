using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace HpcLinear.OpenCl;

/// <summary>Turns a driver's return code into a typed exception: the one place where codes are looked at.</summary>
internal static class ClCheck
{
    public const int DeviceNotFound = -1;
    public const int MemObjectAllocationFailure = -4;
    public const int OutOfResources = -5;
    public const int OutOfHostMemory = -6;
    public const int BuildProgramFailure = -11;
    public const int InvalidBufferSize = -61;
    public const int PlatformNotFound = -1001;

    private static readonly string[] Names =
    [
        "CL_SUCCESS", "CL_DEVICE_NOT_FOUND", "CL_DEVICE_NOT_AVAILABLE", "CL_COMPILER_NOT_AVAILABLE", "CL_MEM_OBJECT_ALLOCATION_FAILURE", "CL_OUT_OF_RESOURCES",
        "CL_OUT_OF_HOST_MEMORY", "CL_PROFILING_INFO_NOT_AVAILABLE", "CL_MEM_COPY_OVERLAP", "CL_IMAGE_FORMAT_MISMATCH", "CL_IMAGE_FORMAT_NOT_SUPPORTED",
        "CL_BUILD_PROGRAM_FAILURE", "CL_MAP_FAILURE", "CL_MISALIGNED_SUB_BUFFER_OFFSET", "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST", "CL_COMPILE_PROGRAM_FAILURE",
        "CL_LINKER_NOT_AVAILABLE", "CL_LINK_PROGRAM_FAILURE", "CL_DEVICE_PARTITION_FAILED", "CL_KERNEL_ARG_INFO_NOT_AVAILABLE",
    ];

    // From -30 downwards.
    private static readonly string[] InvalidNames =
    [
        "CL_INVALID_VALUE", "CL_INVALID_DEVICE_TYPE", "CL_INVALID_PLATFORM", "CL_INVALID_DEVICE", "CL_INVALID_CONTEXT", "CL_INVALID_QUEUE_PROPERTIES",
        "CL_INVALID_COMMAND_QUEUE", "CL_INVALID_HOST_PTR", "CL_INVALID_MEM_OBJECT", "CL_INVALID_IMAGE_FORMAT_DESCRIPTOR", "CL_INVALID_IMAGE_SIZE",
        "CL_INVALID_SAMPLER", "CL_INVALID_BINARY", "CL_INVALID_BUILD_OPTIONS", "CL_INVALID_PROGRAM", "CL_INVALID_PROGRAM_EXECUTABLE", "CL_INVALID_KERNEL_NAME",
        "CL_INVALID_KERNEL_DEFINITION", "CL_INVALID_KERNEL", "CL_INVALID_ARG_INDEX", "CL_INVALID_ARG_VALUE", "CL_INVALID_ARG_SIZE", "CL_INVALID_KERNEL_ARGS",
        "CL_INVALID_WORK_DIMENSION", "CL_INVALID_WORK_GROUP_SIZE", "CL_INVALID_WORK_ITEM_SIZE", "CL_INVALID_GLOBAL_OFFSET", "CL_INVALID_EVENT_WAIT_LIST",
        "CL_INVALID_EVENT", "CL_INVALID_OPERATION", "CL_INVALID_GL_OBJECT", "CL_INVALID_BUFFER_SIZE", "CL_INVALID_MIP_LEVEL", "CL_INVALID_GLOBAL_WORK_SIZE",
        "CL_INVALID_PROPERTY", "CL_INVALID_IMAGE_DESCRIPTOR", "CL_INVALID_COMPILER_OPTIONS", "CL_INVALID_LINKER_OPTIONS", "CL_INVALID_DEVICE_PARTITION_COUNT",
    ];

    /// <summary>The specification's name of a code, e.g. <c>CL_OUT_OF_RESOURCES</c>.</summary>
    public static string NameOf(int code) => code switch
    {
        <= 0 when -code < Names.Length => Names[-code],
        <= -30 when -30 - code < InvalidNames.Length => InvalidNames[-30 - code],
        PlatformNotFound => "CL_PLATFORM_NOT_FOUND_KHR",
        _ => "unknown error",
    };

    /// <summary>Throws unless <paramref name="code"/> is CL_SUCCESS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(int code, Target target, string call)
    {
        if (code != 0)
        {
            Refuse(code, target, call);
        }
    }

    /// <summary>Throws unless <paramref name="code"/> is CL_SUCCESS; a lack of memory becomes a <see cref="NativeMemoryException"/>.</summary>
    public static void CheckAllocation(int code, OpenClDevice device, string call, long byteCount)
    {
        if (code is MemObjectAllocationFailure or OutOfResources or OutOfHostMemory or InvalidBufferSize)
        {
            throw new NativeMemoryException(device.Target, byteCount, Math.Min(device.MaxAllocationBytes, device.Description.GlobalMemory));
        }

        Check(code, device.Target, call);
    }

    public static DeviceException Exception(int code, Target target, string call) => new(target, call, code, $"{target} refused {call}: {NameOf(code)} ({code})");

    [DoesNotReturn]
    private static void Refuse(int code, Target target, string call) => throw Exception(code, target, call);
}
