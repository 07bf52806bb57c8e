using System.Numerics;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class RelaxationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    protected static RelaxationDescriptor Deep { get; } = RelaxationDescriptor.Create(37, [11, 17, 17, 17, 17, 5], Parameterisation.DepthMuP, skips: true) with { Activation = Activation.Tanh };

    [Theory, AllTargets]
    public void Energies_and_gradients_are_those_of_the_definition(Target target) => NetworkCase.Random.Check(100, network =>
    {
        NetworkCase c = NetworkCase.Of<T>(network);
        using NetworkDevice<T> d = new(c, Targets.Open(target));
        Tensor<T> energies = d.New([network.Depth]), gradient = d.New(network.ActivityShape), weights = d.New(network.ParameterShape), prediction = d.New(network.TargetShape);
        d.Plan.Energies(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, energies);
        d.Plan.ActivityGradient(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, gradient);
        d.Plan.WeightGradient(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, weights);
        (double[] activityGradient, double[] weightGradient) = RelaxationReference.Gradients(network, c.Parameters, c.Input, c.Target, c.Activities);
        Close(RelaxationReference.Energies(network, c.Parameters, c.Input, c.Target, c.Activities).Layers, d.Read(energies), network, "energies");
        Close(activityGradient, d.Read(gradient), network, "activity gradient");
        Close(weightGradient, d.Read(weights), network, "weight gradient");
        d.Plan.Forward(d.Queue, d.Parameters, d.Input, d.Activities, prediction);
        (double[] activities, double[] output) = RelaxationReference.Forward(network, c.Parameters, c.Input);
        Close(activities, d.Read(d.Activities), network, "feed-forward state");
        Close(output, d.Read(prediction), network, "prediction");
    });

    [Theory, AllTargets]
    public void Error_coordinates_are_those_of_the_definition(Target target) => NetworkCase.Random.Check(60, drawn =>
    {
        RelaxationDescriptor network = drawn with { ActivityDecay = 0 };
        NetworkCase c = NetworkCase.Of<T>(network);
        using NetworkDevice<T> d = new(c, Targets.Open(target));
        Tensor<T> errors = d.Upload(c.Activities, network.ActivityShape), gradient = d.New(network.ActivityShape);
        d.Plan.ErrorGradient(d.Queue, d.Parameters, d.Input, d.Target, errors, d.Activities, gradient);
        (double[] z, double[] g) = RelaxationReference.ErrorGradient(network, c.Parameters, c.Input, c.Target, c.Activities);
        Close(z, d.Read(d.Activities), network, "activities of errors");
        Close(g, d.Read(gradient), network, "gradient in errors");
    });

    [Theory, AllTargets]
    public void Every_method_moves_as_its_rule_says(Target target) => NetworkCase.Random.Check(60, network =>
    {
        NetworkCase c = NetworkCase.Of<T>(network);
        foreach (RelaxationMethod method in new[] { RelaxationMethod.GradientDescent, RelaxationMethod.Momentum, RelaxationMethod.Nesterov, RelaxationMethod.Heun })
        {
            const double Step = 0.0625, Momentum = 0.5;
            using NetworkDevice<T> d = new(c, Targets.Open(target));
            RelaxationResult result = d.Relax(new() { Method = method, Steps = 3, Step = Step, Momentum = Momentum, TraceEnergy = true });
            (double[] z, double[] trace) = c.Move(method, 3, Step, Momentum);
            Close(z, d.Read(d.Activities), network, $"activities by {method}");
            Close(trace, [.. result.EnergyTrace.Select(T.CreateChecked)], network, $"energies by {method}");
            Assert.Equal(3, result.Steps);
            Assert.Equal(RelaxationStatus.Finished, result.Status);
        }
    });

    [Theory, AllTargets]
    public void Bits_do_not_depend_on_the_thread_count(Target target)
    {
        foreach (RelaxationDescriptor network in new[] { Deep, Deep with { Batch = 130, Bias = true, ActivationAfter = true, Loss = OutputLoss.CrossEntropy, Skips = [] } })
        {
            T[]? first = null;
            foreach (int threads in new[] { 1, 2, 7 })
            {
                using Device device = Devices.Open(target, new() { Threads = threads });
                using NetworkDevice<T> d = new(NetworkCase.Of<T>(network), device);
                Tensor<T> weights = d.New(network.ParameterShape), energies = d.New([network.Depth]);
                d.Relax(new() { Steps = 7, Step = 0.25 });
                d.Plan.WeightGradient(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, weights);
                d.Plan.Energies(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, energies);
                T[] bits = [.. d.Read(d.Activities), .. d.Read(weights), .. d.Read(energies)];
                Assert.Equal(first ?? bits, bits);
                first = bits;
            }
        }
    }

    [Theory, AllTargets(CpuOnly = true)]
    public void Steps_in_place_are_to_the_bit_those_from_gradients_at_one_point(Target target)
    {
        // From the feed-forward state a step leaves out the layers that no error has reached; its bits are those of the whole all the same.
        RelaxationDescriptor[] networks = [Deep, Deep with { Activation = Activation.Linear, Bias = true }, Deep with { ActivationAfter = true, Skips = [], Loss = OutputLoss.CrossEntropy }];
        foreach ((RelaxationDescriptor network, bool forward) in networks.SelectMany(n => new[] { (n, false), (n, true) }))
        {
            using NetworkDevice<T> d = new(NetworkCase.Of<T>(network), Targets.Open(target));
            if (forward)
            {
                d.Plan.Forward(d.Queue, d.Parameters, d.Input, d.Activities, d.New(network.TargetShape));
            }

            T[] z = d.Read(d.Activities);
            Tensor<T> at = d.New(network.ActivityShape), gradient = d.New(network.ActivityShape);
            T step = T.CreateChecked(0.25);
            for (int t = 0; t < network.Depth + 2; t++)
            {
                d.Queue.Upload(z, at);
                d.Plan.ActivityGradient(d.Queue, d.Parameters, d.Input, d.Target, at, gradient);
                z = [.. z.Zip(d.Read(gradient), (a, g) => T.FusedMultiplyAdd(-step, g, a))];
            }

            d.Relax(new() { Steps = network.Depth + 2, Step = 0.25 });
            Assert.Equal(z, d.Read(d.Activities));
        }
    }

    [Theory, AllTargets]
    public void A_divergence_is_the_same_with_any_thread_count(Target target)
    {
        // Only the first sample moves, so a slice of two vectors has one that diverges and one that does not.
        RelaxationDescriptor network = Deep with { Batch = 20, Activation = Activation.Linear };
        NetworkCase c = NetworkCase.Of<T>(network);
        Array.Clear(c.Input, (int)network.Widths[0], c.Input.Length - (int)network.Widths[0]);
        Array.Clear(c.Target, (int)network.Widths[^1], c.Target.Length - (int)network.Widths[^1]);
        for (int l = 1; l < network.Depth; l++)
        {
            int width = (int)network.Widths[l];
            Array.Clear(c.Activities, (int)network.ActivityOffset(l) + width, (int)(network.Batch - 1) * width);
        }

        foreach (bool inErrors in new[] { false, true })
        {
            RelaxationResult? result = null;
            T[]? bits = null;
            foreach (int threads in new[] { 1, 11 })
            {
                // 11 threads have a vector of samples each, one thread takes two at a time.
                using Device device = Devices.Open(target, new() { Threads = threads });
                using NetworkDevice<T> d = new(c, device);
                Tensor<T> errors = d.Upload(c.Activities, network.ActivityShape);
                RelaxationOptions options = new() { Steps = 40, Step = 5 };
                RelaxationResult now = inErrors ? d.Errors(errors, options) : d.Relax(options);
                Assert.Equal(RelaxationStatus.Diverged, now.Status);
                result ??= now;
                Assert.Equal((result.Steps, result.DivergedStep, result.DivergedLayer, result.LastEnergy), (now.Steps, now.DivergedStep, now.DivergedLayer, now.LastEnergy));
                T[] read = [.. d.Read(d.Activities), .. d.Read(errors)];
                Assert.Equal(bits ?? read, read);
                bits = read;
            }
        }
    }

    [Theory, AllTargets]
    public void Energies_that_nobody_looked_at_are_not_reported(Target target)
    {
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(Deep), Targets.Open(target));
        RelaxationResult result = d.Relax(new() { Steps = 0, Step = 0.25 });
        Assert.Equal((double.NaN, double.NaN), (result.InitialEnergy, result.LastEnergy));
        result = d.Relax(new() { Steps = 0, Step = 0.25, TraceEnergy = true });
        Assert.Equal((result.EnergyTrace[0], result.EnergyTrace[0]), (result.InitialEnergy, result.LastEnergy));
    }

    [Theory, AllTargets]
    public void Adaptive_steps_without_hidden_layers_reach_their_horizon(Target target)
    {
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(new() { Batch = 3, Widths = [2, 4] }), Targets.Open(target));
        Assert.InRange(d.Relax(new() { Method = RelaxationMethod.AdaptiveHeun, Steps = 1000, Step = 0.5, Horizon = 20 }).Steps, 1, 5);
    }

    [Theory, AllTargets]
    public void An_error_descends_one_layer_a_step(Target target)
    {
        // From the feed-forward state E_l is exactly 0 below layer L - t.
        for (int steps = 0; steps < Deep.Depth; steps++)
        {
            using NetworkDevice<T> d = new(NetworkCase.Of<T>(Deep), Targets.Open(target));
            d.Plan.Forward(d.Queue, d.Parameters, d.Input, d.Activities, d.New(Deep.TargetShape));
            T[] start = d.Read(d.Activities);
            d.Relax(new() { Steps = steps, Step = 0.5 });
            T[] end = d.Read(d.Activities);
            for (int l = 1; l < Deep.Depth; l++)
            {
                Range layer = (int)Deep.ActivityOffset(l)..(int)(Deep.ActivityOffset(l) + (Deep.Batch * Deep.Widths[l]));
                Assert.Equal(l < Deep.Depth - steps, start.AsSpan(layer).SequenceEqual(end.AsSpan(layer)));
            }
        }
    }

    [Theory, AllTargets]
    public void Clamped_units_stay(Target target)
    {
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(Deep), Targets.Open(target));
        double[] mask = [.. Enumerable.Range(0, (int)Deep.ActivityCount).Select(i => i % 3 == 0 ? 0.0 : 1.0)];
        T[] before = d.Read(d.Activities);
        d.Relax(new() { Steps = 4, Step = 0.25, Method = RelaxationMethod.Heun }, d.Upload(mask, Deep.ActivityShape));
        T[] after = d.Read(d.Activities);
        Assert.All(Enumerable.Range(0, mask.Length), i => Assert.Equal(mask[i] == 0, before[i] == after[i]));
    }

    [Theory, AllTargets]
    public void Both_coordinates_reach_the_same_equilibrium(Target target)
    {
        RelaxationDescriptor network = RelaxationDescriptor.Create(5, [4, 6, 6, 3], Parameterisation.NeuralTangent) with { Activation = Activation.Tanh };
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(network), Targets.Open(target));
        bool single = typeof(T) == typeof(float);
        Tensor<T> errors = d.New(network.ActivityShape), settled = d.New(network.ActivityShape);
        d.Queue.Fill(errors, T.Zero);
        RelaxationResult byErrors = d.Plan.RelaxErrors(d.Queue, d.Parameters, d.Input, d.Target, errors, settled, new() { Steps = 5000, Step = 0.5, AbsoluteTolerance = single ? 1e-6 : 1e-13 });
        RelaxationResult byActivities = d.Relax(new() { Steps = 50_000, Step = 0.25, AbsoluteTolerance = single ? 1e-6 : 1e-13 });
        Assert.Equal(RelaxationStatus.Converged, byErrors.Status);
        Assert.Equal(RelaxationStatus.Converged, byActivities.Status);
        Assert.True(byErrors.Steps < byActivities.Steps);
        T[] a = d.Read(settled), b = d.Read(d.Activities);
        Assert.All(a.Zip(b), pair => Assert.Equal(double.CreateChecked(pair.First), double.CreateChecked(pair.Second), single ? 1e-4 : 1e-10));
    }

    [Theory, AllTargets]
    public void An_adaptive_step_follows_the_flow(Target target)
    {
        // Against Heun's method with a step a hundred times as short.
        RelaxationDescriptor network = Deep with { Batch = 4 };
        using NetworkDevice<T> fine = new(NetworkCase.Of<T>(network), Targets.Open(target)), adaptive = new(NetworkCase.Of<T>(network), Targets.Open(target));
        fine.Relax(new() { Method = RelaxationMethod.Heun, Steps = 2000, Step = 0.001 });
        RelaxationResult result = adaptive.Relax(new() { Method = RelaxationMethod.AdaptiveHeun, Steps = 2000, Step = 0.5, Horizon = 2, StepTolerance = 1e-4 });
        Assert.InRange(result.Steps, 5, 500);
        T[] a = fine.Read(fine.Activities), b = adaptive.Read(adaptive.Activities);
        Assert.All(a.Zip(b), pair => Assert.Equal(double.CreateChecked(pair.First), double.CreateChecked(pair.Second), 1e-3));
    }

    [Theory, AllTargets]
    public void A_step_too_long_diverges_at_a_step_and_a_layer(Target target)
    {
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(Deep with { Activation = Activation.Linear }), Targets.Open(target));
        RelaxationResult result = d.Relax(new() { Steps = 1000, Step = 5, TraceEnergy = true });
        Assert.Equal(RelaxationStatus.Diverged, result.Status);
        Assert.InRange(result.DivergedStep, 1, 100);
        Assert.InRange(result.DivergedLayer, 1, Deep.Depth);
        Assert.Equal(result.DivergedStep, result.EnergyTrace.Count);
        Assert.All(result.EnergyTrace, e => Assert.True(double.IsFinite(e)));
    }

    [Theory, AllTargets]
    public void Elements_that_are_not_finite_are_named(Target target)
    {
        NetworkCase c = NetworkCase.Of<T>(Deep);
        long at = Deep.WeightOffset(3) + (2 * Deep.Widths[2]) + 5;
        Refused(c with { Parameters = [.. c.Parameters.Select((w, i) => i == at ? double.NaN : w)] }, "parameters: W_3[2, 5] is NaN");
        Refused(c with { Input = [.. c.Input.Select((x, i) => i == 12 ? double.PositiveInfinity : x)] }, "input[1, 1] is");
        Refused(c with { Activities = [.. c.Activities.Select((z, i) => i == Deep.ActivityOffset(2) + 18 ? double.NaN : z)] }, "activities: Z_2[1, 1] is NaN");

        void Refused(NetworkCase numbers, string message)
        {
            using NetworkDevice<T> d = new(numbers, Targets.Open(target));
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => d.Relax(new() { Steps = 2, Step = 0.1 })).Message, StringComparison.Ordinal);
        }
    }

    [Theory, AllTargets]
    public void Negative_targets_of_a_cross_entropy_are_refused(Target target)
    {
        RelaxationDescriptor classes = Deep with { Loss = OutputLoss.CrossEntropy };
        NetworkCase c = NetworkCase.Of<T>(classes);
        long at = classes.Widths[^1] + 2;
        using NetworkDevice<T> d = new(c with { Target = [.. c.Target.Select((y, i) => i == at ? -0.5 : y)] }, Targets.Open(target));
        Refused(() => d.Relax(new() { Steps = 2, Step = 0.1 }));
        Refused(() => d.Plan.Energies(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, d.New([classes.Depth])));
        Refused(() => d.Plan.ErrorGradient(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, d.New(classes.ActivityShape), d.New(classes.ActivityShape)));

        static void Refused(Action call) =>
            Assert.Contains("target[1, 2] is -0.5, at least 0 expected with cross-entropy", Assert.Throws<ArgumentException>(call).Message, StringComparison.Ordinal);
    }

    [Theory, AllTargets]
    public void A_mask_is_between_0_and_1(Target target)
    {
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(Deep), Targets.Open(target));
        foreach (double wrong in new[] { double.NaN, -1, 2 })
        {
            double[] mask = [.. Enumerable.Range(0, (int)Deep.ActivityCount).Select(i => i == 7 ? wrong : 1)];
            Assert.Contains("mask[7] is", Assert.Throws<ArgumentException>(() => d.Plan.Relax(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, new() { Steps = 1, Step = 0.1 }, d.Upload(mask, Deep.ActivityShape))).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Operands_of_other_shapes_are_refused()
    {
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(Deep), Targets.Open(Targets.Cpu.First()));
        Assert.Contains("target", Assert.Throws<ShapeException>(() => d.Plan.Relax(d.Queue, d.Parameters, d.Input, d.Input, d.Activities, new() { Steps = 1, Step = 0.1 })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => d.Plan.ActivityGradient(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, d.Activities));
        Assert.Throws<ArgumentException>(() => d.Plan.RelaxErrors(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, d.New(Deep.ActivityShape), new() { Steps = 1, Step = 0.1, Method = RelaxationMethod.Heun }));
    }

    private static void Close(double[] expected, T[] actual, RelaxationDescriptor network, string what)
    {
        double largest = expected.Length == 0 ? 0 : expected.Max(Math.Abs);
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Tolerance.Equal<T>(expected[i], double.CreateChecked(actual[i]), 64.0 * network.Widths.Max() * network.Depth, largest + 1, $"{network}: {what} {i}");
        }
    }
}

