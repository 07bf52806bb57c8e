using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>One product of an <see cref="AssociationTree"/>: a filter A and a filter B after it, as one; with its adjoints.</summary>
internal abstract class DeepProductJoin<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public abstract string Kernel { get; }

    public abstract long WorkspaceBytes { get; }

    /// <summary>Matrices where the filters have no axes, else filters.</summary>
    public static DeepProductJoin<T> Create(Device device, FilterCompositionDescriptor join) =>
        join.First.Rank == 0 ? new OfMatrices(device, join) : new OfFilters(device, join);

    /// <summary>R from A and B, or added to what is there.</summary>
    public abstract void Compose(CommandQueue queue, TensorView<T> first, TensorView<T> second, TensorView<T> composed, bool accumulate);

    /// <summary>The gradient with respect to A.</summary>
    public abstract void FirstGradient(CommandQueue queue, TensorView<T> composedGradient, TensorView<T> second, TensorView<T> firstGradient, bool accumulate);

    /// <summary>The gradient with respect to B.</summary>
    public abstract void SecondGradient(CommandQueue queue, TensorView<T> composedGradient, TensorView<T> first, TensorView<T> secondGradient, bool accumulate);

    public abstract void Dispose();

    private sealed class OfFilters(Device device, FilterCompositionDescriptor join) : DeepProductJoin<T>
    {
        private readonly FilterCompositionPlan<T> plan = FilterCompositionPlan.Create<T>(device, join);

        public override string Kernel => plan.Choices[0].Kernel;

        public override long WorkspaceBytes => plan.WorkspaceBytes;

        public override void Compose(CommandQueue queue, TensorView<T> first, TensorView<T> second, TensorView<T> composed, bool accumulate) =>
            plan.Compose(queue, first, second, composed, accumulate ? 1 : 0);

        public override void FirstGradient(CommandQueue queue, TensorView<T> composedGradient, TensorView<T> second, TensorView<T> firstGradient, bool accumulate) =>
            plan.BackwardFirst(queue, composedGradient, second, firstGradient, accumulate ? 1 : 0);

        public override void SecondGradient(CommandQueue queue, TensorView<T> composedGradient, TensorView<T> first, TensorView<T> secondGradient, bool accumulate) =>
            plan.BackwardSecond(queue, composedGradient, first, secondGradient, accumulate ? 1 : 0);

        public override void Dispose() => plan.Dispose();
    }

    /// <summary>R = B A, dA = Bᵀ G, dB = G Aᵀ.</summary>
    private sealed class OfMatrices(Device device, FilterCompositionDescriptor join) : DeepProductJoin<T>
    {
        private readonly GemmPlan<T> product = Gemm(device, join, join.OutChannels, join.InChannels, join.InnerChannels, false, false);
        private readonly GemmPlan<T> firstGradient = Gemm(device, join, join.InnerChannels, join.InChannels, join.OutChannels, true, false);
        private readonly GemmPlan<T> secondGradient = Gemm(device, join, join.OutChannels, join.InnerChannels, join.InChannels, false, true);

        public override string Kernel => product.Choices[0].Kernel;

        public override long WorkspaceBytes => Math.Max(product.WorkspaceBytes, Math.Max(firstGradient.WorkspaceBytes, secondGradient.WorkspaceBytes));

        public override void Compose(CommandQueue queue, TensorView<T> first, TensorView<T> second, TensorView<T> composed, bool accumulate) =>
            product.Execute(queue, second, first, composed, 1, accumulate ? 1 : 0);

        public override void FirstGradient(CommandQueue queue, TensorView<T> composedGradient, TensorView<T> second, TensorView<T> firstGradient, bool accumulate) =>
            this.firstGradient.Execute(queue, second, composedGradient, firstGradient, 1, accumulate ? 1 : 0);

        public override void SecondGradient(CommandQueue queue, TensorView<T> composedGradient, TensorView<T> first, TensorView<T> secondGradient, bool accumulate) =>
            this.secondGradient.Execute(queue, composedGradient, first, secondGradient, 1, accumulate ? 1 : 0);

        public override void Dispose()
        {
            product.Dispose();
            firstGradient.Dispose();
            secondGradient.Dispose();
        }

        private static GemmPlan<T> Gemm(Device device, FilterCompositionDescriptor join, long rows, long columns, long depth, bool transposeA, bool transposeB) => GemmPlan.Create<T>(
            device, new() { Problems = join.Problems, Rows = rows, Columns = columns, Depth = depth, TransposeA = transposeA, TransposeB = transposeB });
    }
}
