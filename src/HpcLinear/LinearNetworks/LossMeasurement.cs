using System.Numerics;
using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.LinearNetworks;

/// <summary>Measures A, B and c of a square loss: products of blocks of data on a device, the rest on the host.</summary>
internal sealed class LossMeasurement
{
    /// <summary>Elements of a block of data.</summary>
    private const long BlockElements = 1 << 21;

    /// <summary>Rows of one product: the triangle of A below its panels is never computed.</summary>
    private const int PanelRows = 256;

    /// <summary>Second moments of a sample take at most this squared.</summary>
    private const long LargestSample = 4096;

    /// <summary>A plain sum takes as long as this many terms of a product on a device.</summary>
    private const double PlainSumCost = 20;

    /// <summary>An element of a patch takes as long to be copied.</summary>
    private const double PatchCost = 200;

    private readonly SquareLossDescriptor d;
    private readonly int taps, outputs, positions, sampleElements, targetElements;

    /// <summary>Where the patch of each position begins within one channel, and where the runs of neighbouring taps are within a patch of all channels.</summary>
    private readonly int[] places, runs;

    private readonly int run;

    private LossMeasurement(SquareLossDescriptor descriptor)
    {
        d = descriptor;
        (taps, outputs, positions) = (d.Taps, (int)d.OutChannels, checked((int)d.Output.ElementCount));
        (sampleElements, targetElements) = (checked((int)(d.InChannels * d.Input.ElementCount)), checked(outputs * positions));
        A = new(taps, taps);
        B = new(outputs, taps);
        run = d.Filter.Rank == 0 ? 1 : (int)d.Filter[^1];
        places = Walk(d.Output, d.Stride);
        int[] rows = Walk(d.Filter.Rank == 0 ? d.Filter : [.. d.Filter.Take(d.Filter.Rank - 1), 1], Shape.Uniform(d.Filter.Rank, 1));
        runs = [.. Enumerable.Range(0, (int)d.InChannels).SelectMany(c => rows.Select(r => checked((c * (int)d.Input.ElementCount) + r)))];
    }

    /// <summary>How A and B are summed.</summary>
    internal enum Way
    {
        /// <summary>Second moments of whole samples, then sums of their entries along the positions.</summary>
        Moments,

        /// <summary>The product of all patches.</summary>
        Patches,

        /// <summary>One axis: the first entries of each diagonal, the others from their neighbours.</summary>
        Recurrence,
    }

    public Matrix A { get; }

    public Matrix B { get; }

    public double C { get; private set; }

    public static LossMeasurement Run<T>(CommandQueue queue, SquareLossDescriptor descriptor, ReadOnlySpan<T> input, ReadOnlySpan<T> target, Way? way)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        LossMeasurement measurement = new(descriptor);
        switch (way ?? measurement.Best())
        {
            case Way.Moments:
                measurement.FromMoments(queue, input, target);
                break;
            case Way.Patches:
                measurement.FromPatches(queue, input, target);
                break;
            default:
                measurement.ByRecurrence(input, target);
                break;
        }

