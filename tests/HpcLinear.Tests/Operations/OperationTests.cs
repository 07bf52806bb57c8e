using System.Numerics;
using CsCheck;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

/// <summary>What every operation promises, whatever it computes.</summary>
public abstract class OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Random calls.</summary>
    private protected abstract Gen<Call> Calls { get; }

    /// <summary>Calls that turn every loop more than once.</summary>
    private protected abstract IEnumerable<Call> LargeCalls { get; }

    [Theory, AllTargets]
    [Trait("Isa", "limited")]
    public void Agrees_with_its_definition_and_never_reads_outputs_without_beta(Target target) =>
        Calls.Check(Sampling.Count(target), call => CheckAgreement(call, target));

    [Theory, AllTargets]
    [Trait("Isa", "limited")]
    public void Agrees_with_its_definition_on_large_problems(Target target) =>
        Assert.All(LargeCalls, call => CheckAgreement(call, target));

    [Theory, AllTargets]
    public void Computes_non_finite_data_as_its_definition_does(Target target) =>
        Calls.Check(Sampling.Count(target) / 2, call => CheckNonFinite(call, target));

    [Theory, AllTargets(CpuOnly = true)]
    public void Stays_between_guard_pages(Target target) =>
        Calls.Check(Sampling.Count(target), call => CheckGuards(call, target));

    [Theory, AllTargets]
    public void Gives_the_same_bits_twice_and_with_1_2_and_7_threads(Target target)
    {
        int[] teams = target.IsCpu ? [1, 2, 7] : [0];
        Calls.Check(Sampling.Count(target) / 4, Check);
        Assert.All(LargeCalls, Check);

        void Check(Call call)
        {
            T[][]? first = null;
            foreach (int threads in teams)
            {
                using CallRun<T> run = new(call, Targets.Open(target, threads));
                first ??= run.Results();
                CallRun<T>.EqualBits(first, run.Results(), $"{call} on {target} with {threads} threads");
                CallRun<T>.EqualBits(first, run.Results(), $"{call} on {target} with {threads} threads, once more");
            }
        }
    }

    [Theory, AllTargets]
    public void Executing_allocates_nothing(Target target) =>
        Calls.Check(Sampling.Count(target) / 4, call =>
        {
            using CallRun<T> run = new(call, Targets.Open(target));
            run.Execute();

            // The runtime itself may allocate once while it makes code faster; what the call allocates it allocates every time.
            long allocated = long.MaxValue;
            for (int attempt = 0; attempt < 4 && allocated > 0; attempt++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                run.Execute();
                run.Execute();
                allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            run.Queue.Wait();
            Assert.True(allocated == 0, $"{call} on {target}: {allocated} bytes allocated");
        });

    [Theory, AllTargets]
    public void Says_what_it_chose_and_takes_no_more_scratch_memory_than_it_says(Target target) =>
        Calls.Check(20, call =>
        {
            using CallRun<T> run = new(call, Targets.Open(target));
            run.Execute();
            run.Queue.Wait();
            Assert.NotEmpty(run.Plan.Choices);
            Assert.All(run.Plan.Choices, c => Assert.True(c.Operation.Length > 0 && c.Algorithm.Length > 0 && c.Kernel.Length > 0 && c.Flops >= 0 && c.Bytes >= 0, $"{call}: {c}"));
            Assert.True(run.Queue.WorkspaceBytes <= run.Plan.WorkspaceBytes, $"{call} on {target}: {run.Queue.WorkspaceBytes} bytes of scratch memory taken, {run.Plan.WorkspaceBytes} announced");
            Assert.Equal($"{run.Plan.Problem} on {target}", run.Plan.ToString());
        });

    [Theory, AllTargets]
    public void Refuses_an_operand_of_another_shape_by_name(Target target) => EachOperand(target, (call, run, device, inputs, outputs, operands, at) =>
    {
        Operand operand = operands[at];
        using Tensor<T> other = device.Allocate<T>([operand.Shape.ElementCount + 1]);
        TensorView<T> given = IsFlat(call, operand) ? other.View(0, [operand.Shape.ElementCount - 1]) : other;
        Replace(inputs, outputs, at, given);
        ArgumentException e = Assert.ThrowsAny<ArgumentException>(() => call.Execute(run.Plan, run.Queue, inputs, outputs));
        switch (e)
        {
            case ShapeException shape:
                Assert.Equal(operand.Shape, shape.Expected);
                Assert.Equal(given.Shape, shape.Actual);
                Assert.Equal($"{operand.Name}: shape {operand.Shape} expected, {given.Shape} given ({run.Plan})", shape.Message);
                break;
            case ProblemException problem:
                Assert.Equal(ProblemError.GradientShape, problem.Code);
                Assert.Equal($"conv: output gradient has shape {given.Shape}, expected {operand.Shape}", problem.Message);
                break;
            default:
                Assert.StartsWith($"{operand.Name}: at least {operand.Shape.ElementCount} elements expected, {operand.Shape.ElementCount - 1} given", e.Message, StringComparison.Ordinal);
                break;
        }
    });

    [Theory, AllTargets]
    public void Refuses_a_missing_operand_by_name(Target target) => EachOperand(target, (call, run, _, inputs, outputs, operands, at) =>
    {
        if (operands[at].Name == "bias")
        {
            return; // The one optional operand.
        }

        Replace(inputs, outputs, at, default);
        ArgumentNullException e = Assert.Throws<ArgumentNullException>(() => call.Execute(run.Plan, run.Queue, inputs, outputs));
        Assert.StartsWith($"{operands[at].Name}: a tensor expected, none given", e.Message, StringComparison.Ordinal);
    });

    [Theory, AllTargets]
    public void Refuses_a_disposed_operand_by_name(Target target) => EachOperand(target, (call, run, device, inputs, outputs, operands, at) =>
    {
        Tensor<T> disposed = device.Allocate<T>(operands[at].Shape);
        disposed.Dispose();
        Replace(inputs, outputs, at, disposed);
        ObjectDisposedException e = Assert.Throws<ObjectDisposedException>(() => call.Execute(run.Plan, run.Queue, inputs, outputs));
        Assert.Contains($"{operands[at].Name}: the tensor {operands[at].Shape} was disposed", e.Message, StringComparison.Ordinal);
    });

    [Theory, AllTargets]
    public void Refuses_an_operand_of_another_device_by_name(Target target)
    {
        using Device stranger = Devices.Open("cpu:scalar", new() { Threads = 1 });
        EachOperand(target, (call, run, device, inputs, outputs, operands, at) =>
        {
            using Tensor<T> foreign = stranger.Allocate<T>(operands[at].Shape);
            Replace(inputs, outputs, at, foreign);
            ArgumentException e = Assert.Throws<ArgumentException>(() => call.Execute(run.Plan, run.Queue, inputs, outputs));
            string opening = device.Target == stranger.Target ? "another opening of " : "";
            Assert.StartsWith($"{operands[at].Name}: a tensor of {target} expected, one of {opening}cpu:scalar given", e.Message, StringComparison.Ordinal);
        });
    }

    [Theory, AllTargets]
    public void Refuses_an_output_that_overlaps_an_input(Target target) => EachOperand(target, (call, run, device, inputs, outputs, operands, at) =>
    {
        if (at >= inputs.Length)
        {
            return;
        }

        // An input and the first output share the last element of the one and the first of the other.
        Operand input = operands[at], output = call.Outputs[0];
        using Tensor<T> both = device.Allocate<T>([input.Shape.ElementCount + output.Shape.ElementCount - 1]);
        Replace(inputs, outputs, at, both.View(0, input.Shape));
        outputs[0] = both.View(input.Shape.ElementCount - 1, output.Shape);
        bool sameWindow = call is ElementwiseCall && input.Shape.ElementCount == 1;
        if (!sameWindow)
        {
            ArgumentException e = Assert.Throws<ArgumentException>(() => call.Execute(run.Plan, run.Queue, inputs, outputs));
            Assert.StartsWith($"{call.Operation}: output overlaps an input", e.Message, StringComparison.Ordinal);
        }
    });

    [Theory, AllTargets]
    public void Accepts_operands_side_by_side_in_one_tensor(Target target) => Calls.Check(20, call =>
    {
        using CallRun<T> run = new(call, Targets.Open(target));
        T[][] expected = run.Results();
        Operand[] operands = [.. call.Inputs, .. call.Outputs];
        using Tensor<T> all = run.Plan.Device.Allocate<T>([operands.Sum(o => o.Shape.ElementCount)]);
        long at = 0;
        TensorView<T>[] views = [.. operands.Select((o, i) =>
        {
            TensorView<T> view = all.View(at, o.Shape);
            at += o.Shape.ElementCount;
            run.Queue.Upload(i < call.Inputs.Count ? run.Data[i] : run.Old[i - call.Inputs.Count], view);
            return view;
        })];
        call.Execute(run.Plan, run.Queue, views[..call.Inputs.Count], views[call.Inputs.Count..]);
        CallRun<T>.EqualBits(expected, [.. views[call.Inputs.Count..].Select(v => run.Queue.Download(v))], $"{call} on {target} in one tensor");
        for (int i = 0; i < call.Inputs.Count; i++)
        {
            Assert.Equal(run.Data[i], run.Queue.Download(views[i]));
        }
    });

    [Theory, AllTargets]
    public void Refuses_closed_plans_and_queues_and_queues_of_another_device(Target target)
    {
        using Device stranger = Devices.Open("cpu:scalar", new() { Threads = 1 });
        using CommandQueue foreign = stranger.CreateQueue();
        using CallRun<T> run = new(Example(), Targets.Open(target));
        TensorView<T>[] inputs = [.. run.Inputs.Select(t => t.AsView())], outputs = [.. run.Outputs.Select(t => t.AsView())];
        Assert.StartsWith($"queue: a queue of {target} expected, one of cpu:scalar given", Assert.Throws<ArgumentException>(() => run.Call.Execute(run.Plan, foreign, inputs, outputs)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>("queue", () => run.Call.Execute(run.Plan, null!, inputs, outputs));
        CommandQueue closed = run.Plan.Device.CreateQueue();
        closed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => run.Call.Execute(run.Plan, closed, inputs, outputs));
        run.Plan.Dispose();
        Assert.True(run.Plan.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => run.Call.Execute(run.Plan, run.Queue, inputs, outputs));
        run.Plan.Dispose();
    }

    [Fact]
    public void Create_refuses_a_closed_device_and_no_device()
    {
        Device device = Devices.Open("cpu:scalar", new() { Threads = 1 });
        device.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Example().Plan<T>(device));
        Assert.Throws<ArgumentNullException>("device", () => Example().Plan<T>(null!));
    }

    [Fact]
    public void Create_refuses_other_element_types() =>
        Assert.Equal("cpu:scalar computes in float and double, not in Half", Assert.Throws<NotSupportedException>(() => Example().Plan<Half>(Targets.Open(Target.Parse("cpu:scalar")))).Message);

    /// <summary>A call with at least two elements an operand.</summary>
    private protected Call Example() => LargeCalls.MinBy(c => c.Cost)!;

    private protected static void CheckAgreement(Call call, Target target)
    {
        using CallRun<T> run = new(call, Targets.Open(target));
        run.CheckAgreement(run.Results());
    }

    /// <summary>Operands that end, and begin, where memory does.</summary>
    private protected static void CheckGuards(Call call, Target target)
    {
        foreach (Guard guard in Enum.GetValues<Guard>())
        {
            using CrashNote note = new($"{call} on {target} {typeof(T).Name}, unreadable page {guard}");
            using CallRun<T> run = new(call, Targets.Open(target), guard);
            run.CheckAgreement(run.Results());
            run.CheckGuards();
        }
    }

    /// <summary>Each operand in turn with a few infinities and NaNs.</summary>
    private protected static void CheckNonFinite(Call call, Target target)
    {
        for (int operand = 0; operand < call.Inputs.Count && !call.HasHoles; operand++)
        {
            int poisoned = operand;
            using CallRun<T> run = new(call, Targets.Open(target), change: data => Poison(data[poisoned], call.KeepsInfinities));
            run.CheckAgreement(run.Results());
        }
    }

    private static void Poison(T[] data, bool infinities)
    {
        T[] values = infinities ? [T.PositiveInfinity, T.NaN, T.NegativeInfinity] : [T.NaN];
        for (int i = 0; i < Math.Min(values.Length, data.Length); i++)
        {
            data[((i * 7) + (data.Length / 3)) % data.Length] = values[i];
        }
    }

    /// <summary>Whether any view that is long enough will do for an operand.</summary>
    private static bool IsFlat(Call call, Operand operand) => call is GemmCall && operand.Shape.Rank == 1;

    private static void Replace(TensorView<T>[] inputs, TensorView<T>[] outputs, int at, TensorView<T> view)
    {
        if (at < inputs.Length)
        {
            inputs[at] = view;
        }
        else
        {
            outputs[at - inputs.Length] = view;
        }
    }

    private void EachOperand(Target target, Action<Call, CallRun<T>, Device, TensorView<T>[], TensorView<T>[], Operand[], int> check)
    {
        Device device = Targets.Open(target);
        foreach (Call call in LargeCalls.OrderBy(c => c.Cost).Take(6))
        {
            using CallRun<T> run = new(call, device);
            Operand[] operands = [.. call.Inputs, .. call.Outputs];
            for (int at = 0; at < operands.Length; at++)
            {
                check(call, run, device, [.. run.Inputs.Select(t => t.AsView())], [.. run.Outputs.Select(t => t.AsView())], operands, at);
            }
        }
    }
}
