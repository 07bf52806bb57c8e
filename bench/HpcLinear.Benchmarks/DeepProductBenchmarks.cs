using BenchmarkDotNet.Attributes;
using HpcLinear.Operations;

namespace HpcLinear.Benchmarks;

/// <summary>Thousands of linear convolutional networks, each composed to its end-to-end filter, and the gradients of all layers.</summary>
public class DeepProductBenchmarks : DeviceBenchmarks
{
    private DeepProductPlan<float> plan = null!;
    private TensorView<float>[] filters = [];
    private TensorView<float>[] gradients = [];
    private Tensor<float> composed = null!;

    public static IEnumerable<DeepProductWork> Problems() => from line in ShapeFile.Read("comp") select new DeepProductWork(line.Id, Chain(line));

    [ParamsSource(nameof(Problems))]
    public DeepProductWork Problem { get; set; } = null!;

    [Benchmark]
    public void Compose()
    {
        plan.Compose(Queue, filters, composed);
        Queue.Wait();
    }

    [Benchmark]
    public void Gradients()
    {
        plan.JacobianTransposeProduct(Queue, filters, composed, gradients);
        Queue.Wait();
    }

    private protected override void Prepare(Device device)
    {
        DeepProductDescriptor d = Problem.Descriptor;
        plan = Own(DeepProductPlan.Create<float>(device, d));
        filters = [.. Enumerable.Range(0, d.Depth).Select(l => (TensorView<float>)Random(device, d.FilterShape(l)))];
        gradients = [.. Enumerable.Range(0, d.Depth).Select(l => (TensorView<float>)Random(device, d.FilterShape(l)))];
        composed = Random(device, d.ComposedShape);
    }

    private static DeepProductDescriptor Chain(ShapeLine line) => new()
    {
        Problems = line["p"], Channels = Shape.Uniform(line["L"] + 1, 1),
        Filters = [.. Enumerable.Repeat(line.Axes("k"), line["L"])], Strides = [.. Enumerable.Repeat(line.Axes("s"), line["L"])],
    };
}

/// <summary>Chains of filters as a parameter; the cost is that of composing in the best order.</summary>
public sealed record DeepProductWork(string Name, DeepProductDescriptor Descriptor) : Work(
    Name, Descriptor.Flops, sizeof(float) * (Enumerable.Range(0, Descriptor.Depth).Sum(l => (double)Descriptor.FilterShape(l).ElementCount) + Descriptor.ComposedShape.ElementCount));