public sealed class RelaxationFloatTests : RelaxationTests<float>;

public sealed class RelaxationDoubleTests : RelaxationTests<double>
{
    [Theory, AllTargets]
    public void At_zero_errors_the_weights_follow_back_propagation(Target target)
    {
        foreach (bool after in new[] { false, true })
        {
            RelaxationDescriptor network = Deep with { Batch = 3, ActivationAfter = after, Bias = true, Precisions = [1, 1, 2, 1, 1.5] };
            NetworkCase c = NetworkCase.Of<double>(network);
            using NetworkDevice<double> d = new(c, Targets.Open(target));
            Tensor<double> errors = d.New(network.ActivityShape), gradient = d.New(network.ActivityShape), weights = d.New(network.ParameterShape);
            d.Queue.Fill(errors, 0.0);
            d.Plan.ErrorGradient(d.Queue, d.Parameters, d.Input, d.Target, errors, d.Activities, gradient, weights);
            double[] exact = d.Read(weights);
            for (int i = 0; i < exact.Length; i += 41)
            {
                const double H = 1e-5;
                Assert.Equal((Loss(i, H) - Loss(i, -H)) / (2 * H), exact[i], 1e-8);
            }

            double Loss(int at, double by)
            {
                double[] moved = [.. c.Parameters];
                moved[at] += by;
                double[] p = RelaxationReference.Forward(network, moved, c.Input).Prediction;
                return network.Precision(network.Depth) / 2 / network.Batch * p.Zip(c.Target, (a, b) => (a - b) * (a - b)).Sum();
            }
        }
    }
}
