using System.Numerics;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Bench;

/// <summary>Relaxation steps of a predictive-coding network.</summary>
/// <remarks>Steps alone start from random activities and go on from call to call, so that every layer moves in every step. A minibatch starts from the feed-forward state
/// each time, as training does; layers that no error has reached are left out there.</remarks>
internal sealed class RelaxationTask<T> : NetworkTask<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int CheckedSteps = 2;

    private readonly RelaxationProblem problem;
    private readonly RelaxationOptions options;
    private readonly RelaxationOperation operation;
    private readonly Tensor<T> start;
    private readonly Tensor<T> weightGradient;
    private readonly Tensor<T> prediction;

    public RelaxationTask(CommandQueue queue, RelaxationProblem problem, RelaxationOperation operation)
        : base(queue, problem.Descriptor)
    {
        this.problem = problem;
        this.operation = operation;
        options = new() { Steps = problem.Steps, Step = Step };
        start = Own(new RandomOperand(4, Network.ActivityCount).Upload<T>(queue, Network.ActivityShape));
        weightGradient = Result<T>(queue, Network.ParameterShape);
        prediction = Result<T>(queue, Network.TargetShape);
        Start();
    }

    public override double Flops => problem.Flops(operation);

    public override void Execute()
    {
        if (operation == RelaxationOperation.Minibatch)
        {
            Start();
        }

        Plan.Relax(Queue, Weights, X, Y, Activities, options);
        if (operation != RelaxationOperation.Steps)
        {
            Plan.WeightGradient(Queue, Weights, X, Y, Activities, weightGradient);
        }
    }

    public override Array Download() => Queue.Download<T>(operation == RelaxationOperation.Steps ? Activities : weightGradient);

    /// <summary>Two steps of the first and of the last sample by the definition: samples are independent.</summary>
    public override BenchCheck Check()
    {
        if (Network.ActivityCount == 0)
        {
            return new(0, 0, 0);
        }

        Start();
        T[] first = Queue.Download<T>(Activities);
        Plan.Relax(Queue, Weights, X, Y, Activities, options with { Steps = CheckedSteps });
        T[] all = Queue.Download<T>(Activities);
        List<T> got = [];
        List<double> want = [];
        foreach (long sample in new[] { 0, Network.Batch - 1 })
        {
            (RelaxationDescriptor one, double[] xs, double[] ys) = SampleOf(sample);
            double[] z = [.. Part(first, sample).Select(double.CreateTruncating)];
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

    private void Start()
    {
        if (operation == RelaxationOperation.Minibatch)
        {
            Plan.Forward(Queue, Weights, X, Activities, prediction);
        }
        else
        {
            Queue.Copy<T>(start, Activities);
        }
    }
}
