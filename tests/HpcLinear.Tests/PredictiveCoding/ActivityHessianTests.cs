using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.PredictiveCoding;

public sealed class ActivityHessianTests
{
    [Fact]
    public void Products_and_blocks_are_those_of_the_dense_matrix() => LinearCase.Random(activityDecay: true).Check(100, c =>
    {
        ActivityHessian hessian = ActivityHessian.Create(c.Network, c.Parameters);
        int n = hessian.Dimension;
        Matrix dense = Matrix.Of(n, n, hessian.ToDense());
        c.AssertNear(dense.Elements, dense.Transpose().Elements, 0, "symmetry");
        double[] vector = c.Direction(n), result = new double[n];
        hessian.Multiply(vector, result);
        c.AssertNear(Matrix.Multiply(Matrix.Of(1, n, vector), dense).Elements, result, 1e-13, "H v");
        int at = 0;
        for (int l = 1; l < c.Network.Depth; l++)
        {
            int width = (int)c.Network.Widths[l], next = l + 1 < c.Network.Depth ? (int)c.Network.Widths[l + 1] : 0;
            c.AssertNear(Part(dense, at, at, width, width), hessian.DiagonalBlock(l), 0, "diagonal block");
            if (next > 0)
            {
                c.AssertNear(Part(dense, at, at + width, width, next), hessian.UpperBlock(l), 0, "upper block");
            }

            at += width;
        }
    });

    [Fact]
    public void The_dense_matrix_is_the_second_derivative_of_the_energy() => LinearCase.Random(activityDecay: true).Check(100, c =>
    {
        RelaxationDescriptor one = c.Network with { Batch = 1 };
        LinearCase sample = c with { Network = one, Input = c.Input[..(int)one.Widths[0]], Target = c.Target[..(int)one.Widths[^1]] };
        ActivityHessian hessian = ActivityHessian.Create(one, c.Parameters);
        double[] zero = new double[hessian.Dimension], direction = c.Direction(zero.Length), product = new double[zero.Length];
        hessian.Multiply(direction, product);
        double curvature = At(1) + At(-1) - (2 * At(0));
        c.AssertNear([curvature], [Matrix.Dot(direction, product)], 1e-11 * (1 + At(0)), "curvature");

        double At(double step) => sample.Energy(c.Parameters, sample.Target, LinearCase.Moved(zero, step, direction));
    });

    [Fact]
    public void The_equilibrium_in_output_space_solves_the_system_in_activities() => LinearCase.Random().Check(100, c =>
    {
        RelaxationDescriptor n = c.Network;
        double[] activities = LinearEquilibrium.Solve(n, c.Parameters, c.Input, c.Target).Activities.ToArray();
        ActivityHessian hessian = ActivityHessian.Create(n, c.Parameters);
        Matrix[] b = hessian.RightHandSides(Matrix.Of((int)n.Batch, (int)n.Widths[0], c.Input), Matrix.Of((int)n.Batch, (int)n.Widths[^1], c.Target));
        double[] result = new double[hessian.Dimension];
        for (int sample = 0; sample < n.Batch; sample++)
        {
            int s = sample;
            IEnumerable<int> hidden = Enumerable.Range(1, n.Depth - 1);
            hessian.Multiply([.. hidden.SelectMany(l => activities.AsSpan((int)(n.ActivityOffset(l) + (s * n.Widths[l])), (int)n.Widths[l]).ToArray())], result);
            c.AssertNear([.. hidden.SelectMany(l => b[l].Row(s).ToArray())], result, 1e-10, "H z");
        }
    });

    [Fact]
    public void Both_solvers_agree() => LinearCase.Random().Check(200, c =>
    {
        LinearEquilibrium a = LinearEquilibrium.Solve(c.Network, c.Parameters, c.Input, c.Target);
        LinearEquilibrium b = ActivityHessian.Create(c.Network, c.Parameters).Solve(c.Input, c.Target);
        c.AssertNear(a.Activities, b.Activities, 1e-9, "activities");
        c.AssertNear(a.Errors, b.Errors, 1e-9, "errors");
        c.AssertNear(a.OutputDual, b.OutputDual, 1e-9, "output dual");
        c.AssertNear(a.LayerEnergies, b.LayerEnergies, 1e-9, "layer energies");
        c.AssertNear(a.WeightGradient, b.WeightGradient, 1e-9, "weight gradient");
        c.AssertNear([a.Energy, a.Loss, a.LogDeterminant], [b.Energy, b.Loss, b.LogDeterminant], 1e-9, "energy, loss, log det");
        Assert.True(b.OutputCovariance.IsEmpty);
    });

