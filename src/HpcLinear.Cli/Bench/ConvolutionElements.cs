using HpcLinear.Operations;

namespace HpcLinear.Cli.Bench;

/// <summary>Single elements of a convolution and its gradients by the definition, in float64: what samples of large results are compared with.</summary>
/// <remarks>Written apart from the engine's own index arithmetic, from the formula
/// <c>y[b,m,o] = sum over c, i of w[m,c,i'] xpad[b, group(m) + c, stride·o + dilation·i - low]</c>, i' = i, or reversed for a true convolution.</remarks>
internal sealed class ConvolutionElements
{
    private readonly ConvolutionDescriptor d;
    private readonly Func<long, double> x;
    private readonly Func<long, double> w;
    private readonly Func<long, double> dy;
    private readonly long[] output;
    private readonly int[][] source;
    private readonly long inputs;
    private readonly long taps;
    private readonly long outputs;

    public ConvolutionElements(ConvolutionDescriptor descriptor, Func<long, double> x, Func<long, double> w, Func<long, double> dy)
    {
        d = descriptor;
        this.x = x;
        this.w = w;
        this.dy = dy;
        output = [.. d.Output];
        source = [.. Enumerable.Range(0, d.SpatialRank).Select(SourcesOfAxis)];
        inputs = d.Input.ElementCount;
        taps = d.Filter.ElementCount;
        outputs = d.Output.ElementCount;
    }

    private long Problems => d.Problems ?? 1;

    private long OutGroup => d.OutChannels / d.Groups;

    /// <summary>y at a place of the output.</summary>
    public (double Sum, double Magnitude) Forward(long place)
    {
        (long o, long m, long b, long p) = Split(place, outputs, d.OutChannels, d.Batch);
        double sum = 0, magnitude = 0;
        List<(long Tap, long At)> reads = ReadsOf(o);
        for (long c = 0; c < d.FilterChannels; c++)
        {
            long atW = FilterPlane(p, m, c), atX = InputPlane(p, b, (m / OutGroup * d.FilterChannels) + c);
            foreach ((long tap, long at) in reads)
            {
                double term = w(atW + tap) * x(atX + at);
                sum += term;
                magnitude += Math.Abs(term);
            }
        }

        return (sum, magnitude);
    }

    /// <summary>dx at a place of the input.</summary>
    public (double Sum, double Magnitude) BackwardInput(long place)
    {
        (long at, long channel, long b, long p) = Split(place, inputs, d.InChannels, d.Batch);
        double sum = 0, magnitude = 0;
        long group = channel / d.FilterChannels, c = channel % d.FilterChannels;
        List<(long Tap, long Output)> readers = ReadersOf(at);
        (long firstProblem, long lastProblem) = d.SharedInput ? (0, Problems - 1) : (p, p);
        for (long q = firstProblem; q <= lastProblem; q++)
        {
            for (long m = group * OutGroup; m < (group + 1) * OutGroup; m++)
            {
                long atW = FilterPlane(q, m, c), atY = OutputPlane(q, b, m);
                foreach ((long tap, long o) in readers)
                {
                    double term = w(atW + tap) * dy(atY + o);
                    sum += term;
                    magnitude += Math.Abs(term);
                }
            }
        }

        return (sum, magnitude);
    }

    /// <summary>dw at a place of the filter.</summary>
    public (double Sum, double Magnitude) BackwardFilter(long place)
    {
        (long tap, long c, long m, long p) = Split(place, taps, d.FilterChannels, d.OutChannels);
        double sum = 0, magnitude = 0;
        List<(long Output, long At)> pairs = PairsOf(tap);
        (long firstProblem, long lastProblem) = d.SharedFilter ? (0, Problems - 1) : (p, p);
        for (long q = firstProblem; q <= lastProblem; q++)
        {
            for (long b = 0; b < d.Batch; b++)
            {
                long atY = OutputPlane(q, b, m), atX = InputPlane(q, b, (m / OutGroup * d.FilterChannels) + c);
                foreach ((long o, long at) in pairs)
                {
                    double term = dy(atY + o) * x(atX + at);
                    sum += term;
                    magnitude += Math.Abs(term);
                }
            }
        }

        return (sum, magnitude);
    }

