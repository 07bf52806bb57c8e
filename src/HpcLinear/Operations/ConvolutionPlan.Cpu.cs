using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>States each direction of the convolution as a product and hands it to <see cref="BlockedProduct"/>.</summary>
/// <remarks>
/// Forward: rows are output channels, columns (image, output), depth (channel, tap). Gradient of the filter: <see cref="ChannelFilterGradient{T}"/>, or for few
/// positions the same with the patches transposed, the long sum cut into parts fixed by the shape. Gradient of the input: one dense product for each residue
/// class of the input position modulo the stride, so that no inserted zero is multiplied; for a boundary other than zero it is taken on the padded input and
/// folded back. With few input channels, whose rows would fill little of a tile: the product of the transposed filter with dy, whose rows (channel, tap) are
/// then added where they were read.
/// A packed zero of the padding would turn an infinite operand into NaN: when there is padding and the other operand is not finite, <see cref="DirectConvolution{T}"/> computes.
/// </remarks>
internal sealed unsafe partial class CpuConvolutionPlan<T> : ConvolutionPlan<T>
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
    private readonly ChannelFilterGradient<T>? channelFilter;
    private readonly StrideTwoConvolution<T>? strideTwo;
    private readonly StagedConvolution<T>? staged;
    private readonly StagedConvolution<T>? stagedInput;
    private readonly bool isDense;
    private readonly NativeBlock? subsampledRows;
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
        ConvolutionSizes sizes = new()
        {
            Map = forward.Map, Problems = problems, Groups = groups, Batch = batch, InGroup = inGroup, OutGroup = outGroup, SharedInput = descriptor.SharedInput,
        };
        interleaved = new(kernels, threads, sizes);
        long outerTaps = Math.Max(forward.Map->OuterTaps, classes.Max(c => c.Map.Map->OuterTaps));
        rowsBytes = Align(threads * outerTaps * sizeof(int));
        isDense = problems == 1 && groups == 1 && axes.All(a => a is { Filter: 1, Stride: 1, Low: 0, High: 0 });
        subsampledRows = SubsampledRows();
        forwardBytes = isDense ? BlockedProduct.WorkspaceBytes(kernels, DenseShape(outGroup, inGroup), threads) : rowsBytes + BlockedProduct.WorkspaceBytes(kernels, ForwardShape, threads);

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

        if (isDense)
        {
            inputBytes = BlockedProduct.WorkspaceBytes(kernels, DenseShape(inGroup, outGroup), threads);
        }

        // Rows of patches for a block of images that stays in the last-level cache.
        bool adds = !InterleavedForward && inGroup < kernels.TileRows && kernels.TileRows > 1 && taps > 1;
        long patchBytes = inGroup * taps * outPlane * sizeof(T);
        addedImages = adds && patchBytes <= PaddedBytes ? Math.Clamp(AddedBytes / Math.Max(1, patchBytes), 1, Math.Max(1, batch)) : 0;
        if (addedImages > 0)
        {
            inputBytes = rowsBytes + Align(addedImages * patchBytes) + BlockedProduct.WorkspaceBytes(kernels, AddedShape(addedImages), threads);
        }

        ChannelFilterGradient<T> byChannels = ChannelFilter(threads, sizes);
        if (!InterleavedForward && byChannels.WhyNot is null)
        {
            channelFilter = byChannels;
            filterBytes = byChannels.MayFail ? Math.Max(filterBytes, byChannels.WorkspaceBytes) : byChannels.WorkspaceBytes;
        }

        (planar, planarInput) = InterleavedForward && inGroup == 1 && outGroup == 1 ? Planar(threads) : (null, null);
        if (InterleavedForward)
        {
            forwardBytes = filterBytes = interleaved.WorkspaceBytes;
            inputBytes = InterleavedInput ? interleaved.WorkspaceBytes : inputBytes;
            forwardBytes = Math.Max(forwardBytes, planar?.WorkspaceBytes(0) ?? 0);
            filterBytes = Math.Max(filterBytes, planar?.WorkspaceBytes(problems * groups) ?? 0);
            inputBytes = Math.Max(inputBytes, planarInput?.WorkspaceBytes(0) ?? 0);
        }

        if (InterleavedForward && inGroup == 1 && outGroup == 1)
        {
            strideTwo = StrideTwoConvolution<T>.Create(kernels, threads, axes, problems, groups, batch, descriptor.SharedInput);
            long bytes = strideTwo?.WorkspaceBytes ?? 0;
            (forwardBytes, filterBytes, inputBytes) = (Math.Max(forwardBytes, bytes), Math.Max(filterBytes, bytes), Math.Max(inputBytes, bytes));
        }

        string whyNot = "", whyNotInput = "";
        staged = InterleavedForward ? null : Staged([.. axes.Select(WindowAxis.Forward)], new(groups, inGroup, outGroup, taps, inGroup * taps, taps), batch, false, out whyNot);
        forwardBytes = staged?.WorkspaceBytes ?? forwardBytes;
        stagedInput = InterleavedInput ? null
            : Staged([.. axes.Select(a => WindowAxis.Gradient(a, padded))], new(groups, outGroup, inGroup, taps, taps, inGroup * taps), padded ? paddedImages : batch, padded, out whyNotInput);
        if (stagedInput is not null)
        {
            addedImages = 0;
            inputBytes = rowsBytes + (padded ? Align(paddedImages * imageBytes) : 0) + stagedInput.WorkspaceBytes;
        }

        if (IsSubsampled && !InterleavedForward)
        {
            forwardBytes = BlockedProduct.WorkspaceBytes(kernels, SubsampledShape(outGroup, inGroup), threads);
            inputBytes = TransposedBytes + BlockedProduct.WorkspaceBytes(kernels, SubsampledShape(inGroup, outGroup), threads, true);
        }

        Choices = Explain(device, byChannels, whyNot, whyNotInput);
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private ProductShape ForwardShape => new(problems * groups, outGroup, batch * outPlane, inGroup * taps);

    private ProductShape PartShape => new(problems * groups * parts, outGroup, inGroup * taps, partDepth) { Parts = parts, TotalDepth = batch * outPlane };

    private protected override void ForwardCore(CommandQueue queue, TensorView<T> input, TensorView<T> filter, TensorView<T> bias, TensorView<T> output, T alpha, T beta)
    {
        CpuQueue cpuQueue = (CpuQueue)queue;
        byte* workspace = cpuQueue.Workspace(forwardBytes);
        if (strideTwo is not null && beta == T.Zero)
        {
            strideTwo.Forward(cpuQueue, input.Pointer(), filter.Pointer(), bias.Pointer(), output.Pointer(), alpha, workspace);
            return;
        }

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

        if (staged is not null)
        {
            long inImage = Descriptor.InChannels * plane, outImage = Descriptor.OutChannels * outPlane;
            for (long p = 0; p < problems; p++)
            {
                T* x = input.Pointer() + (Descriptor.SharedInput ? 0 : p * batch * inImage), w = filter.Pointer() + (p * Descriptor.OutChannels * inGroup * taps);
                T* start = bias.IsEmpty ? null : bias.Pointer() + (p * Descriptor.OutChannels);
                staged.Run(cpuQueue, x, inImage, w, start, output.Pointer() + (p * batch * outImage), outImage, batch, alpha, beta, workspace);
            }

            return;
        }

        if (IsSubsampled)
        {
            SubsampledForward(cpuQueue, input.Pointer(), filter.Pointer(), Planes(output, beta, bias, alpha), alpha, beta != T.Zero || !bias.IsEmpty, workspace);
            return;
        }

        if (isDense)
        {
            PlaneResult<T> planes = Planes(output, beta, bias, alpha) with { ProblemStride = Descriptor.OutChannels * outPlane, BiasProblemStride = 0 };
            DenseOperand<T> weights = new() { Origin = filter.Pointer(), LineStride = (nint)inGroup, DepthStride = 1 };
            BlockedProduct.Run(cpuQueue, kernels, DenseShape(outGroup, inGroup), weights, Images(input.Pointer(), inGroup), planes, alpha, beta != T.Zero || !bias.IsEmpty, workspace);
            return;
        }

        BlockedProduct.Run(cpuQueue, kernels, ForwardShape, Filters(filter), Patches(input, (int*)workspace), Planes(output, beta, bias, alpha), alpha, beta != T.Zero || !bias.IsEmpty, workspace + rowsBytes);
    }

    private protected override void BackwardFilterCore(CommandQueue queue, TensorView<T> input, TensorView<T> outputGradient, TensorView<T> filterGradient, T alpha, T beta)
    {
        CpuQueue cpuQueue = (CpuQueue)queue;
        byte* workspace = cpuQueue.Workspace(filterBytes);
        T* dw = filterGradient.Pointer();
        if (strideTwo is not null && beta == T.Zero && strideTwo.TryBackwardFilter(cpuQueue, input.Pointer(), outputGradient.Pointer(), dw, alpha, workspace))
        {
            return;
        }

        if (planar is not null && planar.TryBackwardFilter(cpuQueue, PlanesOf, input.Pointer(), outputGradient.Pointer(), dw, alpha, beta, workspace))
        {
            return;
        }

        if (InterleavedForward)
        {
            interleaved.BackwardFilter(cpuQueue, input.Pointer(), outputGradient.Pointer(), dw, alpha, beta, workspace);
            return;
        }

        if (channelFilter is not null && channelFilter.TryRun(cpuQueue, input.Pointer(), outputGradient.Pointer(), dw, alpha, beta, workspace))
        {
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
        subsampledRows?.Dispose();
        staged?.Dispose();
        stagedInput?.Dispose();
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

    private DenseOperand<T> Filters(TensorView<T> filter) => new()
    {
        Origin = filter.Pointer(),
        ProductStride = outGroup * inGroup * taps,
        LineStride = (nint)(inGroup * taps),
        DepthStride = 1,
    };

    /// <summary>Filters of one tap that read straight through: an image is a matrix already.</summary>
    private ProductShape DenseShape(long rows, long depth) => new(batch, rows, plane, depth);

    private DenseOperand<T> Images(T* planes, long channels) => new() { Origin = planes, ProductStride = channels * plane, LineStride = 1, DepthStride = (nint)plane };

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

    private bool HasNonFinite(CpuQueue queue, TensorView<T> view)
    {
        FiniteJob job = new() { Kernels = kernels, Source = view.Pointer(), Count = view.Shape.ElementCount };
        bool found = false;
        job.Found = &found;
        queue.Team.Run(checked((int)((job.Count + FiniteJob.Chunk - 1) / FiniteJob.Chunk)), ref job);
        return found;
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
