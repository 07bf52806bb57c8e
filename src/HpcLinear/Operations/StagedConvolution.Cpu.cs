using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// How the operands of a staged convolution lie in memory: element (result channel m, source channel c, tap t) of a group's filter is
/// <c>filter[m*FilterResultStride + c*FilterSourceStride + t]</c>. Channels of the source are summed over.
/// </summary>
internal readonly record struct StagedLayout(long Groups, long SourceChannels, long ResultChannels, long FilterTaps, long FilterResultStride, long FilterSourceStride);

/// <summary>
/// A convolution by boxes of positions: a worker stages what a box reads, a block of channels at a time, and keeps the sums of the box in its second-level
/// cache. Nothing of the input is packed; a tap is an offset.
/// </summary>
/// <remarks>
/// Forms differ in what a vector holds, channels or positions, and in nothing else: each sum starts from the bias and runs over channels and taps in order,
/// whatever the form and the cut, so that bits depend on neither. Taps that read only padding are left out where a row's position shows it; staged zeros are
/// multiplied, which is right for finite filters only.
/// </remarks>
internal abstract unsafe class StagedConvolution<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Bytes of sums of a box and of a block of staged channels: with a block of filters less than a second-level cache.</summary>
    protected const int SumBytes = 256 << 10;
    protected const int StagedBytes = 192 << 10;

    /// <summary>A result that no cache holds is written past the caches.</summary>
    private const double StreamedBytes = 24 << 20;

    protected StagedConvolution(CpuKernels<T> kernels, int threads, WindowAxis[] axes, StagedLayout layout)
    {
        (Kernels, Layout, Threads, Width) = (kernels, layout, threads, kernels.Width);
        SourcePlane = axes.Aggregate(1L, (n, a) => n * a.Source);
        ResultPlane = axes.Aggregate(1L, (n, a) => n * a.Result);
        ReachedClasses = Math.Max(1, axes.Aggregate(1, (n, a) => n * a.Taps.Count(t => t.Length > 0)));
    }

    /// <summary>What the plan calls it.</summary>
    public abstract string Name { get; }

    /// <summary>The tile as text.</summary>
    public abstract string TileText { get; }

    /// <summary>Scratch bytes of a call.</summary>
    public long WorkspaceBytes { get; protected init; }

    public CpuKernels<T> Kernels { get; }

    public StagedLayout Layout { get; }

    public int Threads { get; }

    /// <summary>Elements of a vector.</summary>
    public int Width { get; }

    /// <summary>Elements of a source and of a result channel.</summary>
    public long SourcePlane { get; }

    public long ResultPlane { get; }

    /// <summary>Residue classes of the result that some tap reaches.</summary>
    protected int ReachedClasses { get; }

    /// <summary><c>result = alpha (bias + source * filter) + beta result</c> for a number of images; a null bias is zero.</summary>
    public abstract void Run(CpuQueue queue, T* source, long sourceImage, T* filter, T* bias, T* result, long resultImage, long images, T alpha, T beta, byte* workspace);

    public abstract void Dispose();

    protected static long AlignBytes(long bytes) => (bytes + 127) & ~63L;

    protected static long Align(long elements) => AlignBytes(elements * sizeof(T)) / sizeof(T);

    /// <summary>A sum that starts from +0 never becomes -0: terms of the padding may then be added or left out.</summary>
    protected static T StartOf(T* bias, long channel) => bias is null ? T.Zero : bias[channel] + T.Zero;

    /// <summary>What an item of work is: ranges of channels are innermost, so that threads read the same boxes at about the same time.</summary>
    protected (int Range, long Box, long Group, long Image) Item(int index, int ranges, long boxes)
    {
        (long rest, long range) = Math.DivRem((long)index, ranges);
        (rest, long box) = Math.DivRem(rest, boxes);
        (long image, long group) = Math.DivRem(rest, Layout.Groups);
        return ((int)range, box, group, image);
    }

    protected bool Streams(long images, T beta) => Streams((double)images * Layout.Groups * Layout.ResultChannels * ResultPlane, beta);

    /// <summary>Whether so many results are written past the caches.</summary>
    public static bool Streams(double results, T beta) => beta == T.Zero && results * sizeof(T) > StreamedBytes;
}
