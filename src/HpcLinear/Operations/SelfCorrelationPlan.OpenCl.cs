using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Sums of the lags from the middle one on, each written at its own place and at its mirror; <c>self_correlation.cl</c> says how.</summary>
internal sealed class OpenClSelfCorrelationPlan<T> : SelfCorrelationPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int GpuTile = 32;
    private const int CpuRows = 8;

    // Packed filters of more problems than fit here are made in parts.
    private const long PackedBytes = 64 << 20;

    private readonly OpenClDevice device;
    private readonly OpenClBuffer table;
    private readonly KernelEntry? pack;
    private readonly KernelEntry main;
    private readonly LaunchSize size, packSize;
    private readonly long problems, channels, depth, taps, lags, padded, problemsAtOnce, workspaceBytes;

    public OpenClSelfCorrelationPlan(OpenClDevice device, SelfCorrelationDescriptor descriptor)
        : base(device, descriptor)
    {
        this.device = device;
        (problems, channels, depth, taps) = (descriptor.Problems ?? 1, descriptor.OutChannels, descriptor.InChannels, descriptor.Filter.ElementCount);
        lags = (descriptor.Lags.ElementCount + 1) / 2;
        int lanes = device.Lanes(Unsafe.SizeOf<T>()), tile = device.IsGpuFamily ? GpuTile : Math.Max(CpuRows, lanes);
        bool packs = channels >= (device.IsGpuFamily ? 16 : lanes / 2);
        string rejected = packs ? "direct: does not reuse operands" : $"packed: {channels} channels fill little of a tile";
        OpenClProgram program = device.Program<T>("self_correlation");
        string text;
        if (packs)
        {
            padded = (channels + tile - 1) / tile * tile;
            long bytes = depth * taps * padded * Unsafe.SizeOf<T>();
            problemsAtOnce = Math.Clamp(PackedBytes / bytes, 1, Math.Max(1, problems));
            workspaceBytes = bytes * problemsAtOnce;
            pack = program.Entry("self_correlation_pack");
            packSize = device.Spread(problemsAtOnce * depth * taps);
            main = program.Entry(device.IsGpuFamily ? "self_correlation_tiled" : "self_correlation_block");
            size = device.Spread(problemsAtOnce * lags * (padded / tile) * ((channels + lanes - 1) / lanes));
            text = device.IsGpuFamily ? $"{main.Name} {GpuTile}x{GpuTile}" : $"{main.Name} {CpuRows}x{lanes}, {size.Text(device)}";
        }
        else
        {
            problemsAtOnce = problems;
            main = program.Entry("self_correlation_direct");
            size = device.Spread(problems * channels * lags * ((channels + 3) / 4));
            text = $"{main.Name} 1x4, {size.Text(device)}";
        }

        table = device.AllocateTable(Overlaps(descriptor));
        Choices =
        [
            new(
                "self-correlation",
                $"half-lags, {lags} of {descriptor.Lags.ElementCount}",
                text,
                workspaceBytes,
                descriptor.Flops,
                (double)Unsafe.SizeOf<T>() * (descriptor.FilterShape.ElementCount + descriptor.ResultShape.ElementCount),
                [rejected, "convolution: every lag and every padded tap, about five times the work for 3x3"]),
        ];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> filter, TensorView<T> result)
    {
        OpenClQueue q = (OpenClQueue)queue;
        Operand w = Operand.Of(filter), r = Operand.Of(result);
        if (pack is null)
        {
            q.Kernel(main).Long(problems).Long(channels).Long(depth).Long(taps).Long(lags).Table(table).Buffer(w.Buffer, w.Offset).Buffer(r.Buffer, r.Offset).Launch(size);
            return;
        }

        OpenClBuffer packed = q.Workspace(workspaceBytes);
        for (long p = 0; p < problems; p += problemsAtOnce)
        {
            long some = Math.Min(problemsAtOnce, problems - p);
            q.Kernel(pack).Long(some).Long(channels).Long(padded).Long(depth * taps).Buffer(w.Buffer, w.Offset + (p * channels * depth * taps)).Buffer(packed).Launch(packSize);
            OpenClKernel kernel = q.Kernel(main).Long(some).Long(channels).Long(depth).Long(taps).Long(lags).Table(table).Long(padded).Buffer(packed)
                .Buffer(r.Buffer, r.Offset + (p * channels * channels * ((2 * lags) - 1)));
            if (device.IsGpuFamily)
            {
                kernel.Launch(some * lags * 256, padded / GpuTile, padded / GpuTile, 256);
            }
            else
            {
                kernel.Launch(size);
            }
        }
    }

    private protected override void DisposeCore() => table.Dispose();

    /// <summary>For each lag from the middle one on, in row-major order: where the list of its overlapping taps begins, its length, and how far the shifted taps are; then the lists.</summary>
    private static int[] Overlaps(SelfCorrelationDescriptor d)
    {
        int rank = d.Filter.Rank;
        long middle = d.Lags.ElementCount / 2;
        AxisMap.CheckEntries((3.0 * (middle + 1)) + ((d with { Problems = null }).Flops / 2 / d.OutChannels / d.OutChannels / d.InChannels), d.ToString());
        List<int> table = [.. new int[3 * (middle + 1)]];
        long[] shift = new long[rank];
        for (long lag = 0; lag <= middle; lag++)
        {
            long rest = middle + lag, offset = 0, stride = 1;
            for (int a = rank - 1; a >= 0; a--)
            {
                shift[a] = ((rest % d.Lags[a]) - ((d.Lags[a] - 1) / 2)) * d.Stride[a];
                rest /= d.Lags[a];
                offset += shift[a] * stride;
                stride *= d.Filter[a];
            }

            int start = table.Count;
            for (long tap = 0; tap < d.Filter.ElementCount; tap++)
            {
                long left = tap;
                bool inside = true;
                for (int a = rank - 1; a >= 0; a--)
                {
                    long i = (left % d.Filter[a]) + shift[a];
                    inside &= i >= 0 && i < d.Filter[a];
                    left /= d.Filter[a];
                }

                if (inside)
                {
                    table.Add((int)tap);
                }
            }

            table[(int)(3 * lag)] = start;
            table[(int)(3 * lag) + 1] = table.Count - start;
            table[(int)(3 * lag) + 2] = (int)offset;
        }

        return [.. table];
    }
}
