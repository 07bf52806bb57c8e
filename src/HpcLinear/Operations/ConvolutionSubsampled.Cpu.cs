using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <remarks>Filters of one tap without padding: plain products of images, with a stride products with every s-th element of x, or whose result goes there.</remarks>
internal sealed unsafe partial class CpuConvolutionPlan<T>
{
    /// <summary>Lanes of whole vectors over positions of a plane: with more of them idle, output channels are the better lanes.</summary>
    private const double MostIdle = 1.1;

    /// <summary>The largest stride along the last axis.</summary>
    private const int MostStep = 16;

    private bool IsSubsampled => subsampledRows is not null;

    private Subsampling Subsampling => new() { Rows = (long*)subsampledRows!.Pointer, Length = axes[^1].Output, Step = axes[^1].Stride };

    private ProductShape SubsampledShape(long rows, long depth) => new(batch, rows, outPlane, depth);

    /// <summary>Where rows of positions begin in the plane of x, and its end; null where another form is better.</summary>
    private NativeBlock? SubsampledRows()
    {
        double lanes = Math.Ceiling((double)outPlane / kernels.Width) * kernels.Width;
        if (problems != 1 || groups != 1 || isDense || axes.Any(a => a is not { Filter: 1, Low: 0, High: 0 }) || axes[^1].Stride > MostStep || lanes > MostIdle * outPlane)
        {
            return null;
        }

        long rowCount = outPlane / axes[^1].Output;
        NativeBlock block = new(cpu.Target, (rowCount + 1) * sizeof(long));
        long* rows = (long*)block.Pointer;
        for (long row = 0; row < rowCount; row++)
        {
            long rest = row, stride = axes[^1].Input;
            for (int a = axes.Length - 2; a >= 0; a--)
            {
                rows[row] += rest % axes[a].Output * axes[a].Stride * stride;
                rest /= axes[a].Output;
                stride *= axes[a].Input;
            }
        }

        rows[rowCount] = plane;
        return block;
    }

    private void SubsampledForward(CpuQueue queue, T* x, T* w, PlaneResult<T> y, T alpha, bool begin, byte* workspace)
    {
        PlaneResult<T> images = y with { ProblemStride = y.ImageStride, BiasProblemStride = 0 };
        DenseOperand<T> weights = new() { Origin = w, LineStride = (nint)inGroup, DepthStride = 1 };
        SubsampledOperand<T> taken = new() { Kernels = kernels, Positions = Subsampling, Source = x, ImageStride = Descriptor.InChannels * plane, Plane = plane };
        BlockedProduct.Run(queue, kernels, SubsampledShape(outGroup, inGroup), weights, taken, images, alpha, begin, workspace);
    }

    /// <summary>Scratch bytes of <see cref="Transposed"/>: none where every element of the filter is read about once.</summary>
    private long TransposedBytes => outPlane > kernels.TileVectors * kernels.Width ? Align(outGroup * inGroup * sizeof(T)) : 0;

    /// <summary>The transposed filter as rows of a product. In memory its rows are read in place by every block of columns, which would pack it otherwise.</summary>
    private DenseOperand<T> Transposed(CpuQueue queue, T* w, ref byte* workspace)
    {
        if (TransposedBytes == 0)
        {
            return new() { Origin = w, LineStride = 1, DepthStride = (nint)inGroup };
        }

        T* rows = (T*)workspace;
        workspace += TransposedBytes;
        TransposeJob<T> job = new() { Source = w, Target = rows, Rows = checked((int)outGroup), Columns = inGroup };
        queue.Team.Run(checked((int)job.Parts), ref job);
        return new() { Origin = rows, LineStride = (nint)outGroup, DepthStride = 1 };
    }

    private void SubsampledInput(CpuQueue queue, T* dy, T* w, T* dx, T alpha, T beta, byte* workspace)
    {
        DenseOperand<T> transposed = Transposed(queue, w, ref workspace);
        DenseOperand<T> gradients = new() { Origin = dy, ProductStride = outGroup * outPlane, LineStride = 1, DepthStride = (nint)outPlane };
        SubsampledResult<T> spread = new()
        {
            Kernels = kernels,
            Positions = Subsampling,
            Origin = dx,
            ImageStride = Descriptor.InChannels * plane,
            Plane = plane,
            Beta = beta,
            Stream = StagedConvolution<T>.Streams((double)batch * Descriptor.InChannels * plane, beta),
        };
        BlockedProduct.Run(queue, kernels, SubsampledShape(inGroup, outGroup), transposed, gradients, spread, alpha, false, workspace);
    }
}
