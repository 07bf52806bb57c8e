using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Bench;

/// <summary>Chains of filters composed to one filter each.</summary>
internal sealed class CompositionTask<T> : BenchTask
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CommandQueue queue;
    private readonly CompositionProblem problem;
    private readonly DeepProductDescriptor descriptor;
    private readonly DeepProductPlan<T> plan;
    private readonly RandomOperand[] operands;
    private readonly TensorView<T>[] filters;
    private readonly Tensor<T> result;

    public CompositionTask(CommandQueue queue, CompositionProblem problem)
    {
        this.queue = queue;
        this.problem = problem;
        descriptor = problem.Descriptor;
        plan = Own(DeepProductPlan.Create<T>(queue.Device, descriptor));
        operands = [.. descriptor.Filters.Select((_, layer) => new RandomOperand((ulong)(layer + 1), descriptor.FilterShape(layer).ElementCount))];
        filters = [.. operands.Select((operand, layer) => (TensorView<T>)Own(operand.Upload<T>(queue, descriptor.FilterShape(layer))))];
        result = Result<T>(queue, descriptor.ComposedShape);
    }

    public override double Flops => problem.NominalFlops;

    public override double Bytes => (double)Unsafe.SizeOf<T>() * (operands.Sum(o => o.Count) + result.Shape.ElementCount);

    public override void Execute() => plan.Compose(queue, filters, result);

    public override Array Download() => queue.Download<T>(result);

    public override BenchCheck Check()
    {
        long problems = descriptor.Problems ?? 1, total = result.Shape.ElementCount;
        if (total == 0)
        {
            return new(0, 0, 0);
        }

        long each = total / problems;
        double terms = Enumerable.Range(1, descriptor.Filters.Count - 1).Sum(layer => (double)descriptor.Channels[layer] * descriptor.Filters[layer].ElementCount);
        long[] chosen = Flops / 2 < BenchCheck.FullCheckLimit ? [.. Enumerable.Range(0, (int)problems).Select(p => (long)p)] : BenchCheck.SamplePlaces(problems, Flops / 2 / problems);
        T[] got = new T[chosen.Length * each];
        double[] want = new double[got.Length], magnitude = new double[got.Length];
        for (int i = 0; i < chosen.Length; i++)
        {
            Range here = (int)(i * each)..(int)((i + 1) * each);
            queue.Download(result.View(chosen[i] * each, [each]), got.AsSpan(here));
            double[][] layers = [.. operands.Select(o => o.ToArray(o.Count / problems * chosen[i], o.Count / problems))];
            ChainDefinition.Compose(descriptor, 1, layers).CopyTo(want, i * each);
            ChainDefinition.Compose(descriptor, 1, [.. layers.Select(l => Array.ConvertAll(l, Math.Abs))]).CopyTo(magnitude, i * each);
        }

        return BenchCheck.Of<T>(got, want, magnitude, terms, total);
    }
}
