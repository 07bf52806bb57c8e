using System.Numerics;
using CsCheck;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class DeepProductTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private static readonly DeepProductDescriptor Plain = new() { Channels = [1, 2, 3], Filters = [[3], [2]], Strides = [[2], [1]] };

    private protected override Gen<Call> Calls => DeepProductCall.Random;

    private protected override IEnumerable<Call> LargeCalls => DeepProductCall.Large;

    [Fact]
    public void The_order_is_the_cheapest_of_all() => DeepProductCall.Descriptors.Check(200, d => Assert.Equal(Cheapest(d, 0, d.Depth), d.OptimalMultiplyAdds));

    [Fact]
    public void Extents_and_strides_are_those_of_the_formula()
    {
        DeepProductDescriptor d = new() { Problems = 4, Channels = [3, 5, 7, 2], Filters = [[3, 2], [4, 1], [2, 5]], Strides = [[2, 1], [3, 2], [1, 4]] };
        Assert.Equal<Shape>([4, 2, 3, 3 + (2 * 3) + (6 * 1), 2 + 0 + (2 * 4)], d.ComposedShape);
        Assert.Equal<Shape>([6, 8], d.ComposedStride);
        Assert.Equal<Shape>([4, 7, 5, 4, 1], d.FilterShape(1));
    }

    [Fact]
    public void Wrong_descriptors_are_refused()
    {
        Fails(Plain with { Filters = [[3]] }, ProblemError.ChainMismatch, "deep_product: L filters, L strides and L + 1 channels expected (L at least 1), got 1, 2 and 3");
        Fails(Plain with { Strides = [] }, ProblemError.ChainMismatch, "deep_product: L filters, L strides and L + 1 channels expected (L at least 1), got 2, 0 and 3");
        Fails(Plain with { Channels = [1, 2] }, ProblemError.ChainMismatch, "deep_product: L filters, L strides and L + 1 channels expected (L at least 1), got 2, 2 and 2");
        Fails(new() { Channels = [1], Filters = [], Strides = [] }, ProblemError.ChainMismatch, "deep_product: L filters, L strides and L + 1 channels expected (L at least 1), got 0, 0 and 1");
        Fails(Plain with { Filters = [[3], [2, 2]] }, ProblemError.Rank, "deep_product: filter [2, 2] and stride [1] of layer 1 must have the 1 axes of layer 0 (0 to 8)");
        Fails(Plain with { Channels = [1, 0, 3] }, ProblemError.Size, "deep_product: every size except the problems must be positive, got filter [0, 1, 3] in layer 0");
        Fails(Plain with { Filters = [[3], [-2]] }, ProblemError.Size, "deep_product: every size except the problems must be positive, got filter [3, 2, -2] in layer 1");
        Fails(Plain with { Strides = [[2], [0]] }, ProblemError.Stride, "deep_product: stride must be positive, got [0] in layer 1");
        Fails(DeepProductDescriptor.FullyConnected([3]), ProblemError.ChainMismatch, "deep_product: L filters, L strides and L + 1 channels expected (L at least 1), got 0, 0 and 1");
        Fails(DeepProductDescriptor.FullyConnected([3, 2], -2), ProblemError.Size, "deep_product: every size except the problems must be positive, got filter [-2, 2, 3] in layer 0");
        Fails(DeepProductDescriptor.FullyConnected([1L << 30, 1L << 30, 1L << 30]), ProblemError.Overflow, "deep_product: the layers or their product have more than 2^63 - 1 elements or multiply-adds (deep_product channels1073741824x1073741824x1073741824)");
        Fails(DeepProductDescriptor.FullyConnected([1L << 40, 1L << 40]), ProblemError.Overflow, "deep_product: shape [1099511627776, 1099511627776] has more than 2^63 - 1 bytes");
        Assert.Equal(ProblemError.Overflow, Assert.Throws<ProblemException>(() => (Plain with { Strides = [[1L << 62], [1]], Filters = [[3], [5]] }).Validate()).Code);

        static void Fails(DeepProductDescriptor wrong, ProblemError code, string text)
        {
            ProblemException e = Assert.Throws<ProblemException>(() => DeepProductPlan.Create<T>(Targets.Open(Target.Parse("cpu:scalar")), wrong));
            Assert.Equal((code, text), (e.Code, e.Message));
        }
    }

    [Theory, AllTargets]
    public void Counts_of_filters_and_overlaps_of_gradients_are_refused(Target target)
    {
        using DeepProductPlan<T> plan = DeepProductPlan.Create<T>(Targets.Open(target), Plain);
        using CommandQueue queue = plan.Device.CreateQueue();
        using Tensor<T> all = plan.Device.Allocate<T>([200]);
        TensorView<T> first = all.View(0, Plain.FilterShape(0)), second = all.View(20, Plain.FilterShape(1)), composed = all.View(40, Plain.ComposedShape), dFirst = all.View(80, Plain.FilterShape(0)), dSecond = all.View(82, Plain.FilterShape(1));
        Assert.StartsWith($"filters: 2 filters expected, 1 given ({plan})", Assert.Throws<ArgumentException>("filters", () => plan.Compose(queue, [first], composed)).Message, StringComparison.Ordinal);
        Assert.StartsWith($"gradients: 2 filters expected, 3 given ({plan})", Assert.Throws<ArgumentException>("gradients", () => plan.JacobianTransposeProduct(queue, [first, second], composed, [dFirst, dSecond, dSecond])).Message, StringComparison.Ordinal);
        Assert.StartsWith("deep_product: output overlaps an input", Assert.Throws<ArgumentException>(() => plan.JacobianTransposeProduct(queue, [first, second], composed, [first, dSecond])).Message, StringComparison.Ordinal);
        Assert.StartsWith("deep_product: outputs overlap", Assert.Throws<ArgumentException>(() => plan.JacobianTransposeProduct(queue, [first, second], composed, [dFirst, dSecond])).Message, StringComparison.Ordinal);
    }

    [Theory, AllTargets]
    public void Many_small_networks_are_fused_and_large_or_few_ones_are_not(Target target)
    {
        Assert.True(Fused(new() { Problems = 133, Channels = [1, 2, 1], Filters = [[3], [2]], Strides = [[2], [1]] }));
        Assert.True(Fused(DeepProductDescriptor.FullyConnected([3, 2, 5, 4], 133)));
        Assert.False(Fused(DeepProductDescriptor.FullyConnected([3, 2, 5, 4])));
        Assert.False(Fused(DeepProductDescriptor.FullyConnected([30, 20, 50], 133)));
        Assert.False(Fused(new() { Problems = 133, Channels = [1, 1, 1], Filters = [[2], [2]], Strides = [[1 << 20], [1]] }));

        bool Fused(DeepProductDescriptor descriptor)
        {
            using DeepProductPlan<T> plan = DeepProductPlan.Create<T>(Targets.Open(target), descriptor);
            bool[] fused = [.. plan.Choices.Take(3).Select(c => c.Algorithm.StartsWith("fused", StringComparison.Ordinal))];
            Assert.All(fused, f => Assert.Equal(fused[0], f));
            return fused[0];
        }
    }

    private static long Cheapest(DeepProductDescriptor d, int from, int to) =>
        to - from == 1 ? 0 : Enumerable.Range(from + 1, to - from - 1).Min(split => Cheapest(d, from, split) + Cheapest(d, split, to) + (d.Channels[split] * Elements(d, from, split) * Elements(d, split, to) / (d.Channels[split] * d.Channels[split])));

    private static long Elements(DeepProductDescriptor d, int from, int to) => new DeepProductDescriptor
    {
        Channels = [.. d.Channels.Skip(from).Take(to - from + 1)], Filters = [.. d.Filters.Skip(from).Take(to - from)], Strides = [.. d.Strides.Skip(from).Take(to - from)],
    }.ComposedShape.ElementCount;
}

public sealed class DeepProductFloatTests : DeepProductTests<float>;

public sealed class DeepProductDoubleTests : DeepProductTests<double>;

public abstract class JacobianKernelTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected override Gen<Call> Calls => JacobianKernelCall.Random;

    private protected override IEnumerable<Call> LargeCalls => JacobianKernelCall.Large;

    [Fact]
    public void A_kernel_that_no_memory_holds_is_refused()
    {
        ProblemException e = Assert.Throws<ProblemException>(() => JacobianKernelPlan.Create<T>(Targets.Open(Target.Parse("cpu:scalar")), DeepProductDescriptor.FullyConnected([1 << 20, 1, 1 << 20])));
        Assert.Equal((ProblemError.Overflow, "deep_product: shape [1099511627776, 1099511627776] has more than 2^63 - 1 bytes"), (e.Code, e.Message));
    }
}

public sealed class JacobianKernelFloatTests : JacobianKernelTests<float>;

public sealed class JacobianKernelDoubleTests : JacobianKernelTests<double>;
