using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Bench;

/// <summary>Which of a convolution's three products is timed.</summary>
internal enum Direction
{
    /// <summary>Forward, <c>:fwd</c>.</summary>
    Forward,

    /// <summary>Gradient of the input, <c>:bwdd</c>.</summary>
    BackwardInput,

    /// <summary>Gradient of the filter, <c>:bwdw</c>.</summary>
    BackwardFilter,
}

/// <summary>A convolution in one direction.</summary>
internal sealed class ConvolutionTask<T> : BenchTask
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CommandQueue queue;
    private readonly ConvolutionDescriptor descriptor;
    private readonly Direction direction;
    private readonly ConvolutionPlan<T> plan;
    private readonly RandomOperand x;
    private readonly RandomOperand w;
    private readonly RandomOperand dy;
    private readonly Tensor<T> left;
    private readonly Tensor<T> right;
    private readonly Tensor<T> result;

    public ConvolutionTask(CommandQueue queue, ConvolutionDescriptor descriptor, Direction direction)
    {
        this.queue = queue;
        this.descriptor = descriptor;
        this.direction = direction;
        ConvolutionDescriptor d = descriptor;
        x = new(1, d.InputShape.ElementCount);
        w = new(2, d.FilterShape.ElementCount);
        dy = new(3, d.OutputShape.ElementCount);
        plan = Own(ConvolutionPlan.Create<T>(queue.Device, d));
        left = Own(direction == Direction.BackwardInput ? dy.Upload<T>(queue, d.OutputShape) : x.Upload<T>(queue, d.InputShape));
        right = Own(direction == Direction.BackwardFilter ? dy.Upload<T>(queue, d.OutputShape) : w.Upload<T>(queue, d.FilterShape));
        result = Result<T>(queue, direction switch
        {
            Direction.Forward => d.OutputShape,
            Direction.BackwardInput => d.InputShape,
            _ => d.FilterShape,
        });
    }

    public override double Flops => descriptor.Flops;

    public override double Bytes => descriptor.Bytes(Unsafe.SizeOf<T>());

    /// <summary>Terms of one sum.</summary>
    private double Terms
    {
        get
        {
            ConvolutionDescriptor d = descriptor;
            double problems = d.Problems ?? 1;
            return direction switch
            {
                Direction.Forward => (double)d.FilterChannels * d.Filter.ElementCount,
                Direction.BackwardInput => (double)(d.OutChannels / d.Groups) * d.Filter.ElementCount * (d.SharedInput ? problems : 1),
                _ => (double)d.Batch * d.Output.ElementCount * (d.SharedFilter ? problems : 1),
            };
        }
    }

    public override void Execute()
    {
        switch (direction)
        {
            case Direction.Forward:
                plan.Forward(queue, left, right, result);
                break;
            case Direction.BackwardInput:
                plan.BackwardInput(queue, left, right, result);
                break;
            default:
                plan.BackwardFilter(queue, left, right, result);
                break;
        }
    }

    public override Array Download() => queue.Download<T>(result);

    public override BenchCheck Check()
    {
        long total = result.Shape.ElementCount;
        return total == 0 ? new(0, 0, 0) : Flops / 2 < BenchCheck.FullCheckLimit ? CheckAll(total) : CheckSample(total);
    }

    private BenchCheck CheckAll(long total)
    {
        double[] want = new double[total], magnitude = new double[total];
        double[] first = (direction == Direction.BackwardInput ? dy : x).ToArray(), second = (direction == Direction.BackwardFilter ? dy : w).ToArray();
        Reference(first, second, want);
        Reference(Array.ConvertAll(first, Math.Abs), Array.ConvertAll(second, Math.Abs), magnitude);
        return BenchCheck.Of<T>(queue.Download<T>(result), want, magnitude, Terms, total);
    }

    private void Reference(double[] first, double[] second, double[] output)
    {
        switch (direction)
        {
            case Direction.Forward:
                ConvolutionReference.Forward(descriptor, first, second, null, output);
                break;
            case Direction.BackwardInput:
                ConvolutionReference.BackwardInput(descriptor, first, second, output);
                break;
            default:
                ConvolutionReference.BackwardFilter(descriptor, first, second, output);
                break;
        }
    }

    private BenchCheck CheckSample(long total)
    {
        ConvolutionElements elements = new(descriptor, i => x[i], i => w[i], i => dy[i]);
        long[] places = BenchCheck.SamplePlaces(total, Terms);
        T[] got = new T[places.Length];
        double[] want = new double[places.Length], magnitude = new double[places.Length];
        for (int i = 0; i < places.Length; i++)
        {
            got[i] = queue.Download(result.View(places[i], [1]))[0];
            (want[i], magnitude[i]) = direction switch
            {
                Direction.Forward => elements.Forward(places[i]),
                Direction.BackwardInput => elements.BackwardInput(places[i]),
                _ => elements.BackwardFilter(places[i]),
            };
        }

        return BenchCheck.Of<T>(got, want, magnitude, Terms, total);
    }
}
