using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

internal sealed class OpenClGemmPlan<T> : GemmPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // A packed copy of A larger than this is made in parts.
    private const long PackedBytes = 64 << 20;
    private const int GpuTile = 64;

    private readonly long problems, rows, columns, depth;
    private readonly (long Problem, long Row, long Depth) a;
    private readonly (long Problem, long Depth, long Column) b;
    private readonly (long Problem, long Row) c;
    private readonly KernelEntry main;
    private readonly KernelEntry? pack;
    private readonly Algorithm algorithm;
    private readonly LaunchSize spread;
    private readonly int chunkRows;
    private readonly int tileRows;
    private readonly int tileColumns;
    private readonly long panelRows;
    private readonly long panelProblems;
    private readonly long workspaceBytes;

    public OpenClGemmPlan(OpenClDevice device, GemmDescriptor descriptor)
        : base(device, descriptor)
    {
        (problems, rows, columns, depth) = (descriptor.ProblemCount, descriptor.Rows, descriptor.Columns, descriptor.Depth);
        long la = descriptor.EffectiveLeadingA, lb = descriptor.EffectiveLeadingB;
        a = descriptor.TransposeA ? (descriptor.EffectiveStrideA, 1, la) : (descriptor.EffectiveStrideA, la, 1);
        b = descriptor.TransposeB ? (descriptor.EffectiveStrideB, 1, lb) : (descriptor.EffectiveStrideB, lb, 1);
        c = (descriptor.EffectiveStrideC, descriptor.EffectiveLeadingC);

        // One problem of many with a shared B is more rows of the same product, if A and C continue evenly.
        if (problems > 1 && b.Problem == 0 && a.Problem == rows * a.Row && c.Problem == rows * c.Row)
        {
            (rows, problems) = (rows * problems, 1);
        }

        int lanes = device.Lanes(Unsafe.SizeOf<T>());
        tileRows = device.IsGpuFamily ? GpuTile : CpuTile.Rows<T>(device);
        tileColumns = device.IsGpuFamily ? GpuTile : 2 * lanes;
        List<string> rejected = [];
        algorithm = Choose(device.IsGpuFamily, lanes, rejected);
        OpenClProgram program = device.Program<T>("gemm");
        main = program.Entry(algorithm switch { Algorithm.Tiled => device.IsGpuFamily ? "gemm_tiled" : "gemm_slab", Algorithm.Direct => "gemm_direct", _ => "gemm_dot" });
        string tile = "";
        if (algorithm == Algorithm.Tiled)
        {
            tile = $" {tileRows}x{tileColumns}";
            if (!device.IsGpuFamily)
            {
                pack = program.Entry("gemm_pack");
                chunkRows = CpuTile.ChunkRows<T>(device, rows, (columns + tileColumns - 1) / tileColumns * problems);
                long row = Math.Max(1, depth * Unsafe.SizeOf<T>()), paddedRows = (rows + tileRows - 1) / tileRows * tileRows;
                panelRows = Math.Clamp(PackedBytes / row / chunkRows * chunkRows, chunkRows, Math.Max(chunkRows, paddedRows));
                panelProblems = panelRows < rows ? 1 : Math.Clamp(PackedBytes / (row * paddedRows), 1, Math.Max(1, problems));
                workspaceBytes = Math.Min(panelRows, paddedRows) * panelProblems * row;
            }
        }
        else
        {
            long items = algorithm == Algorithm.Dot ? problems * rows * columns : problems * ((rows + 3) / 4) * ((columns + lanes - 1) / lanes);
            spread = device.Spread(items);
            tile = algorithm == Algorithm.Direct ? $" 4x{lanes} {spread.Text(device)}" : $" {spread.Text(device)}";
        }

        Choices = [new("gemm", algorithm.ToString().ToLowerInvariant(), main.Name + tile, workspaceBytes, descriptor.Flops, descriptor.Bytes(Unsafe.SizeOf<T>()), rejected)];
    }

    private enum Algorithm
    {
        Tiled,
        Direct,
        Dot,
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> c, T alpha, T beta)
    {
        OpenClQueue q = (OpenClQueue)queue;
        switch (algorithm)
        {
            case Algorithm.Tiled when pack is null:
                Tiles(q, a, b, c, alpha, beta);
                break;
            case Algorithm.Tiled:
                Slabs(q, a, b, c, alpha, beta);
                break;
            default:
                OpenClKernel kernel = q.Kernel(main).Long(rows).Long(columns).Long(depth).Long(problems).Real(alpha).Real(beta)
                    .View(a).Long(this.a.Problem).Long(this.a.Row).Long(this.a.Depth)
                    .View(b).Long(this.b.Problem).Long(this.b.Depth).Long(this.b.Column);
                if (algorithm == Algorithm.Direct)
                {
                    kernel.Long(b.Shape.ElementCount);
                }

                kernel.View(c).Long(this.c.Problem).Long(this.c.Row).Launch(spread);
                break;
        }
    }

    private void Tiles(OpenClQueue q, TensorView<T> a, TensorView<T> b, TensorView<T> c, T alpha, T beta)
    {
        for (long p = 0; p < problems; p += OpenClDevice.MostGroups)
        {
            long some = Math.Min(OpenClDevice.MostGroups, problems - p);
            for (long row = 0; row < rows; row += OpenClDevice.MostGroups * GpuTile)
            {
                long height = Math.Min(OpenClDevice.MostGroups * GpuTile, rows - row);
                q.Kernel(main).Long(height).Long(columns).Long(depth).Real(alpha).Real(beta)
                    .Buffer((OpenClBuffer)a.Tensor.Buffer, a.Offset + (p * this.a.Problem) + (row * this.a.Row)).Long(this.a.Problem).Long(this.a.Row).Long(this.a.Depth)
                    .Buffer((OpenClBuffer)b.Tensor.Buffer, b.Offset + (p * this.b.Problem)).Long(this.b.Problem).Long(this.b.Depth).Long(this.b.Column)
                    .Buffer((OpenClBuffer)c.Tensor.Buffer, c.Offset + (p * this.c.Problem) + (row * this.c.Row)).Long(this.c.Problem).Long(this.c.Row)
                    .Launch((columns + GpuTile - 1) / GpuTile * 16, (height + GpuTile - 1) / GpuTile * 16, some, 16, 16);
            }
        }
    }

    private void Slabs(OpenClQueue q, TensorView<T> a, TensorView<T> b, TensorView<T> c, T alpha, T beta)
    {
        OpenClBuffer packed = q.Workspace(workspaceBytes);
        long slabs = (columns + tileColumns - 1) / tileColumns;
        for (long p = 0; p < problems; p += panelProblems)
        {
            long some = Math.Min(panelProblems, problems - p);
            for (long row = 0; row < rows; row += panelRows)
            {
                long height = Math.Min(panelRows, rows - row);
                if (depth > 0)
                {
                    q.Kernel(pack!).Long(height).Long(depth)
                        .Buffer((OpenClBuffer)a.Tensor.Buffer, a.Offset + (p * this.a.Problem) + (row * this.a.Row)).Long(this.a.Problem).Long(this.a.Row).Long(this.a.Depth)
                        .Buffer(packed).Launch((height + tileRows - 1) / tileRows, (depth + 255) / 256, some);
                }

                q.Kernel(main).Long(height).Long(columns).Long(depth).Int(chunkRows).Real(alpha).Real(beta).Buffer(packed)
                    .Buffer((OpenClBuffer)b.Tensor.Buffer, b.Offset + (p * this.b.Problem)).Long(this.b.Problem).Long(this.b.Depth).Long(this.b.Column)
                    .Buffer((OpenClBuffer)c.Tensor.Buffer, c.Offset + (p * this.c.Problem) + (row * this.c.Row)).Long(this.c.Problem).Long(this.c.Row)
                    .Launch((height + chunkRows - 1) / chunkRows, slabs, some, 1);
            }
        }
    }

    private Algorithm Choose(bool gpu, int lanes, List<string> rejected)
    {
        if (depth == 0)
        {
            rejected.Add("tiled: no depth");
            return Algorithm.Dot;
        }

        if (gpu)
        {
            if (rows >= 16 && columns >= 16 && depth >= 8)
            {
                rejected.Add("dot: no reuse of operands");
                return Algorithm.Tiled;
            }

            rejected.Add($"tiled: {rows}x{columns} fills little of a tile of {GpuTile}x{GpuTile}");
            return Algorithm.Dot;
        }

        if (columns < lanes / 2 || (b.Column != 1 && rows < 4))
        {
            rejected.Add($"tiled: {rows}x{columns} fills little of a tile of {tileRows}x{tileColumns}");
            return Algorithm.Dot;
        }

        if (rows < tileRows / 2 || (b.Column == 1 && rows * columns * depth <= 16 * 1024))
        {
            rejected.Add($"tiled: {rows}x{columns}x{depth} does not repay packing");
            return Algorithm.Direct;
        }

        rejected.Add("direct: does not reuse operands from registers as far");
        return Algorithm.Tiled;
    }
}
