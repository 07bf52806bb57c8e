using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HpcLinear.OpenCl;

/// <summary>Memory and an offset in elements.</summary>
internal readonly record struct Operand(OpenClBuffer Buffer, long Offset)
{
    public static Operand Of<T>(TensorView<T> view)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => new((OpenClBuffer)view.Tensor.Buffer, view.Offset);
}

/// <summary>
/// <c>out[p,n,row,q] = alpha (bias + sum over t, c of weight[p,row,c,t] source[p,n,c,read(q,t)]) + beta out</c>: the forward convolution, one residue
/// class of the gradient of the input, or part of a self-correlation. Holds the tables of the kernels in <c>convolution.cl</c>.
/// </summary>
internal sealed class PatchProduct<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Bytes of the flag at the start of the workspace.</summary>
    public const long FlagBytes = 256;

    private const int GpuTile = 64;

    // Packed weights of more problems than fit here are made in parts.
    private const long PackedBytes = 64 << 20;

    private readonly OpenClDevice device;
    private readonly OpenClBuffer numbers;
    private readonly OpenClBuffer tables;
    private readonly KernelEntry pack, tiled, direct;
    private readonly LaunchSize directSize;
    private readonly long taps, depth, columns, packedElements, problemsAtOnce;
    private readonly int tileRows, tileColumns, chunkRows;

    public PatchProduct(OpenClDevice device, PatchGeometry geometry, AxisMap outer, AxisMap inner)
    {
        this.device = device;
        Geometry = geometry;
        int lanes = device.IsGpuFamily ? 1 : device.Lanes(Unsafe.SizeOf<T>());
        OuterPositions = outer.Positions.Length;
        InnerPositions = inner.Positions.Length;
        taps = (long)outer.Taps.Length * inner.Taps.Length;
        depth = taps * geometry.Channels;
        columns = geometry.Samples * OuterPositions * InnerPositions;
        HasPadding = outer.HasPadding || inner.HasPadding;
        tileRows = device.IsGpuFamily ? GpuTile : CpuTile.Rows<T>(device);
        tileColumns = device.IsGpuFamily ? GpuTile : 2 * lanes;
        Rejected = WhyNotTiled();

        long packed = (geometry.Rows + tileRows - 1) / tileRows * tileRows * depth;
        long slabs = (columns + tileColumns - 1) / tileColumns;
        problemsAtOnce = Math.Clamp(PackedBytes / Math.Max(1, packed * Unsafe.SizeOf<T>()), 1, Math.Max(1, Math.Min(geometry.ProblemGroups, OpenClDevice.MostGroups)));
        packedElements = IsTiled ? packed * problemsAtOnce : 0;
        chunkRows = CpuTile.ChunkRows<T>(device, geometry.Rows, slabs * geometry.ProblemGroups);
        long lines = geometry.ProblemGroups * geometry.Samples * geometry.Rows * OuterPositions;
        directSize = device.Spread(device.IsGpuFamily ? lines * InnerPositions : lines);

        OpenClProgram program = device.Program<T>("convolution");
        (pack, tiled, direct) = (program.Entry("conv_pack"), program.Entry(device.IsGpuFamily ? "conv_tiled" : "conv_slab"), program.Entry("conv_direct"));
        (long[] values, int[] table) = Layout(geometry, outer, inner, lanes);
        numbers = device.AllocateTable(MemoryMarshal.Cast<long, int>(values));
        tables = device.AllocateTable(table);
    }

    public PatchGeometry Geometry { get; }

    public int OuterPositions { get; }

    public int InnerPositions { get; }

    /// <summary>Whether a tap falls on zero padding somewhere.</summary>
    public bool HasPadding { get; }

    /// <summary>Why the tiled kernel is not used; null when it is.</summary>
    public string? Rejected { get; }

    public bool IsTiled => Rejected is null;

    /// <summary>Whether the weights must be scanned first.</summary>
    public bool NeedsScan => IsTiled && HasPadding;

    /// <summary>Workspace behind the flag.</summary>
    public long PackedSize => packedElements * Unsafe.SizeOf<T>();

    public string KernelText => IsTiled
        ? $"{tiled.Name} {tileRows}x{tileColumns}{(HasPadding ? ", conv_direct should a weight not be finite" : "")}"
        : $"{direct.Name} {(device.IsGpuFamily ? "1 element" : $"lines by {device.Lanes(Unsafe.SizeOf<T>())}")}, {directSize.Text(device)}";

    /// <summary>The numbers and tables as the first arguments of a kernel.</summary>
    public OpenClKernel Begin(OpenClQueue queue, KernelEntry kernel) => queue.Kernel(kernel).Table(numbers).Table(tables);

    /// <summary>Enqueues the product. The flag at the start of the workspace tells whether weights are not finite, where <see cref="NeedsScan"/>.</summary>
    public void Run(OpenClQueue queue, OpenClBuffer workspace, long packedOffset, Operand source, Operand weights, Operand? bias, Operand output, T alpha, T beta)
    {
        if (columns == 0 || Geometry.ProblemGroups == 0)
        {
            return;
        }

        if (!IsTiled)
        {
            Direct(queue, workspace, source, weights, bias, output, alpha, beta, onlyFlagged: false);
            return;
        }

        Operand add = bias ?? weights;
        for (long p = 0; p < Geometry.ProblemGroups; p += problemsAtOnce)
        {
            long some = Math.Min(problemsAtOnce, Geometry.ProblemGroups - p), tiles = (Geometry.Rows + tileRows - 1) / tileRows;
            Begin(queue, pack).Long(p).Buffer(weights.Buffer, weights.Offset).Buffer(workspace, packedOffset / Unsafe.SizeOf<T>())
                .Launch(device.IsGpuFamily ? tiles * tileRows : tiles, taps, some);
            OpenClKernel kernel = Begin(queue, tiled).Long(p);
            if (!device.IsGpuFamily)
            {
                kernel.Int(chunkRows);
            }

            kernel.Real(alpha).Real(beta).Int(HasPadding ? 1 : 0).Buffer(workspace).Buffer(workspace, packedOffset / Unsafe.SizeOf<T>())
                .Buffer(source.Buffer, source.Offset).Int(bias is null ? 0 : 1).Buffer(add.Buffer, add.Offset).Buffer(output.Buffer, output.Offset);
            long slabs = (columns + tileColumns - 1) / tileColumns;
            if (device.IsGpuFamily)
            {
                kernel.Launch(slabs * 16, tiles * 16, some, 16, 16);
            }
            else
            {
                kernel.Launch((Geometry.Rows + chunkRows - 1) / chunkRows, slabs, some, 1);
            }
        }

        if (HasPadding)
        {
            Direct(queue, workspace, source, weights, bias, output, alpha, beta, onlyFlagged: true);
        }
    }

    public void Dispose()
    {
        numbers.Dispose();
        tables.Dispose();
    }

    private static (long[] Numbers, int[] Tables) Layout(PatchGeometry g, AxisMap outer, AxisMap inner, int lanes)
    {
        int padded = (inner.Positions.Length + lanes - 1) / lanes * lanes, vectors = padded / lanes;
        List<int> table = [];
        int rowTable = Append(outer.Sources);

        // Columns are stored a tap after the other, so that lanes lie side by side; positions beyond the last read nothing.
        int[] columns = new int[inner.Taps.Length * padded];
        Array.Fill(columns, -1);
        for (int t = 0; t < inner.Taps.Length; t++)
        {
            for (int q = 0; q < inner.Positions.Length; q++)
            {
                columns[(t * padded) + q] = inner.Sources[(q * inner.Taps.Length) + t];
            }
        }

        int columnTable = Append(columns), stepTable = Append(Steps(columns, lanes, inner.Taps.Length * vectors));
        int rowPositions = Append(outer.Positions), columnPositions = Append(inner.Positions), outerTaps = Append(outer.Taps), innerTaps = Append(inner.Taps);
        bool dense = true;
        for (int i = 0; i < inner.Positions.Length; i++)
        {
            dense &= inner.Positions[i] == i;
        }

        // In the order of the enumeration in convolution.cl.
        long[] numbers =
        [
            g.Rows, g.Channels, g.ContractedChannels, outer.Taps.Length, inner.Taps.Length, outer.Positions.Length, inner.Positions.Length, padded, g.Samples, g.Groups,
            g.Source.Problem, g.Source.Group, g.Source.Sample, g.Source.Channel, g.Source.Contracted, g.Source.Length, g.Source.Count,
            g.Weight.Problem, g.Weight.Group, g.Weight.Row, g.Weight.Channel, g.Weight.Contracted, g.Weight.Length,
            g.Target.Problem, g.Target.Group, g.Target.Sample, g.Target.Row, g.Target.Length, dense ? 1 : 0,
            g.Bias.Problem, g.Bias.Group, g.ProblemGroups,
            rowTable, columnTable, stepTable, rowPositions, columnPositions, outerTaps, innerTaps,
        ];
        return (numbers, [.. table]);

        int Append(int[] entries)
        {
            int at = table.Count;
            table.AddRange(entries);
            return at;
        }
    }

    /// <summary>For each vector of columns: the element of lane 0, and the distance of the lanes' elements, 1 or 2; 0 nothing is read, -1 no pattern.</summary>
    private static int[] Steps(int[] columns, int lanes, int vectors)
    {
        int[] steps = new int[vectors * 2];
        for (int v = 0; v < vectors; v++)
        {
            ReadOnlySpan<int> own = columns.AsSpan(v * lanes, lanes);
            int first = own.IndexOfAnyExcept(-1);
            if (first < 0)
            {
                continue;
            }

            steps[(v * 2) + 1] = -1;
            for (int step = 1; step <= 2; step++)
            {
                int origin = own[first] - (first * step);
                bool fits = true;
                for (int l = 0; l < lanes; l++)
                {
                    fits &= own[l] < 0 || own[l] == origin + (l * step);
                }

                if (fits)
                {
                    (steps[v * 2], steps[(v * 2) + 1]) = (origin, step);
                    break;
                }
            }
        }

        return steps;
    }

    private void Direct(OpenClQueue queue, OpenClBuffer workspace, Operand source, Operand weights, Operand? bias, Operand output, T alpha, T beta, bool onlyFlagged)
    {
        Operand add = bias ?? weights;
        Begin(queue, direct).Real(alpha).Real(beta).Int(onlyFlagged ? 1 : 0).Buffer(workspace).Buffer(weights.Buffer, weights.Offset)
            .Buffer(source.Buffer, source.Offset).Int(bias is null ? 0 : 1).Buffer(add.Buffer, add.Offset).Buffer(output.Buffer, output.Offset).Launch(directSize);
    }

    private string? WhyNotTiled()
    {
        int leastRows = device.IsGpuFamily ? 16 : tileRows / 3, leastColumns = device.IsGpuFamily ? 32 : tileColumns / 2;
        return Geometry.Rows < leastRows ? $"tiled: {Geometry.Rows} rows a group fill little of a tile of {tileRows}x{tileColumns}"
            : columns < leastColumns ? $"tiled: {columns} positions fill little of a tile of {tileRows}x{tileColumns}"
            : depth < 8 ? $"tiled: a depth of {depth} does not repay packing"
            : device.IsGpuFamily && Geometry.Rows > OpenClDevice.MostGroups * GpuTile ? $"tiled: {Geometry.Rows} rows are more than one launch takes"
            : (tileColumns + 1.0) * Geometry.Source.Sample > int.MaxValue ? "tiled: a sample is too large for 32-bit offsets"
            : null;
    }
}
