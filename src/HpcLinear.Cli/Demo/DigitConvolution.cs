using System.Numerics;
using HpcLinear.Cli.Bench;
using HpcLinear.Data;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Demo;

/// <summary>A convolution over the digits, forward and backward, compared with the Reference.</summary>
/// <remarks>Pixels are multiples of 1/256 and filters and gradients are exact in float32, so one reference serves both element types.</remarks>
internal sealed class DigitConvolution
{
    /// <summary>Digits a piece of the reference computation: the pieces run side by side.</summary>
    private const int Piece = 500;

    private readonly string name;
    private readonly ConvolutionDescriptor descriptor;
    private readonly double[] pixels;
    private readonly int digits;
    private readonly int step;
    private readonly RandomOperand filter;
    private readonly RandomOperand gradient;
    private DemoExpectation? forward;
    private DemoExpectation? backwardInput;
    private DemoExpectation? backwardFilter;

    private DigitConvolution(string name, ConvolutionDescriptor descriptor, double[] pixels, int digits, int step)
    {
        this.name = name;
        this.descriptor = descriptor;
        this.pixels = pixels;
        this.digits = digits;
        this.step = step;
        filter = new(5, descriptor.FilterShape.ElementCount);
        gradient = new(6, descriptor.OutputShape.ElementCount);
    }

    public string Describe() => $"{name}: {descriptor}" + (step == 1
        ? ", every digit compared"
        : $", outputs and input gradients compared at every {step}th digit, the filter gradient over all");

    /// <summary>A strided layer, 1 to 16 channels, over all digits at once.</summary>
    /// <param name="images">The digits.</param>
    /// <param name="digits">How many of them.</param>
    /// <param name="step">Compare outputs and input gradients at every step-th digit.</param>
    public static DigitConvolution Layer(IdxArray images, int digits, int step) => new(
        "layer",
        new() { Batch = digits, InChannels = 1, OutChannels = 16, Input = images.Shape.Skip(1), Filter = [5, 5], Stride = [2, 2], Geometry = Geometry.SameUpper },
        images.Scaled(1.0 / 256, digits),
        digits,
        step);

    /// <summary>A filter for every digit: as many independent problems.</summary>
    public static DigitConvolution OwnFilters(IdxArray images, int digits) => new(
        "own filters",
        new() { Problems = digits, Batch = 1, InChannels = 1, OutChannels = 1, Input = images.Shape.Skip(1), Filter = [5, 5] },
        images.Scaled(1.0 / 256, digits),
        digits,
        1);

