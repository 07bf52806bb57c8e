using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.PredictiveCoding;

public sealed class WeightInitialisationTests
{
    private static readonly RelaxationDescriptor Network = RelaxationDescriptor.Create(4, [50, 200, 200, 10], Parameterisation.DepthMuP) with { Bias = true };

    [Theory]
    [InlineData(WeightDistribution.FanInUniform, null, 1 / 600.0, 1.8)]
    [InlineData(WeightDistribution.FanInNormal, 2.0, 4 / 200.0, 3)]
    [InlineData(WeightDistribution.Normal, null, 1.0, 3)]
    [InlineData(WeightDistribution.Normal, 0.05, 0.0025, 3)]
    public void Moments_are_those_of_the_distribution(WeightDistribution distribution, double? scale, double variance, double kurtosis)
    {
        double[] w = new WeightInitialisation { Distribution = distribution, Scale = scale }.Draw(Network, 2, 5);
        double mean = w.Average(), square = w.Average(x => x * x), fourth = w.Average(x => x * x * x * x) / (square * square);
        Assert.Equal(0, mean, 5 * Math.Sqrt(variance / w.Length));
        Assert.Equal(1, square / variance, 5 * Math.Sqrt(2.0 / w.Length));
        Assert.Equal(kurtosis, fourth, 0.1);
        Assert.True(Math.Abs(w.Zip(w.Skip(1)).Average(p => p.First * p.Second)) < 5 * variance / Math.Sqrt(w.Length));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void Orthogonal_weights_have_orthonormal_rows_or_columns(int layer)
    {
        double[] w = new WeightInitialisation { Distribution = WeightDistribution.Orthogonal }.Draw(Network with { Activation = Activation.Tanh }, layer, 5);
        int rows = (int)Network.Widths[layer], columns = (int)Network.Widths[layer - 1], few = Math.Min(rows, columns), many = Math.Max(rows, columns);
        for (int i = 0; i < few; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = Enumerable.Range(0, many).Sum(k => At(i, k) * At(j, k));
                Assert.Equal(i == j ? 1.05 * 1.05 : 0, sum, 1e-13);
            }
        }

        double At(int vector, int k) => rows <= columns ? w[(vector * columns) + k] : w[(k * columns) + vector];
    }

    [Fact]
    public void A_layer_depends_on_seed_and_layer_but_not_on_depth_or_batch()
    {
        WeightInitialisation normal = WeightInitialisation.Of(Parameterisation.DepthMuP);
        RelaxationDescriptor deeper = RelaxationDescriptor.Create(9, [50, 200, 200, 200, 200, 10], Parameterisation.Standard);
        Assert.Equal(normal.Draw(Network, 2, 5), normal.Draw(deeper, 2, 5));
        Assert.NotEqual(normal.Draw(deeper, 2, 5), normal.Draw(deeper, 3, 5));
        Assert.NotEqual(normal.Draw(deeper, 2, 5), normal.Draw(deeper, 2, 6));
    }

    [Theory, AllTargets]
    public void Every_device_has_the_same_weights_and_biases_of_zero(Target target)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        using Tensor<float> parameters = queue.Device.Allocate<float>(Network.ParameterShape);
        queue.Fill(parameters, float.NaN);
        WeightInitialisation weights = WeightInitialisation.Of(Parameterisation.Standard);
        weights.Fill<float>(queue, Network, parameters, 5);
        float[] expected = [.. Enumerable.Range(1, 3).SelectMany(l => weights.Draw(Network, l, 5)).Select(w => (float)w), .. new float[410]];
        Assert.Equal(expected, queue.Download<float>(parameters));
    }

    [Fact]
    public void The_stream_is_philox_with_the_layer_in_the_upper_half_of_the_counter()
    {
        (uint a, uint b, _, _) = Philox.Block(5, 1, 2);
        double unit = (((ulong)a << 21) ^ (b >> 11)) * Math.ScaleB(1, -53);
        Assert.Equal(((2 * unit) - 1) / Math.Sqrt(200), WeightInitialisation.Of(Parameterisation.Standard).Draw(Network, 2, 5)[2], 1e-16);
    }

    [Fact]
    public void Zero_and_wrong_calls()
    {
        Assert.All(new WeightInitialisation { Distribution = WeightDistribution.Zero }.Draw(Network, 1, 1), w => Assert.Equal(0, w));
        Assert.Contains("WeightDistribution has no value 9", Assert.Throws<ProblemException>(() => new WeightInitialisation { Distribution = (WeightDistribution)9 }.Draw(Network, 1, 1)).Message, StringComparison.Ordinal);
        Assert.Equal("weights: scale NaN given, a finite number expected", Assert.Throws<ProblemException>(() => new WeightInitialisation { Distribution = WeightDistribution.Normal, Scale = double.NaN }.Draw(Network, 1, 1)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => WeightInitialisation.Of(Parameterisation.Standard).Draw(Network, 4, 1));
        using CommandQueue queue = Targets.Open(Targets.Cpu.First()).CreateQueue();
        using Tensor<float> few = queue.Device.Allocate<float>([3]);
        Assert.StartsWith("parameters: shape [52410] expected, [3] given (weights of relax n4", Assert.Throws<ShapeException>(() => WeightInitialisation.Of(Parameterisation.Standard).Fill<float>(queue, Network, few, 1)).Message, StringComparison.Ordinal);
    }
}
