using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// Many small convolutions at once: a lane of a vector is one cell, that is one group of one problem. Planes are transposed into scratch memory in blocks of
/// a vector's width, every tap is then one vector multiply-add, and the result is transposed back.
/// </summary>
/// <remarks>For depthwise convolutions and independent problems with few channels, where a product would have too few rows. Padding is skipped by loop bounds.</remarks>
internal sealed unsafe class InterleavedConvolution<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The largest scratch memory of a worker for which this algorithm is taken.</summary>
    private const long MaxWorkerBytes = 8 << 20;

    /// <summary>The most multiply-adds of channels (outputs times inputs of a group) for which a product would not be better.</summary>
    private const long MaxChannelProducts = 36;

    private readonly CpuKernels<T> kernels;
    private readonly ConvolutionSizes sizes;
    private readonly int threads;

    public InterleavedConvolution(CpuKernels<T> kernels, int threads, in ConvolutionSizes sizes)
    {
        this.kernels = kernels;
        this.threads = threads;
        this.sizes = sizes;
        GatherMap.Fields* map = sizes.Map;
        int last = map->Rank - 1, taps = map->Taps[last], from = 0, to = map->Positions[last];
        for (int t = 0; t < taps; t++)
        {
            from = Math.Max(from, map->InteriorFrom[t]);
            to = Math.Min(to, map->InteriorTo[t]);
        }

        InteriorFrom = Math.Min(from, map->Positions[last]);
        InteriorTo = Math.Max(InteriorFrom, to);
        WhyNot = Refusal();
    }

    private enum Direction
    {
        Forward,
        BackwardInput,
        BackwardFilter,
    }

    /// <summary>Null when this algorithm is the one to take; otherwise the reason against it.</summary>
    public string? WhyNot { get; }

    /// <summary>Scratch bytes of all workers.</summary>
    public long WorkspaceBytes => WorkerBytes * threads;

    /// <summary>Positions of the last axis between which every tap reads at the map's step.</summary>
    private int InteriorFrom { get; }

    private int InteriorTo { get; }

    private long Cells => sizes.Problems * sizes.Groups;

    private long WorkerBytes
    {
        get
        {
            long vectors = (sizes.InGroup * sizes.Map->PlaneCount) + (sizes.OutGroup * sizes.Map->PositionCount) + (sizes.OutGroup * sizes.InGroup * sizes.Map->TapCount);
            long ints = sizes.Map->OuterTaps + sizes.Map->Taps[sizes.Map->Rank - 1];
            return ((vectors * kernels.Width * sizeof(T)) + (ints * sizeof(int)) + 255) & ~63L;
        }
    }

    public void Forward(CpuQueue queue, T* x, T* w, T* bias, T* y, T alpha, T beta, byte* workspace) =>
        Run(queue, new() { Owner = this, Way = Direction.Forward, X = x, W = w, Y = y, Bias = bias, Alpha = alpha, Beta = beta, Workspace = workspace });

    public void BackwardInput(CpuQueue queue, T* dy, T* w, T* dx, T alpha, T beta, byte* workspace) =>
        Run(queue, new() { Owner = this, Way = Direction.BackwardInput, X = dx, W = w, Y = dy, Alpha = alpha, Beta = beta, Workspace = workspace });

    public void BackwardFilter(CpuQueue queue, T* x, T* dy, T* dw, T alpha, T beta, byte* workspace) =>
        Run(queue, new() { Owner = this, Way = Direction.BackwardFilter, X = x, W = dw, Y = dy, Alpha = alpha, Beta = beta, Workspace = workspace });

    private void Run(CpuQueue queue, Job job)
    {
        job.Blocks = (Cells + kernels.Width - 1) / kernels.Width;

        // Images are divided only where they are independent: in a filter's gradient they are summed, in order.
        job.ImageParts = job.Way == Direction.BackwardFilter ? 1 : Math.Clamp(4 * queue.Team.Size / job.Blocks, 1, sizes.Batch);
        queue.Team.Run(checked((int)(job.Blocks * job.ImageParts)), ref job);
    }

    private string? Refusal()
    {
        if (Cells < (kernels.Width + 1) / 2 || Cells < 2)
        {
            return $"interleaved: {Cells} problems and groups fill less than half of {kernels.Width} lanes";
        }

        if (sizes.OutGroup * sizes.InGroup > MaxChannelProducts)
        {
            return $"interleaved: {sizes.OutGroup} x {sizes.InGroup} channels a group make a better product";
        }

        return WorkerBytes > MaxWorkerBytes ? $"interleaved: planes of {WorkerBytes} bytes exceed {MaxWorkerBytes}" : null;
    }

    private struct Job : ITeamJob
    {
        public InterleavedConvolution<T> Owner;
        public Direction Way;
        public T* X;
        public T* W;
        public T* Y;
        public T* Bias;
        public T Alpha;
        public T Beta;
        public byte* Workspace;
        public long Blocks;
        public long ImageParts;

        public readonly void Execute(int index, int worker)
        {
            ConvolutionSizes s = Owner.sizes;
            CpuKernels<T> kernels = Owner.kernels;
            GatherMap.Fields* map = s.Map;
            int width = kernels.Width;
            long block = index / ImageParts, part = index % ImageParts;
            long firstImage = s.Batch * part / ImageParts, lastImage = s.Batch * (part + 1) / ImageParts;
            int lanes = (int)Math.Min(width, Owner.Cells - (block * width));
            long plane = map->PlaneCount, positions = map->PositionCount, taps = s.OutGroup * s.InGroup * map->TapCount;

            T* x = (T*)(Workspace + (worker * Owner.WorkerBytes));
            T* y = x + (s.InGroup * plane * width);
            T* w = y + (s.OutGroup * positions * width);
            int* rows = (int*)(w + (taps * width));
            T** laneX = stackalloc T*[64];
            T** laneY = stackalloc T*[64];
            T** laneW = stackalloc T*[64];
            T* bias = stackalloc T[64];
            for (int l = 0; l < lanes; l++)
            {
                long cell = (block * width) + l, problem = cell / s.Groups, group = cell % s.Groups;
                laneX[l] = X + ((((s.SharedInput ? 0 : problem) * s.Batch * s.Groups) + group) * s.InGroup * plane);
                laneY[l] = Y + (((problem * s.Batch * s.Groups) + group) * s.OutGroup * positions);
                laneW[l] = W + (cell * taps);
            }

            if (Way == Direction.BackwardFilter)
            {
                CpuKernels<T>.NativeClear(w, taps * width);
            }
            else
            {
                kernels.Interleave(laneW, lanes, 0, taps, w);
            }

            for (long image = firstImage; image < lastImage; image++)
            {
                long atX = image * s.Groups * s.InGroup * plane, atY = image * s.Groups * s.OutGroup * positions;
                if (Way == Direction.BackwardInput)
                {
                    CpuKernels<T>.NativeClear(x, s.InGroup * plane * width);
                }
                else
                {
                    kernels.Interleave(laneX, lanes, atX, s.InGroup * plane, x);
                }

                if (Way == Direction.Forward)
                {
                    CpuKernels<T>.NativeClear(y, s.OutGroup * positions * width);
                }
                else
                {
                    kernels.Interleave(laneY, lanes, atY, s.OutGroup * positions, y);
                }

                Convolve(x, y, w, rows);
                if (Way == Direction.Forward)
                {
                    for (long m = 0; m < s.OutGroup; m++)
                    {
                        for (int l = 0; Bias is not null && l < lanes; l++)
                        {
                            bias[l] = Bias[(((block * width) + l) * s.OutGroup) + m];
                        }

                        kernels.Separate(y + (m * positions * width), positions, laneY, lanes, atY + (m * positions), Alpha, Beta, Bias is null ? null : bias);
                    }
                }
                else if (Way == Direction.BackwardInput)
                {
                    kernels.Separate(x, s.InGroup * plane, laneX, lanes, atX, Alpha, Beta, null);
                }
            }

            if (Way == Direction.BackwardFilter)
            {
                kernels.Separate(w, taps, laneW, lanes, 0, Alpha, Beta, null);
            }
        }

        /// <summary>One image of a block of cells, row by row of the output.</summary>
        private readonly void Convolve(T* x, T* y, T* w, int* rows)
        {
            ConvolutionSizes s = Owner.sizes;
            GatherMap.Fields* map = s.Map;
            int width = Owner.kernels.Width, last = map->Rank - 1, length = map->Positions[last], lastTaps = map->Taps[last], extent = map->Inputs[last], outerTaps = map->OuterTaps;
            long outerRows = map->PositionCount / length;
            int from = Owner.InteriorFrom, to = Owner.InteriorTo;
            int* table = map->LastTable;
            int* offsets = rows + outerTaps;
            for (int t = 0; t < lastTaps && to > from; t++)
            {
                offsets[t] = table[((long)from * lastTaps) + t];
            }

            for (long row = 0; row < outerRows; row++)
            {
                map->OuterRows(row, rows);
                for (long m = 0; m < s.OutGroup; m++)
                {
                    T* atY = y + (((m * map->PositionCount) + (row * length)) * width);
                    for (long c = 0; c < s.InGroup; c++)
                    {
                        for (int q = 0; q < outerTaps; q++)
                        {
                            if (rows[q] < 0)
                            {
                                continue;
                            }

                            T* atX = x + (((c * map->PlaneCount) + ((long)rows[q] * extent)) * width);
                            T* atW = w + (((((m * s.InGroup) + c) * outerTaps) + q) * lastTaps * width);
                            Rim(atX, atY, atW, table, lastTaps, 0, from, width);
                            if (to > from)
                            {
                                Interior(atX, atY + ((long)from * width), atW, offsets, lastTaps, to - from, map->Step, width);
                            }

                            Rim(atX, atY, atW, table, lastTaps, to, length, width);
                        }
                    }
                }
            }
        }

        private readonly void Interior(T* x, T* y, T* w, int* offsets, int taps, int count, int step, int width)
        {
            CpuKernels<T> kernels = Owner.kernels;
            switch (Way)
            {
                case Direction.Forward:
                    kernels.ForwardRow(x, step, offsets, w, taps, y, count);
                    break;
                case Direction.BackwardInput:
                    for (int t = 0; t < taps; t++)
                    {
                        kernels.ScatterRow(x + ((long)offsets[t] * width), step, y, w + (t * width), count);
                    }

                    break;
                default:
                    kernels.FilterRow(x, step, offsets, y, count, w, taps);
                    break;
            }
        }

        /// <summary>Positions at the rims, one run of taps that miss the padding after the other.</summary>
        private readonly void Rim(T* x, T* y, T* w, int* table, int taps, int from, int to, int width)
        {
            CpuKernels<T> kernels = Owner.kernels;
            for (int o = from; o < to; o++)
            {
                int* sources = table + ((long)o * taps);
                T* atY = y + ((long)o * width);
                for (int t = 0, run; t < taps; t += Math.Max(run, 1))
                {
                    run = 0;
                    while (t + run < taps && sources[t + run] >= 0)
                    {
                        run++;
                    }

                    if (run == 0)
                    {
                        continue;
                    }

                    T* atW = w + ((long)t * width);
                    switch (Way)
                    {
                        case Direction.Forward:
                            kernels.ForwardRow(x, 0, sources + t, atW, run, atY, 1);
                            break;
                        case Direction.BackwardInput:
                            for (int k = 0; k < run; k++)
                            {
                                kernels.ScatterRow(x + ((long)sources[t + k] * width), 0, atY, atW + (k * width), 1);
                            }

                            break;
                        default:
                            kernels.FilterRow(x, 0, sources + t, atY, 1, atW, run);
                            break;
                    }
                }
            }
        }
    }
}
