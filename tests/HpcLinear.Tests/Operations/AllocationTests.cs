using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

/// <summary>Runs alone: what other tests allocate on their threads would be counted too.</summary>
[CollectionDefinition("Alone", DisableParallelization = true)]
public sealed class Alone;

/// <summary>Executing allocates nothing on any thread, the team's included.</summary>
[Collection("Alone")]
public sealed class AllocationTests
{
    private static readonly (string Name, Func<IEnumerable<Call>> Calls)[] Operations =
    [
        ("gemm", () => GemmCall.Large), ("convolution", () => ConvolutionCall.Large), ("reduction", () => ReductionCall.Large), ("elementwise", () => ElementwiseCall.Large),
        ("self-correlation", () => SelfCorrelationCall.Large), ("filter composition", () => FilterCompositionCall.Large), ("deep product", () => DeepProductCall.Large), ("Jacobian kernel", () => JacobianKernelCall.Large),
        ("optimizer", () => OptimizerCall.Large),
    ];

    public static TheoryData<string> Names => [.. Operations.Select(o => o.Name)];

    [Theory, MemberData(nameof(Names))]
    public void No_thread_allocates(string operation)
    {
        using Device device = Devices.Open("cpu", new() { Threads = 3 });
        foreach (Call call in Operations.Single(o => o.Name == operation).Calls())
        {
            using CallRun<float> run = new(call, device);
            AssertNothing($"{call}", run.Execute);
        }
    }

    [Theory]
    [InlineData(20)]
    [InlineData(3)]
    public void Exact_equilibria_allocate_nothing(int batch)
    {
        RelaxationDescriptor network = RelaxationDescriptor.Create(batch, [7, 33, 33, 33, 5], Parameterisation.DepthMuP, skips: true) with { Bias = true, WeightDecay = 1, SpectralPenalty = 1 };
        using Device device = Devices.Open("cpu", new() { Threads = 3 });
        using CommandQueue queue = device.CreateQueue();
        using LinearEquilibriumPlan<float> plan = LinearEquilibriumPlan.Create<float>(device, network);
        using Tensor<float> parameters = device.Allocate<float>(network.ParameterShape), gradient = device.Allocate<float>(network.ParameterShape);
        using Tensor<float> x = device.Allocate<float>(network.InputShape), y = device.Allocate<float>(network.TargetShape);
        using Tensor<float> activities = device.Allocate<float>(network.ActivityShape), errors = device.Allocate<float>(network.ActivityShape);
        AssertNothing(plan.Problem, () => plan.Solve(queue, parameters, x, y, activities, errors, gradient));
    }

    private static void AssertNothing(string what, Action execute)
    {
        execute();

        // The runtime's own threads may allocate now and then; a call that allocates does so every time.
        long allocated = long.MaxValue;
        for (int attempt = 0; attempt < 10 && allocated > 0; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            execute();
            allocated = Math.Min(allocated, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Assert.True(allocated == 0, $"{what}: {allocated} bytes allocated by all threads");
    }
}
