using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class ErrorCoordinateSolverTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int Outputs = 5;

    protected static bool IsFloat => typeof(T) == typeof(float);

    private static RelaxationDescriptor Tanh { get; } = Net(8, Parameterisation.DepthMuP, true) with { Activation = Activation.Tanh };

    [Theory, AllTargets]
    public void On_linear_networks_conjugate_gradients_are_exact_after_an_iteration_for_each_output_and_one(Target target) =>
        ReachesTheEquilibrium(target, RelaxationMethod.ConjugateGradients, Outputs + 1);

    [Theory, AllTargets]
    public void On_linear_networks_one_Gauss_Newton_iteration_is_exact(Target target) => ReachesTheEquilibrium(target, RelaxationMethod.GaussNewton, 1);

    [Theory, AllTargets]
    public void Solvers_lower_the_energy_and_the_gradient_of_any_network(Target target) => NetworkCase.Random.Check(12, drawn =>
    {
        // On kinks gradients do not vanish.
        bool kinked = drawn.Activation is Activation.Relu or Activation.LeakyRelu or Activation.HardTanh or Activation.Selu;
        RelaxationDescriptor network = drawn with { ActivityDecay = 0, Activation = kinked ? Activation.Tanh : drawn.Activation };
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(network), Targets.Open(target));
        foreach (RelaxationMethod method in new[] { RelaxationMethod.ConjugateGradients, RelaxationMethod.GaussNewton })
        {
            Tensor<T> errors = Zeros(d);
            double start = Gradient(errors);
            RelaxationResult result = d.Errors(errors, new() { Method = method, Steps = 60, TraceEnergy = true });
            Assert.InRange(Gradient(errors), 0, (0.1 * start) + (IsFloat ? 1e-4 : 1e-12));
            for (int t = 1; t < result.EnergyTrace.Count; t++)
            {
                Assert.True(result.EnergyTrace[t] <= result.EnergyTrace[t - 1] * (1 + (IsFloat ? 1e-5 : 1e-14)), $"{network}: {method} raised the energy at {t}");
            }
        }

        double Gradient(Tensor<T> errors)
        {
            Tensor<T> gradient = d.New(network.ActivityShape);
            d.Plan.ErrorGradient(d.Queue, d.Parameters, d.Input, d.Target, errors, d.Activities, gradient);
            return Math.Sqrt(d.Read(gradient).Sum(g => double.CreateChecked(g * g)));
        }
    });

    [Theory, AllTargets]
    public void All_methods_agree_on_the_equilibrium_of_a_tanh_network(Target target)
    {
        foreach (RelaxationDescriptor network in new[] { Tanh, Tanh with { ActivationAfter = true, Bias = true }, Tanh with { Loss = OutputLoss.CrossEntropy } })
        {
            T[][] ends = [.. new[] { RelaxationMethod.GradientDescent, RelaxationMethod.ConjugateGradients, RelaxationMethod.GaussNewton, RelaxationMethod.Nesterov }.Select(End)];
            Assert.All(ends, end => Near(ends[0], end, IsFloat ? 1e-4 : 1e-9));

            T[] End(RelaxationMethod method)
            {
                using NetworkDevice<T> d = new(NetworkCase.Of<T>(network), Targets.Open(target));
                Assert.Equal(RelaxationStatus.Converged, d.Errors(Zeros(d), new() { Method = method, Steps = 5000, Momentum = 0.5, AbsoluteTolerance = IsFloat ? 2e-6 : 1e-12 }).Status);
                return d.Read(d.Activities);
            }
        }
    }

    [Theory, AllTargets]
    public void Solvers_reach_rounding_where_energies_no_longer_tell(Target target)
    {
        // Long targets bend the lines: lengths of the quadratic model alone stay at the square root of rounding.
        foreach (RelaxationDescriptor network in new[] { Tanh, Net(6, Parameterisation.Standard, false) with { Activation = Activation.Tanh, Bias = true }, Tanh with { Loss = OutputLoss.CrossEntropy } })
        {
            NetworkCase c = NetworkCase.Of<T>(network);
            using NetworkDevice<T> d = new(c with { Target = [.. c.Target.Select(y => 4 * y)] }, Targets.Open(target));
            foreach (RelaxationMethod method in new[] { RelaxationMethod.ConjugateGradients, RelaxationMethod.GaussNewton })
            {
                Tensor<T> errors = Zeros(d), gradient = d.New(network.ActivityShape);
                double start = Norm();
                d.Errors(errors, new() { Method = method, Steps = 300 });
                Assert.InRange(Norm() / start, 0, IsFloat ? 1e-5 : 1e-12);

                double Norm()
                {
                    d.Plan.ErrorGradient(d.Queue, d.Parameters, d.Input, d.Target, errors, d.Activities, gradient);
                    return Math.Sqrt(d.Read(gradient).Sum(g => double.CreateChecked(g) * double.CreateChecked(g)));
                }
            }
        }
    }

    [Theory, AllTargets]
    public void Computed_steps_converge_and_four_tenths_more_than_the_limit_diverge(Target target)
    {
        foreach (RelaxationDescriptor network in LinearNetworks().Where(n => n.Depth > 1))
        {
            NetworkCase c = NetworkCase.Of<T>(network);
            using NetworkDevice<T> d = new(c, Targets.Open(target));
            double limit = 2 / ActivityHessian.Create(network, c.Parameters).ExtremeEigenvalues().Largest;
            double step = d.Plan.StableStep(d.Queue, d.Parameters, d.Input, d.Target);
            Assert.InRange(step, 0.7 * limit, 0.97 * limit);
            Assert.Equal(step, d.Plan.StableStep(d.Queue, d.Parameters, d.Input, d.Target, d.Activities), 1e-2 * step);

            double start = d.Relax(new() { Steps = 1 }).InitialEnergy;
            RelaxationResult settled = d.Relax(new() { Steps = 300, TraceEnergy = true });
            Assert.Equal(RelaxationStatus.Finished, settled.Status);
            Assert.True(settled.LastEnergy < start);
            Assert.Equal(settled.EnergyTrace.Order(), settled.EnergyTrace.Reverse(), (a, b) => Math.Abs(a - b) <= (IsFloat ? 1e-4 : 1e-12) * a);

            RelaxationResult result = d.Relax(new() { Steps = 5000, Step = 1.4 * limit });
            Assert.Equal(RelaxationStatus.Diverged, result.Status);
            Assert.Equal(step, result.SuggestedStep!.Value, 1e-2 * step);
            Assert.Contains("is stable at the feed-forward state", result.ToString(), StringComparison.Ordinal);

            Tensor<T> errors = Zeros(d);
            double errorStep = d.Plan.StableErrorStep(d.Queue, d.Parameters, d.Input, d.Target, errors);
            RelaxationResult descent = d.Errors(errors, new() { Steps = 2000, AbsoluteTolerance = IsFloat ? 1e-5 : 1e-11 });
            Assert.Equal(RelaxationStatus.Converged, descent.Status);
            d.Queue.Fill(errors, T.Zero);
            RelaxationResult wild = d.Errors(errors, new() { Steps = 5000, Step = 2 / 1.5 * 1.4 * errorStep });
            Assert.Equal(RelaxationStatus.Diverged, wild.Status);
            Assert.Equal(errorStep, wild.SuggestedStep!.Value, 1e-2 * errorStep);
        }
    }

    [Theory, AllTargets(CpuOnly = true)]
    public unsafe void Without_hidden_layers_nothing_of_an_earlier_call_is_read(Target target)
    {
        const int ScratchBytes = 1 << 20;
        foreach (RelaxationMethod method in new[] { RelaxationMethod.ConjugateGradients, RelaxationMethod.GaussNewton })
        {
            using NetworkDevice<T> d = new(NetworkCase.Of<T>(new() { Batch = 3, Widths = [2, 4] }), Targets.Open(target));

            // All bits set are NaN.
            new Span<byte>(((CpuQueue)d.Queue).Workspace(ScratchBytes), ScratchBytes).Fill(0xff);
            RelaxationResult result = d.Errors(Zeros(d), new() { Method = method, Steps = 3 });
            Assert.Equal((RelaxationStatus.Finished, result.InitialEnergy), (result.Status, result.LastEnergy));
        }
    }

    [Theory, AllTargets]
    public void A_last_step_that_overflows_is_a_divergence(Target target)
    {
        // x = 0 keeps the start finite; what the weights send back is not.
        RelaxationDescriptor network = new() { Batch = 20, Widths = [2, 3, 3, 3, 2] };
        NetworkCase c = NetworkCase.Of<T>(network);
        double huge = IsFloat ? 1e30 : 1e200;
        c = c with { Input = new double[c.Input.Length], Parameters = [.. c.Parameters.Select(w => w * huge)] };
        foreach (RelaxationMethod method in new[] { RelaxationMethod.ConjugateGradients, RelaxationMethod.GaussNewton, RelaxationMethod.GradientDescent })
        {
            using NetworkDevice<T> d = new(c, Targets.Open(target));
            RelaxationResult result = d.Errors(Zeros(d), new() { Method = method, Steps = 1, Step = 1 });
            Assert.Equal((RelaxationStatus.Diverged, 1), (result.Status, result.DivergedStep));
        }

        using NetworkDevice<T> a = new(c, Targets.Open(target));
        a.Queue.Fill(a.Activities, T.Zero);
        Assert.Equal(RelaxationStatus.Diverged, a.Relax(new() { Steps = 1, Step = 1 }).Status);
    }

    [Theory, AllTargets]
    public void Messages_call_errors_errors(Target target)
    {
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(Tanh), Targets.Open(target));
        Assert.Contains("errors", Assert.Throws<ShapeException>(() => d.Plan.StableErrorStep(d.Queue, d.Parameters, d.Input, d.Target, d.Input)).Message, StringComparison.Ordinal);
        Assert.Contains("errors: E_1[0, 0] is NaN", Assert.Throws<ArgumentException>(() => d.Errors(d.New(Tanh.ActivityShape), new() { Steps = 2, Step = 0.1 })).Message, StringComparison.Ordinal);
    }

    [Theory, AllTargets]
    public void Nothing_is_suggested_when_the_step_was_not_at_fault(Target target)
    {
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(Tanh), Targets.Open(target));
        double step = d.Plan.StableStep(d.Queue, d.Parameters, d.Input, d.Target);

        // With momentum the energy may rise for a while: a factor just above 1 calls that a divergence.
        RelaxationResult result = d.Relax(new() { Steps = 500, Step = step / 2, Method = RelaxationMethod.Momentum, Momentum = 0.99, DivergenceFactor = 1 + 1e-6 });
        Assert.Equal(result.Status == RelaxationStatus.Diverged, result.DivergedStep > 0);
        Assert.Null(result.SuggestedStep);
        Assert.DoesNotContain("stable", result.ToString(), StringComparison.Ordinal);
    }

    [Theory, AllTargets]
    public void Certificates_bound_the_distance_from_the_equilibrium_of_linear_networks(Target target)
    {
        foreach (RelaxationDescriptor network in LinearNetworks())
        {
            NetworkCase c = NetworkCase.Of<T>(network);
            LinearEquilibrium exact = LinearEquilibrium.Solve(network, c.Parameters, c.Input, c.Target);
            double floor = exact.LayerEnergies.ToArray().Sum(), weight = Enumerable.Range(1, network.Depth).Min(network.Precision);
            foreach (int steps in new[] { 0, 1, 20 })
            {
                using NetworkDevice<T> d = new(c, Targets.Open(target));
                d.Relax(new() { Steps = steps, Step = 0.1 });
                RelaxationCertificate certificate = d.Plan.Certificate(d.Queue, d.Parameters, d.Input, d.Target, d.Activities);
                double[] z = [.. d.Read(d.Activities).Select(double.CreateChecked)];
                double gap = RelaxationReference.Energies(network, c.Parameters, c.Input, c.Target, z).Layers.Sum() - floor;
                double rounding = IsFloat ? 1e-5 * (1 + gap) : 1e-12 * (1 + gap);
                Assert.True(certificate.Proved);
                Assert.True(gap <= certificate.EnergyGap + rounding, $"{network}: {gap} above {certificate.EnergyGap}");

                // The Hessian in error coordinates is at most max λ + λ_L λmax(JJᵀ), and λ_L λmax(JJᵀ) at most λ_L (λmax(S) - 1/λ_L) max λ.
                double largest = Enumerable.Range(1, network.Depth).Max(network.Precision), trace = Enumerable.Range(0, Outputs).Sum(i => exact.OutputCovariance[(i * Outputs) + i]);
                Assert.True(certificate.EnergyGap <= ((gap + rounding) * largest * (1 + (network.Precision(network.Depth) * trace)) / weight) + rounding, $"{network}: {certificate.EnergyGap} for {gap}");
            }
        }
    }

    [Theory, AllTargets]
    public void Certificates_with_clamped_units_bound_the_distance_from_the_equilibrium_of_the_others(Target target)
    {
        foreach (RelaxationDescriptor network in LinearNetworks().Where(n => n.Depth is > 1 and < 20))
        {
            NetworkCase c = NetworkCase.Of<T>(network);
            double[] mask = [.. Enumerable.Range(0, (int)network.ActivityCount).Select(i => i % 3 == 0 ? 0.0 : 1.0)];
            double floor = ActivityHessian.Create(network, c.Parameters).SolveClamped(c.Input, c.Target, c.Activities, mask).LayerEnergies.ToArray().Sum(), tolerance = 1e-3;
            using NetworkDevice<T> d = new(c, Targets.Open(target));
            TensorView<T> masks = d.Upload(mask, network.ActivityShape);
            foreach (int steps in new[] { 0, 5, 50 })
            {
                d.Queue.Upload(Array.ConvertAll(c.Activities, T.CreateTruncating), d.Activities);
                d.Relax(new() { Steps = steps, Step = 0.1 }, masks);
                RelaxationCertificate certificate = d.Plan.Certificate(d.Queue, d.Parameters, d.Input, d.Target, d.Activities, masks);
                double gap = Gap();
                Assert.True(certificate.Proved);
                Assert.True(gap <= certificate.EnergyGap + (IsFloat ? 1e-5 : 1e-12), $"{network}: {gap} above {certificate.EnergyGap}");
            }

            // Without the mask the same energies would never be certified: clamped units keep their gradients.
            RelaxationResult result = d.Relax(new() { Steps = 20_000, EnergyTolerance = tolerance, CheckInterval = 4 }, masks);
            Assert.Equal(RelaxationStatus.Converged, result.Status);
            Assert.InRange(result.Certificate!.EnergyGap, 0, tolerance);
            Assert.InRange(Gap(), -1e-5, tolerance);
            Assert.True(d.Plan.Certificate(d.Queue, d.Parameters, d.Input, d.Target, d.Activities).EnergyGap > 10 * tolerance);

            double Gap() => RelaxationReference.Energies(network, c.Parameters, c.Input, c.Target, [.. d.Read(d.Activities).Select(double.CreateChecked)]).Layers.Sum() - floor;
        }
    }

    [Theory, AllTargets]
    public void Certified_energies_stop_relaxations_in_both_coordinates(Target target)
    {
        RelaxationDescriptor network = Net(4, Parameterisation.DepthMuP, true);
        NetworkCase c = NetworkCase.Of<T>(network);
        double floor = LinearEquilibrium.Solve(network, c.Parameters, c.Input, c.Target).LayerEnergies.ToArray().Sum(), tolerance = 1e-3;
        using NetworkDevice<T> d = new(c, Targets.Open(target));
        foreach (RelaxationMethod method in new[] { RelaxationMethod.GradientDescent, RelaxationMethod.Momentum, RelaxationMethod.Heun })
        {
            d.Plan.Forward(d.Queue, d.Parameters, d.Input, d.Activities, d.New(network.TargetShape));
            Check(d.Relax(new() { Method = method, Steps = 20_000, EnergyTolerance = tolerance, CheckInterval = 4 }), method);
        }

        foreach (RelaxationMethod method in new[] { RelaxationMethod.GradientDescent, RelaxationMethod.Nesterov, RelaxationMethod.ConjugateGradients, RelaxationMethod.GaussNewton })
        {
            Check(d.Errors(Zeros(d), new() { Method = method, Steps = 20_000, EnergyTolerance = tolerance, Momentum = 0.5 }), method);
        }

        void Check(RelaxationResult result, RelaxationMethod method)
        {
            Assert.Equal(RelaxationStatus.Converged, result.Status);
            Assert.InRange(result.Certificate!.EnergyGap, 0, tolerance);
            double[] z = [.. d.Read(d.Activities).Select(double.CreateChecked)];
            double gap = RelaxationReference.Energies(network, c.Parameters, c.Input, c.Target, z).Layers.Sum() - floor;
            Assert.True(gap <= tolerance && result.Steps < 20_000, $"{method}: {gap}");
        }
    }

    [Theory, AllTargets]
    public void An_energy_that_stays_stops_a_relu_network(Target target)
    {
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(Tanh with { Activation = Activation.Relu }), Targets.Open(target));
        RelaxationResult result = d.Relax(new() { Steps = 50_000, Step = 0.2, EnergyChange = 1e-4, TraceEnergy = true });
        Assert.Equal(RelaxationStatus.Converged, result.Status);
        Assert.InRange(result.Steps, 16, 5000);
        Assert.True(result.EnergyTrace[^1] < result.EnergyTrace[0]);
        Assert.Equal(result.Steps + 1, result.EnergyTrace.Count);
    }

    [Theory, AllTargets]
    public void Bits_do_not_depend_on_the_thread_count(Target target)
    {
        foreach (RelaxationDescriptor network in new[] { Tanh with { Batch = 61 }, Tanh with { Batch = 61, Bias = true, ActivationAfter = true, Loss = OutputLoss.CrossEntropy } })
        {
            double[]? first = null;
            foreach (int threads in new[] { 1, 2, 7 })
            {
                using Device device = Devices.Open(target, new() { Threads = threads });
                using NetworkDevice<T> d = new(NetworkCase.Of<T>(network), device);
                List<double> bits = [d.Plan.StableStep(d.Queue, d.Parameters, d.Input, d.Target, d.Activities), d.Plan.StableErrorStep(d.Queue, d.Parameters, d.Input, d.Target)];
                RelaxationCertificate certificate = d.Plan.Certificate(d.Queue, d.Parameters, d.Input, d.Target, d.Activities);
                bits.AddRange([certificate.EnergyGap, certificate.ErrorDistance]);
                foreach (RelaxationMethod method in new[] { RelaxationMethod.GradientDescent, RelaxationMethod.ConjugateGradients, RelaxationMethod.GaussNewton })
                {
                    d.Errors(Zeros(d), new() { Method = method, Steps = 4 });
                    bits.AddRange(d.Read(d.Activities).Select(double.CreateChecked));
                }

                double[] found = [.. bits];
                Assert.Equal(first ?? found, found);
                first = found;
            }
        }
    }

    [Theory, AllTargets]
    public void A_relaxation_starts_at_random_or_where_another_one_ended(Target target)
    {
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(Tanh), Targets.Open(target)), whole = new(NetworkCase.Of<T>(Tanh), Targets.Open(target));
        using RandomFillPlan<T> normal = RandomFillPlan.Create<T>(d.Queue.Device, new() { Distribution = RandomDistribution.Normal, Shape = Tanh.ActivityShape });
        normal.Execute(d.Queue, d.Activities, seed: 3, scale: 0.05);
        whole.Queue.Upload(d.Read(d.Activities), whole.Activities);
        RelaxationOptions options = new() { Steps = 6, Step = 0.25, TraceEnergy = true };
        RelaxationResult first = d.Relax(options), second = d.Relax(options), both = whole.Relax(options with { Steps = 12 });
        Assert.Equal(whole.Read(whole.Activities), d.Read(d.Activities));
        Assert.Equal(both.EnergyTrace, [.. first.EnergyTrace, .. second.EnergyTrace.Skip(1)]);
        Assert.True(both.LastEnergy < both.InitialEnergy);
    }

    [Theory, AllTargets]
    public void Networks_without_hidden_layers_have_nothing_to_solve(Target target)
    {
        RelaxationDescriptor network = new() { Batch = 3, Widths = [2, 1] };
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(network), Targets.Open(target));
        Assert.Equal(1, d.Plan.StableStep(d.Queue, d.Parameters, d.Input, d.Target));
        Assert.Equal(0, d.Plan.Certificate(d.Queue, d.Parameters, d.Input, d.Target, d.Activities).EnergyGap);
        foreach (RelaxationMethod method in new[] { RelaxationMethod.GradientDescent, RelaxationMethod.ConjugateGradients, RelaxationMethod.GaussNewton })
        {
            RelaxationResult result = d.Errors(d.New(network.ActivityShape), new() { Method = method, Steps = 3 });
            Assert.True(result.Status == RelaxationStatus.Finished && double.IsFinite(result.LastEnergy), $"{method}: {result}");
        }
    }

    [Fact]
    public void What_has_no_meaning_is_refused()
    {
        using NetworkDevice<T> d = new(NetworkCase.Of<T>(Tanh), Targets.Open(Targets.Cpu.First()));
        Assert.Contains("ConjugateGradients given, which works in error coordinates alone", Assert.Throws<ArgumentException>(() => d.Relax(new() { Steps = 1, Method = RelaxationMethod.ConjugateGradients })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => d.Errors(d.Activities, new() { Steps = 1 }));
        foreach (RelaxationOptions options in new RelaxationOptions[]
        {
            new() { Steps = 1, Step = 0 }, new() { Steps = 1, Step = double.PositiveInfinity }, new() { Steps = 1, EnergyTolerance = -1 }, new() { Steps = 1, EnergyChange = double.NaN }, new() { Steps = 1, CheckInterval = 0 },
        })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => d.Relax(options));
        }

        NetworkCase c = NetworkCase.Of<T>(Tanh);
        using NetworkDevice<T> broken = new(c with { Parameters = [.. c.Parameters.Select((w, i) => i == 3 ? double.NaN : w)] }, d.Queue.Device);
        Refused<ArgumentException>("parameters: W_1[0, 3] is NaN", () => broken.Plan.StableStep(broken.Queue, broken.Parameters, broken.Input, broken.Target));
        Refused<ArgumentException>("parameters: W_1[0, 3] is NaN", () => broken.Plan.Certificate(broken.Queue, broken.Parameters, broken.Input, broken.Target, broken.Activities));
        Refused<ArgumentException>("parameters: W_1[0, 3] is NaN", () => broken.Errors(Zeros(broken), new() { Steps = 1, Method = RelaxationMethod.GaussNewton }));
        using NetworkDevice<T> vast = new(c with { Network = Tanh with { Activation = Activation.Linear }, Parameters = [.. c.Parameters.Select(w => w * (IsFloat ? 1e30 : 1e250))] }, d.Queue.Device);
        Refused<ArithmeticException>("curvature of the energy overflows", () => vast.Relax(new() { Steps = 1 }));
        using NetworkDevice<T> decaying = new(NetworkCase.Of<T>(Tanh with { ActivityDecay = 0.5 }), d.Queue.Device);
        Refused<NotSupportedException>("activity decay 0.5", () => decaying.Plan.Certificate(decaying.Queue, decaying.Parameters, decaying.Input, decaying.Target, decaying.Activities));
        Refused<NotSupportedException>("activity decay 0.5", () => decaying.Plan.StableErrorStep(decaying.Queue, decaying.Parameters, decaying.Input, decaying.Target));
        Refused<NotSupportedException>("activity decay 0.5", () => decaying.Relax(new() { Steps = 1, EnergyTolerance = 1 }));
        Assert.InRange(decaying.Plan.StableStep(decaying.Queue, decaying.Parameters, decaying.Input, decaying.Target), 0.01, 2);

        static void Refused<TException>(string message, Action call)
            where TException : Exception => Assert.Contains(message, Assert.Throws<TException>(call).Message, StringComparison.Ordinal);
    }

    /// <summary>Linear networks of several depths and both scalings of the paper; unequal precisions, biases and a batch that no vector divides.</summary>
    private static IEnumerable<RelaxationDescriptor> LinearNetworks()
    {
        foreach (int depth in new[] { 1, 2, 8, 64 })
        {
            yield return Net(depth, Parameterisation.DepthMuP, true);
            yield return Net(depth, Parameterisation.Standard, false) with { Bias = true };
        }

        yield return Net(5, Parameterisation.DepthMuP, true) with { Precisions = [1, 0.5, 2, 1, 3] };
    }

    private static RelaxationDescriptor Net(int depth, Parameterisation rule, bool skips) =>
        RelaxationDescriptor.Create(19, [7, .. Enumerable.Repeat(12L, depth - 1), Outputs], rule, skips);

    private static void ReachesTheEquilibrium(Target target, RelaxationMethod method, int iterations)
    {
        foreach (RelaxationDescriptor network in LinearNetworks())
        {
            NetworkCase c = NetworkCase.Of<T>(network);
            using NetworkDevice<T> d = new(c, Targets.Open(target));
            LinearEquilibrium exact = LinearEquilibrium.Solve(network, c.Parameters, c.Input, c.Target);
            RelaxationResult result = d.Errors(Zeros(d), new() { Method = method, Steps = iterations, TraceEnergy = true });
            Near(exact.Activities, d.Read(d.Activities), IsFloat ? 1e-5 : 1e-9);
            Assert.Equal(exact.LayerEnergies.ToArray().Sum(), result.LastEnergy, (IsFloat ? 1e-5 : 1e-12) * (1 + result.InitialEnergy));
            RelaxationResult again = d.Errors(Zeros(d), new() { Method = method, Steps = 50, AbsoluteTolerance = IsFloat ? 1e-4 : 1e-11 });
            Assert.Equal(RelaxationStatus.Converged, again.Status);
            Assert.InRange(again.Steps, 0, iterations);
        }
    }

    private static Tensor<T> Zeros(NetworkDevice<T> d)
    {
        Tensor<T> errors = d.New(d.Case.Network.ActivityShape);
        d.Queue.Fill(errors, T.Zero);
        return errors;
    }

    private static void Near(ReadOnlySpan<double> expected, T[] actual, double tolerance) => Near(Array.ConvertAll(expected.ToArray(), T.CreateTruncating), actual, tolerance);

    private static void Near(T[] expected, T[] actual, double tolerance)
    {
        double largest = 1 + (expected.Length == 0 ? 0 : expected.Max(e => double.CreateChecked(T.Abs(e))));
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(double.CreateChecked(expected[i]), double.CreateChecked(actual[i]), tolerance * largest);
        }
    }
}

public sealed class ErrorCoordinateSolverFloatTests : ErrorCoordinateSolverTests<float>;

public sealed class ErrorCoordinateSolverDoubleTests : ErrorCoordinateSolverTests<double>;
