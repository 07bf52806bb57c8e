using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <remarks>A chain a work-item, on CPUs a lane of its vectors; <c>fused_deep_product.cl</c>.</remarks>
internal sealed class OpenClFusedDeepProduct<T> : FusedDeepProduct<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Layers that the kernel has arguments for; the same number as in <c>fused_deep_product.cl</c>.</summary>
    private const int MaxLayers = 12;

    /// <summary>Products of one chain beyond which the table of them leaves the caches.</summary>
    private const long MaxProducts = 1 << 14;

    /// <summary>The largest scratch memory of the chains of a work-item: half of a second-level cache.</summary>
    private const long MaxItemBytes = 512 << 10;

    /// <summary>The largest scratch memory of all.</summary>
    private const long MaxBytes = 256 << 20;

    /// <summary>Chains that are worth a launch on a GPU: two of its vectors.</summary>
    private const long LeastOnGpu = 64;

    private readonly KernelEntry kernel;
    private readonly OpenClBuffer table;
    private readonly LaunchSize size;
    private readonly NetworkProducts products;
    private readonly long chains;
    private readonly long elements;

    private OpenClFusedDeepProduct(OpenClDevice device, DeepProductDescriptor chain, DeepProductDescriptor one, int lanes)
    {
        products = new(one);
        chains = chain.Problems ?? 1;
        elements = one.ComposedShape.ElementCount;
        kernel = device.Program<T>("fused_deep_product").Entry("fused_deep_product");
        table = device.AllocateTable(products.Table);
        long itemBytes = 2L * products.Values * lanes * Unsafe.SizeOf<T>();
        size = device.Spread(Math.Min((chains + lanes - 1) / lanes, Math.Max(1, Math.Min(MaxBytes, device.MaxAllocationBytes) / itemBytes)));
        WorkspaceBytes = itemBytes * size.Global;
        Kernel = $"{kernel.Name} {(lanes == 1 ? "a chain" : $"{lanes} chains")} a work-item, {size.Text(device)}";
    }

    public override string Kernel { get; }

    public override bool Differentiates => true;

    public override long WorkspaceBytes { get; }

    public override long DifferentiatingWorkspaceBytes => WorkspaceBytes;

    public static OpenClFusedDeepProduct<T>? Create(OpenClDevice device, DeepProductDescriptor chain, out string? whyNot)
    {
        DeepProductDescriptor one = chain with { Problems = null };
        int lanes = device.IsGpuFamily ? 1 : device.Lanes(Unsafe.SizeOf<T>());
        long least = device.IsGpuFamily ? LeastOnGpu : (lanes + 1) / 2, chains = chain.Problems ?? 1, cost = one.OptimalMultiplyAdds;
        whyNot = chains < least ? $"fused: {chains} chains, worth it from {least}"
            : chain.Depth > MaxLayers ? $"fused: more than {MaxLayers} layers"
            : cost > MaxProducts ? $"fused: {cost} products a chain, at most {MaxProducts}"
            : 2 * Values(one) * lanes * Unsafe.SizeOf<T>() > MaxItemBytes ? $"fused: the filters of {lanes} chains exceed {MaxItemBytes} bytes"
            : null;
        return whyNot is null ? new(device, chain, one, lanes) : null;
    }

    public override void Dispose() => table.Dispose();

    private protected override void Run(CommandQueue queue, Task task, ReadOnlySpan<TensorView<T>> filters, ReadOnlySpan<TensorView<T>> others, TensorView<T> composed)
    {
        OpenClQueue q = (OpenClQueue)queue;
        OpenClKernel call = q.Kernel(kernel).Int((int)task).Long(chains).Int(filters.Length).Int(products.Values).Int(elements).Int(products.Count).Table(table)
            .View(composed).Buffer(q.Workspace(WorkspaceBytes)).Long(size.Global);
        for (int l = 0; l < MaxLayers; l++)
        {
            int layer = Math.Min(l, filters.Length - 1);
            call.View(filters[layer]).View(others.IsEmpty ? filters[layer] : others[layer]);
        }

        call.Launch(size);
    }

    /// <summary>Elements of all layers and of all results, which large strides may make many; not an int then.</summary>
    private static double Values(DeepProductDescriptor one) =>
        Enumerable.Range(0, one.Depth).Sum(l => (double)one.FilterShape(l).ElementCount) + one.Tree().Joins.Sum(j => (double)one.SegmentShape(j.From, j.To).ElementCount);
}
