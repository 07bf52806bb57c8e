using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed unsafe class CpuElementwisePlan<T> : ElementwisePlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CpuKernels<T> kernels;

    public CpuElementwisePlan(CpuDevice device, ElementwiseDescriptor descriptor)
        : base(device, descriptor)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        double count = descriptor.Shape.ElementCount;
        Choices = [new("elementwise", "stream", $"{device.Target} {kernels.Width} lanes", 0, count, (descriptor.IsBinary ? 3 : 2) * count * sizeof(T), [])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> output, T alpha, T beta)
    {
        Job job = new()
        {
            Kernels = kernels,
            Operation = Descriptor.Operation,
            A = a.Pointer(),
            B = b.Pointer(),
            Output = output.Pointer(),
            Count = output.Shape.ElementCount,
            Alpha = alpha,
            Beta = beta,
        };
        ((CpuQueue)queue).Team.Run(checked((int)((job.Count + Job.Chunk - 1) / Job.Chunk)), ref job);
    }

    private struct Job : ITeamJob
    {
        public const long Chunk = 1 << 15;
        public CpuKernels<T> Kernels;
        public ElementwiseOperation Operation;
        public T* A;
        public T* B;
        public T* Output;
        public long Count;
        public T Alpha;
        public T Beta;

        public readonly void Execute(int index, int worker)
        {
            long at = index * Chunk;
            Kernels.Elementwise(Operation, A + at, B + at, Output + at, Math.Min(Chunk, Count - at), Alpha, Beta);
        }
    }
}
