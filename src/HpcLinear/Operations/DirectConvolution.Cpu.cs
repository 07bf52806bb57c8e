using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>The convolution term by term: taps that fall on padding are skipped, so that a non-finite operand meets only what it should.</summary>
/// <remarks>Slow and allocating; taken only for non-finite operands.</remarks>
internal sealed unsafe class DirectConvolution<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ConvolutionDescriptor d;
    private readonly long outputs;
    private readonly long inputs;
    private readonly long taps;
    private readonly long inGroup;
    private readonly long outGroup;
    private readonly ConvolutionAxis[] axes;

    public DirectConvolution(ConvolutionDescriptor descriptor, ConvolutionAxis[] axes)
    {
        d = descriptor;
        this.axes = axes;
        outputs = d.Output.ElementCount;
        inputs = d.Input.ElementCount;
        taps = d.Filter.ElementCount;
        inGroup = d.FilterChannels;
        outGroup = d.OutChannels / d.Groups;
    }

    private enum Direction
    {
        Forward,
        BackwardInput,
        BackwardFilter,
    }

    public void Forward(CpuQueue queue, T* x, T* w, T* bias, T* y, T alpha, T beta) => Run(queue, Direction.Forward, x, w, y, bias, alpha, beta);

    public void BackwardInput(CpuQueue queue, T* dy, T* w, T* dx, T alpha, T beta) => Run(queue, Direction.BackwardInput, dx, w, dy, null, alpha, beta);

    public void BackwardFilter(CpuQueue queue, T* x, T* dy, T* dw, T alpha, T beta) => Run(queue, Direction.BackwardFilter, x, dw, dy, null, alpha, beta);

    private void Run(CpuQueue queue, Direction direction, T* x, T* w, T* y, T* bias, T alpha, T beta)
    {
        T* target = direction switch { Direction.Forward => y, Direction.BackwardInput => x, _ => w };
        long count = (direction switch { Direction.Forward => d.OutputShape, Direction.BackwardInput => d.InputShape, _ => d.FilterShape }).ElementCount;
        using NativeBlock sums = new(queue.Device.Target, count * sizeof(T));
        T* sum = (T*)sums.Pointer;
        if (bias is not null)
        {
            for (long i = 0; i < count; i++)
            {
                long problem = i / (outputs * d.OutChannels * d.Batch);
                sum[i] = bias[(d.SharedFilter ? 0 : problem * d.OutChannels) + (i / outputs % d.OutChannels)];
            }
        }

        (int Tap, long Source)[] read = new (int, long)[taps];
        for (long o = 0; o < outputs; o++)
        {
            int reads = Reads(o, read);
            for (long p = 0; p < d.ProblemCount; p++)
            {
                for (long b = 0; b < d.Batch; b++)
                {
                    for (long m = 0; m < d.OutChannels; m++)
                    {
                        long atY = (((((p * d.Batch) + b) * d.OutChannels) + m) * outputs) + o;
                        for (long c = 0; c < inGroup; c++)
                        {
                            long atW = (((((d.SharedFilter ? 0 : p) * d.OutChannels) + m) * inGroup) + c) * taps;
                            long atX = (((((d.SharedInput ? 0 : p) * d.Batch) + b) * d.InChannels) + (m / outGroup * inGroup) + c) * inputs;
                            foreach ((int tap, long source) in read.AsSpan(0, reads))
                            {
                                switch (direction)
                                {
                                    case Direction.Forward:
                                        sum[atY] += w[atW + tap] * x[atX + source];
                                        break;
                                    case Direction.BackwardInput:
                                        sum[atX + source] += w[atW + tap] * y[atY];
                                        break;
                                    default:
                                        sum[atW + tap] += y[atY] * x[atX + source];
                                        break;
                                }
                            }
                        }
                    }
                }
            }
        }

        for (long i = 0; i < count; i++)
        {
            target[i] = (alpha * sum[i]) + (beta == T.Zero ? T.Zero : beta * target[i]);
        }
    }

    private int Reads(long output, (int Tap, long Source)[] read)
    {
        int reads = 0;
        for (int tap = 0; tap < taps; tap++)
        {
            long o = output, i = tap, source = 0, stride = 1;
            for (int a = axes.Length - 1; a >= 0 && source >= 0; a--)
            {
                int at = axes[a].Source((int)(o % axes[a].Output), (int)(i % axes[a].Filter));
                source = at < 0 ? -1 : source + (at * stride);
                stride *= axes[a].Input;
                o /= axes[a].Output;
                i /= axes[a].Filter;
            }

            if (source >= 0)
            {
                read[reads++] = (tap, source);
            }
        }

        return reads;
    }
}
