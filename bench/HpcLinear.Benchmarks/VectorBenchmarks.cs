using BenchmarkDotNet.Attributes;
using HpcLinear.Operations;

namespace HpcLinear.Benchmarks;

/// <summary>Operations that move more than they compute, on vectors that fit the second cache, the last one, and neither.</summary>
public class VectorBenchmarks : DeviceBenchmarks
{
    private ReductionPlan<float> sum = null!;
    private ReductionPlan<float> compensated = null!;
    private ElementwisePlan<float> copy = null!;
    private RandomFillPlan<float> normal = null!;
    private Tensor<float> x = null!;
    private Tensor<float> y = null!;
    private Tensor<float> scalar = null!;

    public static IEnumerable<Work> Problems() => from log in (int[])[16, 20, 25] select new Work($"2^{log}", 2.0 * (1L << log), sizeof(float) * (double)(1L << log));

    [ParamsSource(nameof(Problems))]
    public Work Problem { get; set; } = null!;

    [Benchmark]
    public void Sum()
    {
        sum.Execute(Queue, x, scalar);
        Queue.Wait();
    }

    [Benchmark]
    public void CompensatedSum()
    {
        compensated.Execute(Queue, x, scalar);
        Queue.Wait();
    }

    /// <summary>y = 0.5 x + y: three times the bytes that the row says.</summary>
    [Benchmark]
    public void ScaledAddition()
    {
        copy.Execute(Queue, x, y, 0.5, 1);
        Queue.Wait();
    }

    [Benchmark]
    public void NormalNumbers()
    {
        normal.Execute(Queue, y, 7);
        Queue.Wait();
    }

    private protected override void Prepare(Device device)
    {
        Shape shape = [(long)Problem.Bytes / sizeof(float)];
        sum = Own(ReductionPlan.Create<float>(device, new() { Kind = ReductionKind.Sum, Shape = shape }));
        compensated = Own(ReductionPlan.Create<float>(device, new() { Kind = ReductionKind.Sum, Shape = shape, Compensated = true }));
        copy = Own(ElementwisePlan.Create<float>(device, new() { Operation = ElementwiseOperation.Copy, Shape = shape }));
        normal = Own(RandomFillPlan.Create<float>(device, new() { Shape = shape, Distribution = RandomDistribution.Normal }));
        x = Random(device, shape);
        y = Random(device, shape);
        scalar = Own(device.Allocate<float>(Shape.Scalar));
    }
}
