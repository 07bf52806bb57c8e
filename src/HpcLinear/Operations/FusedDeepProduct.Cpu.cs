using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// Many chains of small filters at once: a lane of a vector is one chain. The filters of a vector's width of chains are transposed into a worker's scratch
/// memory, everything is computed there, and only the results are transposed back.
/// </summary>
internal sealed unsafe class CpuFusedDeepProduct<T> : FusedDeepProduct<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The largest scratch memory of a worker: half of a second-level cache.</summary>
    private const long MaxWorkerBytes = 512 << 10;

    /// <summary>Results of at least this many bytes are written past the caches.</summary>
    private const long StreamedBytes = 4 << 20;

    private readonly CpuKernels<T> kernels;
    private readonly int threads;
    private readonly long problems;
    private readonly NetworkLanes<T> lanes;
    private readonly long weights;
    private readonly long products;
    private readonly long staging;
    private readonly long workerBytes;
    private readonly long differentiatingBytes;
    private readonly long blocksEach;
    private readonly bool streams;

    private CpuFusedDeepProduct(CpuDevice device, DeepProductDescriptor chain)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        Kernel = $"{device.Target} {kernels.Width} chains a vector";
        threads = device.Team.Size;
        problems = chain.Problems ?? 1;
        lanes = new(kernels, chain, CpuKernels<T>.GatheredElements);

        // Transposes write whole groups of elements: a row of fewer runs into what comes next.
        long width = kernels.Width, slack = CpuKernels<T>.GatheredElements;
        weights = (lanes.Elements + slack) * width;
        products = (lanes.JoinElements + slack) * width;
        staging = (Math.Max(lanes.LayerElements.Max(), lanes.ComposedElements) + 1) * width;
        workerBytes = Bytes(weights + products + staging);
        differentiatingBytes = Bytes((2 * (weights + products)) + staging);
        streams = chain.ComposedShape.ElementCount * sizeof(T) >= StreamedBytes;
        blocksEach = Math.Clamp((problems + width - 1) / width / (8L * threads), 1, 16);

        static long Bytes(long elements) => ((elements * sizeof(T)) + 127) & ~63L;
    }

    public override string Kernel { get; }

    public override bool Differentiates => differentiatingBytes <= MaxWorkerBytes;

    public override long WorkspaceBytes => FirstWorker + (workerBytes * threads);

    public override long DifferentiatingWorkspaceBytes => FirstWorker + (differentiatingBytes * threads);

    private long FirstWorker => ((2 * lanes.LayerElements.Length * (long)sizeof(T*)) + 63) & ~63L;

    public static CpuFusedDeepProduct<T>? Create(CpuDevice cpu, DeepProductDescriptor chain, out string? whyNot)
    {
        whyNot = null;
        int width = CpuKernels<T>.For(cpu.Isa).Width;
        long problems = chain.Problems ?? 1;
        if (problems < (width + 1) / 2 || problems < 2)
        {
            whyNot = $"fused: {problems} chains fill less than half of {width} lanes";
            return null;
        }

        CpuFusedDeepProduct<T>? made = NetworkLanes<T>.Bound(chain) * width * sizeof(T) <= MaxWorkerBytes ? new(cpu, chain) : null;
        if (made is null || made.workerBytes > MaxWorkerBytes)
        {
            whyNot = $"fused: the filters of {width} chains exceed {MaxWorkerBytes} bytes";
            return null;
        }

        return made;
    }

    private protected override void Run(CommandQueue queue, Task task, ReadOnlySpan<TensorView<T>> filters, ReadOnlySpan<TensorView<T>> others, TensorView<T> composed)
    {
        CpuQueue q = (CpuQueue)queue;
        byte* workspace = q.Workspace(task == Task.Compose ? WorkspaceBytes : DifferentiatingWorkspaceBytes);
        T** leaves = (T**)workspace;
        for (int l = 0; l < filters.Length; l++)
        {
            leaves[l] = filters[l].Pointer();
            leaves[filters.Length + l] = others.IsEmpty ? null : others[l].Pointer();
        }

        Job job = new() { Owner = this, Task = task, Leaves = leaves, Composed = composed.Pointer(), Workers = workspace + FirstWorker };
        long blocks = (problems + kernels.Width - 1) / kernels.Width;
        q.Team.Run(checked((int)((blocks + blocksEach - 1) / blocksEach)), ref job);
    }

    private struct Job : ITeamJob
    {
        public CpuFusedDeepProduct<T> Owner;
        public Task Task;
        public T** Leaves;
        public T* Composed;
        public byte* Workers;

        public readonly void Execute(int index, int worker)
        {
            CpuFusedDeepProduct<T> o = Owner;
            NetworkLanes<T> lanes = o.lanes;
            int width = o.kernels.Width, depth = lanes.LayerElements.Length, elements = lanes.ComposedElements;
            T* weights = (T*)(Workers + (worker * (Task == Task.Compose ? o.workerBytes : o.differentiatingBytes)));
            T* products = weights + o.weights, staging = products + o.products, others = staging + o.staging, otherProducts = others + o.weights;
            for (long first = index * o.blocksEach * width; first < Math.Min(o.problems, (index + 1) * o.blocksEach * width); first += width)
            {
                int count = (int)Math.Min(width, o.problems - first);

                // Rows shorter than what is gathered at once would be read beyond the end of the last ones.
                T* copies = o.problems - first < width + CpuKernels<T>.GatheredElements ? staging : null;
                for (int l = 0; l < depth; l++)
                {
                    o.Gather(Leaves[l], lanes.LayerElements[l], first, count, weights + (lanes.LayerOffsets[l] * width), copies);
                }

                T* composed = lanes.Compose(weights, products);
                T* result = Composed + (first * elements);
                if (Task == Task.Gradients)
                {
                    o.Gather(Composed, elements, first, count, lanes.Composed(others, otherProducts), copies);
                    lanes.Adjoint(weights, products, others, otherProducts);
                    for (int l = 0; l < depth; l++)
                    {
                        long layer = lanes.LayerElements[l];
                        o.kernels.ScatterLanes(others + (lanes.LayerOffsets[l] * width), (nint)layer, count, Leaves[depth + l] + (first * layer), (nint)layer);
                    }

                    continue;
                }

                if (Task == Task.JacobianProduct)
                {
                    for (int l = 0; l < depth; l++)
                    {
                        o.Gather(Leaves[depth + l], lanes.LayerElements[l], first, count, others + (lanes.LayerOffsets[l] * width), copies);
                    }

                    composed = lanes.Differentiate(weights, products, others, otherProducts);
                }

                o.kernels.ScatterLanes(composed, elements, count, o.streams ? staging : result, elements);
                if (o.streams)
                {
                    o.kernels.StreamCopy(staging, result, (long)elements * count);
                }
            }
        }
    }

    /// <summary>Rows first … first + count - 1 of <paramref name="from"/> as lanes, copied before unless <paramref name="copies"/> is null.</summary>
    private void Gather(T* from, int elements, long first, int count, T* to, T* copies)
    {
        from += first * elements;
        if (copies != null)
        {
            Buffer.MemoryCopy(from, copies, (long)elements * kernels.Width * sizeof(T), (long)elements * count * sizeof(T));
            from = copies;
        }

        kernels.GatherLanes(from, elements, elements, count, to);
    }
}
