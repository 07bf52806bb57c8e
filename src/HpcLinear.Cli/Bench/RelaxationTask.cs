using System.Numerics;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Bench;

/// <summary>Relaxation steps of a predictive-coding network from its feed-forward state on, or these and the weights' gradient.</summary>
internal sealed class RelaxationTask<T> : NetworkTask<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int CheckedSteps = 2;

    private readonly RelaxationProblem problem;
    private readonly RelaxationOptions options;
    private readonly bool gradient;
    private readonly Tensor<T> start;
    private readonly Tensor<T> weightGradient;

    public RelaxationTask(CommandQueue queue, RelaxationProblem problem, bool gradient)
        : base(queue, problem.Descriptor)
    {
        this.problem = problem;
        this.gradient = gradient;
        options = new() { Steps = problem.Steps, Step = Step };
        start = Result<T>(queue, Network.ActivityShape);
        weightGradient = Result<T>(queue, Network.ParameterShape);
        Plan.Forward(queue, Weights, X, start, Result<T>(queue, Network.TargetShape));
        queue.Copy<T>(start, Activities);
    }

    public override double Flops => problem.Flops(gradient);

    public override void Execute()
    {
        Plan.Relax(Queue, Weights, X, Y, Activities, options);
        if (gradient)
        {
            Plan.WeightGradient(Queue, Weights, X, Y, Activities, weightGradient);
        }
    }

    public override Array Download() => Queue.Download<T>(gradient ? weightGradient : Activities);

    /// <summary>Two steps of the first and of the last sample by the definition: samples are independent.</summary>
    public override BenchCheck Check()
    {
        if (Network.ActivityCount == 0)
        {
            return new(0, 0, 0);
        }

        Queue.Copy<T>(start, Activities);
        Plan.Relax(Queue, Weights, X, Y, Activities, options with { Steps = CheckedSteps });
        T[] all = Queue.Download<T>(Activities);
        List<T> got = [];
        List<double> want = [];
        foreach (long sample in new[] { 0, Network.Batch - 1 })
        {
            (RelaxationDescriptor one, double[] xs, double[] ys) = SampleOf(sample);
            double[] z = RelaxationReference.Forward(one, Parameters, xs).Activities;
            for (int t = 0; t < CheckedSteps; t++)
            {
                double[] g = RelaxationReference.Gradients(one, Parameters, xs, ys, z).Activities;
                z = [.. z.Zip(g, (a, b) => a - (Step * b))];
            }

            want.AddRange(z);
            got.AddRange(Part(all, sample));
        }

        return BenchCheck.Of<T>([.. got], [.. want], [.. want.Select(Math.Abs)], Network.Widths.Max() * (double)Network.Depth, all.Length);
    }
}
