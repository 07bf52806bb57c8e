using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// Many chains of small filters at once: a lane of a vector is one chain. The filters of a vector's width of chains are transposed into a worker's scratch
/// memory, all compositions run there, and the end-to-end filters are transposed back.
/// </summary>
internal sealed unsafe class FusedDeepProduct<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The largest scratch memory of a worker: half of a second-level cache.</summary>
    private const long MaxWorkerBytes = 512 << 10;

    /// <summary>The most multiply-adds of channels of one filter for which a product would not be better.</summary>
    private const long MaxChannelProducts = 36;

    /// <summary>Results of at least this many bytes are written past the caches.</summary>
    private const long StreamedBytes = 4 << 20;

    private readonly CpuKernels<T> kernels;
    private readonly int threads;
    private readonly long problems;
    private readonly Step[] steps;
    private readonly int[] leafElements;
    private readonly int[] leafSlots;
    private readonly int staging;
    private readonly long workerBytes;
    private readonly long blocksEach;
    private readonly bool streams;

    private FusedDeepProduct(CpuDevice device, DeepProductDescriptor chain)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        Kernel = $"{device.Target} {kernels.Width} chains a vector";
        threads = device.Team.Size;
        problems = chain.Problems ?? 1;
        int width = kernels.Width, at = 0;
        leafElements = [.. Enumerable.Range(0, chain.Depth).Select(l => Count(l, l + 1))];
        leafSlots = [.. leafElements.Select(Slot)];
        AssociationTree tree = new(chain.Depth, (i, k, j) => CostOf(chain.JoinOf(new(i, k, j))));
        Dictionary<(int From, int To), int> slots = [];
        for (int l = 0; l < chain.Depth; l++)
        {
            slots[(l, l + 1)] = leafSlots[l];
        }

        steps = new Step[tree.Joins.Length];
        for (int s = 0; s < steps.Length; s++)
        {
            AssociationTree.Join join = tree.Joins[s];
            slots[(join.From, join.To)] = Slot(Count(join.From, join.To));
            steps[s] = new(chain.JoinOf(join), slots[(join.From, join.Split)], slots[(join.Split, join.To)], slots[(join.From, join.To)]);
        }

        staging = at;
        at += (Math.Max(leafElements.Max(), Count(0, chain.Depth)) + 1) * width;
        streams = chain.ComposedShape.ElementCount * sizeof(T) >= StreamedBytes;
        workerBytes = (((long)at * sizeof(T)) + 127) & ~63L;
        long blocks = (problems + width - 1) / width;
        blocksEach = Math.Clamp(blocks / (8L * threads), 1, 16);

        int Count(int from, int to) => (int)(chain.SegmentShape(from, to).ElementCount / Math.Max(1, problems));

        int Slot(int elements)
        {
            int slot = at, side = CpuKernels<T>.GatheredElements;
            at += (elements + side - 1) / side * side * width;
            return slot;
        }
    }

    /// <summary>What a vector holds, for <c>Choices</c>.</summary>
    public string Kernel { get; }

    /// <summary>Scratch bytes of all workers.</summary>
    public long WorkspaceBytes => FirstWorker + (workerBytes * threads);

    private long FirstWorker => ((leafElements.Length * (long)sizeof(T*)) + 63) & ~63L;

    /// <summary>Prepares the chain; null, with the reason, where this algorithm is not the one to take.</summary>
    public static FusedDeepProduct<T>? Create(Device device, DeepProductDescriptor chain, out string? whyNot)
    {
        whyNot = null;
        chain = chain.Filters[0].Rank == 0 ? chain with { Filters = [.. chain.Filters.Select(_ => Shape.Uniform(1, 1))], Strides = [.. chain.Filters.Select(_ => Shape.Uniform(1, 1))] } : chain;
        if (device is not CpuDevice cpu || chain.Depth < 2)
        {
            return null;
        }

        int width = CpuKernels<T>.For(cpu.Isa).Width;
        long problems = chain.Problems ?? 1;
        if (problems < (width + 1) / 2 || problems < 2)
        {
            whyNot = $"fused: {problems} chains fill less than half of {width} lanes";
            return null;
        }

        if (Enumerable.Range(0, chain.Depth).Any(l => (double)chain.Channels[l] * chain.Channels[l + 1] > MaxChannelProducts))
        {
            whyNot = $"fused: more than {MaxChannelProducts} pairs of channels make a better product";
            return null;
        }

        double most = chain.SegmentShape(0, chain.Depth).ElementCount / problems * (double)width * sizeof(T);
        FusedDeepProduct<T>? made = most <= MaxWorkerBytes && Enumerable.Range(0, chain.Depth).All(l => chain.FilterShape(l).ElementCount / problems * (double)width * sizeof(T) <= MaxWorkerBytes)
            ? new(cpu, chain)
            : null;
        if (made is null || made.workerBytes > MaxWorkerBytes)
        {
            whyNot = $"fused: the filters of {width} chains exceed {MaxWorkerBytes} bytes";
            return null;
        }

        return made;
    }

    /// <summary>Computes the end-to-end filters.</summary>
    public void Compose(CpuQueue queue, ReadOnlySpan<TensorView<T>> filters, TensorView<T> composed)
    {
        byte* workspace = queue.Workspace(WorkspaceBytes);
        T** leaves = (T**)workspace;
        for (int l = 0; l < filters.Length; l++)
        {
            leaves[l] = filters[l].Pointer();
        }

        Job job = new() { Owner = this, Leaves = leaves, Result = composed.Pointer(), Workers = workspace + FirstWorker };
        long blocks = (problems + kernels.Width - 1) / kernels.Width;
        queue.Team.Run(checked((int)((blocks + blocksEach - 1) / blocksEach)), ref job);
    }

    /// <summary>Multiply-adds, stores and calls: what a composition of vectors waits for.</summary>
    private static long CostOf(FilterCompositionDescriptor join)
    {
        long a = join.First[^1], b = join.Second[^1], passes = (b + CpuKernels<T>.ComposedTaps - 1) / CpuKernels<T>.ComposedTaps;
        long stored = (passes * a) + (join.Stride[^1] * (b - passes));
        return join.InChannels * join.InnerChannels * join.OutChannels * (join.First.ElementCount / a) * (join.Second.ElementCount / b) * ((a * b) + (2 * stored) + (16 * passes));
    }

    /// <summary>One composition: slots of its operands, and rows of their last axis.</summary>
    private sealed class Step
    {
        public Step(FilterCompositionDescriptor join, int first, int second, int result)
        {
            (First, Second, Result) = (first, second, result);
            (In, Inner, Out) = ((int)join.InChannels, (int)join.InnerChannels, (int)join.OutChannels);
            (Length, Taps, Stride, Extent) = ((int)join.First[^1], (int)join.Second[^1], (int)join.Stride[^1], (int)join.Composed[^1]);
            FirstRows = (int)(join.First.ElementCount / Length);
            SecondRows = (int)(join.Second.ElementCount / Taps);
            ResultRows = (int)(join.Composed.ElementCount / Extent);
            Rows = new int[FirstRows * SecondRows];
            for (int at = 0; at < Rows.Length; at++)
            {
                long a = at % FirstRows, b = at / FirstRows, size = 1;
                for (int axis = join.First.Rank - 2; axis >= 0; axis--)
                {
                    Rows[at] += (int)(((a % join.First[axis]) + (join.Stride[axis] * (b % join.Second[axis]))) * size);
                    (a, b, size) = (a / join.First[axis], b / join.Second[axis], size * join.Composed[axis]);
                }
            }
        }

        public int First { get; }

        public int Second { get; }

        public int Result { get; }

        public int In { get; }

        public int Inner { get; }

        public int Out { get; }

        public int Length { get; }

        public int Taps { get; }

        public int Stride { get; }

        public int Extent { get; }

        public int FirstRows { get; }

        public int SecondRows { get; }

        public int ResultRows { get; }

        /// <summary>Row of the result for each row of the second filter and each of the first.</summary>
        public int[] Rows { get; }

        public void Run(CpuKernels<T> kernels, T* slots)
        {
            int width = kernels.Width;
            T* a = slots + First, b = slots + Second, r = slots + Result;
            if (Inner == 1 && Rows.Length == 1 && Taps <= CpuKernels<T>.ComposedTaps)
            {
                for (int m = 0; m < Out; m++)
                {
                    for (int c = 0; c < In; c++)
                    {
                        kernels.ComposeRow(a + (c * Length * width), Length, b + (m * Taps * width), Taps, Stride, r + (((m * In) + c) * Extent * width), false);
                    }
                }

                return;
            }

            CpuKernels<T>.NativeClear(r, (long)Out * In * ResultRows * Extent * width);
            for (int m = 0; m < Out; m++)
            {
                for (int c = 0; c < In; c++)
                {
                    for (int n = 0; n < Inner; n++)
                    {
                        for (int at = 0; at < Rows.Length; at++)
                        {
                            T* from = a + (((((n * In) + c) * FirstRows) + (at % FirstRows)) * Length * width);
                            T* taps = b + (((((m * Inner) + n) * SecondRows) + (at / FirstRows)) * Taps * width);
                            T* to = r + (((((m * In) + c) * ResultRows) + Rows[at]) * Extent * width);
                            for (int t = 0; t < Taps; t += CpuKernels<T>.ComposedTaps)
                            {
                                kernels.ComposeRow(from, Length, taps + (t * width), Math.Min(CpuKernels<T>.ComposedTaps, Taps - t), Stride, to + (t * Stride * width), true);
                            }
                        }
                    }
                }
            }
        }
    }

    private struct Job : ITeamJob
    {
        public FusedDeepProduct<T> Owner;
        public T** Leaves;
        public T* Result;
        public byte* Workers;

        public readonly void Execute(int index, int worker)
        {
            FusedDeepProduct<T> o = Owner;
            CpuKernels<T> kernels = o.kernels;
            int width = kernels.Width;
            T* slots = (T*)(Workers + (worker * o.workerBytes));
            Step last = o.steps[^1];
            int elements = last.Out * last.In * last.ResultRows * last.Extent;
            for (long first = index * o.blocksEach * width; first < Math.Min(o.problems, (index + 1) * o.blocksEach * width); first += width)
            {
                int lanes = (int)Math.Min(width, o.problems - first);
                for (int l = 0; l < o.leafElements.Length; l++)
                {
                    int count = o.leafElements[l];
                    T* from = Leaves[l] + (first * count);
                    if (o.problems - first < width + CpuKernels<T>.GatheredElements)
                    {
                        // Rows shorter than what is gathered at once would be read beyond the end of the last filters.
                        Buffer.MemoryCopy(from, slots + o.staging, (long)count * width * sizeof(T), (long)count * lanes * sizeof(T));
                        from = slots + o.staging;
                    }

                    kernels.GatherLanes(from, count, count, lanes, slots + o.leafSlots[l]);
                }

                foreach (Step step in o.steps)
                {
                    step.Run(kernels, slots);
                }

                T* result = Result + (first * elements);
                kernels.ScatterLanes(slots + last.Result, elements, lanes, o.streams ? slots + o.staging : result, elements);
                if (o.streams)
                {
                    kernels.StreamCopy(slots + o.staging, result, (long)elements * lanes);
                }
            }
        }
    }
}
