using System.Numerics;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.OpenCl;

[Collection(nameof(OpenClCollection))]
public abstract class RelaxationOpenClTests<T>(OpenClFixture fixture)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Widths around a strip, batches around a slice and a work-group; every form, factor and loss.
    private static readonly RelaxationDescriptor[] Networks =
    [
        RelaxationDescriptor.Create(37, [11, 17, 17, 17, 5], Parameterisation.DepthMuP, skips: true) with { Activation = Activation.Tanh },
        new() { Batch = 70, Widths = [3, 8, 8, 19, 4], Activation = Activation.Gelu, ActivationAfter = true, Bias = true, Skips = [false, true, false, false], Scalings = [1, 0.5, -0.7, 1], Precisions = [1, 2, 0.5, 1.5], ActivityDecay = 0.25, WeightDecay = 0.125, SpectralPenalty = 0.0625 },
        new() { Batch = 5, Widths = [4, 9, 7, 6], Activation = Activation.Silu, Bias = true, Loss = OutputLoss.CrossEntropy, Precisions = [1, 0.5, 2] },
        new() { Batch = 3, Widths = [1, 1], Loss = OutputLoss.CrossEntropy },
        new() { Batch = 1, Widths = [2, 1, 3], Activation = Activation.Relu },
    ];

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void Energies_gradients_and_steps_are_those_of_the_definition(KernelFamily family)
    {
        foreach (RelaxationDescriptor network in Networks)
        {
            NetworkCase c = NetworkCase.Of<T>(network);
            using NetworkDevice<T> d = new(c, fixture.Device(family));
            Tensor<T> energies = d.New([network.Depth]), gradient = d.New(network.ActivityShape), weights = d.New(network.ParameterShape), prediction = d.New(network.TargetShape);
            d.Plan.Energies(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, energies);
            d.Plan.ActivityGradient(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, gradient);
            d.Plan.WeightGradient(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, weights);
            (double[] activityGradient, double[] weightGradient) = RelaxationReference.Gradients(network, c.Parameters, c.Input, c.Target, c.Activities);
            Close(network, "energies", RelaxationReference.Energies(network, c.Parameters, c.Input, c.Target, c.Activities).Layers, d.Read(energies));
            Close(network, "activity gradient", activityGradient, d.Read(gradient));
            Close(network, "weight gradient", weightGradient, d.Read(weights));
            foreach (RelaxationMethod method in new[] { RelaxationMethod.GradientDescent, RelaxationMethod.Momentum, RelaxationMethod.Nesterov, RelaxationMethod.Heun })
            {
                Step(network, c, d, method);
            }

            d.Plan.Forward(d.Queue, d.Parameters, d.Input, d.Activities, prediction);
            (double[] activities, double[] output) = RelaxationReference.Forward(network, c.Parameters, c.Input);
            Close(network, "feed-forward state", activities, d.Read(d.Activities));
            Close(network, "prediction", output, d.Read(prediction));
        }
    }

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void Both_kernel_families_go_the_way_of_the_cpu(KernelFamily family)
    {
        RelaxationDescriptor network = Networks[0];
        NetworkCase c = NetworkCase.Of<T>(network);
        double[] mask = [.. Enumerable.Range(0, (int)network.ActivityCount).Select(i => i % 3 == 0 ? 0.0 : 1.0)];
        RelaxationOptions[] ways =
        [
            new() { Steps = 40, Step = 0.25, AbsoluteTolerance = 0.05, TraceEnergy = true },
            new() { Steps = 9, Step = 0.25, Method = RelaxationMethod.Momentum, Momentum = 0.5 },
            new() { Steps = 100, Step = 0.5, Method = RelaxationMethod.AdaptiveHeun, Horizon = 2, TraceEnergy = true },
            new() { Steps = 1000, Step = 5, TraceEnergy = true },
            new() { Steps = 0, Step = 1, TraceEnergy = true },
            new() { Steps = 400, Step = 0.25, EnergyChange = 0.01, CheckInterval = 4, TraceEnergy = true },
            new() { Steps = 900, Step = 0.25, EnergyTolerance = 0.01, CheckInterval = 4, TraceEnergy = true },
            new() { Steps = 900, Step = 0.25, EnergyTolerance = 0.01, CheckInterval = 8, Method = RelaxationMethod.Heun },
        ];
        foreach (RelaxationOptions options in ways)
        {
            foreach (bool masked in new[] { false, true })
            {
                using NetworkDevice<T> d = new(c, fixture.Device(family)), host = new(c, Targets.Open(Targets.Cpu.First()));
                RelaxationResult got = d.Relax(options, masked ? d.Upload(mask, network.ActivityShape).AsView() : default);
                RelaxationResult expected = host.Relax(options, masked ? host.Upload(mask, network.ActivityShape).AsView() : default);
                Assert.Equal((expected.Status, expected.DivergedStep, expected.EnergyTrace.Count), (got.Status, got.DivergedStep, got.EnergyTrace.Count));
                int looks = options.EnergyChange > 0 || options.EnergyTolerance > 0 ? options.CheckInterval : 1;
                Assert.InRange(got.Steps, expected.Steps - looks, expected.Steps + looks);
                if (expected.Status != RelaxationStatus.Diverged)
                {
                    // A sample's last step hangs on a comparison that rounding may turn.
                    double[] want = Array.ConvertAll(host.Read(host.Activities), double.CreateTruncating);
                    Assert.All(want.Zip(d.Read(d.Activities)), p => Assert.Equal(p.First, double.CreateTruncating(p.Second), looks > 1 ? 5e-2 : 2e-3));
                    Assert.Equal(expected.LastEnergy, got.LastEnergy, (looks > 1 ? 1e-2 : 1e-3) * (1 + expected.LastEnergy));
                }
            }
        }
    }

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void Error_coordinates_agree_with_those_of_the_cpu(KernelFamily family)
    {
        foreach (RelaxationDescriptor each in Networks)
        {
            RelaxationDescriptor network = each with { ActivityDecay = 0 };
            NetworkCase c = NetworkCase.Of<T>(network);
            using NetworkDevice<T> d = new(c, fixture.Device(family)), host = new(c, Targets.Open(Targets.Cpu.First()));
            foreach (RelaxationMethod method in new[] { RelaxationMethod.GradientDescent, RelaxationMethod.Momentum, RelaxationMethod.Nesterov })
            {
                double[][] results = [.. new[] { host, d }.SelectMany(Run)];
                for (int i = 0; i < results.Length / 2; i++)
                {
                    Close(network, $"{method}, result {i}", results[i], [.. results[i + (results.Length / 2)].Select(T.CreateTruncating)]);
                }

                IEnumerable<double[]> Run(NetworkDevice<T> on)
                {
                    Tensor<T> errors = on.Upload(c.Activities, network.ActivityShape), z = on.New(network.ActivityShape), gradient = on.New(network.ActivityShape), weights = on.New(network.ParameterShape);
                    on.Plan.ErrorGradient(on.Queue, on.Parameters, on.Input, on.Target, errors, z, gradient, weights);
                    yield return Doubles(on, z);
                    yield return Doubles(on, gradient);
                    yield return Doubles(on, weights);
                    RelaxationResult result = on.Plan.RelaxErrors(on.Queue, on.Parameters, on.Input, on.Target, errors, z, new() { Steps = 4, Step = 0.125, Momentum = 0.5, Method = method, TraceEnergy = true });
                    yield return Doubles(on, errors);
                    yield return Doubles(on, z);
                    yield return [result.Steps, .. result.EnergyTrace];
                }
            }
        }

        static double[] Doubles(NetworkDevice<T> on, Tensor<T> tensor) => Array.ConvertAll(on.Read(tensor), double.CreateTruncating);
    }

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void Solvers_steps_and_certificates_agree_with_those_of_the_cpu(KernelFamily family)
    {
        bool single = typeof(T) == typeof(float);
        foreach (RelaxationDescriptor each in Networks)
        {
            RelaxationDescriptor network = each with { ActivityDecay = 0 };
            NetworkCase c = NetworkCase.Of<T>(network);
            double[] mask = [.. Enumerable.Range(0, (int)network.ActivityCount).Select(i => i % 3 == 0 ? 0.0 : 1.0)];
            using NetworkDevice<T> d = new(c, fixture.Device(family)), host = new(c, Targets.Open(Targets.Cpu.First()));
            double[][] results = [.. new[] { host, d }.SelectMany(Run)];
            for (int i = 0; i < results.Length / 2; i++)
            {
                Assert.All(results[i].Zip(results[i + (results.Length / 2)]), p => Assert.Equal(p.First, p.Second, (single ? 2e-3 : 1e-8) * (1 + Math.Abs(p.First))));
            }

            IEnumerable<double[]> Run(NetworkDevice<T> on)
            {
                Tensor<T> errors = on.Upload(c.Activities, network.ActivityShape), masks = on.Upload(mask, network.ActivityShape);
                yield return [on.Plan.StableStep(on.Queue, on.Parameters, on.Input, on.Target), on.Plan.StableStep(on.Queue, on.Parameters, on.Input, on.Target, on.Activities)];
                yield return [on.Plan.StableErrorStep(on.Queue, on.Parameters, on.Input, on.Target), on.Plan.StableErrorStep(on.Queue, on.Parameters, on.Input, on.Target, errors)];
                RelaxationCertificate certificate = on.Plan.Certificate(on.Queue, on.Parameters, on.Input, on.Target, on.Activities);
                RelaxationCertificate masked = on.Plan.Certificate(on.Queue, on.Parameters, on.Input, on.Target, on.Activities, masks);
                yield return [certificate.EnergyGap, certificate.ErrorDistance, masked.EnergyGap, masked.ErrorDistance];
                foreach (RelaxationMethod method in new[] { RelaxationMethod.ConjugateGradients, RelaxationMethod.GaussNewton })
                {
                    on.Queue.Upload(Array.ConvertAll(c.Activities, T.CreateTruncating), errors);
                    Tensor<T> z = on.New(network.ActivityShape);
                    RelaxationResult result = on.Plan.RelaxErrors(on.Queue, on.Parameters, on.Input, on.Target, errors, z, new() { Steps = 3, Method = method, TraceEnergy = true });
                    yield return Doubles(on, errors);
                    yield return Doubles(on, z);
                    yield return [result.Steps, .. result.EnergyTrace];
                }
            }
        }

        static double[] Doubles(NetworkDevice<T> on, Tensor<T> tensor) => Array.ConvertAll(on.Read(tensor), double.CreateTruncating);
    }

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void A_last_step_that_overflows_is_a_divergence(KernelFamily family)
    {
        RelaxationDescriptor network = new() { Batch = 20, Widths = [2, 3, 3, 3, 2] };
        NetworkCase c = NetworkCase.Of<T>(network);
        double huge = typeof(T) == typeof(float) ? 1e30 : 1e200;
        c = c with { Input = new double[c.Input.Length], Parameters = [.. c.Parameters.Select(w => w * huge)] };
        foreach (bool traced in new[] { false, true })
        {
            foreach (RelaxationMethod method in new[] { RelaxationMethod.GradientDescent, RelaxationMethod.Momentum, RelaxationMethod.Heun })
            {
                using NetworkDevice<T> d = new(c, fixture.Device(family));
                d.Queue.Fill(d.Activities, T.Zero);
                RelaxationResult result = d.Relax(new() { Method = method, Steps = 1, Step = 1, TraceEnergy = traced });
                Assert.Equal((RelaxationStatus.Diverged, 1), (result.Status, result.DivergedStep));
                Assert.InRange(result.DivergedLayer, 1, network.Depth);
            }

            foreach (RelaxationMethod method in new[] { RelaxationMethod.ConjugateGradients, RelaxationMethod.GaussNewton, RelaxationMethod.GradientDescent })
            {
                using NetworkDevice<T> d = new(c, fixture.Device(family));
                Tensor<T> errors = d.Upload(new double[network.ActivityCount], network.ActivityShape);
                RelaxationResult result = d.Errors(errors, new() { Method = method, Steps = 1, Step = 1, TraceEnergy = traced });
                Assert.Equal((RelaxationStatus.Diverged, 1), (result.Status, result.DivergedStep));
            }
        }
    }

    private static void Step(RelaxationDescriptor network, NetworkCase c, NetworkDevice<T> d, RelaxationMethod method)
    {
        const double Step = 0.0625, Momentum = 0.5;
        d.Queue.Upload(Array.ConvertAll(c.Activities, T.CreateTruncating), d.Activities);
        RelaxationResult result = d.Relax(new() { Method = method, Steps = 2, Step = Step, Momentum = Momentum, TraceEnergy = true });
        (double[] z, double[] trace) = c.Move(method, 2, Step, Momentum);
        Close(network, $"activities by {method}", z, d.Read(d.Activities));
        Close(network, $"energies by {method}", trace, [.. result.EnergyTrace.Select(T.CreateChecked)]);
    }

    private static void Close(RelaxationDescriptor network, string what, double[] expected, T[] actual) =>
        Numbers.AssertClose($"{network}: {what}", expected, actual, 64.0 * network.Widths.Max() * network.Depth, expected.Length == 0 ? 1 : expected.Max(Math.Abs) + 1);
}

public sealed class RelaxationOpenClFloatTests(OpenClFixture fixture) : RelaxationOpenClTests<float>(fixture);

public sealed class RelaxationOpenClDoubleTests(OpenClFixture fixture) : RelaxationOpenClTests<double>(fixture);
