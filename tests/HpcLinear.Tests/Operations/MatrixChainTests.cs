using System.Numerics;
using CsCheck;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class MatrixChainTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected override Gen<Call> Calls => MatrixChainCall.Random;

    private protected override IEnumerable<Call> LargeCalls => MatrixChainCall.Large;

    [Fact]
    public void The_order_is_the_cheapest_of_all() => MatrixChainCall.Descriptors.Check(200, d => Assert.Equal(Cheapest(d.Sizes, 0, d.Depth), d.OptimalMultiplyAdds));

    [Fact]
    public void Wrong_descriptors_are_refused()
    {
        Fails(new() { Sizes = [3] }, ProblemError.ChainMismatch, "matrix_chain: at least 2 sizes (one matrix) expected, got [3]");
        Fails(new() { Sizes = [3, 0, 2] }, ProblemError.Size, "matrix_chain: every size must be positive and problems not negative, got [3, 0, 2] and 1 problems");
        Fails(new() { Problems = -2, Sizes = [3, 2] }, ProblemError.Size, "matrix_chain: every size must be positive and problems not negative, got [3, 2] and -2 problems");
        Fails(new() { Sizes = [1L << 30, 1L << 30, 1L << 30] }, ProblemError.Overflow, "matrix_chain: more than 2^63 - 1 multiply-adds for sizes [1073741824, 1073741824, 1073741824]");

        static void Fails(MatrixChainDescriptor wrong, ProblemError code, string text)
        {
            ProblemException e = Assert.Throws<ProblemException>(() => MatrixChainPlan.Create<T>(Targets.Open(Target.Parse("cpu:scalar")), wrong));
            Assert.Equal((code, text), (e.Code, e.Message));
        }
    }

    [Theory, AllTargets]
    public void Counts_of_matrices_and_overlaps_of_gradients_are_refused(Target target)
    {
        MatrixChainDescriptor d = new() { Sizes = [2, 3, 4] };
        using MatrixChainPlan<T> plan = MatrixChainPlan.Create<T>(Targets.Open(target), d);
        using CommandQueue queue = plan.Device.CreateQueue();
        using Tensor<T> all = plan.Device.Allocate<T>([200]);
        TensorView<T> first = all.View(0, d.MatrixShape(0)), second = all.View(20, d.MatrixShape(1)), product = all.View(40, d.ProductShape), dFirst = all.View(80, d.MatrixShape(0)), dSecond = all.View(82, d.MatrixShape(1));
        Assert.StartsWith($"matrices: 2 matrices expected, 3 given ({plan})", Assert.Throws<ArgumentException>("matrices", () => plan.Product(queue, [first, second, second], product)).Message, StringComparison.Ordinal);
        Assert.StartsWith($"matrixGradients: 2 matrices expected, 0 given ({plan})", Assert.Throws<ArgumentException>("matrixGradients", () => plan.Gradients(queue, [first, second], product, [])).Message, StringComparison.Ordinal);
        Assert.Equal($"matrices: shape [4, 3] expected, [3, 2] given ({plan})", Assert.Throws<ShapeException>(() => plan.Product(queue, [first, first], product)).Message);
        Assert.StartsWith("matrix_chain: output overlaps an input", Assert.Throws<ArgumentException>(() => plan.Gradients(queue, [first, second], product, [dFirst, second])).Message, StringComparison.Ordinal);
        Assert.StartsWith("matrix_chain: outputs overlap", Assert.Throws<ArgumentException>(() => plan.Gradients(queue, [first, second], product, [dFirst, dSecond])).Message, StringComparison.Ordinal);
    }

    private static long Cheapest(Shape sizes, int from, int to) =>
        to - from == 1 ? 0 : Enumerable.Range(from + 1, to - from - 1).Min(split => Cheapest(sizes, from, split) + Cheapest(sizes, split, to) + (sizes[from] * sizes[split] * sizes[to]));
}

public sealed class MatrixChainFloatTests : MatrixChainTests<float>;

public sealed class MatrixChainDoubleTests : MatrixChainTests<double>;
