using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Bench;

/// <summary>Relaxation steps of a predictive-coding network from its feed-forward state on, or these and the weights' gradient.</summary>
internal sealed class RelaxationTask<T> : BenchTask
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>η.</summary>
    public const double Step = 0.1;

    private const int CheckedSteps = 2;

    private readonly CommandQueue queue;
    private readonly RelaxationProblem problem;
    private readonly RelaxationDescriptor network;
    private readonly RelaxationOptions options;
    private readonly RelaxationPlan<T> plan;
    private readonly bool gradient;
    private readonly double[] parameters;
    private readonly RandomOperand input;
    private readonly double[] targets;
    private readonly Tensor<T> weights;
    private readonly Tensor<T> x;
    private readonly Tensor<T> y;
    private readonly Tensor<T> start;
    private readonly Tensor<T> activities;
    private readonly Tensor<T> weightGradient;

    public RelaxationTask(CommandQueue queue, RelaxationProblem problem, bool gradient)
    {
        this.queue = queue;
        this.problem = problem;
        this.gradient = gradient;
        network = problem.Descriptor;
        options = new() { Steps = problem.Steps, Step = Step };
        plan = Own(RelaxationPlan.Create<T>(queue.Device, network));

        parameters = Parameters(network);
        input = new(1, network.InputShape.ElementCount);
        targets = new RandomOperand(2, network.TargetShape.ElementCount).ToArray(0, network.TargetShape.ElementCount);
        if (network.Loss == OutputLoss.CrossEntropy)
        {
            // Weights of classes are not negative.
            targets = Array.ConvertAll(targets, Math.Abs);
        }

        weights = Own(queue.Device.Allocate<T>(network.ParameterShape));
        queue.Upload(Array.ConvertAll(parameters, T.CreateTruncating), weights);
        x = Own(input.Upload<T>(queue, network.InputShape));
        y = Own(queue.Device.Allocate<T>(network.TargetShape));
        queue.Upload(Array.ConvertAll(targets, T.CreateTruncating), y);
        start = Result<T>(queue, network.ActivityShape);
        activities = Result<T>(queue, network.ActivityShape);
        weightGradient = Result<T>(queue, network.ParameterShape);
        plan.Forward(queue, weights, x, start, Result<T>(queue, network.TargetShape));
        queue.Copy<T>(start, activities);
    }

    public override double Flops => problem.Flops(gradient);

    public override double Bytes => (double)Unsafe.SizeOf<T>() * (network.ParameterCount + (2.0 * network.ActivityCount));

    /// <summary>Uniform weights of variance 1/(3 fan-in), for any parameterisation: only their size matters here.</summary>
    public static double[] Parameters(RelaxationDescriptor network)
    {
        double[] parameters = new RandomOperand(3, network.ParameterCount).ToArray();
        for (int l = 1; l <= network.Depth; l++)
        {
            double scale = 1 / (network.Scaling(l) * Math.Sqrt(network.Widths[l - 1]));
            long offset = network.WeightOffset(l);
            for (long i = 0; i < network.Widths[l] * network.Widths[l - 1]; i++)
            {
                ref double w = ref parameters[offset + i];
                w = double.CreateTruncating(T.CreateTruncating(w * scale));
            }
        }

        return parameters;
    }

    public override void Execute()
    {
        plan.Relax(queue, weights, x, y, activities, options);
        if (gradient)
        {
            plan.WeightGradient(queue, weights, x, y, activities, weightGradient);
        }
    }

    public override Array Download() => queue.Download<T>(gradient ? weightGradient : activities);

    /// <summary>Two steps of the first and of the last sample by the definition: samples are independent.</summary>
    public override BenchCheck Check()
    {
        if (network.ActivityCount == 0)
        {
            return new(0, 0, 0);
        }

        queue.Copy<T>(start, activities);
        plan.Relax(queue, weights, x, y, activities, options with { Steps = CheckedSteps });
        T[] all = queue.Download<T>(activities);
        List<T> got = [];
        List<double> want = [];
        foreach (long sample in new[] { 0, network.Batch - 1 })
        {
            RelaxationDescriptor one = network with { Batch = 1 };
            double[] xs = input.ToArray(sample * network.Widths[0], network.Widths[0]), ys = targets.AsSpan((int)(sample * network.Widths[^1]), (int)network.Widths[^1]).ToArray();
            double[] z = RelaxationReference.Forward(one, parameters, xs).Activities;
            for (int t = 0; t < CheckedSteps; t++)
            {
                double[] g = RelaxationReference.Gradients(one, parameters, xs, ys, z).Activities;
                z = [.. z.Zip(g, (a, b) => a - (Step * b))];
            }

            want.AddRange(z);
            for (int l = 1; l < network.Depth; l++)
            {
                got.AddRange(all.AsSpan((int)(network.ActivityOffset(l) + (sample * network.Widths[l])), (int)network.Widths[l]));
            }
        }

        return BenchCheck.Of<T>([.. got], [.. want], [.. want.Select(Math.Abs)], network.Widths.Max() * (double)network.Depth, all.Length);
    }
}
