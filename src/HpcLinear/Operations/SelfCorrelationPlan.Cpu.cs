using System.Numerics;
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
        offsets = new(device.Target, Math.Max(1, table.Count) * sizeof(int));
        table.ToArray().CopyTo(new Span<int>(offsets.Pointer, table.Count));

        productBytes = ((problems * channels * channels * sizeof(T)) + 127) & ~63L;
        workspaceBytes = productBytes + lags.Max(l => BlockedProduct.WorkspaceBytes(kernels, Shape(l), device.Team.Size));
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
        foreach (Lag lag in lags)
        {
            TapOperand<T> shifted = Operand(filter, lag, lag.Shifted);
            TapOperand<T> plain = Operand(filter, lag, lag.Plain);
            DenseResult<T> product = new() { Origin = (T*)workspace, ProductStride = channels * channels, RowStride = (nint)channels };
            BlockedProduct.Run(cpu, kernels, Shape(lag), shifted, plain, product, T.One, false, workspace + productBytes);
            MirrorJob job = new() { Product = (T*)workspace, Result = result.Pointer(), Channels = channels, Lags = lagCount, Lag = lag.Index };
            cpu.Team.Run(checked((int)(problems * channels)), ref job);
        }
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

        Lag lag = new(index, shifted.Count, table.Count, table.Count + shifted.Count);
        table.AddRange(shifted);
        table.AddRange(plain);
        return lag;
    }

    private ProductShape Shape(Lag lag) => new(problems, channels, channels, Descriptor.InChannels * lag.Overlap);

    private TapOperand<T> Operand(TensorView<T> filter, Lag lag, int at) => new()
    {
        Source = filter.Pointer(),
        ProblemStride = channels * Descriptor.InChannels * taps,
        LineStride = Descriptor.InChannels * taps,
        ChannelStride = taps,
        Taps = (int*)offsets.Pointer + at,
        TapCount = lag.Overlap,
    };

    private readonly record struct Lag(long Index, int Overlap, int Shifted, int Plain);

    /// <summary>Some taps of every channel of a filter bank: lines are output channels, the depth is (channel, tap of the list).</summary>
    private struct TapOperand<TElement> : IOperand<TElement>
        where TElement : unmanaged, IBinaryFloatingPointIeee754<TElement>
    {
        public TElement* Source;
        public long ProblemStride;
        public long LineStride;
        public long ChannelStride;
        public int* Taps;
        public int TapCount;

        private TElement* current;

        public void Select(long product) => current = Source + (product * ProblemStride);

        public readonly TElement* InPlace(out nint lineStride, out nint depthStride)
        {
            lineStride = depthStride = 0;
            return null;
        }

        public readonly void Pack(TElement* panel, int width, long line, int lines, long from, int depth, int worker)
        {
            for (int l = 0; l < width; l++)
            {
                TElement* to = panel + l;
                TElement* source = current + ((line + l) * LineStride) + (from / TapCount * ChannelStride);
                int t = (int)(from % TapCount);
                for (int p = 0; p < depth; p++, to += width)
                {
                    *to = l < lines ? source[Taps[t]] : TElement.Zero;
                    if (++t == TapCount)
                    {
                        t = 0;
                        source += ChannelStride;
                    }
                }
            }
        }
    }

    /// <summary>Writes one lag's product and its mirror.</summary>
    private struct MirrorJob : ITeamJob
    {
        public T* Product;
        public T* Result;
        public long Channels;
        public long Lags;
        public long Lag;

        public readonly void Execute(int index, int worker)
        {
            long problem = index / Channels, m = index % Channels, mirror = Lags - 1 - Lag;
            T* row = Product + (index * Channels);
            T* result = Result + (problem * Channels * Channels * Lags);
            for (long n = 0; n < Channels; n++)
            {
                result[(((m * Channels) + n) * Lags) + Lag] = row[n];
                result[(((n * Channels) + m) * Lags) + mirror] = row[n];
            }
        }
    }
}
