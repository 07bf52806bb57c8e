using System.Numerics;
using CsCheck;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class ReductionTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private static bool IsFloat => typeof(T) == typeof(float);

    private protected override Gen<Call> Calls => ReductionCall.Random;

    private protected override IEnumerable<Call> LargeCalls => ReductionCall.Large;

    [Theory, AllTargets]
    public void A_compensated_sum_survives_cancellation(Target target)
    {
        // Large numbers cancel in pairs that lie far apart; what remains is the sum of the small ones, known exactly.
        foreach (int length in new[] { 4, 63, 1000, 100_003 })
        {
            T large = T.CreateChecked(Math.ScaleB(1, IsFloat ? 40 : 90));
            T[] x = Values.Filled(length, T.One);
            for (int i = 0; i < length / 4; i++)
            {
                x[i] = large;
                x[length - 1 - i] = -large;
            }

            double exact = length - (2 * (length / 4));
            double sum = double.CreateChecked(Reduce(target, ReductionKind.Sum, x, compensated: true));
            Tolerance.Equal<T>(exact, sum, 0, exact, $"compensated sum of {length} on {target}");
        }
    }

    [Theory, AllTargets]
    public void A_compensated_sum_forgets_nothing_small(Target target)
    {
        T[] x = Values.Filled(200_001, T.CreateChecked(Math.ScaleB(1, IsFloat ? -26 : -55)));
        x[0] = T.One;
        double exact = 1 + (200_000 * double.CreateChecked(x[1]));
        Tolerance.Equal<T>(exact, double.CreateChecked(Reduce(target, ReductionKind.Sum, x, compensated: true)), 0, 1, $"sum on {target}");
    }

    [Theory, AllTargets]
    public void Compensated_products_are_exact_where_plain_ones_cancel(Target target)
    {
        // (1 + e)(1 - e) - 1 = -e^2 is below the rounding of the product, and seen all the same.
        double e = Math.ScaleB(1, IsFloat ? -13 : -28);
        T[] left = [T.CreateChecked(1 + e), -T.One, T.Zero], right = [T.CreateChecked(1 - e), T.One, T.One];
        Tolerance.Equal<T>(-e * e, double.CreateChecked(Reduce(target, ReductionKind.Dot, left, right, compensated: true)), 0, e * e, $"dot on {target}");
        T[] squares = [T.CreateChecked(1 + e)];
        Tolerance.Equal<T>(1 + (2 * e) + (e * e), double.CreateChecked(Reduce(target, ReductionKind.SumOfSquares, squares, compensated: true)), 0, 1, $"sum of squares on {target}");
    }

    [Theory, AllTargets]
    public void A_norm_neither_overflows_nor_underflows(Target target)
    {
        foreach (int exponent in IsFloat ? new[] { 120, 63, 0, -70, -100, -130 } : [1000, 512, 0, -540, -1000, -1030])
        {
            // 4 * 3^2 + 4 * 4^2 = 100.
            double unit = Math.ScaleB(1, exponent);
            T[] x = [.. new[] { 3.0, 4, 3, -4, 3, 4, -3, 4 }.Select(v => T.CreateChecked(v * unit))];
            Tolerance.Equal<T>(10 * unit, double.CreateChecked(Reduce(target, ReductionKind.Norm2, x)), 8, 10 * unit, $"norm with exponent {exponent} on {target}");
        }

        Assert.Equal(T.Zero, Reduce(target, ReductionKind.Norm2, [T.Zero, T.Zero]));
        Assert.Equal(T.PositiveInfinity, Reduce(target, ReductionKind.Norm2, [T.One, T.NegativeInfinity]));
        Assert.True(T.IsNaN(Reduce(target, ReductionKind.Norm2, [T.One, T.NaN])));
        Assert.True(T.IsNaN(Reduce(target, ReductionKind.Norm2, [T.PositiveInfinity, T.NaN])));
    }

    [Theory, AllTargets]
    public void A_wide_norm_takes_its_largest_and_smallest_elements_together(Target target)
    {
        T huge = T.CreateChecked(Math.ScaleB(1, IsFloat ? 100 : 1000)), tiny = T.CreateChecked(Math.ScaleB(1, IsFloat ? -100 : -1000));
        T[] x = [.. Values.Filled(5000, tiny), huge, .. Values.Filled(5000, tiny)];
        Assert.Equal(huge, Reduce(target, ReductionKind.Norm2, x));
    }

    [Theory, AllTargets]
    public void A_NaN_anywhere_is_the_minimum_the_maximum_and_the_largest_magnitude(Target target)
    {
        foreach (int length in new[] { 1, 2, 17, 1000, 70_001 })
        {
            foreach (int at in new[] { 0, length / 2, length - 1 })
            {
                T[] x = Values.Random<T>(length, 1);
                x[at] = T.NaN;
                foreach (ReductionKind kind in new[] { ReductionKind.Minimum, ReductionKind.Maximum, ReductionKind.MaximumMagnitude, ReductionKind.Sum })
                {
                    Assert.True(T.IsNaN(Reduce(target, kind, x)), $"{kind} of {length} with a NaN at {at} on {target}");
                }
            }
        }
    }

    [Theory, AllTargets]
    public void Infinities_are_summed_and_selected(Target target)
    {
        T[] x = [T.One, T.PositiveInfinity, -T.One];
        Assert.Equal(T.PositiveInfinity, Reduce(target, ReductionKind.Sum, x));
        Assert.Equal(T.PositiveInfinity, Reduce(target, ReductionKind.Sum, x, compensated: true));
        Assert.Equal(T.PositiveInfinity, Reduce(target, ReductionKind.Maximum, x));
        Assert.Equal(-T.One, Reduce(target, ReductionKind.Minimum, x));
        Assert.True(T.IsNaN(Reduce(target, ReductionKind.Sum, [T.PositiveInfinity, T.NegativeInfinity])));
    }

    [Fact]
    public void Wrong_descriptors_are_refused()
    {
        ReductionDescriptor d = new() { Kind = ReductionKind.Sum, Shape = [3, 4] };
        Fails(d with { Axis = 2 }, ProblemError.Rank, "reduce: axis 2 expected from 0 to 1 for shape [3, 4]");
        Fails(d with { Axis = -1 }, ProblemError.Rank, "reduce: axis -1 expected from 0 to 1 for shape [3, 4]");
        Fails(d with { Shape = [3, -4] }, ProblemError.Size, "reduce: sizes must not be negative, got [3, -4]");
        Fails(d with { Kind = ReductionKind.Norm2, Compensated = true }, ProblemError.Option, "reduce: only sum, sum of squares and dot can be compensated, got Norm2");
        Fails(d with { Kind = ReductionKind.Minimum, Shape = [3, 0] }, ProblemError.Size, "reduce: Minimum of no elements, shape [3, 0]");
        Fails(d with { Kind = ReductionKind.Maximum, Shape = [3, 0], Axis = 1 }, ProblemError.Size, "reduce: Maximum of no elements, shape [3, 0]");
        Fails(d with { Kind = (ReductionKind)77 }, ProblemError.Option, "reduce: ReductionKind has no value 77; expected one of Sum, SumOfSquares, Dot, Minimum, Maximum, MaximumMagnitude, Norm2");
        (d with { Kind = ReductionKind.Maximum, Shape = [3, 0], Axis = 0 }).Validate();

        static void Fails(ReductionDescriptor wrong, ProblemError code, string text)
        {
            ProblemException e = Assert.Throws<ProblemException>(() => ReductionPlan.Create<T>(Targets.Open(Target.Parse("cpu:scalar")), wrong));
            Assert.Equal((code, text), (e.Code, e.Message));
        }
    }

    [Fact]
    public void The_overload_must_fit_the_kind()
    {
        using CommandQueue queue = Targets.Open(Target.Parse("cpu:scalar")).CreateQueue();
        using Tensor<T> x = queue.Device.Allocate<T>([3]), result = queue.Device.Allocate<T>(Shape.Scalar);
        using ReductionPlan<T> dot = ReductionPlan.Create<T>(queue.Device, new() { Kind = ReductionKind.Dot, Shape = [3] }), sum = ReductionPlan.Create<T>(queue.Device, new() { Kind = ReductionKind.Sum, Shape = [3] });
        Assert.Equal("reduce: an inner product takes two tensors: Execute(queue, left, right, result)", Assert.Throws<InvalidOperationException>(() => dot.Execute(queue, x, result)).Message);
        Assert.Equal("reduce: Sum takes one tensor: Execute(queue, input, result)", Assert.Throws<InvalidOperationException>(() => sum.Execute(queue, x, x, result)).Message);
    }

    private static T Reduce(Target target, ReductionKind kind, T[] left, T[]? right = null, bool compensated = false)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        using ReductionPlan<T> plan = ReductionPlan.Create<T>(queue.Device, new() { Kind = kind, Shape = [left.Length], Compensated = compensated });
        using Tensor<T> a = queue.Device.Allocate<T>([left.Length]), b = queue.Device.Allocate<T>([left.Length]), result = queue.Device.Allocate<T>(Shape.Scalar);
        queue.Upload(left, a);
        if (kind == ReductionKind.Dot)
        {
            queue.Upload(right!, b);
            plan.Execute(queue, a, b, result);
        }
        else
        {
            plan.Execute(queue, a, result);
        }

        return queue.Download<T>(result)[0];
    }
}

public sealed class ReductionFloatTests : ReductionTests<float>;

public sealed class ReductionDoubleTests : ReductionTests<double>;
