using System.Numerics;
using System.Runtime.CompilerServices;

namespace HpcLinear.OpenCl;

/// <summary>The gradient of the filter: <c>dw[p,m,c,t] = alpha sum over n, q of dy[p,n,m,q] source[p,n,c,read(q,t)] + beta dw</c>, on the tables of the forward product.</summary>
/// <remarks>The sum is split into parts whose number the shape fixes; partial results are added in order.</remarks>
internal sealed class FilterProduct<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int GpuTile = 64;

    private readonly OpenClDevice device;
    private readonly PatchProduct<T> forward;
    private readonly KernelEntry tiled, direct, scan, sum;
    private readonly LaunchSize directSize, sumSize, scanSize;
    private readonly long columns, count, slabs, gradientCount;
    private readonly int parts, chunkRows, tileRows, tileColumns;

    public FilterProduct(OpenClDevice device, PatchProduct<T> forward, long taps, long gradientCount)
    {
        this.device = device;
        this.forward = forward;
        this.gradientCount = gradientCount;
        PatchGeometry g = forward.Geometry;
        columns = g.Channels * taps;
        count = g.ProblemGroups * g.Rows * columns;
        long lines = g.Samples * forward.OuterPositions, positions = lines * forward.InnerPositions;
        bool gpu = device.IsGpuFamily;
        tileRows = gpu ? GpuTile : CpuTile.Rows<T>(device);
        tileColumns = gpu ? GpuTile : 2 * device.Lanes(Unsafe.SizeOf<T>());
        slabs = (columns + tileColumns - 1) / tileColumns;
        Rejected = g.Rows < (gpu ? 16 : tileRows / 3) ? $"tiled: {g.Rows} output channels a group fill little of a tile of {tileRows}x{tileColumns}"
            : columns < tileColumns / 4 ? $"tiled: {columns} filter elements fill little of a tile of {tileRows}x{tileColumns}"
            : gpu && Math.Max(g.ProblemGroups, g.Rows / GpuTile) >= OpenClDevice.MostGroups ? $"tiled: {g.ProblemGroups} problems and groups of {g.Rows} rows are more than one launch takes"
            : positions < 32 ? $"tiled: a sum over {positions} positions does not repay packing"
            : null;

        // Both formulas use the shape and the tile alone: the order of a sum does not depend on the number of compute units.
        parts = (int)(Rejected is null
            ? Math.Clamp(Math.Min(positions / 1024, (gpu ? 1024 : 128) / Math.Max(1, slabs * ((g.Rows + 191) / 192) * g.ProblemGroups)), 1, 64)
            : Math.Clamp(Math.Min(lines / 16, (gpu ? 65536 : 1024) / Math.Max(1, count)), 1, 64));
        chunkRows = CpuTile.ChunkRows<T>(device, g.Rows, slabs * parts * g.ProblemGroups);
        directSize = device.Spread(count * parts);
        sumSize = device.Spread(gpu ? count : (count + 255) / 256);
        scanSize = device.Spread((gradientCount + 4095) / 4096);
        OpenClProgram program = device.Program<T>("convolution");
        (tiled, direct) = (program.Entry(gpu ? "conv_filter_tiled" : "conv_filter_slab"), program.Entry("conv_filter_direct"));
        (scan, sum) = (program.Entry("conv_scan"), program.Entry("conv_sum_parts"));
    }

    /// <summary>Why the tiled kernel is not used; null when it is.</summary>
    public string? Rejected { get; }

    public bool IsTiled => Rejected is null;

    public long WorkspaceBytes => PatchProduct<T>.FlagBytes + (parts > 1 ? parts * count * Unsafe.SizeOf<T>() : 0);

    public string KernelText => (IsTiled
        ? $"{tiled.Name} {tileRows}x{tileColumns}{(forward.HasPadding ? ", conv_filter_direct should a gradient not be finite" : "")}"
        : $"{direct.Name}, {directSize.Text(device)}") + $", {parts} parts";

    public void Run(OpenClQueue queue, Operand source, Operand gradient, Operand output, T alpha, T beta)
    {
        if (count == 0)
        {
            return;
        }

        OpenClBuffer workspace = queue.Workspace(WorkspaceBytes);
        Operand target = parts > 1 ? new(workspace, PatchProduct<T>.FlagBytes / Unsafe.SizeOf<T>()) : output;
        if (IsTiled)
        {
            if (forward.HasPadding)
            {
                queue.Clear(workspace, 0, sizeof(int));
                queue.Kernel(scan).Long(gradientCount).Buffer(gradient.Buffer, gradient.Offset).Buffer(workspace).Launch(scanSize);
            }

            OpenClKernel kernel = forward.Begin(queue, tiled);
            if (!device.IsGpuFamily)
            {
                kernel.Int(chunkRows);
            }

            kernel.Int(parts).Real(alpha).Real(beta).Int(forward.HasPadding ? 1 : 0).Buffer(workspace).Buffer(gradient.Buffer, gradient.Offset)
                .Buffer(source.Buffer, source.Offset).Buffer(target.Buffer, target.Offset);
            long rows = forward.Geometry.Rows, groups = forward.Geometry.ProblemGroups;
            if (device.IsGpuFamily)
            {
                kernel.Launch(slabs * parts * 16, (rows + tileRows - 1) / tileRows * 16, groups, 16, 16);
            }
            else
            {
                kernel.Launch((rows + chunkRows - 1) / chunkRows, slabs * parts, groups, 1);
            }
        }

        if (!IsTiled || forward.HasPadding)
        {
            forward.Begin(queue, direct).Int(parts).Real(alpha).Real(beta).Int(IsTiled ? 1 : 0).Buffer(workspace).Buffer(gradient.Buffer, gradient.Offset)
                .Buffer(source.Buffer, source.Offset).Long(gradientCount).Buffer(target.Buffer, target.Offset).Launch(directSize);
        }

        if (parts > 1)
        {
            queue.Kernel(sum).Long(count).Int(parts).Real(alpha).Real(beta).Buffer(target.Buffer, target.Offset).Buffer(output.Buffer, output.Offset).Launch(sumSize);
        }
    }
}
