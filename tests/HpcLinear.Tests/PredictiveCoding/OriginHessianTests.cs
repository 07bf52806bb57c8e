using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.PredictiveCoding;

public sealed class OriginHessianTests
{
    [Fact]
    public void The_Hessian_is_the_second_derivative_of_the_equilibrium_energy_at_zero() => LinearCase.Random(bias: false, lastSkip: false).Check(200, c =>
    {
        int n = (int)c.Network.ParameterCount;
        Matrix dense = Matrix.Of(n, n, OriginHessian.Create(c.Network, c.Input, c.Target).ToDense());
        c.AssertNear(dense.Elements, dense.Transpose().Elements, 0, "symmetry");
        Matrix direction = Matrix.Of(1, n, c.Direction(n));
        direction.Scale(1 / Math.Sqrt(direction.SquaredNorm()));
        double curvature = Matrix.Dot(Matrix.Multiply(direction, dense).Elements, direction.Elements);
        c.AssertNear([((4 * Curvature(0.004)) - Curvature(0.008)) / 3], [curvature], 1e-5 * (1 + Energy(0)), "curvature");

        double Curvature(double step) => (Energy(step) + Energy(-step) - (2 * Energy(0))) / (step * step);

        double Energy(double step) => LinearEquilibrium.Solve(c.Network, LinearCase.Moved(new double[n], step, direction.Elements), c.Input, c.Target).Energy;
    });

    [Fact]
    public void The_extreme_eigenvalues_are_those_of_the_dense_matrix() => LinearCase.Random(bias: false, lastSkip: false).Check(200, c =>
    {
        OriginHessian hessian = OriginHessian.Create(c.Network, c.Input, c.Target);
        double[] values = DenseLibrary.Current.SymmetricEigenvalues(Matrix.Of((int)hessian.Dimension, (int)hessian.Dimension, hessian.ToDense()));
        (double smallest, double largest) = hessian.ExtremeEigenvalues();
        c.AssertNear([values[0], values[^1]], [smallest, largest], 1e-12, "extremes");
    });

    [Theory]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(5, false)]
    [InlineData(3, true)]
    [InlineData(5, true)]
    public void The_origin_is_a_strict_saddle(int depth, bool skips)
    {
        RelaxationDescriptor network = RelaxationDescriptor.Create(3, [2, .. Shape.Uniform(depth - 1, 4), 1], Parameterisation.Standard, skips) with { Precisions = [.. Enumerable.Repeat(0.5, depth)] };
        double[] input = [1, 2, 3, 4, 5, 6], target = [1, -2, 2];
        (double smallest, _) = OriginHessian.Create(network, input, target).ExtremeEigenvalues();
        double bound = -0.25 * (skips ? (depth - 1) / 0.5 : 1 / 0.5) * 3;
        Assert.True(smallest <= bound * (1 - 1e-14), $"{smallest} above {bound}");
        if (depth > 2 && !skips)
        {
            Assert.Equal(bound, smallest, 1e-14);
        }

        Assert.Equal(new double[network.ParameterCount], LinearEquilibrium.Solve(network, new double[network.ParameterCount], input, target).WeightGradient.ToArray().Select(Math.Abs));
    }

    [Fact]
    public void Without_hidden_layers_it_is_the_moment_of_the_input()
    {
        OriginHessian hessian = OriginHessian.Create(new() { Batch = 2, Widths = [2, 2], Scalings = [3], Precisions = [2] }, [1, 2, 3, 4], [9, 9, 9, 9]);
        Assert.Equal([90.0, 126, 0, 0, 126, 180, 0, 0, 0, 0, 90, 126, 0, 0, 126, 180], hessian.ToDense());
    }

    [Fact]
    public void Networks_it_does_not_know_are_refused()
    {
        RelaxationDescriptor square = new() { Batch = 1, Widths = [1, 1, 1] };
        Assert.Contains("layer 2, the last one, has a skip", Refusal(square with { Skips = [false, true] }), StringComparison.Ordinal);
        Assert.Contains("without biases", Refusal(square with { Bias = true }), StringComparison.Ordinal);
        Assert.Contains("activity decay 0.5 given", Refusal(square with { ActivityDecay = 0.5 }), StringComparison.Ordinal);
        Assert.Contains("activation Relu given", Refusal(square with { Activation = Activation.Relu }), StringComparison.Ordinal);
        Assert.Contains("y[0, 0] is NaN", Assert.Throws<ArgumentException>(() => OriginHessian.Create(square, [1], [double.NaN])).Message, StringComparison.Ordinal);

        static string Refusal(RelaxationDescriptor network) => Assert.Throws<NotSupportedException>(() => OriginHessian.Create(network, [1], [1])).Message;
    }
}
