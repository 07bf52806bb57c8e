using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// One product for each lag t of one half: <c>R_t[m,n] = sum over c, i of w[m,c,i + S t] w[n,c,i]</c> over the taps i that overlap; the other half is its mirror.
/// </summary>
internal sealed unsafe class CpuSelfCorrelationPlan<T> : SelfCorrelationPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CpuKernels<T> kernels;
    private readonly Lag[] lags;
    private readonly NativeBlock offsets;
    private readonly long problems;
    private readonly long channels;
    private readonly long taps;
    private readonly long lagCount;
    private readonly long productBytes;
    private readonly long transposedBytes;
    private readonly long workspaceBytes;

    public CpuSelfCorrelationPlan(CpuDevice device, SelfCorrelationDescriptor descriptor)
        : base(device, descriptor)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        problems = descriptor.Problems ?? 1;
        channels = descriptor.OutChannels;
        taps = descriptor.Filter.ElementCount;
        lagCount = descriptor.Lags.ElementCount;

        // Lags in row-major order about the middle one: o and lagCount - 1 - o are mirrors.
        List<int> table = [];
        lags = [.. Enumerable.Range(0, (int)((lagCount + 1) / 2)).Select(o => Overlap(descriptor, (lagCount / 2) + o, table))];
        for (int l = 0; l < lags.Length; l++)
        {
            lags[l] = lags[l] with { Cut = BlockedProduct.Divide(kernels, Shape(lags[l]), device.Team.Size) };
        }

        offsets = new(device.Target, Math.Max(1, table.Count) * sizeof(int));
        table.ToArray().CopyTo(new Span<int>(offsets.Pointer, table.Count));

        productBytes = Align(lags.Length * problems * channels * channels * sizeof(T));
        transposedBytes = Align(problems * channels * descriptor.InChannels * taps * sizeof(T));
        workspaceBytes = productBytes + transposedBytes + (lags.Max(l => l.Cut.WorkerBytes) * device.Team.Size);
        Choices =
        [
            new(
                "self-correlation",
                $"half-lags, {lags.Length} products",
                $"{device.Target} tile {kernels.TileText}",
                workspaceBytes,
                descriptor.Flops,
                (double)sizeof(T) * (descriptor.FilterShape.ElementCount + descriptor.ResultShape.ElementCount),
                ["convolution: every lag and every padded tap, about five times the work for 3x3"]),
        ];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> filter, TensorView<T> result)
    {
        CpuQueue cpu = (CpuQueue)queue;
        byte* workspace = cpu.Workspace(workspaceBytes);
        T* transposed = (T*)(workspace + productBytes);
        long rows = Descriptor.InChannels * taps;

        // Transposed, so that every product packs them in rows.
        TransposeJob<T> transpose = new() { Source = filter.Pointer(), Target = transposed, Rows = (int)channels, Columns = rows };
        cpu.Team.Run(checked((int)(problems * transpose.Parts)), ref transpose);
        T* at = (T*)workspace;
        foreach (Lag lag in lags)
        {
            TapOperand<T> shifted = Operand(transposed, lag, lag.Shifted);
            TapOperand<T> plain = Operand(transposed, lag, lag.Plain);
            DenseResult<T> product = new() { Origin = at, ProductStride = channels * channels, RowStride = (nint)channels };
            BlockedProduct.Run(cpu, kernels, Shape(lag), lag.Cut, shifted, plain, product, T.One, false, workspace + productBytes + transposedBytes);
            at += problems * channels * channels;
        }

        MirrorJob job = new() { Products = (T*)workspace, Result = result.Pointer(), Channels = channels, LagBank = problems * channels * channels, Half = lags.Length };
        cpu.Team.Run(checked((int)(problems * channels)), ref job);
    }

    private protected override void DisposeCore() => offsets.Dispose();

    /// <summary>The taps that overlap at one lag, as offsets: first those of the shifted filter, then those of the plain one.</summary>
    private static Lag Overlap(SelfCorrelationDescriptor d, long index, List<int> table)
    {
        int rank = d.Filter.Rank;
        long[] shift = new long[rank];
        long rest = index;
        for (int a = rank - 1; a >= 0; a--)
        {
            shift[a] = ((rest % d.Lags[a]) - ((d.Lags[a] - 1) / 2)) * d.Stride[a];
            rest /= d.Lags[a];
        }

        List<int> shifted = [], plain = [];
        for (long tap = 0; tap < d.Filter.ElementCount; tap++)
        {
            long left = tap, at = 0, stride = 1;
            bool inside = true;
            for (int a = rank - 1; a >= 0; a--)
            {
                long i = (left % d.Filter[a]) + shift[a];
                inside &= i >= 0 && i < d.Filter[a];
                at += i * stride;
                stride *= d.Filter[a];
                left /= d.Filter[a];
            }

            if (inside)
            {
                shifted.Add((int)at);
                plain.Add((int)tap);
            }
        }

        Lag lag = new(shifted.Count, table.Count, table.Count + shifted.Count);
        table.AddRange(shifted);
        table.AddRange(plain);
        return lag;
    }

    private ProductShape Shape(Lag lag) => new(problems, channels, channels, Descriptor.InChannels * lag.Overlap);

    private TapOperand<T> Operand(T* transposed, Lag lag, int at) => new()
    {
        Source = transposed,
        ProblemStride = channels * Descriptor.InChannels * taps,
        RowStride = (nint)channels,
        RowCount = taps,
        Taps = (int*)offsets.Pointer + at,
        TapCount = lag.Overlap,
    };

    private static long Align(long bytes) => (bytes + 127) & ~63L;

    private readonly record struct Lag(int Overlap, int Shifted, int Plain)
    {
        public BlockedProduct.Cut Cut { get; init; }
    }

    /// <summary>
    /// Some taps of every channel of a transposed filter bank, whose rows are (channel, tap) and whose columns are output channels: lines are output channels, the
    /// depth is (channel, tap of the list).
    /// </summary>
    private struct TapOperand<TElement> : IOperand<TElement>
        where TElement : unmanaged, IBinaryFloatingPointIeee754<TElement>
    {
        public TElement* Source;
        public long ProblemStride;
        public nint RowStride;
        public long RowCount;
        public int* Taps;
        public int TapCount;

        private TElement* current;

        public void Select(long product) => current = Source + (product * ProblemStride);

        public readonly TElement* InPlace(out nint lineStride, out nint depthStride)
        {
            lineStride = depthStride = 0;
            return null;
        }

        public readonly long PackPanels(CpuKernels<TElement> kernels, TElement* panels, int panel, long line, long lines, long from, int depth) => 0;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Pack(TElement* panel, int width, long line, int lines, long from, int depth, int worker)
        {
            TElement* channel = current + line + (from / TapCount * RowCount * RowStride);
            int t = (int)(from % TapCount);
            while (depth > 0)
            {
                // Taps that follow each other are rows that do.
                int run = 1;
                while (run < depth && t + run < TapCount && Taps[t + run] == Taps[t] + run)
                {
                    run++;
                }

                Packing.Rows(panel, width, channel + (Taps[t] * RowStride), RowStride, lines, run);
                panel += (nint)run * width;
                depth -= run;
                t += run;
                if (t == TapCount)
                {
                    t = 0;
                    channel += RowCount * RowStride;
                }
            }
        }
    }

    /// <summary>Writes the lags of one row's channels side by side: each from its product, or mirrored.</summary>
    private struct MirrorJob : ITeamJob
    {
        public T* Products;
        public T* Result;
        public long Channels;
        public long LagBank;
        public int Half;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Execute(int index, int worker)
        {
            long problem = index / Channels, m = index % Channels;
            T* row = Products + (index * Channels), column = Products + (problem * Channels * Channels) + m;
            T* result = Result + (index * Channels * ((2 * Half) - 1));
            for (long n = 0; n < Channels; n++, row++, column += Channels)
            {
                for (int l = Half - 1; l > 0; l--)
                {
                    *result++ = column[l * LagBank];
                }

                for (int l = 0; l < Half; l++)
                {
                    *result++ = row[l * LagBank];
                }
            }
        }
    }
}
