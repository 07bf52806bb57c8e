using HpcLinear.Cli.Bench;
using HpcLinear.Operations;
using static HpcLinear.Benchmarks.Peers.DnnApi;

namespace HpcLinear.Benchmarks.Peers;

/// <summary>A convolution over four axes, stride 1, output as large as the input, as a sum of convolutions over three.</summary>
/// <remarks>Positions of the first axis are images of a batch. Each tap of that axis is one convolution of the images it reaches, added to the destination by oneDNN
/// itself. The gradient of the input is the same with reversed filters, whose channels change places; that of the filter is one call a tap, without sums.</remarks>
internal sealed unsafe class DnnFourAxes : DnnTask
{
    private readonly ConvolutionDescriptor d;
    private readonly HostMemory[] results;
    private readonly DnnLayout chosen;
    private readonly DnnLayout plain;
    private readonly bool toInput;

    public DnnFourAxes(nint engine, nint stream, ConvolutionDescriptor descriptor, string direction)
        : base(engine, stream)
    {
        d = descriptor;
        toInput = direction == "bwdd";
        (chosen, plain, results) = direction == "bwdw" ? Gradients() : Sum();
    }

    private long Length => d.Input[0];

    private int Taps => (int)d.Filter[0];

    private long Volume => d.Filter.Skip(1).Aggregate(1L, (a, b) => a * b);

    public override Array Download()
    {
        if (results.Length == 1)
        {
            return Fetch(results[0], chosen, plain, (toInput ? d.InputShape : d.OutputShape).ElementCount);
        }

        float[] all = new float[d.FilterShape.ElementCount];
        for (int tap = 0; tap < Taps; tap++)
        {
            float[] own = Fetch(results[tap], chosen, plain, all.Length / Taps);
            for (long i = 0; i < own.Length; i++)
            {
                all[(((i / Volume) * Taps) + tap) * Volume + (i % Volume)] = own[i];
            }
        }

        return all;
    }

    /// <summary>Planes of the first axis as images; channels of our row-major order lie farther apart.</summary>
    private static DnnLayout Frames(long channels, Shape extents, out long[] images)
    {
        images = [extents[0], channels, .. extents.Skip(1)];
        long[] strides = new long[images.Length];
        long step = 1;
        for (int axis = images.Length - 1; axis > 1; axis--)
        {
            strides[axis] = step;
            step *= images[axis];
        }

        (strides[0], strides[1]) = (step, step * extents[0]);
        return Plain(images, strides);
    }

    /// <summary>Bytes from one image to the next; a layout's offset would do, but not every implementation heeds it.</summary>
    private long ImageBytes(DnnLayout layout) => (long)LayoutSize(&layout) / Length;

    /// <summary>Images [from, to) of the result that a tap reaches, when position o reads position o + tap - low.</summary>
    private (long From, long Count, long Shift) Reach(int tap, long low)
    {
        long shift = tap - low, from = Math.Max(0, -shift);
        return (from, Math.Min(Length, Length - shift) - from, shift);
    }

    private (DnnLayout Chosen, DnnLayout Plain, HostMemory[] Results) Sum()
    {
        long inChannels = toInput ? d.OutChannels : d.InChannels, outChannels = toInput ? d.InChannels : d.OutChannels;
        DnnLayout plainX = Frames(inChannels, d.Input, out long[] source), plainY = Frames(outChannels, d.Output, out long[] destination);
        long[] weights = [outChannels, inChannels, .. d.Filter.Skip(1)];
        DnnGeometry geometry = DnnGeometry.Of(d, 1); // of equal extents on both sides, so its adjoint has the same
        long low = d.ResolvedLow[0];
        int middle = (int)low;
        nint first = Choose(geometry.Forward(Free(source), Free(weights), Free(destination)));
        DnnLayout x = *ChoiceLayout(first, SourceLayout, 0), y = *ChoiceLayout(first, DestinationLayout, 0);
        HostMemory input = Bring(new((ulong)(toInput ? 3 : 1), d.InputShape.ElementCount / d.InChannels * inChannels), plainX, x), output = Allocate(y);
        foreach (int tap in Enumerable.Range(0, Taps).OrderBy(t => t == middle ? 0 : 1))
        {
            (long from, long count, long shift) = Reach(tap, low);
            DnnLayout partX = Images(x, source, count), partY = Images(y, destination, count);
            nint choice = tap == middle ? first : Choose(geometry.Forward(partX, Free(weights), partY), add: true);
            DnnLayout w = *ChoiceLayout(choice, WeightsLayout, 0);
            HostMemory filter = Allocate(w);
            using (HostMemory own = Filter(tap))
            {
                Reorder(own, Plain(weights), filter, w);
            }

            Add(choice, new(Source, Memory(partX, input, (from + shift) * ImageBytes(x))), new(Weights, Memory(w, filter)), new(Destination, Memory(partY, output, from * ImageBytes(y))));
        }

        return (y, plainY, [output]);
    }

    private (DnnLayout Chosen, DnnLayout Plain, HostMemory[] Results) Gradients()
    {
        DnnLayout plainX = Frames(d.InChannels, d.Input, out long[] source), plainY = Frames(d.OutChannels, d.Output, out long[] destination);
        long[] weights = [d.OutChannels, d.InChannels, .. d.Filter.Skip(1)];
        DnnGeometry geometry = DnnGeometry.Of(d, 1);
        DnnLayout w = Free(weights);
        nint forward = Choose(geometry.Forward(Free(source), w, Free(destination)));
        nint whole = Choose(geometry.BackwardFilter(Free(source), w, Free(destination)), forward);
        DnnLayout x = *ChoiceLayout(whole, SourceLayout, 0), y = *ChoiceLayout(whole, DestinationGradientLayout, 0), chosenW = *ChoiceLayout(whole, WeightsGradientLayout, 0);
        HostMemory input = Bring(new(1, d.InputShape.ElementCount), plainX, x), output = Bring(new(3, d.OutputShape.ElementCount), plainY, y);
        HostMemory[] gradients = [.. Enumerable.Range(0, Taps).Select(_ => Allocate(chosenW))];
        for (int tap = 0; tap < Taps; tap++)
        {
            (long from, long count, long shift) = Reach(tap, d.ResolvedLow[0]);
            DnnLayout partX = Images(x, source, count), partY = Images(y, destination, count);
            nint choice = count == Length ? whole : Choose(geometry.BackwardFilter(partX, chosenW, partY), forward);
            Add(choice, new(Source, Memory(partX, input, (from + shift) * ImageBytes(x))), new(DestinationGradient, Memory(partY, output, from * ImageBytes(y))), new(WeightsGradient, Memory(chosenW, gradients[tap])));
        }

        return (chosenW, Plain(weights), gradients);
    }

    /// <summary>One tap's filter over three axes; for the gradient of the input reversed, its channels exchanged.</summary>
    private HostMemory Filter(int tap)
    {
        RandomOperand w = new(2, d.FilterShape.ElementCount);
        HostMemory memory = new(w.Count / Taps * sizeof(float));
        float* elements = (float*)memory.Address;
        for (long m = 0; m < d.OutChannels; m++)
        {
            for (long c = 0; c < d.InChannels; c++)
            {
                for (long v = 0; v < Volume; v++)
                {
                    long from = (((((m * d.InChannels) + c) * Taps) + (toInput ? Taps - 1 - tap : tap)) * Volume) + (toInput ? Volume - 1 - v : v);
                    long to = ((toInput ? (c * d.OutChannels) + m : (m * d.InChannels) + c) * Volume) + v;
                    elements[to] = (float)w[from];
                }
            }
        }

        return memory;
    }
}