    [Fact]
    public void The_logarithm_of_the_determinant_is_that_of_the_eigenvalues() => LinearCase.Random().Check(100, c =>
    {
        ActivityHessian hessian = ActivityHessian.Create(c.Network, c.Parameters);
        double[] values = DenseLibrary.Current.SymmetricEigenvalues(Matrix.Of(hessian.Dimension, hessian.Dimension, hessian.ToDense()));
        double expected = LinearEquilibrium.Solve(c.Network, c.Parameters, c.Input, c.Target).LogDeterminant;
        c.AssertNear([expected], [hessian.LogDeterminant], 1e-9, "block factor");
        c.AssertNear([expected], [values.Sum(Math.Log)], 1e-12 * (1 + values.Sum(v => values[^1] / v)), "eigenvalues");
        if (hessian.Dimension > 0)
        {
            Assert.Equal((values[0], values[^1]), hessian.ExtremeEigenvalues());
            Assert.True(values[0] > 0);
        }
    });

    [Fact]
    public void With_decay_of_activities_the_minimum_is_found_too() => LinearCase.Random(activityDecay: true).Check(100, c =>
    {
        LinearEquilibrium found = Solve(c.Parameters);
        LinearEquilibriumTests.AssertMinimum(c, found);
        LinearEquilibriumTests.AssertDerivative(c, found.WeightGradient.ToArray(), parameters => Solve(parameters).Energy);

        LinearEquilibrium Solve(double[] parameters) => ActivityHessian.Create(c.Network, parameters).Solve(c.Input, c.Target);
    });

    [Fact]
    public void Clamped_units_stay_and_the_others_solve_what_is_left_of_the_system() => LinearCase.Random(activityDecay: true).Check(150, c =>
    {
        RelaxationDescriptor n = c.Network;
        Random random = new(c.Parameters.Length);
        double[] held = c.Direction((int)n.ActivityCount), mask = new double[held.Length];
        double share = random.NextDouble();
        for (int i = 0; i < mask.Length; i++)
        {
            mask[i] = random.NextDouble() < share ? 1 : 0;
            held[i] = mask[i] == 1 ? double.NaN : held[i];
        }

        ActivityHessian hessian = ActivityHessian.Create(n, c.Parameters);
        LinearEquilibrium found = hessian.SolveClamped(c.Input, c.Target, held, mask);
        Matrix[] b = hessian.RightHandSides(Matrix.Of((int)n.Batch, (int)n.Widths[0], c.Input), Matrix.Of((int)n.Batch, (int)n.Widths[^1], c.Target));
        double[] expected = new double[mask.Length];
        double logDeterminant = 0;
        for (int sample = 0; sample < n.Batch; sample++)
        {
            logDeterminant += SolveDense(hessian, n, b, sample, held, mask, expected) / n.Batch;
        }

        c.AssertNear(expected, found.Activities, 1e-9, "activities");
        c.AssertNear([logDeterminant], [found.LogDeterminant], 1e-9, "log det");
        c.AssertNear([c.Energy(c.Parameters, c.Target, found.Activities)], [found.Energy], 1e-11, "energy");
        for (int i = 0; i < mask.Length; i++)
        {
            Assert.True(mask[i] == 1 || found.Activities[i] == held[i]);
        }

        LinearEquilibriumTests.AssertDerivative(c, found.WeightGradient.ToArray(), parameters => ActivityHessian.Create(n, parameters).SolveClamped(c.Input, c.Target, held, mask).Energy);
    });

    [Fact]
    public void With_every_unit_free_a_mask_changes_nothing() => LinearCase.Random(activityDecay: true).Check(50, c =>
    {
        ActivityHessian hessian = ActivityHessian.Create(c.Network, c.Parameters);
        double[] ones = [.. Enumerable.Repeat(1.0, (int)c.Network.ActivityCount)];
        LinearEquilibrium all = hessian.Solve(c.Input, c.Target), masked = hessian.SolveClamped(c.Input, c.Target, new double[ones.Length], ones);
        Assert.Equal(all.Activities.ToArray(), masked.Activities.ToArray());
        c.AssertNear([all.LogDeterminant], [masked.LogDeterminant], 1e-14, "log det");
    });

    [Fact]
    public void Extreme_eigenvalues_of_a_large_network_are_those_of_the_dense_matrix()
    {
        RelaxationDescriptor network = RelaxationDescriptor.Create(1, [3, 50, 50, 50, 50, 50, 50, 2], Parameterisation.DepthMuP, skips: true);
        Random random = new(3);
        ActivityHessian hessian = ActivityHessian.Create(network, [.. Enumerable.Range(0, (int)network.ParameterCount).Select(_ => 4 * (random.NextDouble() - 0.5))]);
        double[] values = DenseLibrary.Current.SymmetricEigenvalues(Matrix.Of(hessian.Dimension, hessian.Dimension, hessian.ToDense()));
        (double smallest, double largest) = hessian.ExtremeEigenvalues();
        Assert.Equal(300, hessian.Dimension);
        Assert.Equal(values[0], smallest, 1e-9 * values[0]);
        Assert.Equal(values[^1], largest, 1e-9 * values[^1]);
    }

