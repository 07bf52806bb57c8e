using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Bench;

/// <summary>The exact equilibrium of a linear network: its activities, or one training step, which is the gradient there and W -= rate times it.</summary>
internal sealed class LinearEquilibriumTask<T> : BenchTask
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>So small that the weights stay what they are, however often the step is timed.</summary>
    private const double Rate = 1e-12;

    private readonly CommandQueue queue;
    private readonly RelaxationDescriptor network;
    private readonly LinearEquilibriumPlan<T> plan;
    private readonly ElementwisePlan<T> update;
    private readonly bool step;
    private readonly double[] parameters;
    private readonly RandomOperand input;
    private readonly RandomOperand target;
    private readonly Tensor<T> weights;
    private readonly Tensor<T> x;
    private readonly Tensor<T> y;
    private readonly Tensor<T> result;

    public LinearEquilibriumTask(CommandQueue queue, LinearEquilibriumProblem problem, bool step)
    {
        this.queue = queue;
        this.step = step;
        network = problem.Descriptor;
        plan = Own(LinearEquilibriumPlan.Create<T>(queue.Device, network));
        update = Own(ElementwisePlan.Create<T>(queue.Device, new() { Operation = ElementwiseOperation.Copy, Shape = network.ParameterShape }));

        // Variance 1 where factors scale the layers, 1/(3 fan-in) where they do not.
        parameters = new RandomOperand(3, network.ParameterCount).ToArray(0, network.ParameterCount);
        bool scaled = network.Scalings.Any(a => a != 1);
        for (int l = 1; l <= network.Depth; l++)
        {
            double scale = scaled ? Math.Sqrt(3) : 1 / Math.Sqrt(network.Widths[l - 1]);
            for (long i = 0; i < network.Widths[l] * network.Widths[l - 1]; i++)
            {
                ref double w = ref parameters[network.WeightOffset(l) + i];
                w = double.CreateTruncating(T.CreateTruncating(w * scale));
            }
        }

        input = new(1, network.InputShape.ElementCount);
        target = new(2, network.TargetShape.ElementCount);
        weights = Own(queue.Device.Allocate<T>(network.ParameterShape));
        queue.Upload(Array.ConvertAll(parameters, T.CreateTruncating), weights);
        x = Own(input.Upload<T>(queue, network.InputShape));
        y = Own(target.Upload<T>(queue, network.TargetShape));
        result = Result<T>(queue, step ? network.ParameterShape : network.ActivityShape);
    }

    public override double Flops => plan.Choices[step ? 1 : 0].Flops;

    public override double Bytes => (double)Unsafe.SizeOf<T>() * (step ? 3.0 * network.ParameterCount : network.ParameterCount + network.ActivityCount);

    public override void Execute()
    {
        if (step)
        {
            plan.Solve(queue, weights, x, y, weightGradient: result);
            update.Execute(queue, result, weights, -Rate, 1);
        }
        else
        {
            plan.Solve(queue, weights, x, y, activities: result);
        }
    }

    public override Array Download() => queue.Download<T>(result);

    public override BenchCheck Check()
    {
        double[] xs = input.ToArray(0, network.InputShape.ElementCount), ys = target.ToArray(0, network.TargetShape.ElementCount);
        LinearEquilibrium exact = LinearEquilibrium.Solve(network, parameters, xs, ys);
        double[] want = (step ? exact.WeightGradient : exact.Activities).ToArray();
        return BenchCheck.Of<T>(queue.Download<T>(result), want, [.. want.Select(Math.Abs)], network.Widths.Max() * (double)network.Depth, want.Length);
    }
}
