using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.PredictiveCoding;

public sealed class LinearEquilibriumTests
{
    private static readonly RelaxationDescriptor Small = new() { Batch = 2, Widths = [2, 3, 1] };

    [Fact]
    public void The_equilibrium_is_the_minimum_of_the_energy() => LinearCase.Random().Check(200, c =>
    {
        LinearEquilibrium found = Solve(c);
        AssertMinimum(c, found);
        c.AssertNear([found.LayerEnergies.ToArray().Sum()], [found.Energy - Penalties(c)], 1e-11, "layer energies");
    });

    [Fact]
    public void The_weight_gradient_is_the_derivative_of_the_equilibrium_energy() => LinearCase.Random().Check(100, c =>
    {
        double[] gradient = Solve(c).WeightGradient.ToArray();
        AssertDerivative(c, gradient, parameters => Solve(c, parameters).Energy);
    });

    [Fact]
    public void The_output_dual_is_the_derivative_in_the_target() => LinearCase.Random().Check(100, c =>
    {
        LinearEquilibrium found = Solve(c);
        double[] direction = c.Direction(c.Target.Length);
        double slope = Enumerable.Range(0, direction.Length).Sum(i => direction[i] * found.OutputDual[i]);
        double up = Solve(c, target: LinearCase.Moved(c.Target, 1, direction)).Energy, down = Solve(c, target: LinearCase.Moved(c.Target, -1, direction)).Energy;
        c.AssertNear([slope], [(up - down) / 2 * c.Network.Batch], 1e-10 * (1 + up + down), "dF*/dy");
    });

    [Fact]
    public void The_loss_bounds_the_energy() => LinearCase.Random().Check(100, c =>
    {
        LinearEquilibrium found = Solve(c);
        double energy = found.LayerEnergies.ToArray().Sum();
        Assert.True(energy <= c.Network.Precision(c.Network.Depth) * found.Loss * (1 + 1e-12), c.ToString());
    });

    [Fact]
    public void Without_hidden_layers_the_energy_is_the_loss()
    {
        LinearEquilibrium found = LinearEquilibrium.Solve(new() { Batch = 2, Widths = [1, 1], Precisions = [3] }, [2], [1, -1], [4, 0]);
        Assert.Equal(2, found.Loss);
        Assert.Equal(6, found.Energy, 1e-14);
        Assert.All(found.OutputDual.ToArray(), q => Assert.Equal(6, q, 1e-14));
        Assert.Equal(1.0 / 3, found.OutputCovariance[0], 1e-16);
        Assert.Equal(0, found.LogDeterminant, 1e-15);
        Assert.Equal(0, found.WeightGradient[0], 1e-14);
        Assert.True(found.Activities.IsEmpty);
    }

    [Fact]
    public void With_zero_weights_nothing_is_propagated()
    {
        LinearEquilibrium found = LinearEquilibrium.Solve(Small with { Precisions = [1, 2] }, new double[9], [1, 2, 3, 4], [1, -2]);
        Assert.Equal(new double[6], found.Activities.ToArray());
        Assert.Equal(2 * found.Loss, found.Energy, 1e-14);
        Assert.Equal(new double[9], found.WeightGradient.ToArray().Select(Math.Abs));
    }

    [Fact]
    public void Networks_without_an_exact_equilibrium_are_refused()
    {
        Assert.Contains("activation Tanh given", Refusal(Small with { Activation = Activation.Tanh }), StringComparison.Ordinal);
        Assert.Contains("loss CrossEntropy given", Refusal(Small with { Loss = OutputLoss.CrossEntropy }), StringComparison.Ordinal);
        Assert.Contains("activity decay 0.5 given, 0 expected: ActivityHessian.Solve takes it", Refusal(Small with { ActivityDecay = 0.5 }), StringComparison.Ordinal);
        Assert.Throws<ProblemException>(() => LinearEquilibrium.Solve(Small with { Precisions = [1, 0] }, new double[9], new double[4], new double[2]));

        static string Refusal(RelaxationDescriptor network) =>
            Assert.Throws<NotSupportedException>(() => LinearEquilibrium.Solve(network, new double[9], new double[4], new double[2])).Message;
    }