    [Fact]
    public void Wrong_calls_are_refused()
    {
        ActivityHessian hessian = ActivityHessian.Create(new() { Batch = 1, Widths = [1, 2, 1] }, [1, 1, 1, 1]);
        double[] v = new double[3];
        Assert.Contains("layer 2 given, 1 to 1 expected", Assert.Throws<ArgumentOutOfRangeException>(() => hessian.DiagonalBlock(2)).Message, StringComparison.Ordinal);
        Assert.Contains("no such block", Assert.Throws<ArgumentOutOfRangeException>(() => hessian.UpperBlock(1)).Message, StringComparison.Ordinal);
        Assert.Contains("vector: 2 elements expected", Assert.Throws<ArgumentException>(() => hessian.Multiply(v, v.AsSpan(1))).Message, StringComparison.Ordinal);
        Assert.Contains("output overlaps an input", Assert.Throws<ArgumentException>(() => hessian.Multiply(v.AsSpan(0, 2), v.AsSpan(1))).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => ActivityHessian.Create(new() { Batch = 1, Widths = [1, 1] }, [1]).ExtremeEigenvalues());
        Assert.Throws<NotSupportedException>(() => ActivityHessian.Create(new() { Batch = 1, Widths = [1, 1, 1], Activation = Activation.Relu }, [1, 1]));
        Assert.Contains("the mask of Z_1[0, 1] is 0.5, 0 or 1 expected", Assert.Throws<ArgumentException>(() => hessian.SolveClamped([1], [1], [1, 1], [1, 0.5])).Message, StringComparison.Ordinal);
        Assert.Contains("Z_1[0, 1] is NaN", Assert.Throws<ArgumentException>(() => hessian.SolveClamped([1], [1], [1, double.NaN], [1, 0])).Message, StringComparison.Ordinal);
        Assert.Contains("mask: 2 elements expected", Assert.Throws<ArgumentException>(() => hessian.SolveClamped([1], [1], [1, 1], [1])).Message, StringComparison.Ordinal);
        ActivityHessian large = ActivityHessian.Create(new() { Batch = 1, Widths = [1, 1, 1] }, [1, 1e200]);
        Assert.Contains("layer 1 is not positive definite in float64: pivot 0 of 1", Assert.Throws<ArithmeticException>(() => large.Solve([1], [1])).Message, StringComparison.Ordinal);
    }

    /// <summary>One sample's equilibrium by deleting rows and columns of the dense matrix; returns the logarithm of what is left of its determinant.</summary>
    private static double SolveDense(ActivityHessian hessian, RelaxationDescriptor n, Matrix[] b, int sample, double[] held, double[] mask, double[] result)
    {
        (int From, double Right)[] units =
        [
            .. Enumerable.Range(1, n.Depth - 1).SelectMany(l => Enumerable.Range(0, (int)n.Widths[l])
                .Select(i => ((int)(n.ActivityOffset(l) + (sample * n.Widths[l])) + i, b[l][sample, i]))),
        ];
        Matrix dense = Matrix.Of(hessian.Dimension, hessian.Dimension, hessian.ToDense());
        int[] free = [.. Enumerable.Range(0, units.Length).Where(i => mask[units[i].From] == 1)];
        Matrix left = new(free.Length, free.Length), right = new(1, free.Length);
        for (int i = 0; i < free.Length; i++)
        {
            right[0, i] = units[free[i]].Right;
            for (int j = 0, at = 0; j < units.Length; j++)
            {
                if (mask[units[j].From] == 1)
                {
                    left[i, at++] = dense[free[i], j];
                }
                else
                {
                    right[0, i] -= dense[free[i], j] * held[units[j].From];
                }
            }
        }

        Cholesky factor = Cholesky.Factor(left, "dense");
        factor.Solve(right);
        for (int i = 0; i < units.Length; i++)
        {
            int place = Array.IndexOf(free, i);
            result[units[i].From] = place < 0 ? held[units[i].From] : right[0, place];
        }

        return factor.LogDeterminant();
    }

    private static double[] Part(Matrix dense, int row, int column, int rows, int columns) =>
        [.. Enumerable.Range(row, rows).SelectMany(i => dense.Row(i).Slice(column, columns).ToArray())];
}
