using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <remarks>Which form computes which direction, and why not another.</remarks>
internal sealed unsafe partial class CpuConvolutionPlan<T>
{
    /// <summary>Elements of a channel's staged box.</summary>
    private const double MostStaged = 1 << 19;

    /// <summary>Positions whose multiply-adds take as long as transposing the filter.</summary>
    private const double TransposedPositions = 40;

    /// <summary>Multiply-adds below which one of many problems is left to the product.</summary>
    private const double SmallProblem = 1e6;

    /// <summary>The staged form whose lanes are best used; none where the product is better.</summary>
    /// <remarks>Whether there is one does not depend on the number of images: an image has the same bits in every batch.</remarks>
    private StagedConvolution<T>? Staged(WindowAxis[] across, StagedLayout layout, long images, bool folded, out string whyNot)
    {
        // A tap that reads straight through is a plain product; small problems with a filter each are not worth the preparation.
        bool straight = IsSubsampled || (!folded && axes.All(a => a is { Filter: 1, Stride: 1, Low: 0, High: 0 }));
        double width = kernels.Width, rows = layout.ResultChannels, each = groups * rows * layout.SourceChannels * taps * outPlane;
        whyNot = straight ? "staged: a filter of one tap is a product"
            : width < 4 || batch == 0 ? $"staged: vectors of {width}, {batch} images"
            : layout.SourceChannels * taps < 16 ? $"staged: only {layout.SourceChannels * taps} terms a sum"
            : problems != 1 && each < SmallProblem ? $"staged: {problems} problems of {each} multiply-adds are small"
            : "";
        if (whyNot.Length > 0)
        {
            return null;
        }

        StagedBox box = StagedBox.Largest(across, 1024, 1, MostStaged / 16);
        double elements = box.StagedElements(across), copied = elements * width / Math.Max(1, box.Positions(across) * taps * rows);

        // Relative time of a multiply-add: lanes that idle, what staging costs, and what transposing the filter costs each position.
        double byChannels = Idle(rows, rows), byPositions = (1.05 * IdlePositions()) + (rows < 3 ? 1 / rows : 0);
        if (Math.Min(byChannels, byPositions) + copied > 2 || elements > MostStaged)
        {
            whyNot = "staged: neither channels nor positions fill enough lanes for what is copied";
            return null;
        }

        byChannels += TransposedPositions / (images * across.Aggregate(1.0, (n, a) => n * a.Most));
        return byPositions <= byChannels
            ? new PositionConvolution<T>(kernels, cpu.Target, cpu.Team.Size, across, layout, images)
            : new ChannelConvolution<T>(kernels, cpu.Target, cpu.Team.Size, across, layout, images);

        double Idle(double covered, double used) => Math.Ceiling(covered / width) * width / used;

        double IdlePositions()
        {
            double length = across[^1].Most, byRows = Idle(length, length);
            return across.Length == 1 ? byRows : Math.Min(byRows, Idle((length + across[^1].Reach().Beyond) * across[^2].Most, length * across[^2].Most));
        }
    }

    /// <summary>The row-by-row form of the forward direction, and of the gradient of the input where that is one residue class of one plane each.</summary>
    private (PlanarConvolution<T>? Forward, PlanarConvolution<T>? Input) Planar(int threads)
    {
        ConvolutionAxis last = axes[^1];
        int[] reach = [.. Enumerable.Range(0, last.Filter).Select(i => last.Dilation * (last.Reversed ? last.Filter - 1 - i : i))];
        PlanarConvolution<T>? ahead = null, back = null;
        if (last.Stride == 1 && forward.Map->Rank == axes.Length)
        {
            ahead = Usable(new(kernels, Narrow, cpu.Target, threads, forward.Map, [.. reach.Select(r => r - last.Low)], last.Map));
        }

        if (ahead is not null && classes.Length == 1 && !padded && !(Descriptor.SharedInput && problems != 1) && axes.All(a => a.Stride == 1) && classes[0].Map.Map->Rank == axes.Length)
        {
            back = Usable(new(kernels, Narrow, cpu.Target, threads, classes[0].Map.Map, [.. reach.Select(r => last.Low - r)], v => v >= 0 && v < last.Output ? v : -1));
        }

        return (ahead, back);

        static PlanarConvolution<T>? Usable(PlanarConvolution<T> made)
        {
            if (made.IsUsable)
            {
                return made;
            }

            made.Dispose();
            return null;
        }
    }

    /// <summary>Kernels of shorter vectors than the target's own.</summary>
    private CpuKernels<T>? Narrow => cpu.Isa == CpuIsa.Avx512 ? CpuKernels<T>.For(CpuIsa.Avx2) : null;

