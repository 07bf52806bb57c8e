using System.Numerics;
using HpcLinear.Cli.Bench;
using HpcLinear.Data;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Demo;

/// <summary>A convolution over the digits, forward and backward, compared with the Reference.</summary>
/// <remarks>Pixels are multiples of 1/256 and filters and gradients are exact in float32, so one reference serves both element types, and its beginning
/// serves fewer digits. Magnitudes for the tolerances are taken at every tenth digit.</remarks>
internal sealed class DigitConvolution
{
    private const int MagnitudeStep = 10;

    private readonly string name;
    private readonly ConvolutionDescriptor descriptor;
    private readonly double[] pixels;
    private readonly int digits;
    private readonly int step;
    private readonly RandomOperand filter;
    private readonly RandomOperand gradient;
    private readonly double[] output;
    private readonly double[] inputGradient;
    private readonly DigitPiece[] pieces;

    private DigitConvolution(string name, ConvolutionDescriptor descriptor, double[] pixels, int digits, int step)
    {
        this.name = name;
        this.descriptor = descriptor;
        this.pixels = pixels;
        this.digits = digits;
        this.step = step;
        filter = new(5, descriptor.FilterShape.ElementCount);
        gradient = new(6, descriptor.OutputShape.ElementCount);
        int compared = (digits + step - 1) / step;
        output = new double[compared * OutputSize];
        inputGradient = new double[compared * InputSize];
        pieces = new DigitPiece[DigitPiece.Count(digits)];
    }

    private bool HasOwnFilters => descriptor.Problems is not null;

    private long InputSize => descriptor.Input.ElementCount;

    private long OutputSize => descriptor.OutChannels * descriptor.Output.ElementCount;

    private long Taps => descriptor.OutChannels * descriptor.Filter.ElementCount;

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

    public string Describe() => $"{name}: {descriptor}" + (step == 1
        ? ", every digit compared"
        : $", outputs and input gradients compared at every {step}th digit, the filter gradient over all");

    /// <summary>Computes what is expected, in pieces that may run at the same time.</summary>
    public IEnumerable<Action> Prepare() => Enumerable.Range(0, pieces.Length).Select<int, Action>(i => () => Compute(i));

    /// <summary>Times and checks the three directions over the first <paramref name="count"/> digits.</summary>
    public void Run<T>(DemoRun<T> run, int count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ConvolutionDescriptor d = Part(count);
        CommandQueue queue = run.Queue;
        using ConvolutionPlan<T> plan = ConvolutionPlan.Create<T>(queue.Device, d);
        using Tensor<T> x = queue.Device.Allocate<T>(d.InputShape), dx = queue.Device.Allocate<T>(d.InputShape);
        using Tensor<T> w = (filter with { Count = d.FilterShape.ElementCount }).Upload<T>(queue, d.FilterShape), dw = queue.Device.Allocate<T>(d.FilterShape);
        using Tensor<T> dy = (gradient with { Count = d.OutputShape.ElementCount }).Upload<T>(queue, d.OutputShape), y = queue.Device.Allocate<T>(d.OutputShape);
        queue.Upload(Array.ConvertAll(pixels[..(int)d.InputShape.ElementCount], T.CreateTruncating), x);
        DigitPiece[] used = pieces[..DigitPiece.Count(count)];
        double window = d.Filter.ElementCount;
        run.Measure($"{name} forward", count, d.Flops, Expected(output, OutputSize, count, used.Max(p => p.Output), window), y, () => plan.Forward(queue, x, w, y));
        run.Measure(
            $"{name} backward input",
            count,
            d.Flops,
            Expected(inputGradient, InputSize, count, used.Max(p => p.InputGradient), window * d.OutChannels),
            dx,
            () => plan.BackwardInput(queue, dy, w, dx));
        run.Measure($"{name} backward filter", count, d.Flops, ExpectedFilterGradient(used, count), dw, () => plan.BackwardFilter(queue, x, dy, dw));
    }

    private DemoExpectation Expected(double[] values, long size, int count, double magnitude, double terms)
    {
        int compared = (count + step - 1) / step;
        double[] part = values[..(int)(compared * size)];
        return step == 1 ? DemoExpectation.Whole(part, magnitude, terms) : new([.. Enumerable.Range(0, compared).Select(i => i * step * size)], part, magnitude, terms);
    }