        double scale = 1.0 / descriptor.Samples;
        measurement.A.Scale(scale);
        measurement.B.Scale(scale);
        measurement.C *= 0.5 * scale;
        return measurement;
    }

    /// <summary>Multiply-adds of products on a device decide.</summary>
    private Way Best()
    {
        double n = d.Samples, p = positions, t = taps;
        double moments = sampleElements > LargestSample ? double.PositiveInfinity : (n * sampleElements * (sampleElements + targetElements)) + (p * t * (t + outputs));
        double patches = n * p * t * (t + outputs + PatchCost);
        double recurrence = d.Input.Rank != 1 ? double.PositiveInfinity : n * p * t * PlainSumCost * (outputs + (2 * d.InChannels * Math.Min(d.Stride[0], d.Filter[0])));
        return moments <= patches && moments <= recurrence ? Way.Moments : patches <= recurrence ? Way.Patches : Way.Recurrence;
    }

    private void FromMoments<T>(CommandQueue queue, ReadOnlySpan<T> input, ReadOnlySpan<T> target)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int samples = (int)Math.Clamp(BlockElements / (sampleElements + targetElements), 1, d.Samples);
        using BlockProducts products = new(queue, samples, sampleElements, targetElements);
        double[] x = new double[samples * sampleElements], y = new double[samples * targetElements];
        for (long first = 0; first < d.Samples; first += samples)
        {
            int count = (int)Math.Min(samples, d.Samples - first);
            Read("input", input, first, x.AsSpan(0, count * sampleElements), sampleElements);
            AddTarget(target, first, y.AsSpan(0, count * targetElements));
            products.Add(x, y, count);
        }

        Matrix own = products.Own(), cross = products.Cross();

        // A row of A is a sum of rows of the moments, one for each position.
        for (int row = 0; row < taps; row++)
        {
            int from = runs[row / run] + (row % run);
            foreach (int place in places)
            {
                AddRuns(own.Row(from + place)[place..], A.Row(row));
            }
        }

        for (int o = 0; o < outputs; o++)
        {
            for (int p = 0; p < positions; p++)
            {
                AddRuns(cross.Row((o * positions) + p)[places[p]..], B.Row(o));
            }
        }
    }

    private void FromPatches<T>(CommandQueue queue, ReadOnlySpan<T> input, ReadOnlySpan<T> target)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long all = d.Samples * positions;
        int rows = (int)Math.Clamp(BlockElements / (taps + outputs), 1, Math.Max(1, all));
        using BlockProducts products = new(queue, rows, taps, outputs);
        double[] patches = new double[rows * taps], ends = new double[rows * outputs], x = new double[sampleElements], y = new double[targetElements];
        int filled = 0;
        for (long sample = 0; sample < d.Samples; sample++)
        {
            Read("input", input, sample, x, sampleElements);
            AddTarget(target, sample, y);
            for (int p = 0; p < positions; p++)
            {
                Span<double> patch = patches.AsSpan(filled * taps, taps);
                foreach (int at in runs)
                {
                    x.AsSpan(at + places[p], run).CopyTo(patch);
                    patch = patch[run..];
                }

                for (int o = 0; o < outputs; o++)
                {
                    ends[(filled * outputs) + o] = y[(o * positions) + p];
                }

                if (++filled == rows)
                {
                    products.Add(patches, ends, filled);
                    filled = 0;
                }
            }
        }

        if (filled > 0)
        {
            products.Add(patches, ends, filled);
        }

        products.Own().Elements.CopyTo(A.Elements, 0);
        products.Cross().Elements.CopyTo(B.Elements, 0);
    }

    /// <summary>One axis: entries with n or m below S are sums over positions, each other entry is its neighbour's, one patch further on.</summary>
    private void ByRecurrence<T>(ReadOnlySpan<T> input, ReadOnlySpan<T> target)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = (int)d.InChannels, k = (int)d.Filter[0], s = (int)d.Stride[0], extent = (int)d.Input[0];
        double[] x = new double[sampleElements], y = new double[targetElements], residues = new double[sampleElements];
        int[] starts = [.. Enumerable.Range(0, s).Select(r => Enumerable.Range(0, r).Sum(before => (extent - before + s - 1) / s))];
        for (long sample = 0; sample < d.Samples; sample++)
        {
            Read("input", input, sample, x, sampleElements);
            AddTarget(target, sample, y);
            if (positions == 0)
            {
                continue;
            }

            // Elements of one residue modulo S side by side: every sum runs along neighbours.
            for (int i = 0; i < x.Length; i++)
            {
                residues[i - (i % extent) + starts[i % extent % s] + (i % extent / s)] = x[i];
            }

            for (int i = 0; i < taps; i++)
            {
                ReadOnlySpan<double> one = Along(i);
                for (int o = 0; o < outputs; o++)
                {
                    B[o, i] += Matrix.Dot(y.AsSpan(o * positions, positions), one);
                }

                (int c, int n) = Math.DivRem(i, k);
                for (int j = 0; j <= i; j++)
                {
                    (int other, int m) = Math.DivRem(j, k);
                    A[i, j] += n < s || m < s ? Matrix.Dot(one, Along(j)) : Border(c, other, n - s, m - s);
                }
            }
        }

        // What was added so far for the other entries is by how much they differ from their neighbours.
        for (int i = 0; i < taps; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                A[i, j] += i % k < s || j % k < s ? 0 : A[i - s, j - s];
                A[j, i] = A[i, j];
            }
        }

        double Border(int c, int other, int n, int m) =>
            (x[(c * extent) + (positions * s) + n] * x[(other * extent) + (positions * s) + m]) - (x[(c * extent) + n] * x[(other * extent) + m]);

        ReadOnlySpan<double> Along(int tap)
        {
            (int c, int n) = Math.DivRem(tap, k);
            return residues.AsSpan((c * extent) + starts[n % s] + (n / s), positions);
        }
    }

    /// <summary>Adds the taps of a patch that begins at the first element.</summary>
    private void AddRuns(ReadOnlySpan<double> from, Span<double> to)
    {
        foreach (int at in runs)
        {
            Matrix.AddScaled(1, from.Slice(at, run), to[..run]);
            to = to[run..];
        }
    }

    private void AddTarget<T>(ReadOnlySpan<T> target, long first, Span<double> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Read("target", target, first, y, targetElements);
        C += Matrix.Dot(y, y);
    }

    private static void Read<T>(string argument, ReadOnlySpan<T> data, long first, Span<double> to, int elements)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ReadOnlySpan<T> from = data.Slice(checked((int)(first * elements)), to.Length);
        for (int i = 0; i < to.Length; i++)
        {
            to[i] = double.CreateTruncating(from[i]);
            if (!double.IsFinite(to[i]))
            {
                throw new ArgumentException($"{argument}: element {i % elements} of sample {first + (i / elements)} is {to[i]}, a finite number expected", argument);
            }
        }
    }

    /// <summary>Where the points of a grid are in one channel of the input, in order.</summary>
    private int[] Walk(Shape extents, Shape steps)
    {
        int[] places = new int[extents.ElementCount];
        for (int at = 0; at < places.Length; at++)
        {
            long rest = at, size = 1;
            for (int axis = extents.Rank - 1; axis >= 0; axis--)
            {
                places[at] += (int)(rest % extents[axis] * steps[axis] * size);
                (rest, size) = (rest / extents[axis], size * d.Input[axis]);
            }
        }

        return places;
    }

    /// <summary>Sums XᵀX and YᵀX over blocks of rows of X and Y on a device.</summary>
    private sealed class BlockProducts(CommandQueue queue, int rows, int columns, int otherColumns) : IDisposable
    {
        private readonly Tensor<double> x = queue.Device.Allocate<double>([rows, columns]), y = queue.Device.Allocate<double>([rows, otherColumns]);
        private readonly Tensor<double> own = queue.Device.Allocate<double>([columns, columns]), cross = queue.Device.Allocate<double>([otherColumns, columns]);

        public void Add(double[] blockX, double[] blockY, int count)
        {
            queue.Upload(blockX.AsSpan(0, count * columns), x.View(0, [count, columns]));
            queue.Upload(blockY.AsSpan(0, count * otherColumns), y.View(0, [count, otherColumns]));
            for (int row = 0; row < columns; row += PanelRows)
            {
                long some = Math.Min(PanelRows, columns - row), rest = columns - row;
                GemmDescriptor panel = new() { Rows = some, Columns = rest, Depth = count, TransposeA = true, LeadingA = columns, LeadingB = columns, LeadingC = columns };
                TensorView<double> from = x.View(row, [((long)count * columns) - row]);
                Multiply(panel, from, from, own.View(((long)row * columns) + row, [((long)(columns - row) * columns) - row]));
            }

            if (otherColumns > 0)
            {
                Multiply(new() { Rows = otherColumns, Columns = columns, Depth = count, TransposeA = true }, y.View(0, [count, otherColumns]), x.View(0, [count, columns]), cross);
            }
        }

        /// <summary>XᵀX, both triangles.</summary>
        public Matrix Own()
        {
            Matrix result = new(columns, columns);
            queue.Download(own, result.Elements.AsSpan());
            for (int i = 0; i < columns; i++)
            {
                for (int j = 0; j < i; j++)
                {
                    result[i, j] = result[j, i];
                }
            }

            return result;
        }

        public Matrix Cross()
        {
            Matrix result = new(otherColumns, columns);
            queue.Download(cross, result.Elements.AsSpan());
            return result;
        }

        public void Dispose()
        {
            x.Dispose();
            y.Dispose();
            own.Dispose();
            cross.Dispose();
        }

        private void Multiply(GemmDescriptor descriptor, TensorView<double> a, TensorView<double> b, TensorView<double> c)
        {
            using GemmPlan<double> plan = GemmPlan.Create<double>(queue.Device, descriptor);
            plan.Execute(queue, a, b, c, 1, 1);
        }
    }
}
