using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="MatrixChainPlan{T}"/>.</summary>
public static class MatrixChainPlan
{
    /// <summary>Prepares a chain of matrix products for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static MatrixChainPlan<T> Create<T>(Device device, MatrixChainDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        MatrixChainPlan<T> plan = new(device, descriptor);
        plan.Trace();
        return plan;
    }
}

/// <summary>A chain of matrix products and its gradients, prepared for one device: <see cref="GemmPlan{T}"/> in the cheapest order.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public sealed class MatrixChainPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ChainRunner<T> runner;
    private readonly GemmPlan<T>[] joins;
    private readonly GemmPlan<T>[] leftGradients;
    private readonly GemmPlan<T>[] rightGradients;
    private readonly Shape productShape;

    internal MatrixChainPlan(Device device, MatrixChainDescriptor descriptor)
        : base(device, descriptor.ToString())
    {
        Descriptor = descriptor;
        productShape = descriptor.ProductShape;
        AssociationTree tree = descriptor.Tree();
        runner = new(tree, descriptor.SegmentShape);
        Shape s = descriptor.Sizes;

        // B[to, split] A[split, from]; dB = G Aᵀ, dA = Bᵀ G.
        joins = [.. tree.Joins.Select(j => Gemm(s[j.To], s[j.From], s[j.Split], false, false))];
        leftGradients = [.. tree.Joins.Select(j => Gemm(s[j.Split], s[j.From], s[j.To], true, false))];
        rightGradients = [.. tree.Joins.Select(j => Gemm(s[j.To], s[j.Split], s[j.From], false, true))];
        long workspace = joins.Concat(leftGradients).Concat(rightGradients).Select(j => j.WorkspaceBytes).DefaultIfEmpty().Max() + (runner.ScratchElements(gradients: true) * System.Runtime.CompilerServices.Unsafe.SizeOf<T>());
        double bytes = (double)System.Runtime.CompilerServices.Unsafe.SizeOf<T>() * (Enumerable.Range(0, descriptor.Depth).Sum(l => descriptor.MatrixShape(l).ElementCount) + descriptor.ProductShape.ElementCount);
        Choices =
        [
            new("product", $"{joins.Length} products in the cheapest order", "gemm", workspace, descriptor.Flops, bytes, []),
            new("gradients", "adjoint of the same tree", "gemm", workspace, 3 * descriptor.Flops, 2 * bytes, ["prefixes and suffixes: never cheaper than the adjoint of the best order"]),
        ];

        GemmPlan<T> Gemm(long rows, long columns, long depth, bool transposeA, bool transposeB) => GemmPlan.Create<T>(
            device, new() { Problems = descriptor.Problems, Rows = rows, Columns = columns, Depth = depth, TransposeA = transposeA, TransposeB = transposeB });
    }

    /// <summary>The problem.</summary>
    public MatrixChainDescriptor Descriptor { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<KernelChoice> Choices { get; }

    /// <summary>Computes <c>W_{L-1} … W_0</c>.</summary>
    /// <param name="queue">Orders the work; holds the intermediate products.</param>
    /// <param name="matrices">W_0 … W_{L-1}, shapes <see cref="MatrixChainDescriptor.MatrixShape"/>.</param>
    /// <param name="product">Shape <see cref="MatrixChainDescriptor.ProductShape"/>; may not overlap a matrix.</param>
    /// <exception cref="ArgumentException">Not L matrices, or an overlap.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <remarks><see cref="MatrixChainDescriptor.Flops"/> flops.</remarks>
    public void Product(CommandQueue queue, ReadOnlySpan<TensorView<T>> matrices, TensorView<T> product)
    {
        CheckQueue(queue);
        CheckOperands(nameof(matrices), matrices);
        CheckOperand(nameof(product), product, productShape);
        Throw.IfOverlapsAny("matrix_chain", product, matrices);
        runner.Forward(queue, matrices, product, this, Join);
    }

    /// <summary>Computes the gradients of <c>&lt;G, W_{L-1} … W_0&gt;</c>: <c>(W_{L-1} … W_{l+1})ᵀ G (W_{l-1} … W_0)ᵀ</c> for every l.</summary>
    /// <param name="queue">Orders the work; holds the intermediate products.</param>
    /// <param name="matrices">W_0 … W_{L-1}.</param>
    /// <param name="productGradient">G, shape <see cref="MatrixChainDescriptor.ProductShape"/>.</param>
    /// <param name="matrixGradients">One of the matrix's shape for each; may not overlap the others.</param>
    /// <exception cref="ArgumentException">Not L matrices or gradients, or an overlap.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <remarks>At most 3 products a join: one to rebuild the intermediate, two for the gradients of its sides.</remarks>
    public void Gradients(CommandQueue queue, ReadOnlySpan<TensorView<T>> matrices, TensorView<T> productGradient, ReadOnlySpan<TensorView<T>> matrixGradients)
    {
        CheckQueue(queue);
        CheckOperands(nameof(matrices), matrices);
        CheckOperand(nameof(productGradient), productGradient, productShape);
        CheckOperands(nameof(matrixGradients), matrixGradients);
        Throw.IfAnyOverlap("matrix_chain", matrixGradients);
        foreach (TensorView<T> gradient in matrixGradients)
        {
            Throw.IfOverlapsAny("matrix_chain", gradient, matrices);
            Throw.IfOverlaps("matrix_chain", gradient, productGradient);
        }

        runner.Backward(queue, matrices, productGradient, matrixGradients, this, Join, JoinGradients);
    }

    private protected override void DisposeCore()
    {
        foreach (GemmPlan<T> plan in joins.Concat(leftGradients).Concat(rightGradients))
        {
            plan.Dispose();
        }
    }

    private static void Join(Plan plan, CommandQueue queue, int join, TensorView<T> first, TensorView<T> second, TensorView<T> result) =>
        ((MatrixChainPlan<T>)plan).joins[join].Execute(queue, second, first, result);

    private static void JoinGradients(Plan plan, CommandQueue queue, int join, TensorView<T> first, TensorView<T> second, TensorView<T> gradient, TensorView<T> firstGradient, TensorView<T> secondGradient)
    {
        ((MatrixChainPlan<T>)plan).leftGradients[join].Execute(queue, second, gradient, firstGradient);
        ((MatrixChainPlan<T>)plan).rightGradients[join].Execute(queue, gradient, first, secondGradient);
    }

    private void CheckOperands(string argument, ReadOnlySpan<TensorView<T>> operands)
    {
        if (operands.Length != Descriptor.Depth)
        {
            throw new ArgumentException($"{argument}: {Descriptor.Depth} matrices expected, {operands.Length} given ({this})", argument);
        }

        for (int l = 0; l < operands.Length; l++)
        {
            CheckOperand(argument, operands[l], runner.LeafShape(l));
        }
    }
}