    private DemoExpectation ExpectedFilterGradient(DigitPiece[] used, int count)
    {
        double sums = descriptor.Output.ElementCount * (HasOwnFilters ? 1.0 : count);
        double square = HasOwnFilters ? used.Max(p => p.FilterGradientSquare) : used.Sum(p => p.FilterGradientSquare) * MagnitudeStep;
        double[] values = HasOwnFilters ? [.. used.SelectMany(p => p.FilterGradient)] : new double[Taps];
        for (int i = 0; !HasOwnFilters && i < values.Length; i++)
        {
            values[i] = used.Sum(p => p.FilterGradient[i]);
        }

        // Terms of both signs: partial sums grow like the root of the sum of squares, and with them the roundings. The sum of magnitudes
        // would allow an error a thousand times larger in a sum this long.
        return DemoExpectation.Whole(values, Math.Sqrt(square), sums);
    }

    private void Compute(int index)
    {
        (int from, int count) = DigitPiece.Range(index, digits);
        double[] x = pixels[(int)(from * InputSize)..(int)((from + count) * InputSize)], dy = gradient.ToArray(from * OutputSize, count * OutputSize);
        double[] w = HasOwnFilters ? filter.ToArray(from * Taps, count * Taps) : filter.ToArray();
        double[] dw = new double[w.Length];
        ConvolutionReference.BackwardFilter(Part(count), x, dy, dw);

        ConvolutionDescriptor compared = Part((count + step - 1) / step);
        double[] y = new double[compared.OutputShape.ElementCount], dx = new double[compared.InputShape.ElementCount];
        double[] ownW = HasOwnFilters ? Every(w, Taps, step) : w;
        ConvolutionReference.Forward(compared, Every(x, InputSize, step), ownW, null, y);
        ConvolutionReference.BackwardInput(compared, Every(dy, OutputSize, step), ownW, dx);
        y.CopyTo(output, from / step * OutputSize);
        dx.CopyTo(inputGradient, from / step * InputSize);

        ConvolutionDescriptor some = Part((count + MagnitudeStep - 1) / MagnitudeStep);
        double[] someX = Every(x, InputSize, MagnitudeStep), someDy = Every(dy, OutputSize, MagnitudeStep), someW = HasOwnFilters ? Every(w, Taps, MagnitudeStep) : w;
        double[] magnitudeY = new double[some.OutputShape.ElementCount], magnitudeDx = new double[some.InputShape.ElementCount], squareDw = new double[someW.Length];
        ConvolutionReference.Forward(some, someX, Array.ConvertAll(someW, Math.Abs), null, magnitudeY);
        ConvolutionReference.BackwardInput(some, Array.ConvertAll(someDy, Math.Abs), Array.ConvertAll(someW, Math.Abs), magnitudeDx);
        ConvolutionReference.BackwardFilter(some, Array.ConvertAll(someX, v => v * v), Array.ConvertAll(someDy, v => v * v), squareDw);
        pieces[index] = new(dw, magnitudeY.Max(), magnitudeDx.Max(), squareDw.Max());
    }

    /// <summary>The problem over fewer digits.</summary>
    private ConvolutionDescriptor Part(int count) => HasOwnFilters ? descriptor with { Problems = count } : descriptor with { Batch = count };

    private static double[] Every(double[] elements, long size, int step)
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

    /// <summary>What one piece of the digits gave.</summary>
    /// <param name="FilterGradient">Filter gradients of the piece's digits: one, or one a digit.</param>
    /// <param name="Output">Largest magnitude of the outputs.</param>
    /// <param name="InputGradient">Largest magnitude of the input gradients.</param>
    /// <param name="FilterGradientSquare">Largest sum of squared terms of the filter gradients.</param>
    private sealed record DigitPiece(double[] FilterGradient, double Output, double InputGradient, double FilterGradientSquare)
    {
        /// <summary>Divides every number of digits that is asked for.</summary>
        private const int Size = 200;

        public static int Count(int digits) => (digits + Size - 1) / Size;

        public static (int From, int Count) Range(int index, int digits) => (index * Size, Math.Min(Size, digits - (index * Size)));
    }
}
