using System.Numerics;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Bench;

/// <summary>A relaxation in error coordinates from zero errors: steps of descent, or iterations of a solver.</summary>
internal sealed class ErrorRelaxationTask<T> : NetworkTask<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int CheckedSteps = 2;

    /// <summary>Iterations of Gauss-Newton: linear networks need one.</summary>
    private const int NewtonSteps = 2;

    private readonly RelaxationOptions options;
    private readonly Tensor<T> errors;

    public ErrorRelaxationTask(CommandQueue queue, ErrorRelaxationProblem problem, RelaxationMethod method)
        : base(queue, problem.Descriptor)
    {
        options = new() { Method = method, Steps = method == RelaxationMethod.GaussNewton ? NewtonSteps : problem.Steps, Step = Step };
        errors = Result<T>(queue, Network.ActivityShape);
    }

    /// <summary>Nominal: a pass up and a pass down a step, of Gauss-Newton as many down again as there are outputs, and the last direction.</summary>
    public override double Flops => options.Steps * Network.StepFlops * (options.Method == RelaxationMethod.GaussNewton ? 1.5 + (Network.Widths[^1] / 2.0) : 1);

    public override void Execute() => Relax(options);

    public override Array Download() => Queue.Download<T>(errors);

    /// <summary>Two steps of descent of the first and of the last sample by the definition. Of solvers, that the activities are those of the errors and the energy is lower.</summary>
    public override BenchCheck Check()
    {
        if (Network.ActivityCount == 0)
        {
            return new(0, 0, 0);
        }

        bool descent = options.Method == RelaxationMethod.GradientDescent;
        RelaxationResult result = Relax(options with { Steps = descent ? CheckedSteps : options.Steps, TraceEnergy = true });
        if (!(result.LastEnergy <= result.InitialEnergy))
        {
            return new(0, Network.ActivityCount, double.NaN);
        }

        T[] e = Queue.Download<T>(errors), z = Queue.Download<T>(Activities);
        List<T> got = [];
        List<double> want = [];
        foreach (long sample in new[] { 0, Network.Batch - 1 })
        {
            (RelaxationDescriptor one, double[] xs, double[] ys) = SampleOf(sample);
            double[] own = descent ? new double[one.ActivityCount] : [.. Part(e, sample).Select(double.CreateTruncating)];
            for (int t = 0; descent && t < CheckedSteps; t++)
            {
                own = [.. own.Zip(RelaxationReference.ErrorGradient(one, Parameters, xs, ys, own).Gradient, (a, b) => a - (Step * b))];
            }

            want.AddRange(RelaxationReference.ErrorGradient(one, Parameters, xs, ys, own).Activities);
            got.AddRange(Part(z, sample));
        }

        return BenchCheck.Of<T>([.. got], [.. want], [.. want.Select(Math.Abs)], Network.Widths.Max() * (double)Network.Depth, z.Length);
    }

    private RelaxationResult Relax(RelaxationOptions how)
    {
        Queue.Fill(errors, T.Zero);
        return Plan.RelaxErrors(Queue, Weights, X, Y, errors, Activities, how);
    }
}
