using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <remarks>Passes of the kernels in <c>reduction.cl</c>: chunks whose length the shape fixes, then their results. A norm first finds its scale the same way.</remarks>
internal sealed class OpenClReductionPlan<T> : ReductionPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Items of a work-group of the GPU family; GROUP in reduction.cl.
    private const int Group = 256;
    private const long ChunkLength = 1 << 14;
    private const long MostChunks = 1024;

    private readonly OpenClDevice device;
    private readonly List<Pass> passes = [];
    private readonly long results;
    private readonly long scaleAt;
    private readonly long workspaceBytes;

    public OpenClReductionPlan(OpenClDevice device, ReductionDescriptor descriptor)
        : base(device, descriptor)
    {
        this.device = device;
        (long outer, long length, long inner) = descriptor.Extents;
        results = outer * inner;

        // The workspace: partial results (with as many errors behind them), then the scales of a norm.
        long partials = 0;
        if (descriptor.Kind == ReductionKind.Norm2)
        {
            partials = Math.Max(Add("magnitude", "maximum", outer, length, inner, Place.Scale), Add("norm", "norm_parts", outer, length, inner, Place.Result));
        }
        else
        {
            (string first, string second) = descriptor.Kind switch
            {
                ReductionKind.Sum => ("sum", "sum"),
                ReductionKind.SumOfSquares => ("squares", "sum"),
                ReductionKind.Dot => ("products", "sum"),
                ReductionKind.Minimum => ("minimum", "minimum"),
                ReductionKind.Maximum => ("maximum", "maximum"),
                ReductionKind.MaximumMagnitude => ("magnitude", "maximum"),
                _ => throw new ArgumentOutOfRangeException(nameof(descriptor), descriptor.Kind, "kind: a defined reduction expected"),
            };
            partials = descriptor.Compensated
                ? 2 * Add("compensated_" + first, "compensated_parts", outer, length, inner, Place.Result)
                : Add(first, second, outer, length, inner, Place.Result);
        }

        scaleAt = partials;
        workspaceBytes = (partials + (descriptor.Kind == ReductionKind.Norm2 ? results : 0)) * Unsafe.SizeOf<T>();
        double bytes = (double)descriptor.Shape.ElementCount * Unsafe.SizeOf<T>() * (descriptor.Kind == ReductionKind.Dot ? 2 : 1);
        string kernels = string.Join(", ", passes.Select(p => $"{p.Kernel.Name} {p.Chunks} x {p.Chunk}"));
        Choices = [new("reduce", descriptor.Compensated ? "compensated-chunks" : "chunks", kernels, workspaceBytes, descriptor.Flops, bytes, [])];
    }

    /// <summary>What a pass reads or writes.</summary>
    private enum Place
    {
        Input,
        Partials,
        Scale,
        Result,
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> left, TensorView<T> right, TensorView<T> result)
    {
        OpenClQueue q = (OpenClQueue)queue;
        Operand a = Operand.Of(left), b = Operand.Of(right), to = Operand.Of(result);
        Operand partials = workspaceBytes == 0 ? to : new(q.Workspace(workspaceBytes), 0);
        Operand scale = partials with { Offset = scaleAt };
        foreach (Pass pass in passes)
        {
            // A second pass of a compensated sum takes the chunks' errors as its other operand.
            bool first = pass.From == Place.Input;
            Operand x = first ? a : partials, y = first ? b : partials with { Offset = Descriptor.Compensated ? results * pass.Length : 0 };
            Operand target = pass.To switch { Place.Partials => partials, Place.Scale => scale, _ => to };
            q.Kernel(pass.Kernel).Long(pass.Outer).Long(pass.Length).Long(pass.Inner).Long(pass.Chunk).Long(pass.Chunks).Int(pass.To == Place.Partials ? 0 : 1)
                .Buffer(x.Buffer, x.Offset).Buffer(y.Buffer, y.Offset).Buffer(scale.Buffer, scale.Offset).Buffer(target.Buffer, target.Offset).Launch(pass.Size);
        }
    }

    /// <summary>Adds the passes of one fold and returns how many partial results they leave behind.</summary>
    private long Add(string first, string second, long outer, long length, long inner, Place to)
    {
        bool rows = device.IsGpuFamily ? InGroups(length, inner) : inner == 1;
        long chunk = Math.Max(1, rows ? RowChunk(length) : ColumnChunk(length)), chunks = Math.Max(1, (length + chunk - 1) / chunk);
        if (chunks == 1)
        {
            passes.Add(NewPass(first, rows, outer, length, inner, chunk, 1, Place.Input, to));
            return 0;
        }

        passes.Add(NewPass(first, rows, outer, length, inner, chunk, chunks, Place.Input, Place.Partials));
        passes.Add(NewPass(second, device.IsGpuFamily ? InGroups(chunks, inner) : inner == 1, outer, chunks, inner, chunks, 1, Place.Partials, to));
        return outer * chunks * inner;
    }

    /// <summary>Whether a work-group folds a column together: where a fold is long, and either its elements are near each other or there are few columns for items of their own.</summary>
    private bool InGroups(long length, long inner) => length >= Group / 2 && (inner < 16 || results * length <= 1 << 17);

    private static long RowChunk(long length) => Math.Max(ChunkLength, (length + MostChunks - 1) / MostChunks);

    /// <summary>Columns are cut only where they are few: into chunks of 64 elements or more.</summary>
    private long ColumnChunk(long length)
    {
        long chunks = Math.Clamp(Math.Min((device.IsGpuFamily ? 1 << 17 : 1 << 12) / Math.Max(1, results), length / 64), 1, MostChunks);
        return (length + chunks - 1) / chunks;
    }

    private Pass NewPass(string kind, bool rows, long outer, long length, long inner, long chunk, long chunks, Place from, Place to)
    {
        long pieces = outer * chunks * inner;
        int columns = 4 * device.Lanes(Unsafe.SizeOf<T>());
        LaunchSize size = !device.IsGpuFamily ? device.Spread(rows ? outer * chunks : outer * chunks * ((inner + columns - 1) / columns))
            : rows ? new(Math.Clamp(pieces, 1, 1 << 16) * Group, Group)
            : device.Spread(pieces);
        KernelEntry kernel = device.Program<T>("reduction").Entry($"reduce_{(rows ? "rows" : "columns")}_{kind}");
        return new(kernel, size, outer, length, inner, chunk, chunks, from, to);
    }

    private sealed record Pass(KernelEntry Kernel, LaunchSize Size, long Outer, long Length, long Inner, long Chunk, long Chunks, Place From, Place To);
}
