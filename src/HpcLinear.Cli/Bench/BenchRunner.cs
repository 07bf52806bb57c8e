using System.Numerics;
using System.Text.RegularExpressions;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Bench;

/// <summary>Times problems on one device.</summary>
internal sealed class BenchRunner(Terminal terminal, Device device, double minSeconds, Action<BenchRow> report)
{
    /// <summary>A product large enough to run at full speed on every target, small enough to take milliseconds.</summary>
    private static readonly GemmDescriptor Yardstick = new() { Rows = 768, Columns = 768, Depth = 768 };

    /// <summary>Problems that could not be run, with the reason.</summary>
    public List<string> Skipped { get; } = [];

    /// <summary>Problems on which the device failed.</summary>
    public List<string> Failed { get; } = [];

    public List<BenchRow> Rows { get; } = [];

    /// <summary>GFLOP/s of the yardstick's best call.</summary>
    public double GemmGflops { get; private set; }

    public void Run<T>(IReadOnlyList<Problem> problems, Regex? filter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using CommandQueue queue = device.CreateQueue();
        terminal.WithProgress("bench", problems.Count + 1, progress =>
        {
            progress.Say("best gemm");
            using (GemmTask<T> gemm = new(queue, Yardstick))
            {
                GemmGflops = Yardstick.Flops / Timing.Of(gemm.Execute, queue.Wait, minSeconds, terminal.Cancellation).Best / 1e9;
            }

            progress.Advance();
            foreach (Problem problem in problems)
            {
                terminal.Cancellation.ThrowIfCancellationRequested();
                foreach ((string id, Func<BenchTask> create) in Tasks<T>(queue, problem))
                {
                    if (filter is null || filter.IsMatch(problem.Id) || filter.IsMatch(id))
                    {
                        progress.Say(id);
                        Time<T>(queue, id, create);
                    }
                }

                progress.Advance();
            }
        });
    }

    /// <summary>The rows of a problem and what times them.</summary>
    public static IEnumerable<(string Id, Func<BenchTask> Create)> Tasks<T>(CommandQueue queue, Problem problem)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        switch (problem)
        {
            case GemmProblem gemm:
                yield return (gemm.Id, () => new GemmTask<T>(queue, gemm.Descriptor));
                break;
            case ConvolutionProblem conv:
                yield return (conv.Id + ":fwd", () => new ConvolutionTask<T>(queue, conv.Descriptor, Direction.Forward));
                yield return (conv.Id + ":bwdd", () => new ConvolutionTask<T>(queue, conv.Descriptor, Direction.BackwardInput));
                yield return (conv.Id + ":bwdw", () => new ConvolutionTask<T>(queue, conv.Descriptor, Direction.BackwardFilter));
                break;
            case CompositionProblem chain:
                yield return (chain.Id, () => new CompositionTask<T>(queue, chain));
                break;
            case RelaxationProblem relaxation:
                foreach (RelaxationOperation operation in Enum.GetValues<RelaxationOperation>())
                {
                    string id = operation == RelaxationOperation.Steps ? relaxation.Id : $"{relaxation.Id}:{RelaxationProblem.NameOf(operation)}";
                    yield return (id, () => new RelaxationTask<T>(queue, relaxation, operation));
                }

                break;
            case ErrorRelaxationProblem errors:
                yield return (errors.Id, () => new ErrorRelaxationTask<T>(queue, errors, RelaxationMethod.GradientDescent));
                yield return (errors.Id + ":cg", () => new ErrorRelaxationTask<T>(queue, errors, RelaxationMethod.ConjugateGradients));
                yield return (errors.Id + ":gauss-newton", () => new ErrorRelaxationTask<T>(queue, errors, RelaxationMethod.GaussNewton));
                break;
            case LinearEquilibriumProblem equilibrium:
                yield return (equilibrium.Id, () => new LinearEquilibriumTask<T>(queue, equilibrium, step: false));
                yield return (equilibrium.Id + ":step", () => new LinearEquilibriumTask<T>(queue, equilibrium, step: true));
                break;
            case JacobianProblem jacobian:
                foreach (JacobianOperation operation in jacobian.Operations)
                {
                    yield return ($"{jacobian.Id}:{JacobianProblem.NameOf(operation)}", () => new JacobianTask<T>(queue, jacobian, operation));
                }

                break;
        }
    }

    private void Time<T>(CommandQueue queue, string id, Func<BenchTask> create)
    {
        try
        {
            using BenchTask task = create();
            Timing timing = Timing.Of(task.Execute, queue.Wait, minSeconds, terminal.Cancellation);
            BenchCheck check = task.Check();
            BenchRow row = new(
                id,
                device.Target.ToString(),
                device.Parallelism,
                typeof(T) == typeof(float) ? "f32" : "f64",
                timing.Median,
                timing.Best,
                task.Flops / timing.Median / 1e9,
                task.Bytes / timing.Median / 1e9,
                task.Flops / timing.Median / 1e9 / GemmGflops,
                check.Passed ? check.ToString() : $"FAILED: error {Quantity.Number(check.Worst)} times its tolerance",
                !check.Passed);
            Rows.Add(row);
            report(row);
        }
        catch (Exception e) when (e is NotSupportedException or NativeMemoryException or OutOfMemoryException)
        {
            Skipped.Add($"{id} skipped: {Messages.OneLine(e)}");
            terminal.WriteLine(Skipped[^1]);
        }
        catch (HpcLinearException e)
        {
            Failed.Add($"{id} FAILED: {Messages.OneLine(e)}");
            terminal.WriteLine(Failed[^1]);
        }
    }
}
