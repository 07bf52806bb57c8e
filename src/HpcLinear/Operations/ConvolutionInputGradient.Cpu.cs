using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <remarks>
/// The gradient of the input, by one of three products: <see cref="AddPatches"/> for few channels, <see cref="ClassProducts"/> otherwise, on the padded input
/// where the boundary repeats elements.
/// </remarks>
internal sealed unsafe partial class CpuConvolutionPlan<T>
{
    private protected override void BackwardInputCore(CommandQueue queue, TensorView<T> outputGradient, TensorView<T> filter, TensorView<T> inputGradient, T alpha, T beta)
    {
        CpuQueue cpuQueue = (CpuQueue)queue;
        byte* workspace = cpuQueue.Workspace(inputBytes);
        if (strideTwo is not null && InterleavedInput && beta == T.Zero && !HasNonFinite(cpuQueue, filter))
        {
            strideTwo.BackwardInput(cpuQueue, outputGradient.Pointer(), filter.Pointer(), inputGradient.Pointer(), alpha, workspace);
            return;
        }

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

    private string InputAlgorithm() => IsSubsampled ? "gemm, result spread" : isDense ? "gemm" : addedImages > 0 ? "product, patches added" : padded ? "implicit-gemm on the padded input, folded" : classes.Length == 1 ? "implicit-gemm" : $"implicit-gemm, {classes.Length} residue classes";

    private ProductShape AddedShape(long images) => new(images, inGroup * taps, outPlane, outGroup);

    private ProductShape ClassShape(InputClass c, long images, long products) => new(products, inGroup, images * c.PositionCount, outGroup * c.TapCount);

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
        if (stagedInput is not null)
        {
            long outImage = Descriptor.OutChannels * outPlane;
            for (long p = 0; p < problemCount; p++)
            {
                T* weights = w + (p * Descriptor.OutChannels * inGroup * taps);
                stagedInput.Run(
                    queue, dy + (p * images * outImage), outImage, weights, null, target + (p * targetProblem), Descriptor.InChannels * targetPlane, images, alpha, beta, workspace + rowsBytes + reserved);
            }

            return;
        }

        if (IsSubsampled)
        {
            SubsampledInput(queue, dy, w, target, alpha, beta, workspace);
            return;
        }

        if (isDense)
        {
            DenseOperand<T> transposed = new() { Origin = w, LineStride = 1, DepthStride = (nint)inGroup };
            DenseResult<T> images1 = new() { Origin = target, ProductStride = inGroup * plane, RowStride = (nint)plane, Beta = beta };
            BlockedProduct.Run(queue, kernels, DenseShape(inGroup, outGroup), transposed, Images(dy, outGroup), images1, alpha, beta != T.Zero, workspace);
            return;
        }

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
}
