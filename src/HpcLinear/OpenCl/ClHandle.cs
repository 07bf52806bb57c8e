using System.Runtime.InteropServices;

namespace HpcLinear.OpenCl;

/// <summary>What a <see cref="ClHandle"/> owns.</summary>
internal enum ClKind
{
    Context,
    Queue,
    Program,
    Kernel,
    Memory,
    Event,
}

/// <summary>Owns one reference to an OpenCL object. The driver counts references, so objects may be released in any order, and memory in use by queued work stays.</summary>
internal sealed class ClHandle : SafeHandle
{
    private readonly ClKind kind;

    public ClHandle(ClKind kind, nint handle)
        : base(0, ownsHandle: true)
    {
        this.kind = kind;
        SetHandle(handle);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>The object; valid while this instance is kept alive and not disposed.</summary>
    public nint Value => IsClosed ? throw new ObjectDisposedException($"OpenCL {kind}") : handle;

    protected override bool ReleaseHandle() => kind switch
    {
        ClKind.Context => ClApi.Cl.ReleaseContext(handle),
        ClKind.Queue => ClApi.Cl.ReleaseCommandQueue(handle),
        ClKind.Program => ClApi.Cl.ReleaseProgram(handle),
        ClKind.Kernel => ClApi.Cl.ReleaseKernel(handle),
        ClKind.Memory => ClApi.Cl.ReleaseMemObject(handle),
        _ => ClApi.Cl.ReleaseEvent(handle),
    } == 0;
}
