using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// Convolutions of one channel with one channel along rows at stride 2, without padding: a lane is a position, and what even and odd taps meet is parted in
/// registers. For many problems with a short filter each.
/// </summary>
/// <remarks>
/// The gradient of the input reads dy among zeros, so it is for finite filters only; a gradient of filters that is not finite has to be computed otherwise.
/// Nothing is added to what was there: for β = 0.
/// </remarks>
internal sealed unsafe class StrideTwoConvolution<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Rows of dy are staged together up to this many elements: half of a first-level cache.</summary>
    private const int StagedElements = 4096;

    /// <summary>The longest row; a staged one takes half of a second-level cache in float64.</summary>
    private const int MaxInput = 1 << 16;

    /// <summary>Filters whose gradients are summed over lanes together.</summary>
    private const int FiltersTogether = 16;

    private readonly CpuKernels<T> kernels;
    private readonly CpuKernels<T>.StrideTwo rows;
    private readonly long planes;
    private readonly long cells;
    private readonly int planesTogether;
    private readonly int rowPitch;
    private readonly long workerBytes;
    private readonly int threads;

    private StrideTwoConvolution(CpuKernels<T> kernels, int threads, in ConvolutionAxis axis, long cells, long images, long sharedRows)
    {
        this.kernels = kernels;
        this.threads = threads;
        this.cells = cells;
        planes = cells * images;
        rows = new(axis.Filter, axis.Reversed ? -1 : 1, axis.Input, -axis.Low, axis.Output, images, sharedRows);
        planesTogether = Math.Clamp(StagedElements / axis.Input, 1, 16);
        rowPitch = Left + Math.Max(axis.Output, (axis.Input / 2) + 1) + kernels.Width;
        long elements = Math.Max(planesTogether * (long)rowPitch, FiltersTogether * axis.Filter * kernels.Width) + kernels.Width;
        workerBytes = ((elements * sizeof(T)) + 127) & ~63L;
    }

    /// <summary>Scratch bytes of all workers.</summary>
    public long WorkspaceBytes => 64 + (workerBytes * threads);

    /// <summary>Zeros before a staged row of dy.</summary>
    private int Left => rows.Taps / 2;

    /// <summary>Prepares the algorithm; null where it does not fit.</summary>
    public static StrideTwoConvolution<T>? Create(CpuKernels<T> kernels, int threads, ConvolutionAxis[] axes, long problems, long groups, long batch, bool sharedInput)
    {
        ConvolutionAxis axis = axes[^1];

        // Never by the batch: a sample would have other bits alone than with others.
        bool fits = axes.Length == 1 && axis.Stride == 2 && axis.Dilation == 1 && axis.Filter is >= 2 and <= CpuKernels<T>.StrideTwoTaps && groups == 1;
        bool inside = axis.Low <= 0 && (2L * (axis.Output - 1)) + axis.Filter - axis.Low <= axis.Input;
        return fits && inside && axis.Input <= MaxInput && axis.Output >= kernels.Width && axis.Input + axis.Low >= 2 * kernels.Width && problems * batch > 0
            ? new(kernels, threads, axis, problems, batch, sharedInput ? batch : 0)
            : null;
    }

    /// <summary><c>y = alpha (bias + x * w)</c>.</summary>
    public void Forward(CpuQueue queue, T* x, T* w, T* bias, T* y, T alpha, byte* workspace) =>
        RunPlanes(queue, new() { Owner = this, Source = x, W = w, Bias = bias, Target = y, Alpha = alpha, Workspace = workspace }, rows.Output);

    /// <summary>The gradient of the input.</summary>
    public void BackwardInput(CpuQueue queue, T* dy, T* w, T* dx, T alpha, byte* workspace) =>
        RunPlanes(queue, new() { Owner = this, IsInput = true, Source = dy, W = w, Target = dx, Alpha = alpha, Workspace = workspace }, rows.Input);

    /// <summary>The gradient of the filters; false when it is not finite, and then dw holds nothing of use.</summary>
    public bool TryBackwardFilter(CpuQueue queue, T* x, T* dy, T* dw, T alpha, byte* workspace)
    {
        int* nonFinite = (int*)workspace;
        *nonFinite = 0;
        FilterJob job = new() { Owner = this, X = x, Dy = dy, Dw = dw, Alpha = alpha, Workspace = workspace + 64, NonFinite = nonFinite };
        long items = (cells + FiltersTogether - 1) / FiltersTogether;
        job.Each = Math.Clamp(items / (8L * threads), 1, Math.Max(1, (64 << 10) / (rows.Images * rows.Input * FiltersTogether)));
        queue.Team.Run(checked((int)((items + job.Each - 1) / job.Each)), ref job);
        return *nonFinite == 0;
    }

    private void RunPlanes(CpuQueue queue, PlaneJob job, int length)
    {
        long together = (planes + planesTogether - 1) / planesTogether;
        job.Each = Math.Clamp(together / (8L * threads), 1, Math.Max(1, (64 << 10) / (planesTogether * (long)length)));
        job.Workspace += 64;
        queue.Team.Run(checked((int)((together + job.Each - 1) / job.Each)), ref job);
    }

    private struct PlaneJob : ITeamJob
    {
        public StrideTwoConvolution<T> Owner;
        public T* Source;
        public T* W;
        public T* Bias;
        public T* Target;
        public T Alpha;
        public byte* Workspace;
        public long Each;
        public bool IsInput;

        public readonly void Execute(int index, int worker)
        {
            StrideTwoConvolution<T> o = Owner;
            CpuKernels<T> kernels = o.kernels;
            T* staged = (T*)(Workspace + (worker * o.workerBytes));
            int output = o.rows.Output;
            if (IsInput)
            {
                CpuKernels<T>.NativeClear(staged, o.planesTogether * (long)o.rowPitch);
            }

            long last = Math.Min(o.planes, (index + 1) * Each * o.planesTogether);
            for (long first = index * Each * o.planesTogether; first < last; first += o.planesTogether)
            {
                long count = Math.Min(o.planesTogether, last - first);
                if (IsInput)
                {
                    // All rows first, so that none is read back while it is still being written.
                    for (long p = 0; p < count; p++)
                    {
                        PlanarConvolution<T>.Copy(Source + ((first + p) * output), staged + (p * o.rowPitch) + o.Left, output);
                    }

                    kernels.StrideTwoInput(o.rows, staged + o.Left, o.rowPitch, W, Alpha, Target + (first * o.rows.Input), first, count);
                }
                else
                {
                    kernels.StrideTwoForward(o.rows, Source, W, Bias, Alpha, Target + (first * output), first, count);
                }
            }
        }
    }

    private struct FilterJob : ITeamJob
    {
        public StrideTwoConvolution<T> Owner;
        public T* X;
        public T* Dy;
        public T* Dw;
        public T Alpha;
        public byte* Workspace;
        public long Each;
        public int* NonFinite;

        public readonly void Execute(int index, int worker)
        {
            StrideTwoConvolution<T> o = Owner;
            int taps = o.rows.Taps, together = FiltersTogether;
            T* sums = (T*)(Workspace + (worker * o.workerBytes));
            long last = Math.Min(o.cells, (index + 1) * Each * together);
            for (long first = index * Each * together; first < last; first += together)
            {
                long count = Math.Min(together, last - first);
                T* dw = Dw + (first * taps);
                o.kernels.StrideTwoFilter(o.rows, X, Dy, sums, first, count);
                o.kernels.SumLanes(sums, count * taps, Alpha, dw);
                if (o.rows.TapStep < 0)
                {
                    for (long f = 0; f < count; f++)
                    {
                        new Span<T>(dw + (f * taps), taps).Reverse();
                    }
                }

                if (o.kernels.HasNonFinite(dw, count * taps))
                {
                    *NonFinite = 1;
                }
            }
        }
    }
}
