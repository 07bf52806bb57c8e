using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>How <c>K = J Jᵀ</c> comes from the layers before and after each layer, in the order of the layers.</summary>
internal abstract class JacobianAssembly<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public abstract string Algorithm { get; }

    public abstract string Kernel { get; }

    public abstract IReadOnlyList<string> Rejected { get; }

    public abstract double Flops { get; }

    public abstract long WorkspaceBytes { get; }

    public abstract long ScratchElements { get; }

    /// <summary>Takes in layer <paramref name="l"/>; with the last one K is complete. <paramref name="before"/> is empty for the first layer, <paramref name="after"/> for the last.</summary>
    public abstract void Add(CommandQueue queue, Tensor<T> scratch, int l, TensorView<T> before, TensorView<T> after, TensorView<T> kernel);

    public abstract void Dispose();

    /// <summary>Identity matrices, one a problem.</summary>
    private protected static Tensor<T> Identities(Device device, DeepProductDescriptor descriptor, long size)
    {
        long problems = descriptor.Problems ?? 1;
        T[] elements = new T[checked(problems * size * size)];
        for (long i = 0; i < problems * size; i++)
        {
            elements[(i * size) + (i % size)] = T.One;
        }

        Tensor<T> tensor = device.Allocate<T>([elements.Length]);
        using CommandQueue queue = device.CreateQueue();
        queue.Upload(elements, tensor);
        queue.Wait();
        return tensor;
    }
}

/// <summary>Of matrices: <c>K[(i,j),(k,m)] = sum over l of (A_l A_lᵀ)[i,k] (B_lᵀ B_l)[j,m]</c>, all sums of one row of K at once.</summary>
internal sealed class KroneckerAssembly<T> : JacobianAssembly<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly GemmPlan<T>[] left;
    private readonly GemmPlan<T>[] right;
    private readonly KroneckerSum<T> sum;
    private readonly Tensor<T> identityLeft;
    private readonly Tensor<T> identityRight;
    private readonly Shape leftShape;
    private readonly Shape rightShape;
    private readonly Shape leftShapes;
    private readonly Shape rightShapes;
    private readonly long leftOffset;
    private readonly long rightOffset;
    private readonly int last;

    public KroneckerAssembly(Device device, DeepProductDescriptor descriptor, long offset)
    {
        last = descriptor.Depth - 1;
        (long outputs, long inputs) = (descriptor.Channels[^1], descriptor.Channels[0]);
        left = [.. Enumerable.Range(0, last).Select(l => GemmPlan.Create<T>(device, new() { Problems = descriptor.Problems, Rows = outputs, Columns = outputs, Depth = descriptor.Channels[l + 1], TransposeB = true }))];
        right = [.. Enumerable.Range(1, last).Select(l => GemmPlan.Create<T>(device, new() { Problems = descriptor.Problems, Rows = inputs, Columns = inputs, Depth = descriptor.Channels[l], TransposeA = true }))];
        (identityLeft, identityRight) = (Identities(device, descriptor, outputs), Identities(device, descriptor, inputs));
        (leftShape, rightShape) = (descriptor.Problems is { } p ? [p, outputs, outputs] : [outputs, outputs], descriptor.Problems is { } q ? [q, inputs, inputs] : [inputs, inputs]);
        (leftShapes, rightShapes) = ([(last + 1) * leftShape.ElementCount], [(last + 1) * rightShape.ElementCount]);
        leftOffset = offset;
        rightOffset = offset + DeepProductTree<T>.Rounded(leftShapes.ElementCount);

        // Kernels that work on whole vectors read beyond the last row.
        ScratchElements = checked(rightOffset + DeepProductTree<T>.Rounded(rightShapes.ElementCount) + 64 - offset);
        sum = KroneckerSum<T>.Create(device, descriptor);
        Flops = left.Concat(right).Sum(g => g.Descriptor.Flops) + (2.0 * descriptor.Depth * descriptor.KernelShape.ElementCount);
        WorkspaceBytes = left.Concat(right).Select(g => g.WorkspaceBytes).Append(sum.WorkspaceBytes).Max();
    }

    public override string Algorithm => $"{last + 1} Kronecker products";

    public override string Kernel => sum.Kernel;

    public override IReadOnlyList<string> Rejected => ["J times its transpose: more work"];

    public override double Flops { get; }

    public override long WorkspaceBytes { get; }

    public override long ScratchElements { get; }

    public override void Add(CommandQueue queue, Tensor<T> scratch, int l, TensorView<T> before, TensorView<T> after, TensorView<T> kernel)
    {
        TensorView<T> a = scratch.View(leftOffset + (l * leftShape.ElementCount), leftShape), b = scratch.View(rightOffset + (l * rightShape.ElementCount), rightShape);
        if (l == last)
        {
            queue.Copy(identityLeft, a);
        }
        else
        {
            left[l].Execute(queue, after, after, a);
        }

        if (l == 0)
        {
            queue.Copy(identityRight, b);
        }
        else
        {
            right[l - 1].Execute(queue, before, before, b);
        }

        if (l == last)
        {
            sum.Execute(queue, scratch.View(leftOffset, leftShapes), scratch.View(rightOffset, rightShapes), kernel);
        }
    }

    public override void Dispose()
    {
        Array.ForEach([.. left, .. right], g => g.Dispose());
        identityLeft.Dispose();
        identityRight.Dispose();
    }
}

