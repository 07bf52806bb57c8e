using System.Numerics;
using System.Text;
using Silk.NET.OpenCL;

namespace HpcLinear.OpenCl;

/// <summary>A kernel object of one queue: set every argument in order, then launch. Allocates nothing.</summary>
internal sealed unsafe class OpenClKernel : IDisposable
{
    private const int MaxArguments = 64;

    private readonly OpenClQueue queue;
    private readonly CL cl = ClApi.Cl;
    private readonly ClHandle handle;

    // Keeps memory alive from the setting of an argument to the launch.
    private readonly ClHandle?[] held = new ClHandle?[MaxArguments];
    private uint next;

    public OpenClKernel(OpenClQueue queue, KernelEntry entry)
    {
        this.queue = queue;
        int code;
        fixed (byte* name = Encoding.ASCII.GetBytes(entry.Name + "\0"))
        {
            nint made = cl.CreateKernel(entry.Program.Handle.Value, name, &code);
            ClCheck.Check(code, queue.Device.Target, "clCreateKernel");
            handle = new(ClKind.Kernel, made);
        }
    }

    public void Dispose() => handle.Dispose();

    /// <summary>Starts over with the first argument.</summary>
    public OpenClKernel Begin()
    {
        next = 0;
        return this;
    }

    public OpenClKernel Int(int value) => Set(sizeof(int), &value);

    public OpenClKernel Int(long value) => Int(checked((int)value));

    public OpenClKernel Long(long value) => Set(sizeof(long), &value);

    public OpenClKernel Word(ulong value) => Set(sizeof(ulong), &value);

    public OpenClKernel Real<T>(T value)
        where T : unmanaged => Set((nuint)sizeof(T), &value);

    /// <summary>Two arguments: the memory, and the offset in elements.</summary>
    public OpenClKernel Buffer(OpenClBuffer buffer, long offset = 0)
    {
        held[next] = buffer.Memory;
        nint memory = buffer.Memory.Value;
        return Set((nuint)sizeof(nint), &memory).Long(offset);
    }

    /// <summary>One argument: a table of a plan, read from its start.</summary>
    public OpenClKernel Table(OpenClBuffer buffer)
    {
        held[next] = buffer.Memory;
        nint memory = buffer.Memory.Value;
        return Set((nuint)sizeof(nint), &memory);
    }

    /// <summary>Two arguments: the view's memory and offset.</summary>
    public OpenClKernel View<T>(TensorView<T> view)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Buffer((OpenClBuffer)view.Tensor.Buffer, view.Offset);

    /// <summary>Enqueues the kernel; a local size of 0 leaves the choice to the driver.</summary>
    public void Launch(long global0, long global1 = 1, long global2 = 1, int local0 = 0, int local1 = 1, int local2 = 1)
    {
        nuint* global = stackalloc nuint[] { (nuint)global0, (nuint)global1, (nuint)global2 };
        nuint* local = stackalloc nuint[] { (nuint)local0, (nuint)local1, (nuint)local2 };
        int code = cl.EnqueueNdrangeKernel(queue.Handle, handle.Value, 3, null, global, local0 == 0 ? null : local, 0, null, null);
        ClCheck.Check(code, queue.Device.Target, "clEnqueueNDRangeKernel");
    }

    /// <summary>Enqueues a kernel whose items stride over their work.</summary>
    public void Launch(LaunchSize size) => Launch(size.Global, 1, 1, size.Local);

    private OpenClKernel Set(nuint size, void* value)
    {
        ClCheck.Check(cl.SetKernelArg(handle.Value, next, size, value), queue.Device.Target, "clSetKernelArg");
        next++;
        return this;
    }
}
