using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>The convolution term by term: taps that fall on padding are skipped, so that a non-finite operand meets only what it should.</summary>
/// <remarks>Taken only for non-finite operands: a scalar loop, about a fiftieth of the speed of the product.</remarks>
internal sealed unsafe class DirectConvolution<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ConvolutionAxis[] axes;
    private readonly long outputs;
    private readonly long inputs;
    private readonly long taps;
    private readonly long batch;
    private readonly long groups;
    private readonly long problems;
    private readonly long inGroup;
    private readonly long outGroup;
    private readonly bool sharedInput;
    private readonly bool sharedFilter;

    public DirectConvolution(ConvolutionDescriptor descriptor, ConvolutionAxis[] axes)
    {
        this.axes = axes;
        outputs = descriptor.Output.ElementCount;
        inputs = descriptor.Input.ElementCount;
        taps = descriptor.Filter.ElementCount;
        (problems, batch, groups) = (descriptor.ProblemCount, descriptor.Batch, descriptor.Groups);
        (sharedInput, sharedFilter) = (descriptor.SharedInput, descriptor.SharedFilter);
        inGroup = descriptor.FilterChannels;
        outGroup = descriptor.OutChannels / groups;
    }

    private enum Direction
    {
        Forward,
        BackwardInput,
        BackwardFilter,
    }

    private long InputImage => groups * inGroup * inputs;

    private long OutputImage => groups * outGroup * outputs;

    public void Forward(CpuQueue queue, T* x, T* w, T* bias, T* y, T alpha, T beta) =>
        Run(queue, problems * batch * groups, new() { Plan = this, Direction = Direction.Forward, X = x, W = w, Y = y, Bias = bias, Alpha = alpha, Beta = beta });

    public void BackwardInput(CpuQueue queue, T* dy, T* w, T* dx, T alpha, T beta) =>
        Run(queue, (sharedInput ? 1 : problems) * batch * groups, new() { Plan = this, Direction = Direction.BackwardInput, X = dx, W = w, Y = dy, Alpha = alpha, Beta = beta });

    public void BackwardFilter(CpuQueue queue, T* x, T* dy, T* dw, T alpha, T beta) =>
        Run(queue, (sharedFilter ? 1 : problems) * groups * outGroup, new() { Plan = this, Direction = Direction.BackwardFilter, X = x, W = dw, Y = dy, Alpha = alpha, Beta = beta });

    private static void Run(CpuQueue queue, long items, Job job) => queue.Team.Run(checked((int)items), ref job);

    /// <summary>The input position that an output reads through a tap, or -1 on padding.</summary>
    private long Source(long output, long tap)
    {
        long source = 0, stride = 1;
        for (int a = axes.Length - 1; a >= 0; a--)
        {
            int at = axes[a].Source((int)(output % axes[a].Output), (int)(tap % axes[a].Filter));
            if (at < 0)
            {
                return -1;
            }

            source += at * stride;
            stride *= axes[a].Input;
            output /= axes[a].Output;
            tap /= axes[a].Filter;
        }

        return source;
    }

    /// <summary>Forward and gradient of the input: an image's group of channels; gradient of the filter: an output channel.</summary>
    private struct Job : ITeamJob
    {
        public DirectConvolution<T> Plan;
        public Direction Direction;
        public T* X;
        public T* W;
        public T* Y;
        public T* Bias;
        public T Alpha;
        public T Beta;

        public readonly void Execute(int index, int worker)
        {
            DirectConvolution<T> d = Plan;
            if (Direction == Direction.BackwardFilter)
            {
                Filter(index / (d.groups * d.outGroup), index % (d.groups * d.outGroup));
                return;
            }

            long group = index % d.groups, image = index / d.groups % d.batch, problem = index / d.groups / d.batch;
            T* x = X + (((((d.sharedInput ? 0 : problem) * d.batch) + image) * d.InputImage) + (group * d.inGroup * d.inputs));
            if (Direction == Direction.Forward)
            {
                Outputs(x, problem, image, group);
                return;
            }

            Begin(x, d.inGroup * d.inputs);
            for (long p = problem; p < (d.sharedInput ? d.problems : problem + 1); p++)
            {
                Inputs(x, p, image, group);
            }
        }

        private readonly void Begin(T* target, long count)
        {
            for (long i = 0; i < count; i++)
            {
                target[i] = Beta == T.Zero ? T.Zero : Beta * target[i];
            }
        }

        private readonly T* Gradient(long problem, long image, long group) =>
            Y + ((((problem * Plan.batch) + image) * Plan.OutputImage) + (group * Plan.outGroup * Plan.outputs));

        private readonly T* Filters(long problem, long group) =>
            W + ((((Plan.sharedFilter ? 0 : problem) * Plan.groups) + group) * Plan.outGroup * Plan.inGroup * Plan.taps);

        private readonly void Outputs(T* x, long problem, long image, long group)
        {
            DirectConvolution<T> d = Plan;
            T* y = Gradient(problem, image, group);
            T* w = Filters(problem, group);
            Begin(y, d.outGroup * d.outputs);
            for (long i = 0; Bias is not null && i < d.outGroup * d.outputs; i++)
            {
                y[i] += Alpha * Bias[((((d.sharedFilter ? 0 : problem) * d.groups) + group) * d.outGroup) + (i / d.outputs)];
            }

            for (long o = 0; o < d.outputs; o++)
            {
                for (long tap = 0; tap < d.taps; tap++)
                {
                    long source = d.Source(o, tap);
                    for (long m = 0; source >= 0 && m < d.outGroup; m++)
                    {
                        T sum = T.Zero;
                        for (long c = 0; c < d.inGroup; c++)
                        {
                            sum += w[(((m * d.inGroup) + c) * d.taps) + tap] * x[(c * d.inputs) + source];
                        }

                        y[(m * d.outputs) + o] += Alpha * sum;
                    }
                }
            }
        }

        private readonly void Inputs(T* dx, long problem, long image, long group)
        {
            DirectConvolution<T> d = Plan;
            T* dy = Gradient(problem, image, group);
            T* w = Filters(problem, group);
            for (long o = 0; o < d.outputs; o++)
            {
                for (long tap = 0; tap < d.taps; tap++)
                {
                    long source = d.Source(o, tap);
                    for (long c = 0; source >= 0 && c < d.inGroup; c++)
                    {
                        T sum = T.Zero;
                        for (long m = 0; m < d.outGroup; m++)
                        {
                            sum += w[(((m * d.inGroup) + c) * d.taps) + tap] * dy[(m * d.outputs) + o];
                        }

                        dx[(c * d.inputs) + source] += Alpha * sum;
                    }
                }
            }
        }

        private readonly void Filter(long problem, long channel)
        {
            DirectConvolution<T> d = Plan;
            T* dw = W + (((problem * d.groups * d.outGroup) + channel) * d.inGroup * d.taps);
            Begin(dw, d.inGroup * d.taps);
            long first = d.sharedFilter ? 0 : problem * d.batch, last = d.sharedFilter ? d.problems * d.batch : (problem + 1) * d.batch;
            for (long o = 0; o < d.outputs; o++)
            {
                for (long tap = 0; tap < d.taps; tap++)
                {
                    long source = d.Source(o, tap);
                    for (long n = first; source >= 0 && n < last; n++)
                    {
                        T gradient = Alpha * Y[(((n * d.groups * d.outGroup) + channel) * d.outputs) + o];
                        T* x = X + ((d.sharedInput ? n % d.batch : n) * d.InputImage) + (channel / d.outGroup * d.inGroup * d.inputs) + source;
                        for (long c = 0; c < d.inGroup; c++)
                        {
                            dw[(c * d.taps) + tap] += gradient * x[c * d.inputs];
                        }
                    }
                }
            }
        }
    }
}
