using System.Numerics;
using CsCheck;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class SelfCorrelationTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected override Gen<Call> Calls => SelfCorrelationCall.Random;

    private protected override IEnumerable<Call> LargeCalls => SelfCorrelationCall.Large;

    [Theory, AllTargets]
    public void Opposite_lags_are_transposed_to_the_last_bit(Target target) => SelfCorrelationCall.Descriptors.Check(Sampling.Count(target) / 4, d =>
    {
        using CallRun<T> run = new(new SelfCorrelationCall(d), Targets.Open(target));
        T[] r = run.Results()[0];
        int m = (int)d.OutChannels, lags = (int)d.Lags.ElementCount;
        for (int i = 0; i < r.Length; i++)
        {
            int lag = i % lags, n = i / lags % m, row = i / lags / m % m, problem = i / lags / m / m;
            T mirrored = r[(((((problem * m) + n) * m) + row) * lags) + (lags - 1 - lag)];
            Assert.True(r[i] == mirrored, $"{d} on {target}: element {i}: {r[i]:R} and {mirrored:R}");
        }
    });

    [Theory, AllTargets]
    public void The_middle_lag_of_a_filter_with_itself_is_its_squared_norm(Target target)
    {
        SelfCorrelationDescriptor d = new() { OutChannels = 3, InChannels = 2, Filter = [4, 3], Stride = [1, 2] };
        using CallRun<T> run = new(new SelfCorrelationCall(d), Targets.Open(target));
        T[] r = run.Results()[0], w = run.Data[0];
        int lags = (int)d.Lags.ElementCount;
        Assert.Equal<Shape>([7, 3], d.Lags);
        for (int m = 0; m < 3; m++)
        {
            T[] filter = w[(m * 24)..((m + 1) * 24)];
            Tolerance.Equal<T>(Values.Inner(filter, filter), double.CreateChecked(r[(((m * 3) + m) * lags) + (lags / 2)]), 24, 24, $"{d} on {target}");
        }
    }

    [Fact]
    public void Flops_count_half_of_the_lags_and_the_middle_one() =>
        Assert.Equal((81.0 + 9) * 16 * 16 * 4, new SelfCorrelationDescriptor { OutChannels = 16, InChannels = 4, Filter = [3, 3], Stride = [1, 1] }.Flops);

    [Fact]
    public void Wrong_descriptors_are_refused()
    {
        SelfCorrelationDescriptor d = new() { OutChannels = 3, InChannels = 2, Filter = [4, 3], Stride = [1, 2] };
        Fails(d with { Stride = [1] }, ProblemError.Rank, "self_correlation: filter [4, 3] and stride [1] must have the same 1 to 8 axes");
        Fails(d with { OutChannels = 0 }, ProblemError.Size, "self_correlation: every size except the problems must be positive, got kernel [0, 2, 4, 3]");
        Fails(d with { Filter = [4, -3] }, ProblemError.Size, "self_correlation: every size except the problems must be positive, got kernel [3, 2, 4, -3]");
        Fails(d with { Stride = [1, 0] }, ProblemError.Stride, "self_correlation: stride must be positive, got [1, 0]");

        static void Fails(SelfCorrelationDescriptor wrong, ProblemError code, string text)
        {
            ProblemException e = Assert.Throws<ProblemException>(() => SelfCorrelationPlan.Create<T>(Targets.Open(Target.Parse("cpu:scalar")), wrong));
            Assert.Equal((code, text), (e.Code, e.Message));
        }
    }
}

public sealed class SelfCorrelationFloatTests : SelfCorrelationTests<float>;

public sealed class SelfCorrelationDoubleTests : SelfCorrelationTests<double>;