    private static (long Inner, long Channel, long Sample, long Problem) Split(long place, long plane, long channels, long samples) =>
        (place % plane, place / plane % channels, place / plane / channels % samples, place / plane / channels / samples);

    private long FilterPlane(long p, long m, long c) => (((((d.SharedFilter ? 0 : p) * d.OutChannels) + m) * d.FilterChannels) + c) * taps;

    private long InputPlane(long p, long b, long channel) => (((((d.SharedInput ? 0 : p) * d.Batch) + b) * d.InChannels) + channel) * inputs;

    private long OutputPlane(long p, long b, long m) => ((((p * d.Batch) + b) * d.OutChannels) + m) * outputs;

    /// <summary>Entry o·k + i is the input element that output o reads through tap i on this axis; -1 for a zero.</summary>
    private int[] SourcesOfAxis(int axis)
    {
        long k = d.Filter[axis], n = d.Input[axis], low = d.ResolvedLow[axis];
        int[] sources = new int[output[axis] * k];
        for (long at = 0; at < sources.Length; at++)
        {
            (long o, long i) = Math.DivRem(at, k);
            long position = (d.Stride[axis] * o) + (d.Dilation[axis] * (d.TrueConvolution ? k - 1 - i : i)) - low;
            sources[at] = (int)(position >= 0 && position < n ? position : d.Boundary switch
            {
                Boundary.Circular => ((position % n) + n) % n,
                Boundary.Reflect => position < 0 ? -position : (2 * (n - 1)) - position,
                Boundary.Replicate => Math.Clamp(position, 0, n - 1),
                _ => -1,
            });
        }

        return sources;
    }

    /// <summary>Taps and input elements behind one output.</summary>
    private List<(long Tap, long At)> ReadsOf(long o)
    {
        long[] index = Unflatten(o, output);
        return Products(axis => Enumerable.Range(0, (int)d.Filter[axis]).Select(i => ((long)i, (long)source[axis][(index[axis] * d.Filter[axis]) + i])), d.Filter, d.Input);
    }

    /// <summary>Taps and outputs that read one input element.</summary>
    private List<(long Tap, long Output)> ReadersOf(long at)
    {
        long[] index = Unflatten(at, [.. d.Input]);
        return Products(
            axis => Enumerable.Range(0, source[axis].Length).Where(e => source[axis][e] == index[axis]).Select(e => (e % d.Filter[axis], e / d.Filter[axis])),
            d.Filter,
            d.Output);
    }

    /// <summary>Outputs and input elements that meet in one tap.</summary>
    private List<(long Output, long At)> PairsOf(long tap)
    {
        long[] index = Unflatten(tap, [.. d.Filter]);
        return Products(axis => Enumerable.Range(0, (int)output[axis]).Select(o => ((long)o, (long)source[axis][(o * d.Filter[axis]) + index[axis]])), d.Output, d.Input);
    }

    /// <summary>All combinations of the axes' pairs, as flat offsets; pairs with a zero outside the input are left out.</summary>
    private static List<(long First, long Second)> Products(Func<int, IEnumerable<(long First, long Second)>> axis, Shape first, Shape second)
    {
        List<(long First, long Second)> all = [(0, 0)];
        for (int a = 0; a < first.Rank; a++)
        {
            (long First, long Second)[] own = [.. axis(a).Where(e => e.Second >= 0)];
            List<(long First, long Second)> next = new(all.Count * own.Length);
            foreach ((long f, long s) in all)
            {
                foreach ((long g, long t) in own)
                {
                    next.Add(((f * first[a]) + g, (s * second[a]) + t));
                }
            }

            all = next;
        }

        return all;
    }

    private static long[] Unflatten(long flat, long[] extents)
    {
        long[] index = new long[extents.Length];
        for (int axis = extents.Length - 1; axis >= 0; axis--)
        {
            (flat, index[axis]) = Math.DivRem(flat, extents[axis]);
        }

        return index;
    }
}
