using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed unsafe class CpuGradientFlowPlan<T> : GradientFlowPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Networks that a worker takes at once, at most: a lane that is done takes the next of them.</summary>
    private const long MostNetworksEach = 512;

    private readonly CpuKernels<T> kernels;
    private readonly NetworkLanes<T> lanes;
    private readonly FlowCrossings crossings;
    private readonly int threads;
    private readonly int columns;
    private readonly long elements;
    private readonly long workerBytes;

    public CpuGradientFlowPlan(CpuDevice device, GradientFlowDescriptor descriptor)
        : base(device, descriptor)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        lanes = new(kernels, descriptor.Network);
        crossings = new(descriptor.Network);
        threads = device.Team.Size;
        columns = (int)descriptor.QuadraticShape[0];
        elements = FlowCourse<T>.Elements(lanes, kernels.Width);
        workerBytes = ((elements * sizeof(T)) + (kernels.Width * (long)sizeof(FlowLane)) + ((lanes.Elements + 2) * (long)sizeof(double)) + 191) & ~63L;
        double bytes = (double)sizeof(T) * (descriptor.Network.Problems ?? 1) * (2 * lanes.Elements);
        Choices = [new("flow", "a network a lane", $"{device.Target} {kernels.Width} networks a vector", PointerBytes + (workerBytes * threads), descriptor.Flops, bytes, [])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private long PointerBytes => ((2 * lanes.LayerElements.Length * (long)sizeof(T*)) + 63) & ~63L;

    private protected override void RunCore(
        CommandQueue queue,
        ReadOnlySpan<TensorView<T>> weights,
        TensorView<T> quadratic,
        TensorView<T> linear,
        ReadOnlySpan<double> times,
        ReadOnlySpan<TensorView<T>> states,
        GradientFlowOptions options,
        FlowOutcome[] outcomes)
    {
        byte* workspace = ((CpuQueue)queue).Workspace(WorkspaceBytes);
        T** pointers = (T**)workspace;
        int depth = weights.Length;
        for (int l = 0; l < depth; l++)
        {
            pointers[l] = weights[l].Pointer();
            pointers[depth + l] = states[l].Pointer();
        }

        (double relative, double absolute) = Tolerances(options);
        fixed (double* at = times)
        {
            FlowProblem<T> problem = new()
            {
                Kernels = kernels, Lanes = lanes, Crossings = crossings, Options = options, Outcomes = outcomes, RelativeTolerance = relative, AbsoluteTolerance = absolute, Columns = columns,
                LinearStride = Descriptor.OwnTargets ? lanes.ComposedElements : 0, Quadratic = quadratic.Pointer(), Linear = linear.Pointer(), Starts = pointers, States = pointers + depth,
                Times = at, TimeCount = times.Length,
            };
            long vectors = (outcomes.LongLength + kernels.Width - 1) / kernels.Width;
            long each = Math.Clamp((vectors + (4 * threads) - 1) / (4 * threads), 1, Math.Max(1, MostNetworksEach / kernels.Width)) * kernels.Width;
            Job job = new() { Problem = problem, Each = each, Elements = elements, WorkerBytes = workerBytes, Workers = workspace + PointerBytes };
            ((CpuQueue)queue).Team.Run(checked((int)((outcomes.LongLength + each - 1) / each)), ref job);
        }
    }

    private struct Job : ITeamJob
    {
        public FlowProblem<T> Problem;
        public long Each;
        public long Elements;
        public long WorkerBytes;
        public byte* Workers;

        public readonly void Execute(int index, int worker)
        {
            T* memory = (T*)(Workers + (worker * WorkerBytes));
            FlowLane* lanes = (FlowLane*)(((nint)(memory + Elements) + 63) & ~63);
            FlowCourse<T> course = new(Problem, memory, lanes, (double*)(lanes + Problem.Kernels.Width));
            course.Run(index * Each, Math.Min(Problem.Outcomes.LongLength, (index + 1) * Each));
        }
    }
}
