using System.Numerics;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.PredictiveCoding;

public abstract class LinearEquilibriumPlanTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private static readonly bool Single = typeof(T) == typeof(float);

    private static readonly RelaxationDescriptor Deep = RelaxationDescriptor.Create(20, [7, 33, 33, 33, 33, 5], Parameterisation.DepthMuP, skips: true) with { Bias = true };

    [Theory, AllTargets]
    public void Everything_is_that_of_the_host(Target target) => LinearCase.Random().Check(60, c =>
    {
        c = Rounded(c);
        using EquilibriumDevice d = new(c, Targets.Open(target));
        EquilibriumEnergies found = d.Solve();
        LinearEquilibrium exact = LinearEquilibrium.Solve(c.Network, c.Parameters, c.Input, c.Target);
        double tolerance = Single ? 2e-5 : 1e-13;
        c.AssertNear(exact.Activities, d.Read(d.Activities), tolerance, "activities");
        c.AssertNear(exact.Errors[..(int)c.Network.ActivityCount], d.Read(d.Errors), tolerance, "errors");
        c.AssertNear(exact.OutputDual, d.Read(d.Dual), tolerance, "output dual");
        c.AssertNear(exact.OutputCovariance, d.Read(d.Covariance), tolerance, "S");
        c.AssertNear(exact.WeightGradient, d.Read(d.Gradient), tolerance, "weight gradient");
        c.AssertNear([exact.LayerEnergies.ToArray().Sum(), exact.Loss, exact.LogDeterminant], [found.Energy, found.Loss, found.LogDeterminant], tolerance, "energies");
    });

    [Theory]
    [InlineData(32, 64, 64, 10)]
    [InlineData(128, 64, 64, 10)]
    [InlineData(32, 64, 5, 10)]
    public void Deep_networks_keep_the_precision_of_the_type(int depth, int width, int batch, int outputs)
    {
        RelaxationDescriptor network = RelaxationDescriptor.Create(batch, [64, .. Shape.Uniform(depth - 1, width), outputs], Parameterisation.DepthMuP, skips: true);
        LinearCase c = Rounded(Normal(network));
        using EquilibriumDevice d = new(c, Targets.Open(Target.Parse("cpu")));
        d.Solve();
        LinearEquilibrium exact = LinearEquilibrium.Solve(network, c.Parameters, c.Input, c.Target);
        double tolerance = Single ? 1e-6 : 1e-14;
        Assert.InRange(Distance(exact.Activities, d.Read(d.Activities)), 0, tolerance);
        Assert.InRange(Distance(exact.Errors[..(int)network.ActivityCount], d.Read(d.Errors)), 0, tolerance);
        Assert.InRange(Distance(exact.WeightGradient, d.Read(d.Gradient)), 0, tolerance);
    }

    [Theory, AllTargets(CpuOnly = true)]
    public void Bits_do_not_depend_on_the_thread_count_nor_on_what_else_is_wanted(Target target)
    {
        foreach (RelaxationDescriptor network in new[] { Deep, Deep with { Batch = 3 } })
        {
            LinearCase c = Rounded(Normal(network));
            double[]? activities = null, gradient = null;
            foreach (int threads in new[] { 1, 2, 7 })
            {
                using Device device = Devices.Open(target, new() { Threads = threads });
                using EquilibriumDevice d = new(c, device);
                d.Plan.Solve(d.Queue, d.Parameters, d.Input, d.Target, weightGradient: d.Gradient);
                Assert.Equal(gradient ?? d.Read(d.Gradient), d.Read(d.Gradient));
                gradient = d.Read(d.Gradient);
                d.Plan.Solve(d.Queue, d.Parameters, d.Input, d.Target, activities: d.Activities);
                Assert.Equal(activities ?? d.Read(d.Activities), d.Read(d.Activities));
                activities = d.Read(d.Activities);
                d.Solve();
                Assert.Equal(gradient, d.Read(d.Gradient));
            }
        }
    }

    [Fact]
    public void Networks_and_numbers_are_refused_as_on_the_host()
    {
        Device device = Targets.Open(Target.Parse("cpu"));
        RelaxationDescriptor small = new() { Batch = 2, Widths = [2, 3, 1], Bias = true };
        Assert.Contains("linear_equilibrium: activation Tanh given, Linear expected", Refusal(small with { Activation = Activation.Tanh }), StringComparison.Ordinal);
        Assert.Contains("linear_equilibrium: loss CrossEntropy given", Refusal(small with { Loss = OutputLoss.CrossEntropy }), StringComparison.Ordinal);
        Assert.Contains("activity decay 0.5 given, 0 expected: ActivityHessian.Solve takes it", Refusal(small with { ActivityDecay = 0.5 }), StringComparison.Ordinal);
        LinearCase ones = new(small, [.. Enumerable.Repeat(1.0, 13)], [1, 1, 1, 1], [1, 1]);
        AssertNamed(ones with { Parameters = With(ones.Parameters, 7, double.NaN) }, "W_2[0, 1] is NaN, a finite number expected");
        AssertNamed(ones with { Parameters = With(ones.Parameters, 2, double.PositiveInfinity) }, "W_1[1, 0] is ");
        AssertNamed(ones with { Parameters = With(ones.Parameters, 11, double.NegativeInfinity) }, "b_1[0, 2] is ");
        AssertNamed(ones with { Input = With(ones.Input, 2, double.NaN) }, "layer 0, x[1, 0] is NaN");
        AssertNamed(ones with { Target = With(ones.Target, 1, double.NaN) }, "the output layer, y[1, 0] is NaN");
        double huge = Single ? 1e30 : 1e200;
        using EquilibriumDevice overflow = new(new(new() { Batch = 1, Widths = [1, 1, 1] }, [huge, huge], [1], [1]), device);
        Assert.Contains("linear_equilibrium: S is not positive definite", Assert.Throws<ArithmeticException>(() => overflow.Solve()).Message, StringComparison.Ordinal);

        // After a refusal the plan still works.
        using EquilibriumDevice good = new(ones, device);
        good.Solve();
        Assert.Throws<ArgumentException>(() => good.Plan.Solve(good.Queue, good.Parameters, good.Input, good.Target, good.Activities, good.Activities));
        Assert.Throws<ShapeException>(() => good.Plan.Solve(good.Queue, good.Parameters, good.Input, good.Target, outputCovariance: good.Dual));

        string Refusal(RelaxationDescriptor network) => Assert.Throws<NotSupportedException>(() => LinearEquilibriumPlan.Create<T>(device, network)).Message;

        void AssertNamed(LinearCase c, string message)
        {
            using EquilibriumDevice d = new(c, device);
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => d.Solve()).Message, StringComparison.Ordinal);
        }

        static double[] With(double[] elements, int at, double value)
        {
            double[] changed = [.. elements];
            changed[at] = value;
            return changed;
        }
    }

    [Fact]
    public void Without_hidden_layers_the_energy_is_the_loss()
    {
        LinearCase c = new(new() { Batch = 2, Widths = [1, 1], Precisions = [3] }, [2], [1, -1], [4, 0]);
        using EquilibriumDevice d = new(c, Targets.Open(Target.Parse("cpu")));
        Tensor<T> gradient = d.Gradient;
        EquilibriumEnergies found = d.Plan.Solve(d.Queue, d.Parameters, d.Input, d.Target, weightGradient: gradient);
        Assert.Equal(2, found.Loss);
        Assert.Equal(6, found.Energy, 1e-6);
        Assert.Equal(0, d.Read(gradient)[0], 1e-6);
    }

    private static LinearCase Normal(RelaxationDescriptor network)
    {
        Random random = new(5);
        return new(network, Draw(network.ParameterCount), Draw(network.InputShape.ElementCount), Draw(network.TargetShape.ElementCount));

        double[] Draw(long count) => [.. Enumerable.Range(0, (int)count).Select(_ => Math.Sqrt(12) * (random.NextDouble() - 0.5))];
    }

    private static LinearCase Rounded(LinearCase c)
    {
        return c with { Parameters = Round(c.Parameters), Input = Round(c.Input), Target = Round(c.Target) };

        static double[] Round(double[] elements) => Array.ConvertAll(elements, e => double.CreateTruncating(T.CreateTruncating(e)));
    }

    private static double Distance(ReadOnlySpan<double> expected, double[] actual)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += (expected[i] - actual[i]) * (expected[i] - actual[i]);
            norm += expected[i] * expected[i];
        }

        return Math.Sqrt(difference / norm);
    }

    /// <summary>A case on a device, with a place for every output.</summary>
    private sealed class EquilibriumDevice : IDisposable
    {
        private readonly List<IDisposable> owned = [];

        public EquilibriumDevice(LinearCase c, Device device)
        {
            RelaxationDescriptor n = c.Network;
            Queue = Own(device.CreateQueue());
            Plan = Own(LinearEquilibriumPlan.Create<T>(device, n));
            Parameters = New(n.ParameterShape, c.Parameters);
            Input = New(n.InputShape, c.Input);
            Target = New(n.TargetShape, c.Target);
            Activities = New(n.ActivityShape);
            Errors = New(n.ActivityShape);
            Gradient = New(n.ParameterShape);
            Dual = New(n.TargetShape);
            Covariance = New([n.Widths[^1], n.Widths[^1]]);
        }

        public CommandQueue Queue { get; }

        public LinearEquilibriumPlan<T> Plan { get; }

        public Tensor<T> Parameters { get; }

        public Tensor<T> Input { get; }

        public Tensor<T> Target { get; }

        public Tensor<T> Activities { get; }

        public Tensor<T> Errors { get; }

        public Tensor<T> Gradient { get; }

        public Tensor<T> Dual { get; }

        public Tensor<T> Covariance { get; }

        public EquilibriumEnergies Solve() => Plan.Solve(Queue, Parameters, Input, Target, Activities, Errors, Gradient, Dual, Covariance);

        public double[] Read(Tensor<T> tensor) => Array.ConvertAll(Queue.Download<T>(tensor), double.CreateTruncating);

        public void Dispose() => owned.AsEnumerable().Reverse().ToList().ForEach(o => o.Dispose());

        private Tensor<T> New(Shape shape, double[]? elements = null)
        {
            Tensor<T> tensor = Own(Queue.Device.Allocate<T>(shape));
            Queue.Upload(elements is null ? [.. Enumerable.Repeat(T.NaN, (int)shape.ElementCount)] : Array.ConvertAll(elements, T.CreateTruncating), tensor);
            return tensor;
        }

        private TOwned Own<TOwned>(TOwned resource)
            where TOwned : IDisposable
        {
            owned.Add(resource);
            return resource;
        }
    }
}

public sealed class LinearEquilibriumPlanFloatTests : LinearEquilibriumPlanTests<float>;

public sealed class LinearEquilibriumPlanDoubleTests : LinearEquilibriumPlanTests<double>;