/// <summary>
/// Of filters: the rows of Jᵀ, then their product with themselves. A row (a, b, j) of layer l is <c>R[o,a,b,c,n - j S_l]</c>, S_l the stride up to layer l and
/// <c>R = A_l[o,a] * B_l[b,c]</c> the layers after and before as one, a filter for each pair of l's channels.
/// </summary>
internal sealed class ProductAssembly<T> : JacobianAssembly<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Part[] parts;
    private readonly Tensor<T> identityLeft;
    private readonly Tensor<T> identityRight;
    private readonly long around;
    private readonly long rows;

    public ProductAssembly(Device device, DeepProductDescriptor descriptor, long offset)
    {
        (identityLeft, identityRight) = (Identities(device, descriptor, descriptor.Channels[^1]), Identities(device, descriptor, descriptor.Channels[0]));
        DeepProductDescriptor one = descriptor with { Problems = null };
        long elements = one.ComposedShape.ElementCount, most = Math.Max(elements, Enumerable.Range(0, one.Depth).Max(l => one.FilterShape(l).ElementCount));
        parts = new Part[one.Depth];
        for (int l = 0; l < parts.Length; l++)
        {
            // Layers share a product with K until their rows are more than its rows, or than those of the largest layer.
            long count = one.FilterShape(l).ElementCount, from = l == 0 ? 0 : parts[l - 1].FirstRow + parts[l - 1].Scatter.Rows;
            if (from + count > most)
            {
                parts[l - 1].Close(device, descriptor, from, parts.Take(l - 1).Any(p => p.Product is not null));
                from = 0;
            }

            parts[l] = new(device, descriptor, l, from);
        }

        parts[^1].Close(device, descriptor, parts[^1].FirstRow + parts[^1].Scatter.Rows, parts.SkipLast(1).Any(p => p.Product is not null));
        for (int l = parts.Length - 2; l >= 0; l--)
        {
            if (parts[l].Product is null)
            {
                parts[l].Chunk = parts[l + 1].Chunk;
            }
        }

        around = offset;
        rows = around + DeepProductTree<T>.Rounded(parts.Max(p => p.Around.Descriptor.ComposedShape.ElementCount));
        ScratchElements = checked(rows - offset + DeepProductTree<T>.Rounded((descriptor.Problems ?? 1) * elements * parts.Max(p => p.Chunk)));
        Flops = parts.Sum(p => p.Around.Descriptor.Flops + (p.Product?.Descriptor.Flops ?? 0));
        WorkspaceBytes = parts.Max(p => Math.Max(p.Around.WorkspaceBytes, p.Product?.WorkspaceBytes ?? 0));
    }

    public override string Algorithm => $"rows of the Jacobian, {parts.Count(p => p.Product is not null)} products";

    public override string Kernel => parts[^1].Product!.Choices[0].Kernel;

    public override IReadOnlyList<string> Rejected => ["kernel product with every unit map: layers composed anew for each row"];

    public override double Flops { get; }

    public override long WorkspaceBytes { get; }

    public override long ScratchElements { get; }

    public override void Add(CommandQueue queue, Tensor<T> scratch, int l, TensorView<T> before, TensorView<T> after, TensorView<T> kernel)
    {
        Part part = parts[l];
        TensorView<T> first = before.IsEmpty ? identityRight.View(0, part.First) : before.Reshape(part.First), second = after.IsEmpty ? identityLeft.View(0, part.Second) : after.Reshape(part.Second);
        TensorView<T> product = scratch.View(around, part.Composed), jacobian = scratch.View(rows, part.RowsShape!);
        part.Around.Compose(queue, first, second, product);
        part.Scatter.Execute(queue, product, jacobian, part.FirstRow, part.Chunk);
        part.Product?.Execute(queue, jacobian, jacobian, kernel, 1, part.Adds ? 1 : 0);
    }

    public override void Dispose()
    {
        foreach (Part part in parts)
        {
            part.Around.Dispose();
            part.Scatter.Dispose();
            part.Product?.Dispose();
        }

        identityLeft.Dispose();
        identityRight.Dispose();
    }

    /// <summary>What one layer needs.</summary>
    private sealed class Part
    {
        private long chunk;

        public Part(Device device, DeepProductDescriptor d, int l, long firstRow)
        {
            FirstRow = firstRow;
            (Shape ones, int depth) = (Shape.Uniform(d.Filters[0].Rank, 1), d.Depth);
            Shape first = l == 0 ? ones : d.Segment(0, l).Filter, second = l == depth - 1 ? ones : d.Segment(l + 1, depth).Filter;
            Around = FilterCompositionPlan.Create<T>(device, new()
            {
                Problems = d.Problems, InChannels = d.Channels[l] * d.Channels[0], InnerChannels = 1, OutChannels = d.Channels[^1] * d.Channels[l + 1],
                First = first, Second = second, Stride = d.Segment(0, l + 1).Stride,
            });
            (First, Second, Composed) = (Around.Descriptor.FirstShape, Around.Descriptor.SecondShape, Around.Descriptor.ComposedShape);
            Scatter = JacobianRows<T>.Create(device, d, l, Around.Descriptor.Composed);
            Elements = (d with { Problems = null }).ComposedShape.ElementCount;
            Problems = d.Problems ?? 1;
        }

        public FilterCompositionPlan<T> Around { get; }

        public Shape First { get; }

        public Shape Second { get; }

        public Shape Composed { get; }

        public JacobianRows<T> Scatter { get; }

        /// <summary>Where the layer's rows begin among those of one product.</summary>
        public long FirstRow { get; }

        /// <summary>Rows of the product that the layer's rows are part of.</summary>
        public long Chunk
        {
            get => chunk;
            set => (chunk, RowsShape) = (value, [Problems * value * Elements]);
        }

        /// <summary>All rows of the product.</summary>
        public Shape? RowsShape { get; private set; }

        /// <summary>The product that follows this layer; null where the next layer's rows come first.</summary>
        public GemmPlan<T>? Product { get; private set; }

        /// <summary>Whether it adds to K.</summary>
        public bool Adds { get; private set; }

        private long Elements { get; }

        private long Problems { get; }

        public void Close(Device device, DeepProductDescriptor d, long rows, bool adds)
        {
            (Chunk, Adds) = (rows, adds);
            RowsShape = d.Problems is { } p ? [p, rows, Elements] : [rows, Elements];
            Product = GemmPlan.Create<T>(device, new() { Problems = d.Problems, Rows = Elements, Columns = Elements, Depth = rows, TransposeA = true });
        }
    }
}