    /// <summary>Computes what is expected, in pieces that may run at the same time.</summary>
    public IEnumerable<Action> Prepare()
    {
        long input = descriptor.Input.ElementCount, output = descriptor.OutChannels * descriptor.Output.ElementCount, taps = descriptor.FilterShape.ElementCount;
        bool own = descriptor.Problems is not null;
        int compared = (digits + step - 1) / step;
        double[] y = new double[compared * output], dx = new double[compared * input], dw = new double[taps], dwMagnitude = new double[taps];
        double largestY = 0, largestDx = 0;
        int left = (digits + Piece - 1) / Piece;
        object gate = new();
        for (int first = 0; first < digits; first += Piece)
        {
            int from = first, count = Math.Min(Piece, digits - first);
            yield return () => Compute(from, count);
        }

        void Compute(int from, int count)
        {
            ConvolutionDescriptor all = Part(count), every = Part((count + step - 1) / step);
            double[] x = pixels[(int)(from * input)..(int)((from + count) * input)], dy = Elements(gradient, from * output, count * output);
            double[] w = own ? Elements(filter, from * (taps / digits), count * (taps / digits)) : filter.ToArray();
            double[] ownDw = new double[w.Length], ownMagnitude = new double[w.Length];
            ConvolutionReference.BackwardFilter(all, x, dy, ownDw);
            ConvolutionReference.BackwardFilter(all, x, Array.ConvertAll(dy, Math.Abs), ownMagnitude);

            double[] xs = Every(x, input), dys = Every(dy, output), ys = new double[every.OutputShape.ElementCount], dxs = new double[every.InputShape.ElementCount];
            double[] magnitude = new double[ys.Length], dxMagnitude = new double[dxs.Length], absolute = Array.ConvertAll(w, Math.Abs);
            ConvolutionReference.Forward(every, xs, w, null, ys);
            ConvolutionReference.Forward(every, xs, absolute, null, magnitude);
            ConvolutionReference.BackwardInput(every, dys, w, dxs);
            ConvolutionReference.BackwardInput(every, Array.ConvertAll(dys, Math.Abs), absolute, dxMagnitude);
            lock (gate)
            {
                ys.CopyTo(y, from / step * output);
                dxs.CopyTo(dx, from / step * input);
                long at = own ? from * (taps / digits) : 0;
                for (int i = 0; i < ownDw.Length; i++)
                {
                    dw[at + i] += ownDw[i];
                    dwMagnitude[at + i] += ownMagnitude[i];
                }

                largestY = Math.Max(largestY, magnitude.Max());
                largestDx = Math.Max(largestDx, dxMagnitude.Max());
                if (--left == 0)
                {
                    long outputs = descriptor.Output.ElementCount, window = descriptor.Filter.ElementCount;
                    forward = new(Places(output), y, largestY, window);
                    backwardInput = new(Places(input), dx, largestDx, window * descriptor.OutChannels);
                    backwardFilter = DemoExpectation.Whole(dw, dwMagnitude.Max(), outputs * (own ? 1 : digits));
                }
            }
        }

        long[] Places(long size) => step == 1 ? [0] : [.. Enumerable.Range(0, compared).Select(i => i * step * size)];
    }

    public void Run<T>(DemoRun<T> run)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CommandQueue queue = run.Queue;
        using ConvolutionPlan<T> plan = ConvolutionPlan.Create<T>(queue.Device, descriptor);
        using Tensor<T> x = queue.Device.Allocate<T>(descriptor.InputShape), dx = queue.Device.Allocate<T>(descriptor.InputShape);
        using Tensor<T> w = filter.Upload<T>(queue, descriptor.FilterShape), dw = queue.Device.Allocate<T>(descriptor.FilterShape);
        using Tensor<T> dy = gradient.Upload<T>(queue, descriptor.OutputShape), y = queue.Device.Allocate<T>(descriptor.OutputShape);
        queue.Upload(Array.ConvertAll(pixels, T.CreateTruncating), x);
        run.Measure($"{name} forward", digits, descriptor.Flops, forward!, y, () => plan.Forward(queue, x, w, y));
        run.Measure($"{name} backward input", digits, descriptor.Flops, backwardInput!, dx, () => plan.BackwardInput(queue, dy, w, dx));
        run.Measure($"{name} backward filter", digits, descriptor.Flops, backwardFilter!, dw, () => plan.BackwardFilter(queue, x, dy, dw));
    }

    /// <summary>The problem over fewer digits.</summary>
    private ConvolutionDescriptor Part(int count) => descriptor.Problems is null ? descriptor with { Batch = count } : descriptor with { Problems = count };

    private double[] Every(double[] elements, long size)
    {
        if (step == 1)
        {
            return elements;
        }

        int count = (int)(elements.Length / size);
        double[] chosen = new double[(count + step - 1) / step * size];
        for (int i = 0; i * step < count; i++)
        {
            Array.Copy(elements, i * step * size, chosen, i * size, size);
        }

        return chosen;
    }

    private static double[] Elements(RandomOperand operand, long from, long count)
    {
        double[] elements = new double[count];
        for (long i = 0; i < count; i++)
        {
            elements[i] = operand[from + i];
        }

        return elements;
    }
}
