using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

internal sealed class OpenClConvolutionPlan<T> : ConvolutionPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // More residue classes than this are not worth a launch each.
    private const long MostClasses = 64;

    private readonly PatchProduct<T> forward;
    private readonly PatchProduct<T>[] backward;
    private readonly FilterProduct<T> filterGradient;
    private readonly BoundaryFold<T>? fold;
    private readonly KernelEntry scan, bias, sum;
    private readonly LaunchSize scanSize, biasSize, sumSize;
    private readonly long filterCount, problems, samples, positions, foldBytes, backwardPackedBytes;
    private readonly int biasParts;

    public OpenClConvolutionPlan(OpenClDevice device, ConvolutionDescriptor descriptor)
        : base(device, descriptor)
    {
        ConvolutionDescriptor d = descriptor;
        ConvolutionAxis[] axes = d.ResolveAxes();

        // Without a filter of its own a problem is more samples.
        (problems, samples) = d.SharedFilter || d.ProblemCount == 1 ? (1L, d.ProblemCount * d.Batch) : (d.ProblemCount, d.Batch);
        bool sharedInput = d.SharedInput && problems != 1;
        positions = d.Output.ElementCount;
        filterCount = d.FilterShape.ElementCount;
        long c = d.InChannels, m = d.OutChannels, g = d.Groups, cg = c / g, mg = m / g, k = d.Filter.ElementCount, x = d.Input.ElementCount, q = positions;
        int last = axes.Length - 1;
        PatchGeometry geometry = new()
        {
            Rows = mg, Channels = cg, ContractedChannels = cg, Samples = samples, Groups = g, Problems = problems,
            Source = (sharedInput ? 0 : samples * c * x, cg * x, c * x, x, 0, axes[last].Input, d.InputShape.ElementCount),
            Weight = (m * cg * k, mg * cg * k, cg * k, k, 0, axes[last].Filter),
            Target = (samples * m * q, mg * q, m * q, q, axes[last].Output),
            Bias = (m, mg),
        };
        forward = new(device, geometry, Outer(axes, a => ForwardMap(a, d.ToString()), a => (a.Output, a.Filter, a.Input)), ForwardMap(axes[last], d.ToString()));
        filterGradient = new(device, forward, k, d.OutputShape.ElementCount);

        // The gradient of a boundary that repeats elements is that of a padded plane, folded.
        bool folds = d.Boundary != Boundary.Zero && axes.Any(a => a.Low > 0 || a.High > 0);
        ConvolutionAxis[] padded = folds ? [.. axes.Select(a => a with { Input = a.Padded, Low = 0, High = 0, Boundary = Boundary.Zero })] : axes;
        long plane = padded.Aggregate(1L, (n, a) => n * a.Input);
        PatchGeometry transposed = new()
        {
            Rows = cg, Channels = sharedInput ? problems * mg : mg, ContractedChannels = mg, Samples = samples, Groups = g, Problems = sharedInput ? 1 : problems,
            Source = (samples * m * q, mg * q, m * q, q, samples * m * q, axes[last].Output, d.OutputShape.ElementCount),
            Weight = (m * cg * k, mg * cg * k, k, cg * k, m * cg * k, axes[last].Filter),
            Target = (samples * c * plane, cg * plane, c * plane, plane, padded[last].Input),
        };
        backward = [.. Classes(padded, d.ToString()).Select(maps => new PatchProduct<T>(device, transposed, maps.Outer, maps.Inner))];
        long inputPlanes = transposed.Problems * samples * c;
        fold = folds ? new(device, inputPlanes, OuterExtent(axes), axes[last].Input, OuterExtent(padded), padded[last].Input, Copies(axes.AsSpan()[..last]), Copies(axes.AsSpan()[last..])) : null;
        foldBytes = folds ? Align(inputPlanes * plane * Unsafe.SizeOf<T>()) : 0;
        backwardPackedBytes = backward.Select(p => p.PackedSize).DefaultIfEmpty(0).Max();

        OpenClProgram program = device.Program<T>("convolution");
        (scan, bias, sum) = (program.Entry("conv_scan"), program.Entry("conv_bias"), program.Entry("conv_sum_parts"));
        scanSize = device.Spread((filterCount + 4095) / 4096);
        biasParts = (int)Math.Clamp(Math.Min(samples, 4096 / Math.Max(1, problems * m)), 1, 64);
        biasSize = device.Spread(problems * m * biasParts);
        sumSize = device.Spread(problems * m);
        Choices = Describe(d);
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private long ForwardBytes => PatchProduct<T>.FlagBytes + forward.PackedSize;

    private long BackwardBytes => PatchProduct<T>.FlagBytes + foldBytes + backwardPackedBytes;

    private long BiasBytes => problems * Descriptor.OutChannels * biasParts * Unsafe.SizeOf<T>();

    private protected override void ForwardCore(CommandQueue queue, TensorView<T> input, TensorView<T> filter, TensorView<T> bias, TensorView<T> output, T alpha, T beta)
    {
        OpenClQueue q = (OpenClQueue)queue;
        OpenClBuffer workspace = q.Workspace(ForwardBytes);
        if (forward.NeedsScan)
        {
            Scan(q, workspace, filter);
        }

        Operand? add = bias.IsEmpty ? null : Operand.Of(bias);
        forward.Run(q, workspace, PatchProduct<T>.FlagBytes, Operand.Of(input), Operand.Of(filter), add, Operand.Of(output), alpha, beta);
    }

    private protected override void BackwardInputCore(CommandQueue queue, TensorView<T> outputGradient, TensorView<T> filter, TensorView<T> inputGradient, T alpha, T beta)
    {
        OpenClQueue q = (OpenClQueue)queue;
        OpenClBuffer workspace = q.Workspace(BackwardBytes);
        bool scanned = false;
        Operand target = fold is null ? Operand.Of(inputGradient) : new(workspace, PatchProduct<T>.FlagBytes / Unsafe.SizeOf<T>());
        foreach (PatchProduct<T> product in backward)
        {
            if (product.NeedsScan && !scanned)
            {
                Scan(q, workspace, filter);
                scanned = true;
            }

            product.Run(
                q, workspace, PatchProduct<T>.FlagBytes + foldBytes, Operand.Of(outputGradient), Operand.Of(filter), null, target, fold is null ? alpha : T.One, fold is null ? beta : T.Zero);
        }

        fold?.Run(q, target, Operand.Of(inputGradient), alpha, beta);
    }

    private protected override void BackwardFilterCore(CommandQueue queue, TensorView<T> input, TensorView<T> outputGradient, TensorView<T> filterGradient, T alpha, T beta) =>
        this.filterGradient.Run((OpenClQueue)queue, Operand.Of(input), Operand.Of(outputGradient), Operand.Of(filterGradient), alpha, beta);

    private protected override void BackwardBiasCore(CommandQueue queue, TensorView<T> outputGradient, TensorView<T> biasGradient, T alpha, T beta)
    {
        OpenClQueue q = (OpenClQueue)queue;
        OpenClBuffer partial = q.Workspace(BiasBytes);
        long m = Descriptor.OutChannels, channels = problems * m;
        q.Kernel(bias).Long(channels).Long(m).Long(samples).Long(positions).Int(biasParts).View(outputGradient).Buffer(partial).Launch(biasSize);
        q.Kernel(sum).Long(channels).Int(biasParts).Real(alpha).Real(beta).Buffer(partial).View(biasGradient).Launch(sumSize);
    }

    private protected override void DisposeCore()
    {
        forward.Dispose();
        fold?.Dispose();
        foreach (PatchProduct<T> product in backward)
        {
            product.Dispose();
        }
    }

    private static long Align(long bytes) => (bytes + 255) / 256 * 256;

    private static long OuterExtent(ConvolutionAxis[] axes) => axes.AsSpan()[..^1].ToArray().Aggregate(1L, (n, a) => n * a.Input);

    /// <summary>All axes but the last as one.</summary>
    private AxisMap Outer(ConvolutionAxis[] axes, Func<ConvolutionAxis, AxisMap> map, Func<ConvolutionAxis, (int Position, int Tap, int Source)> extents)
    {
        AxisMap outer = AxisMap.Single;
        foreach (ConvolutionAxis axis in axes.AsSpan()[..^1])
        {
            (int position, int tap, int source) = extents(axis);
            outer = AxisMap.Combine(outer, map(axis), position, tap, source, Problem);
        }

        return outer;
    }

    private static AxisMap ForwardMap(ConvolutionAxis axis, string problem)
    {
        AxisMap.CheckEntries((double)axis.Output * axis.Filter, problem);
        return new(Range(axis.Output), Range(axis.Filter), axis.SourceTable());
    }

    /// <summary>
    /// The gradient of the input as gathers of dy, one for each residue class of the input coordinate modulo the stride: a position reads, through a tap of
    /// its class, the one output that read it. No products with inserted zeros.
    /// </summary>
    private static IEnumerable<(AxisMap Outer, AxisMap Inner)> Classes(ConvolutionAxis[] axes, string problem)
    {
        bool split = axes.Aggregate(1.0, (n, a) => n * a.Stride) <= MostClasses;
        List<AxisMap> outer = [AxisMap.Single];
        foreach (ConvolutionAxis axis in axes.AsSpan()[..^1].ToArray())
        {
            List<AxisMap> own = AxisClasses(axis, split, problem);
            outer = [.. outer.SelectMany(o => own.Select(i => AxisMap.Combine(o, i, axis.Input, axis.Filter, axis.Output, problem)))];
        }

        List<AxisMap> inner = AxisClasses(axes[^1], split, problem);
        return outer.SelectMany(o => inner.Select(i => (o, i)));
    }

    private static List<AxisMap> AxisClasses(ConvolutionAxis axis, bool split, string problem)
    {
        AxisMap.CheckEntries((double)axis.Input * axis.Filter, problem);
        int classes = split ? axis.Stride : 1;
        List<AxisMap> maps = [];
        for (int residue = 0; residue < classes; residue++)
        {
            int[] positions = [.. Range(axis.Input).Where(x => Modulo(x + axis.Low, classes) == residue)];
            int[] taps = [.. Range(axis.Filter).Where(i => Offset(axis, i) % classes == residue)];
            if (positions.Length == 0)
            {
                continue;
            }

            int[] sources = new int[positions.Length * taps.Length];
            for (int at = 0; at < sources.Length; at++)
            {
                long p = positions[at / taps.Length] + (long)axis.Low - Offset(axis, taps[at % taps.Length]);
                sources[at] = p >= 0 && p % axis.Stride == 0 && p / axis.Stride < axis.Output ? (int)(p / axis.Stride) : -1;
            }

            maps.Add(new(positions, taps, sources));
        }

        return maps;
    }

    private static long Offset(ConvolutionAxis axis, int tap) => (long)axis.Dilation * (axis.Reversed ? axis.Filter - 1 - tap : tap);

    private static int Modulo(int value, int modulus) => ((value % modulus) + modulus) % modulus;

    private static int[] Range(int count) => [.. Enumerable.Range(0, count)];

    /// <summary>For each element of the axes, row-major: where its copies are in the padded axes.</summary>
    private static int[][] Copies(ReadOnlySpan<ConvolutionAxis> axes)
    {
        int[][] copies = [[0]];
        foreach (ConvolutionAxis axis in axes)
        {
            List<int>[] own = [.. Range(axis.Input).Select(_ => new List<int>())];
            for (int p = 0; p < axis.Padded; p++)
            {
                own[axis.Map(p - axis.Low)].Add(p);
            }

            copies = [.. copies.SelectMany(outer => own.Select(inner => (int[])[.. outer.SelectMany(o => inner.Select(i => checked((o * axis.Padded) + i)))]))];
        }

        return copies;
    }

    private void Scan(OpenClQueue queue, OpenClBuffer workspace, TensorView<T> filter)
    {
        queue.Clear(workspace, 0, sizeof(int));
        queue.Kernel(scan).Long(filterCount).View(filter).Buffer(workspace).Launch(scanSize);
    }

    private KernelChoice[] Describe(ConvolutionDescriptor d)
    {
        int tiledClasses = backward.Count(p => p.IsTiled);
        string backwardName = backward.Length == 1 ? (tiledClasses == 1 ? "implicit gemm" : "direct") : $"{backward.Length} residue classes, {tiledClasses} by implicit gemm";
        PatchProduct<T>? main = backward.FirstOrDefault(p => p.IsTiled) ?? backward.FirstOrDefault();
        string direct = "direct: does not reuse patches among output channels";
        double biasCount = d.OutputShape.ElementCount;
        return
        [
            new("forward", forward.IsTiled ? "implicit gemm" : "direct", forward.KernelText, ForwardBytes, d.Flops, Bytes, [forward.Rejected ?? direct]),
            new("backward-input", backwardName + (fold is null ? "" : ", folded from a padded plane"), main?.KernelText ?? "", BackwardBytes, d.Flops, Bytes, [main?.Rejected ?? direct]),
            new("backward-filter", filterGradient.IsTiled ? "implicit gemm" : "direct", filterGradient.KernelText, filterGradient.WorkspaceBytes, d.Flops, Bytes, [filterGradient.Rejected ?? direct]),
            new("backward-bias", "sum by channel", $"{bias.Name}, {biasParts} parts", BiasBytes, biasCount, biasCount * Unsafe.SizeOf<T>(), []),
        ];
    }
}
