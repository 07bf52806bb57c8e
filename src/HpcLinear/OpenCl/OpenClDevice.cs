using System.Globalization;
using Silk.NET.OpenCL;

namespace HpcLinear.OpenCl;

/// <summary>One OpenCL device with a context of its own and its compiled programs.</summary>
internal sealed unsafe class OpenClDevice : Device
{
    /// <summary>Work-groups along the second and third extent of a launch of the GPU family; the hardware of at least one vendor counts them in 16 bits.</summary>
    public const long MostGroups = 65535;

    // Items of a work-group in kernels of the GPU family.
    private const int GroupItems = 256;

    private readonly ClHandle context;
    private readonly ClHandle setupQueue;
    private readonly Lock setupLock = new();
    private int entries;

    public OpenClDevice(Target target, OpenClDescription description, DeviceOptions options)
        : base(target)
    {
        Description = description;
        KernelFamily family = options.KernelFamily != KernelFamily.Automatic ? options.KernelFamily : Settings.KernelFamily;
        Family = family != KernelFamily.Automatic ? family : description.IsCpu || description.MaxWorkGroup < GroupItems ? KernelFamily.Cpu : KernelFamily.Gpu;
        int code;
        nint device = description.Device;
        nint* properties = stackalloc nint[] { (nint)ContextProperties.Platform, description.Platform, 0 };
        nint made = ClApi.Cl.CreateContext(properties, 1, &device, null, null, &code);
        ClCheck.Check(code, target, "clCreateContext");
        context = new(ClKind.Context, made);
        setupQueue = NewQueue();
        Programs = new(this);
    }

    /// <summary>What the driver says of the device.</summary>
    public OpenClDescription Description { get; }

    /// <summary>The kernels used here; never <see cref="KernelFamily.Automatic"/>.</summary>
    public KernelFamily Family { get; }

    /// <summary>Whether the kernels of work-groups and local memory are used.</summary>
    public bool IsGpuFamily => Family == KernelFamily.Gpu;

    public ProgramCache Programs { get; }

    public override string Name => Description.Name;

    public override int Parallelism => Description.ComputeUnits;

    public override bool SupportsDouble => Description.SupportsDouble;

    public override long MaxAllocationBytes => Description.MaxAllocation;

    /// <summary>Local memory for the sums of a work-item in kernels of the CPU family; beside them lies a packed panel of 32 KiB, or 8 KiB where local memory is scarce.</summary>
    public int SumsBytes => HasLocalMemory ? 24 << 10 : 12 << 10;

    private bool HasLocalMemory => Description.LocalMemory >= 56 << 10;

    internal nint Context => context.Value;

    /// <summary>Lanes of the vectors in kernels of the CPU family: 4, 8 or 16 floats, half as many doubles.</summary>
    public int Lanes(int elementSize)
    {
        int lanes = Description.FloatLanes >= 16 ? 16 : Description.FloatLanes >= 8 ? 8 : 4;
        return elementSize == sizeof(double) ? lanes / 2 : lanes;
    }

    /// <summary>The program of one kernel file for an element type, compiled at first use.</summary>
    /// <param name="name">File name without <c>.cl</c>.</param>
    /// <exception cref="KernelBuildException">The driver refused the source.</exception>
    public OpenClProgram Program<T>(string name)
        where T : unmanaged
    {
        bool isDouble = typeof(T) == typeof(double);
        string options = string.Create(
            CultureInfo.InvariantCulture,
            $"-cl-std=CL1.2 -DREAL={(isDouble ? "double" : "float")} -DREAL_BITS={(isDouble ? 64 : 32)} -DLANES={Lanes(sizeof(T))} -DGPU={(IsGpuFamily ? 1 : 0)}{(HasLocalMemory ? "" : $" -DPANEL_BYTES={8 << 10} -DSUMS_BYTES={SumsBytes}")}");
        return Programs.Get(name, options);
    }

    /// <summary>Work-items for <paramref name="items"/> pieces of work that items stride over: enough to fill the device, no more than there are.</summary>
    public LaunchSize Spread(long items)
    {
        int local = IsGpuFamily ? Math.Min(GroupItems, Description.MaxWorkGroup) : 1;
        long most = IsGpuFamily ? 64L * Parallelism : 32L * Parallelism;
        return new(Math.Clamp((items + local - 1) / local, 1, most) * local, local);
    }

    public override CommandQueue CreateQueue()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return new OpenClQueue(this);
    }

    /// <summary>Memory with undefined contents.</summary>
    public OpenClBuffer AllocateRaw(long byteCount)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        if (byteCount > MaxAllocationBytes)
        {
            throw new NativeMemoryException(Target, byteCount, MaxAllocationBytes);
        }

        int code;
        nint memory = ClApi.Cl.CreateBuffer(Context, MemFlags.ReadWrite, (nuint)Math.Max(byteCount, 16), null, &code);
        ClCheck.CheckAllocation(code, this, "clCreateBuffer", byteCount);
        return new(new(ClKind.Memory, memory), byteCount);
    }

    /// <summary>Memory that holds a table of a plan.</summary>
    public OpenClBuffer AllocateTable(ReadOnlySpan<int> table)
    {
        OpenClBuffer buffer = AllocateRaw((long)table.Length * sizeof(int));
        if (!table.IsEmpty)
        {
            fixed (int* from = table)
            {
                lock (setupLock)
                {
                    int code = ClApi.Cl.EnqueueWriteBuffer(setupQueue.Value, buffer.Memory.Value, true, 0, (nuint)buffer.ByteCount, from, 0, null, null);
                    ClCheck.CheckAllocation(code, this, "clEnqueueWriteBuffer", buffer.ByteCount);
                }
            }
        }

        return buffer;
    }

    internal ClHandle NewQueue()
    {
        int code;
        nint queue = ClApi.Cl.CreateCommandQueue(Context, Description.Device, CommandQueueProperties.None, &code);
        ClCheck.Check(code, Target, "clCreateCommandQueue");
        return new(ClKind.Queue, queue);
    }

    /// <summary>A number for a kernel, by which queues find their own object of it.</summary>
    internal int NextEntry() => Interlocked.Increment(ref entries) - 1;

    private protected override DeviceBuffer AllocateBuffer(long byteCount)
    {
        OpenClBuffer buffer = AllocateRaw(byteCount);
        try
        {
            // Filled before anyone can see it: other queues need not know of this one.
            lock (setupLock)
            {
                long zero = 0;
                nuint size = (nuint)((Math.Max(byteCount, 16) / 4) * 4);
                int code = ClApi.Cl.EnqueueFillBuffer(setupQueue.Value, buffer.Memory.Value, &zero, 4, 0, size, 0, null, null);
                ClCheck.CheckAllocation(code, this, "clEnqueueFillBuffer", byteCount);
                ClCheck.CheckAllocation(ClApi.Cl.Finish(setupQueue.Value), this, "clFinish", byteCount);
            }

            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    private protected override void DisposeCore()
    {
        Programs.Dispose();
        setupQueue.Dispose();
        context.Dispose();
    }
}
