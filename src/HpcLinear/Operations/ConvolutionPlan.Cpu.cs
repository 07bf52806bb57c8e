using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>States each direction of the convolution as a product and hands it to <see cref="BlockedProduct"/>.</summary>
/// <remarks>
/// Forward: rows are output channels, columns (image, output), depth (channel, tap). Gradient of the filter: the same with the patches transposed, the long
/// sum cut into parts fixed by the shape. Gradient of the input: one dense product for each residue class of the input position modulo the stride, so that
/// no inserted zero is multiplied; for a boundary other than zero it is taken on the padded input and folded back. With few input channels, whose rows would fill
/// little of a tile: the product of the transposed filter with dy, whose rows (channel, tap) are then added where they were read.
/// A packed zero of the padding would turn an infinite operand into NaN: when there is padding and the other operand is not finite, <see cref="DirectConvolution{T}"/> computes.
/// </remarks>
internal sealed unsafe class CpuConvolutionPlan<T> : ConvolutionPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Parts of the sum of a filter's gradient hold at least this many terms each.</summary>
    private const long PartDepth = 1024;

    /// <summary>Entries of an axis's gather table; 1 GiB.</summary>
    private const long MostEntries = 1L << 28;

    /// <summary>Bytes of patches added at a time, when one image does not need more.</summary>
    private const long AddedBytes = 2 << 20;

    /// <summary>Bytes of padded gradients held at a time.</summary>
    private const long PaddedBytes = 32 << 20;

    private readonly CpuDevice cpu;
    private readonly CpuKernels<T> kernels;
    private readonly ConvolutionAxis[] axes;
    private readonly GatherMap forward;
    private readonly InputClass[] classes;
    private readonly InterleavedConvolution<T> interleaved;
    private readonly DirectConvolution<T> direct;
    private readonly PlanarConvolution<T>? planar;
    private readonly PlanarConvolution<T>? planarInput;
    private readonly bool inputHasPadding;
    private readonly bool hasEmptyClass;
    private readonly long addedImages;
    private readonly int[][] fold;
    private readonly bool padded;
    private readonly long problems;
    private readonly long batch;
    private readonly long groups;
    private readonly long inGroup;
    private readonly long outGroup;
    private readonly long plane;
    private readonly long outPlane;
    private readonly long taps;
    private readonly long paddedPlane;
    private readonly long paddedImages;
    private readonly long parts;
    private readonly long partDepth;
    private readonly long rowsBytes;
    private readonly long forwardBytes;
    private readonly long filterBytes;
    private readonly long partialBytes;
    private readonly long inputBytes;

    public CpuConvolutionPlan(CpuDevice device, ConvolutionDescriptor descriptor)
        : base(device, descriptor)
    {
        cpu = device;
        kernels = CpuKernels<T>.For(device.Isa);
        axes = descriptor.ResolveAxes();
        double entries = axes.Max(a => Math.Max((double)a.Output * a.Filter, Math.Max((double)a.Padded * a.Filter / a.Stride, a.Padded)));
        if (entries > MostEntries)
        {
            throw new NotSupportedException($"{descriptor}: {device.Target} needs a table of {entries:G4} entries, at most {MostEntries} are supported");
        }

        bool merge = descriptor.SharedFilter;

        // Problems that share their filter are one problem with a larger batch.
        problems = merge ? 1 : descriptor.ProblemCount;
        batch = merge ? descriptor.ProblemCount * descriptor.Batch : descriptor.Batch;
        groups = descriptor.Groups;
        inGroup = descriptor.FilterChannels;
        outGroup = descriptor.OutChannels / groups;
        plane = descriptor.Input.ElementCount;
        outPlane = descriptor.Output.ElementCount;
        taps = descriptor.Filter.ElementCount;
        forward = new(
            device.Target,
            [.. axes.Select(a => a.SourceTable())],
            [.. axes.Select(a => a.Output)],
            [.. axes.Select(a => a.Filter)],
            [.. axes.Select(a => a.Input)],
            axes[^1].Stride);
        padded = descriptor.Boundary != Boundary.Zero && axes.Any(a => a.Low > 0 || a.High > 0);
        fold = padded ? [.. axes.Select(a => Enumerable.Range(0, a.Padded).Select(p => a.Map(p - a.Low)).ToArray())] : [];
        paddedPlane = axes.Aggregate(1L, (n, a) => n * a.Padded);
        classes = InputClasses();
        inputHasPadding = classes.Any(c => c.Map.HasPadding);
        hasEmptyClass = classes.Any(c => c.TapCount == 0);
        direct = new(descriptor, axes);

        int threads = device.Team.Size;
        interleaved = new(kernels, threads, new()
        {
            Map = forward.Map, Problems = problems, Groups = groups, Batch = batch, InGroup = inGroup, OutGroup = outGroup, SharedInput = descriptor.SharedInput,
        });
        long outerTaps = Math.Max(forward.Map->OuterTaps, classes.Max(c => c.Map.Map->OuterTaps));
        rowsBytes = Align(threads * outerTaps * sizeof(int));
        forwardBytes = rowsBytes + BlockedProduct.WorkspaceBytes(kernels, ForwardShape, threads);

        long depth = batch * outPlane, elements = problems * descriptor.OutChannels * inGroup * taps;
        parts = elements * sizeof(T) >= 4 << 20 ? 1 : Math.Clamp(depth / PartDepth, 1, Math.Min(64, Math.Max(1, PaddedBytes / Math.Max(1, elements * sizeof(T)))));
        partDepth = Math.Max(1, (depth + parts - 1) / parts);
        parts = Math.Max(1, (depth + partDepth - 1) / partDepth);
        partialBytes = parts > 1 ? Align(parts * elements * sizeof(T)) : 0;
        filterBytes = rowsBytes + partialBytes + BlockedProduct.WorkspaceBytes(kernels, PartShape, threads);

        long imageBytes = descriptor.InChannels * paddedPlane * sizeof(T);
        paddedImages = padded ? Math.Clamp(PaddedBytes / imageBytes, 1, Math.Max(1, batch)) : 0;
        inputBytes = rowsBytes + (padded ? Align(paddedImages * imageBytes) : 0)
            + classes.Max(c => BlockedProduct.WorkspaceBytes(kernels, ClassShape(c, padded ? paddedImages : batch, padded || descriptor.SharedInput ? groups : problems * groups), threads));

        // Rows of patches for a block of images that stays in the last-level cache.
        bool adds = !InterleavedForward && inGroup < kernels.TileRows && kernels.TileRows > 1 && taps > 1;
        long patchBytes = inGroup * taps * outPlane * sizeof(T);
        addedImages = adds && patchBytes <= PaddedBytes ? Math.Clamp(AddedBytes / Math.Max(1, patchBytes), 1, Math.Max(1, batch)) : 0;
        if (addedImages > 0)
        {
            inputBytes = rowsBytes + Align(addedImages * patchBytes) + BlockedProduct.WorkspaceBytes(kernels, AddedShape(addedImages), threads);
        }

        string tile = $"{device.Target} tile {kernels.TileText}";
        (planar, planarInput) = InterleavedForward && inGroup == 1 && outGroup == 1 ? Planar(threads) : (null, null);
        if (InterleavedForward)
        {
            forwardBytes = filterBytes = interleaved.WorkspaceBytes;
            inputBytes = InterleavedInput ? interleaved.WorkspaceBytes : inputBytes;
            forwardBytes = Math.Max(forwardBytes, planar?.WorkspaceBytes(0) ?? 0);
            filterBytes = Math.Max(filterBytes, planar?.WorkspaceBytes(problems * groups) ?? 0);
            inputBytes = Math.Max(inputBytes, planarInput?.WorkspaceBytes(0) ?? 0);
        }

        string lanes = $"{device.Target} {kernels.Width} cells a vector";
        string[] whyNot = interleaved.WhyNot is { } reason ? [reason] : [];
        string along = $"{device.Target} {kernels.Width} positions a vector";
        string[] fewRows = [$"implicit-gemm: {outGroup} output channels a group fill few of {kernels.TileRows} rows"];
        string[] planarInstead = [.. fewRows, "interleaved: only when a non-finite operand meets padding"];
        string strict = "direct: only when a non-finite operand meets padding";
        string[] againstProduct = forward.HasPadding ? [.. whyNot, strict] : whyNot, againstInput = inputHasPadding ? [.. whyNot, strict] : whyNot;
        Choices =
        [
            planar is not null ? Choice("forward", "planar", along, forwardBytes, planarInstead)
                : InterleavedForward ? Choice("forward", "interleaved", lanes, forwardBytes, fewRows) : Choice("forward", "implicit-gemm", tile, forwardBytes, againstProduct),
            planarInput is not null ? Choice("backward-input", "planar", along, inputBytes, planarInstead)
                : InterleavedInput ? Choice("backward-input", "interleaved", lanes, inputBytes, fewRows)
                : Choice("backward-input", InputAlgorithm(), tile, inputBytes, InterleavedForward ? ["interleaved: a shared input's gradient is a sum over lanes"] : againstInput),
            planar is not null ? Choice("backward-filter", "planar", along, filterBytes, planarInstead)
                : InterleavedForward ? Choice("backward-filter", "interleaved", lanes, filterBytes, fewRows)
                : Choice("backward-filter", parts == 1 ? "implicit-gemm" : $"implicit-gemm, sum in {parts} parts", tile, filterBytes, againstProduct),
            new("backward-bias", "rows", $"{device.Target} {kernels.Width} lanes", 0, descriptor.OutputShape.ElementCount, (double)sizeof(T) * descriptor.OutputShape.ElementCount, []),
        ];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private ProductShape ForwardShape => new(problems * groups, outGroup, batch * outPlane, inGroup * taps);

    private ProductShape PartShape => new(problems * groups * parts, outGroup, inGroup * taps, partDepth) { Parts = parts, TotalDepth = batch * outPlane };

    private protected override void ForwardCore(CommandQueue queue, TensorView<T> input, TensorView<T> filter, TensorView<T> bias, TensorView<T> output, T alpha, T beta)
    {
        CpuQueue cpuQueue = (CpuQueue)queue;
        byte* workspace = cpuQueue.Workspace(forwardBytes);
        if (planar is not null && !(forward.HasPadding && HasNonFinite(cpuQueue, filter)))
        {
            planar.Forward(cpuQueue, PlanesOf, input.Pointer(), filter.Pointer(), bias.Pointer(), output.Pointer(), alpha, beta, workspace);
            return;
        }

        if (InterleavedForward)
        {
            interleaved.Forward(cpuQueue, input.Pointer(), filter.Pointer(), bias.Pointer(), output.Pointer(), alpha, beta, workspace);
            return;
        }

        if (forward.HasPadding && HasNonFinite(cpuQueue, filter))
        {
            direct.Forward(cpuQueue, input.Pointer(), filter.Pointer(), bias.Pointer(), output.Pointer(), alpha, beta);
            return;
        }

        BlockedProduct.Run(cpuQueue, kernels, ForwardShape, Filters(filter), Patches(input, (int*)workspace), Planes(output, beta, bias, alpha), alpha, beta != T.Zero || !bias.IsEmpty, workspace + rowsBytes);
    }

    private protected override void BackwardInputCore(CommandQueue queue, TensorView<T> outputGradient, TensorView<T> filter, TensorView<T> inputGradient, T alpha, T beta)
    {
        CpuQueue cpuQueue = (CpuQueue)queue;
        byte* workspace = cpuQueue.Workspace(inputBytes);
        if (planarInput is not null && !(inputHasPadding && HasNonFinite(cpuQueue, filter)))
        {
            planarInput.Forward(cpuQueue, PlanesOf, outputGradient.Pointer(), filter.Pointer(), null, inputGradient.Pointer(), alpha, beta, workspace);
            return;
        }

        if (InterleavedInput && batch > 0)
        {
            interleaved.BackwardInput(cpuQueue, outputGradient.Pointer(), filter.Pointer(), inputGradient.Pointer(), alpha, beta, workspace);
            return;
        }

        if (addedImages > 0 && problems > 0)
        {
            AddPatches(cpuQueue, outputGradient.Pointer(), filter.Pointer(), inputGradient.Pointer(), alpha, beta, workspace);
            return;
        }

        if (problems == 0 || (inputHasPadding && HasNonFinite(cpuQueue, filter)))
        {
            direct.BackwardInput(cpuQueue, outputGradient.Pointer(), filter.Pointer(), inputGradient.Pointer(), alpha, beta);
            return;
        }

        T* dy = outputGradient.Pointer(), w = filter.Pointer(), dx = inputGradient.Pointer();
        long outProblem = batch * Descriptor.OutChannels * outPlane, inProblem = batch * Descriptor.InChannels * plane;
        if (!padded && !Descriptor.SharedInput)
        {
            ClassProducts(cpuQueue, dy, w, dx, plane, batch, problems, inProblem, alpha, beta, workspace);
            return;
        }

        // One problem at a time: a shared input's gradient is the sum over problems, in order.
        for (long p = 0; p < problems; p++)
        {
            T* target = dx + (Descriptor.SharedInput ? 0 : p * inProblem);
            T keep = Descriptor.SharedInput && p > 0 ? T.One : beta;
            T* weights = w + (p * Descriptor.OutChannels * inGroup * taps);
            if (!padded)
            {
                ClassProducts(cpuQueue, dy + (p * outProblem), weights, target, plane, batch, 1, inProblem, alpha, keep, workspace);
                continue;
            }

            T* gradient = (T*)(workspace + rowsBytes);
            long imageBytes = Descriptor.InChannels * paddedPlane * sizeof(T);
            for (long image = 0; image < batch; image += paddedImages)
            {
                long images = Math.Min(paddedImages, batch - image);
                ClassProducts(
                    cpuQueue,
                    dy + (p * outProblem) + (image * Descriptor.OutChannels * outPlane),
                    weights,
                    gradient,
                    paddedPlane,
                    images,
                    1,
                    0,
                    alpha,
                    T.Zero,
                    workspace,
                    Align(paddedImages * imageBytes));
                FoldJob job = new() { Plan = this, Padded = gradient, Target = target + (image * Descriptor.InChannels * plane), Beta = keep };
                cpuQueue.Team.Run(checked((int)(images * Descriptor.InChannels)), ref job);
            }
        }
    }

    private protected override void BackwardFilterCore(CommandQueue queue, TensorView<T> input, TensorView<T> outputGradient, TensorView<T> filterGradient, T alpha, T beta)
    {
        CpuQueue cpuQueue = (CpuQueue)queue;
        byte* workspace = cpuQueue.Workspace(filterBytes);
        T* dw = filterGradient.Pointer();
        if (planar is not null && planar.TryBackwardFilter(cpuQueue, PlanesOf, input.Pointer(), outputGradient.Pointer(), dw, alpha, beta, workspace))
        {
            return;
        }

        if (InterleavedForward)
        {
            interleaved.BackwardFilter(cpuQueue, input.Pointer(), outputGradient.Pointer(), dw, alpha, beta, workspace);
            return;
        }

        if (forward.HasPadding && HasNonFinite(cpuQueue, outputGradient))
        {
            direct.BackwardFilter(cpuQueue, input.Pointer(), outputGradient.Pointer(), dw, alpha, beta);
            return;
        }

        long group = outGroup * inGroup * taps;
        PlaneOperand<T> gradients = new()
        {
            Source = outputGradient.Pointer(),
            ProblemStride = batch * Descriptor.OutChannels * outPlane,
            GroupStride = outGroup * outPlane,
            ImageStride = Descriptor.OutChannels * outPlane,
            Plane = outPlane,
            Groups = groups,
            Parts = parts,
            PartDepth = partDepth,
        };
        PatchOperand<T> patches = Patches(input, (int*)workspace);
        patches.Transposed = true;
        patches.Parts = parts;
        patches.PartDepth = partDepth;
        T* partial = (T*)(workspace + rowsBytes);
        DenseResult<T> result = new() { Origin = parts == 1 ? dw : partial, ProductStride = group, RowStride = (nint)(inGroup * taps), Beta = beta };
        BlockedProduct.Run(cpuQueue, kernels, PartShape, gradients, patches, result, alpha, parts == 1 && beta != T.Zero, workspace + rowsBytes + partialBytes);
        if (parts > 1)
        {
            CombineJob job = new() { Partial = partial, Result = dw, Group = group, Parts = parts, Beta = beta };
            cpuQueue.Team.Run(checked((int)(problems * groups)), ref job);
        }
    }

    private protected override void BackwardBiasCore(CommandQueue queue, TensorView<T> outputGradient, TensorView<T> biasGradient, T alpha, T beta)
    {
        BiasJob job = new()
        {
            Kernels = kernels,
            Source = outputGradient.Pointer(),
            Result = biasGradient.Pointer(),
            Batch = batch,
            Channels = Descriptor.OutChannels,
            Plane = outPlane,
            Alpha = alpha,
            Beta = beta,
        };
        ((CpuQueue)queue).Team.Run(checked((int)(problems * Descriptor.OutChannels)), ref job);
    }

    private protected override void DisposeCore()
    {
        forward.Dispose();
        planar?.Dispose();
        planarInput?.Dispose();
        foreach (InputClass c in classes)
        {
            c.Map.Dispose();
            c.Taps.Dispose();
        }
    }

    private PlanarConvolution<T>.Planes PlanesOf => new(problems, batch, groups, Descriptor.SharedInput);

    private static long Align(long bytes) => (bytes + 127) & ~63L;

    private bool InterleavedForward => interleaved.WhyNot is null;

    private bool InterleavedInput => InterleavedForward && !(Descriptor.SharedInput && problems > 1);

    private string InputAlgorithm() => addedImages > 0 ? "product, patches added" : padded ? "implicit-gemm on the padded input, folded" : classes.Length == 1 ? "implicit-gemm" : $"implicit-gemm, {classes.Length} residue classes";

    private ProductShape AddedShape(long images) => new(images, inGroup * taps, outPlane, outGroup);

    private KernelChoice Choice(string operation, string algorithm, string kernel, long workspace, string[] rejected) =>
        new(operation, algorithm, kernel, workspace, Descriptor.Flops, Bytes, rejected);

    private ProductShape ClassShape(InputClass c, long images, long products) => new(products, inGroup, images * c.PositionCount, outGroup * c.TapCount);

    private DenseOperand<T> Filters(TensorView<T> filter) => new()
    {
        Origin = filter.Pointer(),
        ProductStride = outGroup * inGroup * taps,
        LineStride = (nint)(inGroup * taps),
        DepthStride = 1,
    };

    private PatchOperand<T> Patches(TensorView<T> input, int* rows) => new()
    {
        Map = forward.Map,
        Source = input.Pointer(),
        ProblemStride = Descriptor.SharedInput ? 0 : batch * Descriptor.InChannels * plane,
        GroupStride = inGroup * plane,
        ImageStride = Descriptor.InChannels * plane,
        Groups = groups,
        Rows = rows,
    };

    private PlaneResult<T> Planes(TensorView<T> output, T beta, TensorView<T> bias, T alpha) => new()
    {
        Origin = output.Pointer(),
        ProblemStride = batch * Descriptor.OutChannels * outPlane,
        GroupStride = outGroup * outPlane,
        ImageStride = Descriptor.OutChannels * outPlane,
        Plane = outPlane,
        Groups = groups,
        Beta = beta,
        Bias = bias.Pointer(),
        BiasScale = alpha,
        BiasProblemStride = Descriptor.OutChannels,
        BiasGroupStride = outGroup,
    };

    /// <summary>The gradient of the input as <c>w' dy</c>, each row of which belongs to one channel and tap, added to the elements that the tap read.</summary>
    private void AddPatches(CpuQueue queue, T* dy, T* w, T* dx, T alpha, T beta, byte* workspace)
    {
        T* patches = (T*)(workspace + rowsBytes);
        byte* scratch = workspace + rowsBytes + Align(addedImages * inGroup * taps * outPlane * sizeof(T));
        long filterGroup = outGroup * inGroup * taps;
        for (long p = 0; p < problems; p++)
        {
            T* target = dx + (Descriptor.SharedInput ? 0 : p * batch * Descriptor.InChannels * plane);
            for (long first = 0; first < batch; first += addedImages)
            {
                long images = Math.Min(addedImages, batch - first);
                for (long g = 0; g < groups; g++)
                {
                    DenseOperand<T> weights = new() { Origin = w + (((p * groups) + g) * filterGroup), LineStride = 1, DepthStride = (nint)(inGroup * taps) };
                    DenseOperand<T> gradients = new()
                    {
                        Origin = dy + ((((p * batch) + first) * Descriptor.OutChannels) + (g * outGroup)) * outPlane,
                        ProductStride = Descriptor.OutChannels * outPlane,
                        LineStride = 1,
                        DepthStride = (nint)outPlane,
                    };
                    DenseResult<T> result = new() { Origin = patches, ProductStride = inGroup * taps * outPlane, RowStride = (nint)outPlane };
                    BlockedProduct.Run(queue, kernels, AddedShape(images), weights, gradients, result, alpha, false, scratch);
                    AddJob job = new()
                    {
                        Map = forward.Map,
                        Patches = patches,
                        Target = target + (((first * Descriptor.InChannels) + (g * inGroup)) * plane),
                        ImageStride = Descriptor.InChannels * plane,
                        Channels = inGroup,
                        Rows = (int*)workspace,
                        Beta = Descriptor.SharedInput && p > 0 ? T.One : beta,
                    };
                    queue.Team.Run(checked((int)(images * inGroup)), ref job);
                }
            }
        }
    }

    /// <summary>The gradient with respect to planes of <paramref name="targetPlane"/> elements (the input's or the padded input's), class by class.</summary>
    private void ClassProducts(CpuQueue queue, T* dy, T* w, T* target, long targetPlane, long images, long problemCount, long targetProblem, T alpha, T beta, byte* workspace, long reserved = 0)
    {
        if (hasEmptyClass)
        {
            // Positions that no tap reaches: all at once, in the order of memory.
            ScaleJob scale = new() { Target = target, Problem = targetProblem, Count = images * Descriptor.InChannels * targetPlane, Beta = beta };
            scale.Chunks = (scale.Count + ScaleJob.Chunk - 1) / ScaleJob.Chunk;
            queue.Team.Run(checked((int)(problemCount * scale.Chunks)), ref scale);
            beta = beta == T.Zero ? T.Zero : T.One;
        }

        foreach (InputClass c in classes)
        {
            if (c.TapCount == 0)
            {
                continue;
            }

            FilterClassOperand<T> weights = new()
            {
                Source = w,
                ProblemStride = Descriptor.OutChannels * inGroup * taps,
                GroupStride = outGroup * inGroup * taps,
                Groups = groups,
                ChannelStride = taps,
                OutChannelStride = inGroup * taps,
                Taps = (int*)c.Taps.Pointer,
                TapCount = c.TapCount,
            };
            PatchOperand<T> gradients = new()
            {
                Map = c.Map.Map,
                Source = dy,
                ProblemStride = images * Descriptor.OutChannels * outPlane,
                GroupStride = outGroup * outPlane,
                ImageStride = Descriptor.OutChannels * outPlane,
                Groups = groups,
                Rows = (int*)workspace,
            };
            ProductShape shape = ClassShape(c, images, problemCount * groups);
            byte* scratch = workspace + rowsBytes + reserved;
            if (classes.Length == 1)
            {
                PlaneResult<T> result = new()
                {
                    Origin = target,
                    ProblemStride = targetProblem,
                    GroupStride = inGroup * targetPlane,
                    ImageStride = Descriptor.InChannels * targetPlane,
                    Plane = targetPlane,
                    Groups = groups,
                    Beta = beta,
                };
                BlockedProduct.Run(queue, kernels, shape, weights, gradients, result, alpha, beta != T.Zero, scratch);
            }
            else
            {
                ClassResult<T> result = new()
                {
                    Origin = target,
                    ProblemStride = targetProblem,
                    GroupStride = inGroup * targetPlane,
                    ImageStride = Descriptor.InChannels * targetPlane,
                    Plane = targetPlane,
                    Groups = groups,
                    Beta = beta,
                    Rank = axes.Length,
                };
                for (int a = 0; a < axes.Length; a++)
                {
                    result.Positions[a] = c.Positions[a];
                    result.Residue[a] = c.Residues[a];
                    result.Stride[a] = axes[a].Stride;
                    result.Extent[a] = padded ? axes[a].Padded : axes[a].Input;
                }

                BlockedProduct.Run(queue, kernels, shape, weights, gradients, result, alpha, beta != T.Zero, scratch);
            }
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
            ahead = Usable(new(kernels, cpu.Target, threads, forward.Map, [.. reach.Select(r => r - last.Low)], last.Map));
        }

        if (ahead is not null && classes.Length == 1 && !padded && !(Descriptor.SharedInput && problems != 1) && axes.All(a => a.Stride == 1) && classes[0].Map.Map->Rank == axes.Length)
        {
            back = Usable(new(kernels, cpu.Target, threads, classes[0].Map.Map, [.. reach.Select(r => last.Low - r)], v => v >= 0 && v < last.Output ? v : -1));
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

    /// <summary>The residue classes of positions modulo the stride, each with the taps that reach it and what they read of the output's gradient.</summary>
    private InputClass[] InputClasses()
    {
        int rank = axes.Length;
        int[] counts = [.. axes.Select(a => Math.Min(a.Stride, Extent(a)))];
        List<InputClass> found = [];
        int[] residues = new int[rank];
        do
        {
            int[][] tables = new int[rank][], used = new int[rank][];
            int[] positions = new int[rank];
            for (int a = 0; a < rank; a++)
            {
                ConvolutionAxis axis = axes[a];
                int low = padded ? 0 : axis.Low, r = residues[a];
                positions[a] = (Extent(axis) - r + axis.Stride - 1) / axis.Stride;
                used[a] = [.. Enumerable.Range(0, axis.Filter).Where(i => (r + low - Reach(axis, i)) % axis.Stride == 0)];
                tables[a] = new int[positions[a] * used[a].Length];
                for (int j = 0, at = 0; j < positions[a]; j++)
                {
                    foreach (int i in used[a])
                    {
                        int o = ((r + low - Reach(axis, i)) / axis.Stride) + j;
                        tables[a][at++] = o >= 0 && o < axis.Output ? o : -1;
                    }
                }
            }

            found.Add(new(cpu.Target, axes, (int[])residues.Clone(), positions, used, tables));
        }
        while (Next(residues, counts));
        return [.. found];

        int Extent(ConvolutionAxis axis) => padded ? axis.Padded : axis.Input;
        static int Reach(ConvolutionAxis axis, int i) => axis.Dilation * (axis.Reversed ? axis.Filter - 1 - i : i);
        static bool Next(int[] digits, int[] bases)
        {
            for (int a = digits.Length - 1; a >= 0; a--)
            {
                if (++digits[a] < bases[a])
                {
                    return true;
                }

                digits[a] = 0;
            }

            return false;
        }
    }

    private bool HasNonFinite(CpuQueue queue, TensorView<T> view)
    {
        FiniteJob job = new() { Kernels = kernels, Source = view.Pointer(), Count = view.Shape.ElementCount };
        bool found = false;
        job.Found = &found;
        queue.Team.Run(checked((int)((job.Count + FiniteJob.Chunk - 1) / FiniteJob.Chunk)), ref job);
        return found;
    }

    private sealed class InputClass
    {
        public InputClass(Target target, ConvolutionAxis[] axes, int[] residues, int[] positions, int[][] used, int[][] tables)
        {
            Residues = residues;
            Positions = positions;
            TapCount = used.Aggregate(1, (n, u) => n * u.Length);
            PositionCount = positions.Aggregate(1L, (n, p) => n * p);

            // A class that no tap reaches still writes its zeros: a product of depth 0, for which any map serves.
            bool reached = TapCount > 0;
            Map = new(target, reached ? tables : [.. positions.Select(p => new int[p])], positions, [.. used.Select(u => reached ? u.Length : 1)], [.. axes.Select(a => a.Output)], 1);
            Taps = new(target, Math.Max(1, TapCount) * sizeof(int));
            int* taps = (int*)Taps.Pointer;
            for (int t = 0; t < TapCount; t++)
            {
                int rest = t, offset = 0, stride = 1;
                for (int a = axes.Length - 1; a >= 0; a--)
                {
                    offset += used[a][rest % used[a].Length] * stride;
                    rest /= used[a].Length;
                    stride *= axes[a].Filter;
                }

                taps[t] = offset;
            }
        }

        public int[] Residues { get; }

        public int[] Positions { get; }

        public long PositionCount { get; }

        public int TapCount { get; }

        public GatherMap Map { get; }

        public NativeBlock Taps { get; }
    }

    /// <summary>Adds a padded plane's elements to the elements they stand for.</summary>
    private struct FoldJob : ITeamJob
    {
        public CpuConvolutionPlan<T> Plan;
        public T* Padded;
        public T* Target;
        public T Beta;

        public readonly void Execute(int index, int worker)
        {
            ConvolutionAxis[] axes = Plan.axes;
            int[][] fold = Plan.fold;
            T* from = Padded + (index * Plan.paddedPlane);
            T* to = Target + (index * Plan.plane);
            for (long i = 0; i < Plan.plane; i++)
            {
                to[i] = Beta == T.Zero ? T.Zero : to[i] * Beta;
            }

            int last = axes.Length - 1, width = axes[last].Padded;
            int[] columns = fold[last];
            long rows = Plan.paddedPlane / width;
            for (long row = 0; row < rows; row++, from += width)
            {
                long rest = row, offset = 0, stride = axes[last].Input;
                for (int a = last - 1; a >= 0; a--)
                {
                    offset += fold[a][rest % axes[a].Padded] * stride;
                    rest /= axes[a].Padded;
                    stride *= axes[a].Input;
                }

                T* target = to + offset;
                for (int x = 0; x < columns.Length; x++)
                {
                    target[columns[x]] += from[x];
                }
            }
        }
    }

    /// <summary>Adds the rows (tap) of one channel of one image where their taps read.</summary>
    private struct AddJob : ITeamJob
    {
        public GatherMap.Fields* Map;
        public T* Patches;
        public T* Target;
        public long ImageStride;
        public long Channels;
        public int* Rows;
        public T Beta;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Execute(int index, int worker)
        {
            GatherMap.Fields* map = Map;
            int last = map->Rank - 1, length = map->Positions[last], taps = map->Taps[last], outerTaps = map->OuterTaps, extent = map->Inputs[last];
            int* rows = Rows + ((long)worker * outerTaps);
            T* plane = Target + (index / Channels * ImageStride) + (index % Channels * map->PlaneCount);
            T* from = Patches + (index * map->TapCount * map->PositionCount);
            for (long i = 0; i < map->PlaneCount; i++)
            {
                plane[i] = Beta == T.Zero ? T.Zero : Beta * plane[i];
            }

            for (long row = 0; row < map->PositionCount / length; row++, from += length)
            {
                map->OuterRows(row, rows);
                for (int q = 0; q < outerTaps; q++)
                {
                    for (int t = 0; rows[q] >= 0 && t < taps; t++)
                    {
                        AddRow(map, from + (((long)q * taps) + t) * map->PositionCount, plane + ((long)rows[q] * extent), t, length);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void AddRow(GatherMap.Fields* map, T* from, T* to, int t, int length)
        {
            int taps = map->Taps[map->Rank - 1], start = map->InteriorFrom[t], end = Math.Max(start, map->InteriorTo[t]), o = 0;
            int* table = map->LastTable + t;
            for (; o < start; o++)
            {
                int source = table[(long)o * taps];
                if (source >= 0)
                {
                    to[source] += from[o];
                }
            }

            if (end > start)
            {
                T* at = to + table[(long)start * taps];
                nint step = map->Step;
                for (; step == 1 && o + Vector<T>.Count <= end; o += Vector<T>.Count, at += Vector<T>.Count)
                {
                    Vector.Store(Vector.Load(at) + Vector.Load(from + o), at);
                }

                for (; o < end; o++, at += step)
                {
                    *at += from[o];
                }
            }

            for (; o < length; o++)
            {
                int source = table[(long)o * taps];
                if (source >= 0)
                {
                    to[source] += from[o];
                }
            }
        }
    }

    /// <summary>Multiplies what is there by beta.</summary>
    private struct ScaleJob : ITeamJob
    {
        public const long Chunk = 1 << 15;
        public T* Target;
        public long Problem;
        public long Count;
        public long Chunks;
        public T Beta;

        public readonly void Execute(int index, int worker)
        {
            long at = index % Chunks * Chunk, count = Math.Min(Chunk, Count - at);
            T* target = Target + (index / Chunks * Problem) + at;
            if (Beta == T.Zero)
            {
                CpuKernels<T>.NativeClear(target, count);
                return;
            }

            for (long i = 0; i < count; i++)
            {
                target[i] *= Beta;
            }
        }
    }

    /// <summary>Adds the parts of a filter's gradient in order.</summary>
    private struct CombineJob : ITeamJob
    {
        public T* Partial;
        public T* Result;
        public long Group;
        public long Parts;
        public T Beta;

        public readonly void Execute(int index, int worker)
        {
            T* partial = Partial + (index * Parts * Group);
            T* result = Result + (index * Group);
            for (long i = 0; i < Group; i++)
            {
                T sum = partial[i];
                for (long p = 1; p < Parts; p++)
                {
                    sum += partial[(p * Group) + i];
                }

                result[i] = Beta == T.Zero ? sum : (result[i] * Beta) + sum;
            }
        }
    }

    private struct BiasJob : ITeamJob
    {
        public CpuKernels<T> Kernels;
        public T* Source;
        public T* Result;
        public long Batch;
        public long Channels;
        public long Plane;
        public T Alpha;
        public T Beta;

        public readonly void Execute(int index, int worker)
        {
            long problem = index / Channels, channel = index % Channels;
            T sum = T.Zero;
            for (long b = 0; b < Batch; b++)
            {
                T* at = Source + (((((problem * Batch) + b) * Channels) + channel) * Plane);
                sum += Kernels.Reduce(ReductionKind.Sum, at, at, Plane, T.One);
            }

            Result[index] = (Alpha * sum) + (Beta == T.Zero ? T.Zero : Beta * Result[index]);
        }
    }

    private struct FiniteJob : ITeamJob
    {
        public const long Chunk = 1 << 16;
        public CpuKernels<T> Kernels;
        public T* Source;
        public long Count;
        public bool* Found;

        public readonly void Execute(int index, int worker)
        {
            long at = index * Chunk;
            if (Kernels.HasNonFinite(Source + at, Math.Min(Chunk, Count - at)))
            {
                *Found = true;
            }
        }
    }
}
