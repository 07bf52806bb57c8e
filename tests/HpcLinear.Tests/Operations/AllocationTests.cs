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
        ("self-correlation", () => SelfCorrelationCall.Large), ("filter composition", () => FilterCompositionCall.Large), ("filter chain", () => FilterChainCall.Large), ("matrix chain", () => MatrixChainCall.Large),
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
            run.Execute();

            // The runtime's own threads may allocate now and then; a call that allocates does so every time.
            long allocated = long.MaxValue;
            for (int attempt = 0; attempt < 10 && allocated > 0; attempt++)
            {
                long before = GC.GetTotalAllocatedBytes(precise: true);
                run.Execute();
                allocated = Math.Min(allocated, GC.GetTotalAllocatedBytes(precise: true) - before);
            }

            Assert.True(allocated == 0, $"{call}: {allocated} bytes allocated by all threads");
        }
    }
}
