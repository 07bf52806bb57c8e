using System.Numerics;
using CsCheck;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class OptimizerTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected override Gen<Call> Calls => OptimizerCall.Random;

    private protected override IEnumerable<Call> LargeCalls => OptimizerCall.Large;

    /// <summary>With a constant gradient both corrected moments are its mean and mean square: every step is the rate, whatever the gradient.</summary>
    [Theory, AllTargets]
    public void Adam_moves_by_its_rate_along_a_constant_gradient(Target target)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        OptimizerDescriptor descriptor = new() { Rule = OptimizerRule.Adam, Shape = [37], Epsilon = 1e-20 };
        using OptimizerPlan<T> plan = OptimizerPlan.Create<T>(queue.Device, descriptor);
        using Tensor<T> w = queue.Device.Allocate<T>([37]), g = queue.Device.Allocate<T>([37]), m = queue.Device.Allocate<T>([37]), v = queue.Device.Allocate<T>([37]);
        T[] gradient = [.. Enumerable.Range(0, 37).Select(i => T.CreateChecked((i % 2 == 0 ? 1 : -1) * Math.ScaleB(1, i - 18)))];
        queue.Upload(gradient, g);
        const int Updates = 50;
        for (int t = 1; t <= Updates; t++)
        {
            plan.Execute(queue, g, w, m, v, 0.125, t);
        }

        double unit = Tolerance.Unit<T>();
        Assert.All(queue.Download<T>(w).Zip(gradient), p => Assert.Equal(-0.125 * Updates * double.CreateChecked(T.Sign(p.Second)), double.CreateChecked(p.First), 50 * Updates * unit));
        Assert.All(queue.Download<T>(m).Zip(gradient), p => Assert.Equal((1 - Math.Pow(0.9, Updates)) * double.CreateChecked(p.Second), double.CreateChecked(p.First), 50 * unit * Math.Abs(double.CreateChecked(p.Second))));
    }

    [Theory, AllTargets]
    public void Momentum_sums_a_geometric_series(Target target)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        using OptimizerPlan<T> plan = OptimizerPlan.Create<T>(queue.Device, new() { Rule = OptimizerRule.GradientDescent, Shape = [5], Momentum = 0.5 });
        using Tensor<T> w = queue.Device.Allocate<T>([5]), g = queue.Device.Allocate<T>([5]), v = queue.Device.Allocate<T>([5]);
        queue.Fill(g, T.One);
        plan.Execute(queue, g, w, v, 0.25);
        plan.Execute(queue, g, w, v, 0.25);
        plan.Execute(queue, g, w, v, 0.25);
        Assert.All(queue.Download<T>(w), x => Assert.Equal(T.CreateChecked(-0.25 * (1 + 1.5 + 1.75)), x));
    }

    [Fact]
    public void Wrong_calls_are_refused()
    {
        using CommandQueue queue = Targets.Open(Target.Parse("cpu:scalar")).CreateQueue();
        using Tensor<T> x = queue.Device.Allocate<T>([20]);
        TensorView<T> a = x.View(0, [3]), b = x.View(3, [3]), c = x.View(6, [3]), d = x.View(9, [3]);
        using OptimizerPlan<T> adam = OptimizerPlan.Create<T>(queue.Device, new() { Rule = OptimizerRule.Adam, Shape = [3] });
        using OptimizerPlan<T> plain = OptimizerPlan.Create<T>(queue.Device, new() { Rule = OptimizerRule.GradientDescent, Shape = [3] });
        Assert.EndsWith("keeps two moments: Execute(queue, gradient, parameters, firstMoment, secondMoment, learningRate, update)", Assert.Throws<InvalidOperationException>(() => adam.Execute(queue, a, b, 1)).Message, StringComparison.Ordinal);
        Assert.EndsWith("keeps no moments: Execute(queue, gradient, parameters, learningRate)", Assert.Throws<InvalidOperationException>(() => plain.Execute(queue, a, b, c, 1)).Message, StringComparison.Ordinal);
        Assert.Equal("optimizer: outputs overlap", Assert.Throws<ArgumentException>(() => adam.Execute(queue, a, b, c, c, 1, 1)).Message);
        Assert.StartsWith("update: 0 given, 1 or more expected", Assert.Throws<ArgumentOutOfRangeException>(() => adam.Execute(queue, a, b, c, d, 1, 0)).Message, StringComparison.Ordinal);
        Assert.StartsWith("learningRate: NaN given, a finite number expected", Assert.Throws<ArgumentOutOfRangeException>(() => plain.Execute(queue, a, b, double.NaN)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OptimizerRule.GradientDescent, 1.0, 0.9, 0.999, 1e-8, "optimizer: Momentum 1 given, at least 0 and below 1 expected")]
    [InlineData(OptimizerRule.Adam, 0.5, 0.9, 0.999, 1e-8, "optimizer: Momentum 0.5 given, 0 for Adam, whose momentum is FirstMomentDecay expected")]
    [InlineData(OptimizerRule.Adam, 0.0, double.NaN, 0.999, 1e-8, "optimizer: FirstMomentDecay NaN given, at least 0 and below 1 expected")]
    [InlineData(OptimizerRule.Adam, 0.0, 0.9, 1.0, 1e-8, "optimizer: SecondMomentDecay 1 given, at least 0 and below 1 expected")]
    [InlineData(OptimizerRule.Adam, 0.0, 0.9, 0.999, 0.0, "optimizer: Epsilon 0 given, a finite number above 0 expected")]
    [InlineData((OptimizerRule)7, 0.0, 0.9, 0.999, 1e-8, "optimizer: OptimizerRule has no value 7; expected one of GradientDescent, Adam")]
    public void Factors_out_of_range_are_refused(OptimizerRule rule, double momentum, double first, double second, double epsilon, string message)
    {
        OptimizerDescriptor descriptor = new() { Rule = rule, Shape = [3], Momentum = momentum, FirstMomentDecay = first, SecondMomentDecay = second, Epsilon = epsilon };
        ProblemException e = Assert.Throws<ProblemException>(() => OptimizerPlan.Create<T>(Targets.Open(Target.Parse("cpu:scalar")), descriptor));
        Assert.Equal((ProblemError.Option, message), (e.Code, e.Message));
    }
}

public sealed class OptimizerFloatTests : OptimizerTests<float>;

public sealed class OptimizerDoubleTests : OptimizerTests<double>;
