using HpcLinear.LinearConvolutions;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.LinearConvolutions;

public sealed class FunctionSpaceFlowTests
{
    private static readonly Target Host = Target.Parse("cpu:scalar");

    public static TheoryData<int> Architectures => [0, 1, 2, 3];

    private static DeepProductDescriptor Architecture(int index) => index switch
    {
        0 => new() { Channels = [1, 1, 1], Filters = [[3], [2]], Strides = [[2], [1]] },
        1 => new() { Channels = [1, 1, 1, 1], Filters = [[2], [3], [2]], Strides = [[2], [2], [1]] },
        2 => new() { Channels = [1, 1, 1], Filters = [[2, 3], [2, 2]], Strides = [[1, 2], [1, 1]] },
        _ => new() { Channels = [1, 1, 1], Filters = [[2, 2], [3, 3]], Strides = [[1, 1], [1, 1]] },
    };

    [Theory]
    [MemberData(nameof(Architectures))]
    public void It_is_the_image_of_the_flow_of_parameters(int index)
    {
        FlowCase flow = FlowCase.Random(new() { Network = Architecture(index) }, 40 + index);
        DeepLinearNetwork start = new(flow.Single, flow.Layers(0));
        FunctionSpaceFlow found = FunctionSpaceFlow.Integrate(start, flow.Quadratic, flow.Linear, [0.4, 1]);
        double[][] states = flow.Run<double>(Targets.Open(Host), [0.4, 1], new() { RelativeTolerance = 1e-12, AbsoluteTolerance = 1e-14 }).States;
        Assert.Equal((FunctionSpaceFlowStatus.Finished, 1.0), (found.Status, found.Time));
        for (int time = 0; time < 2; time++)
        {
            double[][] w = [.. states.Select(s => s[(time * s.Length / 2)..((time + 1) * s.Length / 2)])];
            double[] want = start.With(w).EndToEnd();
            for (int i = 0; i < want.Length; i++)
            {
                Assert.Equal(want[i], found.Filters[time][i], time == 0 ? 1e-8 : 1e-10);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Layers_factored_from_scratch_give_the_same_flow(int index)
    {
        FlowCase flow = FlowCase.Random(new() { Network = Architecture(index) }, 60 + index);
        DeepLinearNetwork start = new(flow.Single, flow.Layers(0));
        FunctionSpaceFlowOptions options = new() { RelativeTolerance = 1e-9, AbsoluteTolerance = 1e-11 };
        FunctionSpaceFlow tracked = FunctionSpaceFlow.Integrate(start, flow.Quadratic, flow.Linear, [0.5], options);
        FunctionSpaceFlow found = FunctionSpaceFlow.Integrate(start, flow.Quadratic, flow.Linear, [0.5], options with { Lift = FilterLift.Memoryless });
        Assert.Equal(FunctionSpaceFlowStatus.Finished, found.Status);
        Assert.All(tracked.Filters[0].Zip(found.Filters[0]), p => Assert.Equal(p.First, p.Second, 1e-7));
    }

    [Fact]
    public void A_branch_ends_where_layers_share_a_root()
    {
        DeepLinearNetwork start = new(new() { Channels = [1, 1, 1], Filters = [[2], [2]], Strides = [[1], [1]] }, [[2, 1], [-0.2, 0.5]]);
        FlowCase flow = FlowCase.Of(new() { Network = start.Architecture }, start.ToLayers(), [1, 0, 0, 0, 1, 0, 0, 0, 1], [1, -1, -1]);
        double[] times = [0.12, 0.5];
        FunctionSpaceFlow found = FunctionSpaceFlow.Integrate(start, flow.Quadratic, flow.Linear, times, new() { Lift = FilterLift.FixedBranch });
        (IReadOnlyList<FlowOutcome> outcomes, double[][] states) = flow.Run<double>(Targets.Open(Host), times, new() { RelativeTolerance = 1e-12, AbsoluteTolerance = 1e-14, DetectCrossings = true });
        double[] before = start.With([states[0][..2], states[1][..2]]).EndToEnd();
        Assert.True(before.Zip(found.Filters[0], (a, b) => Math.Abs(a - b)).Max() < 1e-8);
        Assert.Equal(FunctionSpaceFlowStatus.Stuck, found.Status);
        Assert.Equal(outcomes[0].FirstSharedRoot, found.Time, 1e-4);
    }

    [Fact]
    public void Wrong_calls_are_refused()
    {
        DeepLinearNetwork start = new(Architecture(0), [[1, 2, 3], [1, 1]]);
        double[] a = new double[25], b = new double[5];
        Assert.Throws<ArgumentException>("times", () => FunctionSpaceFlow.Integrate(start, a, b, [-1]));
        Assert.Throws<ArgumentException>("quadratic", () => FunctionSpaceFlow.Integrate(start, a, a, [1]));
        Assert.Throws<ArgumentException>("start", () => FunctionSpaceFlow.Integrate(start.With([[1, 2, 3], [0, 0]]), a, b, [1]));
        Assert.Throws<ArgumentException>("start", () => FunctionSpaceFlow.Integrate(new(DeepProductDescriptor.FullyConnected([2, 2]), [[1, 2, 3, 4]]), a, b, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => FunctionSpaceFlow.Integrate(start, a, b, [1], new() { RelativeTolerance = double.NaN }));
    }
}
