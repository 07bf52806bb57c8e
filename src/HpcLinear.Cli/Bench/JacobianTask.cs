using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cli.Problems;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Bench;

/// <summary>A product with the Jacobian of products of matrices, with its transpose, or the matrix K.</summary>
internal sealed class JacobianTask<T> : BenchTask
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>First seeds of the directions' and of the cotangent's elements; layer l has seed l + 1.</summary>
    public const ulong DirectionSeed = 1001, CotangentSeed = 2001;

    private const int CheckedRows = 16;

    private readonly CommandQueue queue;
    private readonly DeepProductDescriptor descriptor;
    private readonly JacobianOperation operation;
    private readonly DeepProductPlan<T>? product;
    private readonly JacobianKernelPlan<T>? matrix;
    private readonly RandomOperand[] operands;
    private readonly RandomOperand[] directionOperands = [];
    private readonly RandomOperand? cotangentOperand;
    private readonly TensorView<T>[] layers;
    private readonly TensorView<T>[] directions = [];
    private readonly TensorView<T>[] gradients = [];
    private readonly Tensor<T>? cotangent;
    private readonly Tensor<T> result;

    public JacobianTask(CommandQueue queue, JacobianProblem problem, JacobianOperation operation)
    {
        this.queue = queue;
        this.operation = operation;
        descriptor = problem.Descriptor;
        Flops = problem.NominalFlops(operation);
        (operands, layers) = Upload(1);
        long weights = operands.Sum(o => o.Count), map = descriptor.ComposedShape.ElementCount, size = Unsafe.SizeOf<T>();
        if (operation == JacobianOperation.Kernel)
        {
            matrix = Own(JacobianKernelPlan.Create<T>(queue.Device, descriptor));
            result = Result<T>(queue, descriptor.KernelShape);
            Bytes = size * (double)(weights + result.Shape.ElementCount);
            return;
        }

        product = Own(DeepProductPlan.Create<T>(queue.Device, descriptor));
        Bytes = size * (double)((2 * weights) + map);
        if (operation == JacobianOperation.Product)
        {
            (directionOperands, directions) = Upload(DirectionSeed);
            result = Result<T>(queue, descriptor.ComposedShape);
        }
        else
        {
            cotangentOperand = new(CotangentSeed, map);
            cotangent = Own(cotangentOperand.Upload<T>(queue, descriptor.ComposedShape));
            result = Result<T>(queue, [weights]);
            gradients = new TensorView<T>[descriptor.Depth];
            long at = 0;
            for (int l = 0; l < gradients.Length; l++)
            {
                gradients[l] = result.View(at, descriptor.FilterShape(l));
                at += operands[l].Count;
            }
        }

        (RandomOperand[] Operands, TensorView<T>[] Views) Upload(ulong seed)
        {
            RandomOperand[] made = [.. Enumerable.Range(0, descriptor.Depth).Select(l => new RandomOperand(seed + (ulong)l, descriptor.FilterShape(l).ElementCount))];
            return (made, [.. made.Select((o, l) => (TensorView<T>)Own(o.Upload<T>(queue, descriptor.FilterShape(l))))]);
        }
    }

    public override double Flops { get; }

    public override double Bytes { get; }

    public override void Execute()
    {
        switch (operation)
        {
            case JacobianOperation.Product:
                product!.JacobianProduct(queue, layers, directions, result);
                break;
            case JacobianOperation.TransposeProduct:
                product!.JacobianTransposeProduct(queue, layers, cotangent!, gradients);
                break;
            default:
                matrix!.Execute(queue, layers, result);
                break;
        }
    }

    public override Array Download() => queue.Download<T>(result);

    public override BenchCheck Check()
    {
        long problems = descriptor.Problems ?? 1, map = descriptor.KernelShape[^1];
        if (problems == 0)
        {
            return new(0, 0, 0);
        }

        List<T> got = [];
        List<double> want = [], magnitude = [];
        foreach (long p in problems == 1 ? [0L] : BenchCheck.SamplePlaces(problems, Flops / problems).Distinct())
        {
            DeepProductDescriptor one = descriptor with { Problems = null };
            double[][] w = Part(operands, p);
            DeepLinearNetwork network = new(one, w), absolute = network.With([.. w.Select(Magnitudes)]);
            switch (operation)
            {
                case JacobianOperation.Product:
                    double[][] d = Part(directionOperands, p);
                    Take(result.View(p * map, [map]), network.JacobianProduct(d), absolute.JacobianProduct([.. d.Select(Magnitudes)]));
                    break;
                case JacobianOperation.TransposeProduct:
                    double[] u = cotangentOperand!.ToArray(p * map, map);
                    double[][] exact = network.JacobianTransposeProduct(u), bound = absolute.JacobianTransposeProduct(Magnitudes(u));
                    for (int l = 0; l < exact.Length; l++)
                    {
                        Take(result.View(gradients[l].Offset + (p * exact[l].Length), [exact[l].Length]), exact[l], bound[l]);
                    }

                    break;
                default:
                    double[] unit = new double[map];
                    foreach (long row in BenchCheck.SamplePlaces(map, map * map).Take(CheckedRows).Append(map - 1).Distinct())
                    {
                        unit[row] = 1;
                        Take(result.View(((p * map) + row) * map, [map]), network.JacobianProduct(network.JacobianTransposeProduct(unit)), absolute.JacobianProduct(absolute.JacobianTransposeProduct(unit)));
                        unit[row] = 0;
                    }

                    break;
            }
        }

        return BenchCheck.Of<T>([.. got], [.. want], [.. magnitude], 2 * descriptor.Channels.Sum(), result.Shape.ElementCount);

        double[][] Part(RandomOperand[] of, long p) => [.. of.Select(o => o.ToArray(o.Count / problems * p, o.Count / problems))];

        void Take(TensorView<T> view, double[] exact, double[] bound)
        {
            got.AddRange(queue.Download(view));
            want.AddRange(exact);
            magnitude.AddRange(bound);
        }
    }

    private static double[] Magnitudes(double[] elements) => Array.ConvertAll(elements, Math.Abs);
}