    private ChannelFilterGradient<T> ChannelFilter(int threads, in ConvolutionSizes sizes)
    {
        GatherMap.Fields* map = forward.Map;

        // An axis merged of several is read straight through.
        ConvolutionAxis last = map->Rank == axes.Length ? axes[^1] : new(map->Inputs[map->Rank - 1], 1, 1, 1, 0, 0, map->Positions[map->Rank - 1], Boundary.Zero, false);
        return new(kernels, Narrow, threads, last, sizes);
    }

    /// <summary>What <see cref="Choices"/> says.</summary>
    private KernelChoice[] Explain(CpuDevice device, ChannelFilterGradient<T> byChannels, string stagedWhyNot, string stagedInputWhyNot)
    {
        string tile = $"{device.Target} tile {kernels.TileText}";
        string lanes = $"{device.Target} {kernels.Width} cells a vector";
        string[] whyNot = interleaved.WhyNot is { } reason ? [reason] : [];
        string along = $"{device.Target} {kernels.Width} positions a vector";
        string Along(PlanarConvolution<T> planes) => $"{device.Target} {planes.Width} positions a vector";
        string[] fewRows = [$"implicit-gemm: {outGroup} output channels a group fill few of {kernels.TileRows} rows"];
        string[] planarInstead = [.. fewRows, "interleaved: only when a non-finite operand meets padding"];
        string[] rowsInstead = [.. fewRows, "interleaved: only when beta is not 0 or an operand is not finite"];
        string packing = "implicit-gemm: packing patches costs more", strict = "direct: only when a non-finite operand meets padding";
        string[] againstProduct = forward.HasPadding ? [.. whyNot, strict] : whyNot;
        string[] againstInput = addedImages > 0 ? [.. whyNot, $"implicit-gemm: {inGroup} input channels a group fill few of {kernels.TileRows} rows"]
            : inputHasPadding ? [.. whyNot, strict] : whyNot;
        return
        [
            strideTwo is not null ? Choice("forward", "even-odd rows", along, forwardBytes, rowsInstead)
                : planar is not null ? Choice("forward", planar.Name, Along(planar), forwardBytes, planarInstead)
                : InterleavedForward ? Choice("forward", "interleaved", lanes, forwardBytes, fewRows)
                : staged is not null ? Choice("forward", staged.Name, $"{device.Target} tile {staged.TileText}", forwardBytes, [packing, .. againstProduct])
                : Choice("forward", IsSubsampled ? "gemm, input subsampled" : isDense ? "gemm" : "implicit-gemm", tile, forwardBytes, [stagedWhyNot, .. againstProduct]),
            strideTwo is not null && InterleavedInput ? Choice("backward-input", "even-odd rows", along, inputBytes, rowsInstead)
                : planarInput is not null ? Choice("backward-input", planarInput.Name, Along(planarInput), inputBytes, planarInstead)
                : InterleavedInput ? Choice("backward-input", "interleaved", lanes, inputBytes, fewRows)
                : stagedInput is not null ? Choice("backward-input", stagedInput.Name, $"{device.Target} tile {stagedInput.TileText}", inputBytes, [packing, .. againstInput])
                : Choice("backward-input", InputAlgorithm(), tile, inputBytes, InterleavedForward ? ["interleaved: a shared input's gradient is a sum over lanes"] : [stagedInputWhyNot, .. againstInput]),
            strideTwo is not null ? Choice("backward-filter", "even-odd rows", along, filterBytes, rowsInstead)
                : planar is not null ? Choice("backward-filter", planar.Name, Along(planar), filterBytes, planarInstead)
                : InterleavedForward ? Choice("backward-filter", "interleaved", lanes, filterBytes, fewRows)
                : channelFilter is not null ? Choice("backward-filter", byChannels.Text, $"{device.Target} tile {byChannels.TileText}", filterBytes, [packing])
                : Choice("backward-filter", parts == 1 ? "implicit-gemm" : $"implicit-gemm, sum in {parts} parts", tile, filterBytes, [byChannels.WhyNot!, .. againstProduct]),
            new("backward-bias", "rows", $"{device.Target} {kernels.Width} lanes", 0, Descriptor.OutputShape.ElementCount, (double)sizeof(T) * Descriptor.OutputShape.ElementCount, []),
        ];
    }

    private KernelChoice Choice(string operation, string algorithm, string kernel, long workspace, string[] rejected) =>
        new(operation, algorithm, kernel, workspace, Descriptor.Flops, Bytes, rejected);
}
