using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.PredictiveCoding;

public sealed class EquilibratedEnergyTests
{
    [Fact]
    public void Products_with_the_Hessian_are_differences_of_gradients() => LinearCase.Random().Check(200, c =>
    {
        const double Step = 1e-3;
        EquilibratedEnergy at = Create(c, c.Parameters);
        double[] direction = c.Direction(at.Dimension), product = new double[at.Dimension];
        direction = Unit(direction);
        at.HessianMultiply(direction, product);
        double[][] gradients = [.. new[] { 2.0, 1, -1, -2 }.Select(k => Create(c, LinearCase.Moved(c.Parameters, k * Step, direction)).Gradient.ToArray())];
        double[] difference = [.. Enumerable.Range(0, at.Dimension).Select(i => ((8 * (gradients[1][i] - gradients[2][i])) - (gradients[0][i] - gradients[3][i])) / (12 * Step))];
        c.AssertNear(difference, product, 1e-7 * (1 + at.Value), "H v");
    });

    [Fact]
    public void The_Hessian_is_symmetric() => LinearCase.Random().Check(200, c =>
    {
        EquilibratedEnergy at = Create(c, c.Parameters);
        int n = at.Dimension;
        double[] u = Unit(c.Direction(n)), v = [.. u.Reverse().Select((e, i) => e + (0.3 * Math.Cos(i)))], hu = new double[n], hv = new double[n];
        at.HessianMultiply(u, hu);
        at.HessianMultiply(v, hv);
        double size = Math.Sqrt(Matrix.Dot(hu, hu)) + Math.Sqrt(Matrix.Dot(hv, hv));
        c.AssertNear([Matrix.Dot(v, hu)], [Matrix.Dot(u, hv)], 1e-13 * (1 + size), "symmetry");
    });

    [Fact]
    public void Value_and_gradient_are_those_of_the_equilibrium() => LinearCase.Random().Check(20, c =>
    {
        EquilibratedEnergy at = Create(c, c.Parameters);
        LinearEquilibrium equilibrium = LinearEquilibrium.Solve(c.Network, c.Parameters, c.Input, c.Target);
        Assert.Equal(equilibrium.Energy, at.Value);
        Assert.Equal(equilibrium.WeightGradient.ToArray(), at.Gradient.ToArray());
    });

    [Fact]
    public void At_zero_weights_it_is_the_Hessian_at_the_origin() => LinearCase.Random(bias: false, lastSkip: false).Check(100, c =>
    {
        OriginHessian origin = OriginHessian.Create(c.Network, c.Input, c.Target);
        EquilibratedEnergy at = Create(c, new double[c.Parameters.Length]);
        int n = at.Dimension;
        Matrix dense = Matrix.Of(n, n, origin.ToDense());
        double[] direction = c.Direction(n), product = new double[n];
        at.HessianMultiply(direction, product);
        c.AssertNear(Matrix.Multiply(Matrix.Of(1, n, direction), dense).Elements, product, 1e-12, "H v");
        (double smallest, double largest) = origin.ExtremeEigenvalues();
        (double Smallest, double Largest) found = at.ExtremeEigenvalues();
        c.AssertNear([smallest, largest], [found.Smallest, found.Largest], 1e-11, "extremes");
    });

    [Fact]
    public void Extremes_of_a_large_Hessian_come_from_products_alone()
    {
        RelaxationDescriptor network = new() { Batch = 4, Widths = [8, 12, 12, 6], Scalings = [0.4, 0.3, 0.3] };
        Random random = new(4);
        EquilibratedEnergy at = EquilibratedEnergy.Create(network, Draw(network.ParameterCount), Draw(32), Draw(24));
        Matrix dense = new(at.Dimension, at.Dimension);
        for (int i = 0; i < at.Dimension; i++)
        {
            double[] unit = new double[at.Dimension];
            unit[i] = 1;
            at.HessianMultiply(unit, dense.Row(i));
        }

        double[] values = DenseLibrary.Current.SymmetricEigenvalues(dense);
        (double smallest, double largest) = at.ExtremeEigenvalues();
        Assert.True(at.Dimension > 256 && values[0] < 0);
        Assert.Equal(values[0], smallest, 1e-9 * values[^1]);
        Assert.Equal(values[^1], largest, 1e-9 * values[^1]);

        double[] Draw(long count) => [.. Enumerable.Range(0, (int)count).Select(_ => 4 * (random.NextDouble() - 0.5))];
    }

    [Fact]
    public void Wrong_calls_are_refused()
    {
        EquilibratedEnergy at = EquilibratedEnergy.Create(new() { Batch = 1, Widths = [1, 1, 1] }, [1, 1], [1], [1]);
        double[] v = new double[3];
        Assert.Contains("direction: 2 elements expected", Assert.Throws<ArgumentException>(() => at.HessianMultiply(v, v.AsSpan(1))).Message, StringComparison.Ordinal);
        Assert.Contains("output overlaps an input", Assert.Throws<ArgumentException>(() => at.HessianMultiply(v.AsSpan(0, 2), v.AsSpan(1))).Message, StringComparison.Ordinal);
    }

    internal static double[] Unit(double[] direction)
    {
        double length = Math.Sqrt(Matrix.Dot(direction, direction));
        return Array.ConvertAll(direction, d => d / length);
    }

    private static EquilibratedEnergy Create(LinearCase c, double[] parameters) => EquilibratedEnergy.Create(c.Network, parameters, c.Input, c.Target);
}
