using System.Numerics;
using CsCheck;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class FilterCompositionTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected override Gen<Call> Calls => FilterCompositionCall.Random;

    private protected override IEnumerable<Call> LargeCalls => FilterCompositionCall.Large;

    [Theory, AllTargets]
    public void The_composed_filter_does_what_the_two_do_in_turn(Target target) => FilterCompositionCall.Descriptors.Check(Sampling.Count(target) / 4, d =>
    {
        if (d.Problems is not null || d.Composed.ElementCount > 2000)
        {
            return;
        }

        Device device = Targets.Open(target);
        using CallRun<T> compose = new(new FilterCompositionCall(d, Composition.Compose), device);
        Shape input = Shape.Create([.. d.Composed.Zip(d.Stride, (k, s) => k + (2 * s))]);
        ConvolutionDescriptor first = new() { Batch = 1, InChannels = d.InChannels, OutChannels = d.InnerChannels, Input = input, Filter = d.First, Stride = d.Stride };
        ConvolutionDescriptor second = new() { Batch = 1, InChannels = d.InnerChannels, OutChannels = d.OutChannels, Input = first.Output, Filter = d.Second };
        using ConvolutionCase<T> a = new(first, device), b = new(second, device), whole = new(first with { OutChannels = d.OutChannels, Filter = d.Composed }, device);
        T[] inTurn = b.Forward(a.Forward(a.X, compose.Data[0]), compose.Data[1]), atOnce = whole.Forward(a.X, compose.Results()[0]);
        double depth = d.InnerChannels * d.InChannels * (d.First.ElementCount + d.Second.ElementCount), magnitude = d.InnerChannels * d.InChannels * d.First.ElementCount * d.Second.ElementCount;
        Assert.Equal(inTurn.Length, atOnce.Length);
        for (int i = 0; i < inTurn.Length; i++)
        {
            Tolerance.Equal<T>(double.CreateChecked(inTurn[i]), double.CreateChecked(atOnce[i]), depth, magnitude, $"{d} on {target}, element {i}");
        }
    });

    [Theory, AllTargets]
    public void Gradients_are_the_adjoints_of_composing(Target target) => FilterCompositionCall.Descriptors.Check(Sampling.Count(target) / 4, d =>
    {
        Device device = Targets.Open(target);
        using CallRun<T> compose = new(new FilterCompositionCall(d, Composition.Compose), device), first = new(new FilterCompositionCall(d, Composition.BackwardFirst), device), second = new(new FilterCompositionCall(d, Composition.BackwardSecond), device);
        T[] a = compose.Data[0], b = compose.Data[1], g = first.Data[0], r = compose.Results()[0];
        first.Queue.Upload(b, first.Inputs[1]);
        second.Queue.Upload(a, second.Inputs[1]);
        double depth = r.Length + d.Flops, magnitude = d.Flops / 2;
        Tolerance.Equal<T>(Values.Inner(g, r), Values.Inner(first.Results()[0], a), depth, Math.Sqrt(magnitude), $"{d} on {target}, first");
        Tolerance.Equal<T>(Values.Inner(g, r), Values.Inner(second.Results()[0], b), depth, Math.Sqrt(magnitude), $"{d} on {target}, second");
    });

    [Fact]
    public void Wrong_descriptors_are_refused()
    {
        Device device = Targets.Open(Target.Parse("cpu:scalar"));
        FilterCompositionDescriptor d = new() { InChannels = 1, InnerChannels = 2, OutChannels = 3, First = [3, 3], Second = [2, 2] };
        Fails(d with { Second = [2] }, ProblemError.Rank, "compose: filters [3, 3] and [2] and stride [1, 1] must have the same 1 to 8 axes");
        Fails(d with { Stride = [1] }, ProblemError.Rank, "compose: filters [3, 3] and [2, 2] and stride [1] must have the same 1 to 8 axes");
        Fails(d with { InnerChannels = 0 }, ProblemError.Size, "compose: every size except the problems must be positive, got filters [0, 1, 3, 3] and [3, 0, 2, 2]");
        Fails(d with { First = [3, 0] }, ProblemError.Size, "compose: every size except the problems must be positive, got filters [2, 1, 3, 0] and [3, 2, 2, 2]");
        Fails(d with { Stride = [1, 0] }, ProblemError.Stride, "compose: stride must be positive, got [1, 0]");
        Assert.Equal(ProblemError.Overflow, Assert.Throws<ProblemException>(() => FilterCompositionPlan.Create<T>(device, d with { Stride = [1, 1L << 40], Second = [2, 1L << 40] })).Code);

        void Fails(FilterCompositionDescriptor wrong, ProblemError code, string text)
        {
            ProblemException e = Assert.Throws<ProblemException>(() => FilterCompositionPlan.Create<T>(device, wrong));
            Assert.Equal((code, text), (e.Code, e.Message));
        }
    }
}

public sealed class FilterCompositionFloatTests : FilterCompositionTests<float>;

public sealed class FilterCompositionDoubleTests : FilterCompositionTests<double>;
