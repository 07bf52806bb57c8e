using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.PredictiveCoding;

public sealed class ZeroRankSaddleTests
{
    private static readonly RelaxationDescriptor Three = new() { Batch = 2, Widths = [2, 2, 2, 1], Precisions = [1, 0.5, 2], Scalings = [1, 0.5, 3] };

    [Fact]
    public void The_block_is_that_of_the_Hessian_and_the_gradient_is_zero() => LinearCase.Random(bias: false, lastSkip: false).Check(200, c =>
    {
        RelaxationDescriptor n = c.Network with { WeightDecay = 0, SpectralPenalty = 0, Skips = [] };
        if (n.Depth < 2)
        {
            return;
        }

        // Zero besides the last one: any hidden layer but, if there are several, not always the same.
        double[] parameters = [.. c.Parameters];
        int zeroed = 1 + (int)(n.ParameterCount % (n.Depth - 1));
        Zero(zeroed);
        Zero(n.Depth);
        ZeroRankSaddle saddle = ZeroRankSaddle.Create(n, parameters, c.Target);
        EquilibratedEnergy at = EquilibratedEnergy.Create(n, parameters, c.Input, c.Target);
        Assert.All(at.Gradient.ToArray(), g => Assert.Equal(0, g));
        int size = (int)saddle.Dimension, last = (int)n.WeightOffset(n.Depth);
        Matrix dense = Matrix.Of(size, size, saddle.ToDense());
        double[] direction = new double[at.Dimension], product = new double[at.Dimension], part = c.Direction(size);
        part.CopyTo(direction, last);
        at.HessianMultiply(direction, product);
        c.AssertNear(Matrix.Multiply(Matrix.Of(1, size, part), dense).Elements, product.AsSpan(last), 1e-12, "H v");
        double[] values = DenseLibrary.Current.SymmetricEigenvalues(dense);
        (double smallest, double largest) = saddle.ExtremeEigenvalues();
        c.AssertNear([values[0], values[^1]], [smallest, largest], 1e-12, "extremes");
        Assert.True(at.ExtremeEigenvalues().Smallest <= smallest + (1e-10 * (1 - smallest)), c.ToString());
        Assert.Equal(c.Target.Any(y => y != 0), smallest < 0);

        void Zero(int layer) => parameters.AsSpan((int)n.WeightOffset(layer), (int)(n.Widths[layer] * n.Widths[layer - 1])).Clear();
    });

    [Fact]
    public void Layers_may_cancel_each_other_up_to_rounding()
    {
        // M_2 M_1 = 0 though neither is: rows (0.1, -0.3) on columns (0.3, 0.1) k.
        double[] parameters = [0.3 / 7, 0.3 * 1.1, 0.1 / 7, 0.1 * 1.1, 0.1, -0.3, 0.7, -2.1, 0, 0];
        ZeroRankSaddle saddle = ZeroRankSaddle.Create(Three, parameters, [1, 2]);
        (double smallest, _) = saddle.ExtremeEigenvalues();
        double[] k = saddle.Covariance.ToArray();
        Assert.Equal(2 + (0.25 * (0.01 + 0.09)), k[0], 1e-15);
        Assert.True(smallest < -2 * 4 * 9 * 2.5 + 1);
        Assert.All(EquilibratedEnergy.Create(Three, parameters, [1, -1, 2, 3], [1, 2]).Gradient.ToArray(), g => Assert.Equal(0, g, 1e-14));
    }

    [Fact]
    public void With_skips_the_maps_must_vanish_and_not_the_weights()
    {
        RelaxationDescriptor network = new() { Batch = 1, Widths = [2, 2, 1], Skips = [true, false] };
        Assert.Contains("M_1[0, 0] is 1, 0 expected", Assert.Throws<ArgumentException>(() => ZeroRankSaddle.Create(network, new double[6], [1])).Message, StringComparison.Ordinal);
        Assert.Equal(-4, ZeroRankSaddle.Create(network, [-1, 0, 0, -1, 0, 0], [2]).ExtremeEigenvalues().Smallest);
    }

    [Fact]
    public void Other_points_and_networks_are_refused()
    {
        double[] parameters = [1, 0, 0, 1, 1, 2, 3, 4, 0, 0];
        Assert.Contains("M_2 M_1[0, 0] is 0.5, 0 expected: the point is no zero-rank saddle", Assert.Throws<ArgumentException>(() => ZeroRankSaddle.Create(Three, parameters, [1, 2])).Message, StringComparison.Ordinal);
        Assert.Contains("W_3[0, 1] is 1E-30, 0 expected", Assert.Throws<ArgumentException>(() => ZeroRankSaddle.Create(Three, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1e-30], [1, 2])).Message, StringComparison.Ordinal);
        Assert.Contains("W_1[0, 1] is NaN", Assert.Throws<ArgumentException>(() => ZeroRankSaddle.Create(Three, [0, double.NaN, 0, 0, 0, 0, 0, 0, 0, 0], [1, 2])).Message, StringComparison.Ordinal);
        Assert.Contains("decay or penalty given", Refusal(Three with { WeightDecay = 1 }), StringComparison.Ordinal);
        Assert.Contains("without biases", Refusal(Three with { Bias = true }), StringComparison.Ordinal);
        Assert.Contains("1 layer given", Refusal(new() { Batch = 2, Widths = [2, 1] }), StringComparison.Ordinal);
        Assert.Contains("layer 2, the last one, has a skip", Refusal(new() { Batch = 2, Widths = [1, 1, 1], Skips = [false, true] }), StringComparison.Ordinal);

        static string Refusal(RelaxationDescriptor network) => Assert.Throws<NotSupportedException>(() => ZeroRankSaddle.Create(network, [], [1, 2])).Message;
    }
}
