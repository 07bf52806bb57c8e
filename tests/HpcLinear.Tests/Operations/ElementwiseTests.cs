using System.Numerics;
using CsCheck;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class ElementwiseTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected override Gen<Call> Calls => ElementwiseCall.Random;

    private protected override IEnumerable<Call> LargeCalls => ElementwiseCall.Large;

    [Theory, AllTargets]
    public void In_place_gives_the_same_bits(Target target) => ElementwiseCall.Descriptors.Check(Sampling.Count(target) / 2, d =>
    {
        foreach (bool second in d.IsBinary ? new[] { false, true } : [false])
        {
            // The old output is then an operand, with and without a factor of its own.
            foreach (double beta in new[] { 0, 0.5 })
            {
                using CallRun<T> run = new(new ElementwiseCall(d) { Beta = beta }, Targets.Open(target));
                Tensor<T> operand = run.Inputs[second ? 1 : 0];
                T[] data = run.Data[second ? 1 : 0];
                run.Queue.Upload(data, run.Outputs[0]);
                run.Execute();
                T[] apart = run.Queue.Download<T>(run.Outputs[0]);
                using ElementwisePlan<T> plan = ElementwisePlan.Create<T>(run.Plan.Device, d);
                if (d.IsBinary)
                {
                    plan.Execute(run.Queue, run.Inputs[0], run.Inputs[1], operand, beta: beta);
                }
                else
                {
                    plan.Execute(run.Queue, operand, operand, beta: beta);
                }

                CallRun<T>.EqualBits([apart], [run.Queue.Download<T>(operand)], $"{d} in place of {(second ? "b" : "a")} beta {beta} on {target}");
            }
        }
    });

    [Theory, AllTargets]
    public void A_NaN_in_either_operand_is_the_minimum_and_the_maximum(Target target)
    {
        foreach (ElementwiseOperation operation in new[] { ElementwiseOperation.Minimum, ElementwiseOperation.Maximum })
        {
            using CommandQueue queue = Targets.Open(target).CreateQueue();
            using ElementwisePlan<T> plan = ElementwisePlan.Create<T>(queue.Device, new() { Operation = operation, Shape = [35] });
            using Tensor<T> nan = queue.Device.Allocate<T>([35]), one = queue.Device.Allocate<T>([35]), output = queue.Device.Allocate<T>([35]);
            queue.Fill(nan, T.NaN);
            queue.Fill(one, T.One);
            plan.Execute(queue, nan, one, output);
            Assert.All(queue.Download<T>(output), x => Assert.True(T.IsNaN(x)));
            plan.Execute(queue, one, nan, output);
            Assert.All(queue.Download<T>(output), x => Assert.True(T.IsNaN(x)));
        }
    }

    [Fact]
    public void Wrong_calls_are_refused()
    {
        using CommandQueue queue = Targets.Open(Target.Parse("cpu:scalar")).CreateQueue();
        using Tensor<T> x = queue.Device.Allocate<T>([8]);
        using ElementwisePlan<T> add = ElementwisePlan.Create<T>(queue.Device, new() { Operation = ElementwiseOperation.Add, Shape = [3] }), square = ElementwisePlan.Create<T>(queue.Device, new() { Operation = ElementwiseOperation.Square, Shape = [3] });
        TensorView<T> a = x.View(0, [3]), shifted = x.View(1, [3]), apart = x.View(4, [3]);
        Assert.Equal("elementwise: Add takes two operands: Execute(queue, a, b, output)", Assert.Throws<InvalidOperationException>(() => add.Execute(queue, a, apart)).Message);
        Assert.Equal("elementwise: Square takes one operand: Execute(queue, a, output)", Assert.Throws<InvalidOperationException>(() => square.Execute(queue, a, a, apart)).Message);
        Assert.StartsWith("elementwise: output overlaps an input", Assert.Throws<ArgumentException>(() => add.Execute(queue, apart, a, shifted)).Message, StringComparison.Ordinal);
        Assert.StartsWith("elementwise: output overlaps an input", Assert.Throws<ArgumentException>(() => square.Execute(queue, a, shifted)).Message, StringComparison.Ordinal);
        ProblemException size = Assert.Throws<ProblemException>(() => ElementwisePlan.Create<T>(queue.Device, new() { Operation = ElementwiseOperation.Add, Shape = [3, -1] }));
        Assert.Equal((ProblemError.Size, "elementwise: sizes must not be negative, got [3, -1]"), (size.Code, size.Message));
        Assert.Equal(ProblemError.Overflow, Assert.Throws<ProblemException>(() => ElementwisePlan.Create<T>(queue.Device, new() { Operation = ElementwiseOperation.Add, Shape = [1L << 62] })).Code);
    }
}

public sealed class ElementwiseFloatTests : ElementwiseTests<float>;

public sealed class ElementwiseDoubleTests : ElementwiseTests<double>;