    [Fact]
    public void Data_that_are_not_finite_are_named_by_layer_and_place()
    {
        Assert.Contains("W_2[0, 1] is NaN, a finite number expected", Refusal(Small, With(9, 7, double.NaN), new double[4], new double[2]), StringComparison.Ordinal);
        Assert.Contains("b_1[0, 2] is ", Refusal(Small with { Bias = true }, With(13, 11, double.NegativeInfinity), new double[4], new double[2]), StringComparison.Ordinal);
        Assert.Contains("layer 0, x[1, 0] is NaN", Refusal(Small, new double[9], With(4, 2, double.NaN), new double[2]), StringComparison.Ordinal);
        Assert.Contains("the output layer, y[1, 0] is NaN", Refusal(Small, new double[9], new double[4], With(2, 1, double.NaN)), StringComparison.Ordinal);
        Assert.Contains("parameters: 9 elements expected for shape [9], 8 given", Refusal(Small, new double[8], new double[4], new double[2]), StringComparison.Ordinal);
        Assert.Contains("target: 2 elements expected for shape [2, 1], 3 given", Refusal(Small, new double[9], new double[4], new double[3]), StringComparison.Ordinal);

        static double[] With(int count, int at, double value)
        {
            double[] elements = new double[count];
            elements[at] = value;
            return elements;
        }

        static string Refusal(RelaxationDescriptor network, double[] parameters, double[] input, double[] target) =>
            Assert.Throws<ArgumentException>(() => LinearEquilibrium.Solve(network, parameters, input, target)).Message;
    }

    [Fact]
    public void Weights_that_overflow_are_refused() =>
        Assert.Contains("linear_equilibrium: S is not positive definite", Assert.Throws<ArithmeticException>(() => LinearEquilibrium.Solve(new() { Batch = 1, Widths = [1, 1, 1] }, [1e200, 1e200], [1], [1])).Message, StringComparison.Ordinal);

    /// <summary>The energy has the value told, and rises by the same in a direction and in the opposite one, as a quadratic function does from its minimum.</summary>
    internal static void AssertMinimum(LinearCase c, LinearEquilibrium found)
    {
        double[] direction = c.Direction(found.Activities.Length);
        double energy = c.Energy(c.Parameters, c.Target, found.Activities);
        double up = c.Energy(c.Parameters, c.Target, LinearCase.Moved(found.Activities, 1, direction)), down = c.Energy(c.Parameters, c.Target, LinearCase.Moved(found.Activities, -1, direction));
        c.AssertNear([energy], [found.Energy], 1e-11, "energy");
        c.AssertNear([up], [down], 1e-10, "energy beside the minimum");
        Assert.True(up + down >= 2 * energy, c.ToString());
    }

    internal static void AssertDerivative(LinearCase c, double[] gradient, Func<double[], double> energy)
    {
        const double Step = 2e-4;
        for (int i = 0; i < gradient.Length; i += 1 + (gradient.Length / 25))
        {
            double[] direction = new double[gradient.Length];
            direction[i] = 1;
            double[] at = [.. new[] { 2.0, 1, -1, -2 }.Select(k => energy(LinearCase.Moved(c.Parameters, k * Step, direction)))];
            double slope = ((8 * (at[1] - at[2])) - (at[0] - at[3])) / (12 * Step);
            c.AssertNear([gradient[i]], [slope], 1e-6 * (1 + Math.Abs(at[0])), $"gradient at {i}");
        }
    }

    private static double Penalties(LinearCase c)
    {
        // With everything clamped to a fixed point, the parts of the energy that depend on weights alone are what decay and penalty change.
        double[] activities = new double[c.Network.ActivityCount];
        return c.Energy(c.Parameters, c.Target, activities) - (c with { Network = c.Network with { WeightDecay = 0, SpectralPenalty = 0 } }).Energy(c.Parameters, c.Target, activities);
    }

    private static LinearEquilibrium Solve(LinearCase c, double[]? parameters = null, double[]? target = null) =>
        LinearEquilibrium.Solve(c.Network, parameters ?? c.Parameters, c.Input, target ?? c.Target);
}
