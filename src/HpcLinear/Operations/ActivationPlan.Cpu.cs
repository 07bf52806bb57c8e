using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed unsafe class CpuActivationPlan<T> : ActivationPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Elements of a piece of work.</summary>
    private const long Chunk = 1 << 13;

    private readonly CpuKernels<T> kernels;

    public CpuActivationPlan(CpuDevice device, ActivationDescriptor descriptor)
        : base(device, descriptor)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        double count = descriptor.Shape.ElementCount;
        Choices = [new("activation", $"chunks of {Chunk}", $"{device.Target} {kernels.Width} lanes", 0, 2 * count, 3 * count * sizeof(T), [])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> input, TensorView<T> value, TensorView<T> derivative)
    {
        Job job = new() { Kernels = kernels, Activation = Descriptor.Activation, Input = input.Pointer(), Value = value.Pointer(), Derivative = derivative.Pointer(), Count = input.Shape.ElementCount };
        ((CpuQueue)queue).Team.Run(checked((int)((job.Count + Chunk - 1) / Chunk)), ref job);
    }

    private struct Job : ITeamJob
    {
        public CpuKernels<T> Kernels;
        public Activation Activation;
        public T* Input;
        public T* Value;
        public T* Derivative;
        public long Count;

        public readonly void Execute(int index, int worker)
        {
            long at = index * Chunk;
            Kernels.Activate(Activation, Input + at, Value + at, Derivative + at, Math.Min(Chunk, Count - at));
        }
    }
}
