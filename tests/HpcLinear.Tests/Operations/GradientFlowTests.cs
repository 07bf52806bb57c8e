using System.Numerics;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class GradientFlowTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private static readonly bool IsDouble = typeof(T) == typeof(double);

    private static readonly double Accuracy = IsDouble ? 2e-7 : 3e-4;

    private static readonly DeepProductDescriptor Strided = new() { Channels = [1, 1, 1], Filters = [[3], [2]], Strides = [[2], [1]] };

    [Theory, AllTargets]
    [Trait("Isa", "limited")]
    public void States_are_those_of_a_plain_integration(Target target)
    {
        int seed = 0;
        foreach (GradientFlowDescriptor d in new GradientFlowDescriptor[]
        {
            new() { Network = Strided },
            new() { Network = Strided with { Problems = 21 }, OwnTargets = true },
            new() { Network = DeepProductDescriptor.FullyConnected([3, 2, 4, 2], 3), OwnTargets = true },
            new() { Network = DeepProductDescriptor.FullyConnected([2, 3]) },
            new() { Network = new() { Problems = 5, Channels = [2, 1, 3], Filters = [[2, 2], [3, 1]], Strides = [[1, 2], [1, 1]] } },
            new() { Network = new() { Problems = 2, Channels = [1, 2, 1, 1], Filters = [[2, 1, 2], [1, 2, 2], [1, 1, 1]], Strides = [[1, 1, 2], [1, 1, 1], [1, 1, 1]] } },
            new() { Network = new() { Channels = [1, 1, 1], Filters = [[2, 1, 2, 2], [1, 2, 2, 1]], Strides = [[2, 1, 1, 1], [1, 1, 1, 1]] } },
        })
        {
            FlowCase flow = FlowCase.Random(d, ++seed);
            (IReadOnlyList<FlowOutcome> outcomes, double[][] states) = flow.Run<T>(Targets.Open(target), [0, 0.3, 1]);
            Assert.All(outcomes, o => Assert.Equal((FlowStatus.Finished, 1.0), (o.Status, o.Time)));
            for (int p = 0; p < flow.Networks; p++)
            {
                Compare(flow, states, 0, p, flow.Layers(p), 0, $"{d} at the start");
                Compare(flow, states, 1, p, flow.Integrate(p, 0.3, 300), 5 * Accuracy, $"{d} at 0.3");
                Compare(flow, states, 2, p, flow.Integrate(p, 1, 1000), Accuracy, $"{d} at 1");
            }
        }
    }

    [Theory, AllTargets]
    public void One_layer_follows_the_exponential(Target target)
    {
        double[] eigenvalues = [0.5, 2, 7], b = [1, -1, 3], v = [2, 1, -1];
        double[] a = new double[9];
        for (int i = 0; i < 3; i++)
        {
            a[i * 4] = eigenvalues[i];
        }

        FlowCase flow = FlowCase.Of(new() { Network = new() { Channels = [1, 1], Filters = [[3]], Strides = [[2]] } }, [v], a, b);
        (IReadOnlyList<FlowOutcome> outcomes, double[][] states) = flow.Run<T>(Targets.Open(target), [0.25, 1.5]);
        for (int i = 0; i < 6; i++)
        {
            double limit = b[i % 3] / eigenvalues[i % 3], want = limit + ((v[i % 3] - limit) * Math.Exp(-eigenvalues[i % 3] * (i < 3 ? 0.25 : 1.5)));
            Assert.Equal(want, states[0][i], Accuracy);
        }

        FlowOutcome found = outcomes[0];
        Assert.Equal(0.0, found.InvariantDrift);
        Assert.True(found.EnergyResidual < Accuracy * 10, $"{found}");
        Assert.True(found.LossIncrease <= (IsDouble ? 1e-12 : 1e-5), $"{found}");
        Assert.InRange(found.Steps, 3, 2000);
    }

    [Theory, AllTargets]
    public void A_network_that_fails_leaves_the_others_bits(Target target)
    {
        GradientFlowDescriptor d = new() { Network = Strided with { Problems = 43 }, OwnTargets = true };
        FlowCase good = FlowCase.Random(d, 5), bad = FlowCase.Random(d, 5);
        bad.Weights[1][2 * 7] = double.NaN;
        bad.Weights[0][3 * 20] = double.PositiveInfinity;
        bad.Linear[9 * 5] = 1e300;
        Device device = Targets.Open(target);
        (IReadOnlyList<FlowOutcome> expected, double[][] states) = good.Run<T>(device, [0.1, 2]);
        (IReadOnlyList<FlowOutcome> outcomes, double[][] found) = bad.Run<T>(device, [0.1, 2]);
        for (int p = 0; p < 43; p++)
        {
            if (p is 7 or 9 or 20)
            {
                Assert.Contains(outcomes[p].Status, new[] { FlowStatus.NonFinite, FlowStatus.StepUnderflow });
                continue;
            }

            Assert.Equal(expected[p], outcomes[p]);
            for (int l = 0; l < 2; l++)
            {
                int count = good.Weights[l].Length / 43;
                for (int i = 0; i < 2 * count; i++)
                {
                    int at = (i / count * 43 * count) + (p * count) + (i % count);
                    Assert.Equal(states[l][at], found[l][at]);
                }
            }
        }

        Assert.Equal(bad.Weights[0][(3 * 7)..(3 * 8)], found[0][(3 * 7)..(3 * 8)]);
    }

    [Theory, AllTargets]
    public void Bits_do_not_depend_on_the_batch_or_the_threads(Target target)
    {
        GradientFlowDescriptor d = new() { Network = Strided with { Problems = 150 } };
        FlowCase all = FlowCase.Random(d, 8);
        (IReadOnlyList<FlowOutcome> outcomes, double[][] states) = all.Run<T>(Targets.Open(target), [1]);
        foreach (int p in (int[])[0, 77, 149])
        {
            FlowCase one = FlowCase.Of(d with { Network = Strided }, all.Layers(p), all.Quadratic, all.Linear);
            (IReadOnlyList<FlowOutcome> alone, double[][] state) = one.Run<T>(Targets.Open(target), [1]);
            Assert.Equal(outcomes[p], alone[0]);
            Assert.Equal(states[0][(3 * p)..(3 * (p + 1))], state[0]);
        }

        if (target.IsCpu)
        {
            (IReadOnlyList<FlowOutcome> again, double[][] same) = all.Run<T>(Targets.Open(target, 3), [1]);
            Assert.Equal(outcomes, again);
            Assert.Equal(states[1], same[1]);
        }
    }

    [Theory, AllTargets(CpuOnly = true)]
    public void Methods_and_coordinates_agree_and_keep_the_invariants(Target target)
    {
        GradientFlowDescriptor d = new() { Network = new() { Problems = 9, Channels = [1, 1, 1, 1], Filters = [[3], [2], [2]], Strides = [[2], [2], [1]] } };
        FlowCase flow = FlowCase.Random(d, 3);
        Device device = Targets.Open(target);
        double[][] want = flow.Run<T>(device, [1], new() { RelativeTolerance = 1e-10, AbsoluteTolerance = 1e-12 }).States;
        double rounding = IsDouble ? 2e-14 : 2e-5;
        Check(new() { Coordinates = FlowCoordinates.Polar }, Accuracy, rounding);
        Check(new() { Regauge = true }, Accuracy, rounding);
        Check(new() { Method = FlowMethod.GaussLegendre, Step = 0.01 }, Accuracy, rounding);
        Check(new() { Method = FlowMethod.ImplicitMidpoint, Step = 0.01 }, 1e-3, rounding);

        void Check(GradientFlowOptions options, double accuracy, double drift)
        {
            (IReadOnlyList<FlowOutcome> outcomes, double[][] states) = flow.Run<T>(device, [0.5, 1], options);
            Assert.All(outcomes, o => Assert.True(o.Status == FlowStatus.Finished && o.InvariantDrift <= drift, $"{options}: {o}"));
            for (int l = 0; l < 3; l++)
            {
                for (int i = 0; i < want[l].Length; i++)
                {
                    Assert.True(Math.Abs(want[l][i] - states[l][want[l].Length + i]) <= accuracy, $"{options}: layer {l}, element {i}: {states[l][want[l].Length + i]}, {want[l][i]} expected");
                }
            }
        }
    }

    [Theory, AllTargets(CpuOnly = true)]
    public void Roots_that_meet_and_crossings_of_sheets_are_found(Target target)
    {
        // Roots of (2, 1) and (-0.2, 0.5) meet at 0.140; docs/operations/gradient-flow.md.
        FlowCase meet = FlowCase.Of(
            new() { Network = new() { Channels = [1, 1, 1], Filters = [[2], [2]], Strides = [[1], [1]] } }, [[2, 1], [-0.2, 0.5]], [1, 0, 0, 0, 1, 0, 0, 0, 1], [1, -1, -1]);
        FlowOutcome met = meet.Run<T>(Targets.Open(target), [0.1, 1], new() { DetectCrossings = true }).Outcomes[0];
        Assert.Equal(1, met.SharedRoots);
        Assert.Equal(0.140, met.FirstSharedRoot, 0.001);
        double[][] there = meet.Run<T>(Targets.Open(target), [met.FirstSharedRoot]).States;
        Assert.Equal(0, (there[0][0] * there[1][1]) - (there[0][1] * there[1][0]), IsDouble ? 1e-7 : 1e-4);

        // The middle tap of the first filter of (3, 2) at stride 2 crosses 0.
        FlowCase sheets = FlowCase.Of(
            new() { Network = Strided }, [[1, -0.2, 0.5], [0.8, 0.3]], [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1], [1, 1, 0.5, 0.5, 0.2]);
        (IReadOnlyList<FlowOutcome> outcomes, double[][] states) = sheets.Run<T>(Targets.Open(target), [0.01, 2], new() { DetectCrossings = true });
        Assert.Equal((1, 0), (outcomes[0].SelfCrossings, outcomes[0].SharedRoots));
        Assert.True(states[0][1] < 0 && states[0][4] > 0);
        double when = outcomes[0].FirstSelfCrossing;
        Assert.Equal(0, sheets.Run<T>(Targets.Open(target), [when]).States[0][1], IsDouble ? 1e-7 : 1e-4);
    }

    [Theory, AllTargets]
    public void Limits_end_a_flow_where_it_is(Target target)
    {
        FlowCase flow = FlowCase.Random(new() { Network = Strided }, 2);
        (IReadOnlyList<FlowOutcome> outcomes, double[][] states) = flow.Run<T>(Targets.Open(target), [1e-9, 50], new() { MaxSteps = 5 });
        Assert.Equal(FlowStatus.StepLimit, outcomes[0].Status);
        Assert.Equal(5, outcomes[0].Steps + outcomes[0].Refused);
        Assert.InRange(outcomes[0].Time, 1e-12, 49);
        Assert.NotEqual(states[0][0], states[0][3]);
        Assert.Equal((FlowStatus.Finished, 0.0), flow.Run<T>(Targets.Open(target), [0]).Outcomes.Select(o => (o.Status, o.Time)).Single());

        // A loss without a minimum: the solution ends in finite time.
        FlowCase unbounded = FlowCase.Of(new() { Network = new() { Channels = [1, 1, 1, 1], Filters = [[1], [1], [1]], Strides = [[1], [1], [1]] } }, [[1.0], [1.0], [1.0]], [-1.0], [0.0]);
        FlowOutcome ended = unbounded.Run<T>(Targets.Open(target), [10]).Outcomes[0];
        Assert.Contains(ended.Status, new[] { FlowStatus.StepUnderflow, FlowStatus.NonFinite });
        Assert.Equal(0.25, ended.Time, 0.01);
    }

    [Fact]
    public void Wrong_calls_are_refused()
    {
        Device device = Targets.Open(Target.Parse("cpu:scalar"));
        FlowCase flow = FlowCase.Random(new() { Network = Strided }, 1);
        Assert.StartsWith("times: finite, not negative and increasing expected, time 0 is -1", Assert.Throws<ArgumentException>("times", () => flow.Run<T>(device, [-1])).Message, StringComparison.Ordinal);
        Assert.StartsWith("times: finite, not negative and increasing expected, time 1 is 1 after 1", Assert.Throws<ArgumentException>("times", () => flow.Run<T>(device, [1, 1])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("times", () => flow.Run<T>(device, []));
        Assert.Throws<ArgumentException>("times", () => flow.Run<T>(device, [double.NaN]));
        Assert.Throws<ArgumentOutOfRangeException>(() => flow.Run<T>(device, [1], new() { RelativeTolerance = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => flow.Run<T>(device, [1], new() { MaxSteps = 0 }));
        Assert.Equal(ProblemError.Size, Assert.Throws<ProblemException>(() => GradientFlowPlan.Create<T>(device, new() { Network = Strided with { Filters = [[3], [0]] } })).Code);
        using GradientFlowPlan<T> plan = GradientFlowPlan.Create<T>(device, flow.Descriptor);
        using CommandQueue queue = device.CreateQueue();
        using Tensor<T> all = device.Allocate<T>([64]);
        TensorView<T> a = all.View(0, [5, 5]), b = all.View(25, [1, 5]), first = all.View(30, [1, 1, 3]), second = all.View(33, [1, 1, 2]);
        Assert.Throws<ShapeException>(() => plan.Run(queue, [first, second], a, b, [1], [first, second]));
        Assert.StartsWith("gradient_flow: output overlaps an input", Assert.Throws<ArgumentException>(() => plan.Run(queue, [first, second], a, b, [1], [all.View(30, [1, 1, 1, 3]), all.View(40, [1, 1, 1, 2])])).Message, StringComparison.Ordinal);
        Assert.StartsWith("weights: 2 layers expected, 1 given", Assert.Throws<ArgumentException>("weights", () => plan.Run(queue, [first], a, b, [1], [])).Message, StringComparison.Ordinal);
    }

    private static void Compare(FlowCase flow, double[][] states, int time, int p, double[][] want, double tolerance, string what)
    {
        for (int l = 0; l < flow.Depth; l++)
        {
            int count = want[l].Length;
            for (int i = 0; i < count; i++)
            {
                double found = states[l][(((time * flow.Networks) + p) * count) + i];
                Assert.True(Math.Abs(found - want[l][i]) <= tolerance * Math.Max(1, Math.Abs(want[l][i])), $"{what}: network {p}, layer {l}, element {i}: {found}, {want[l][i]} expected");
            }
        }
    }
}

public sealed class GradientFlowFloatTests : GradientFlowTests<float>;

public sealed class GradientFlowDoubleTests : GradientFlowTests<double>;
