using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed unsafe class CpuOptimizerPlan<T> : OptimizerPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CpuKernels<T> kernels;

    public CpuOptimizerPlan(CpuDevice device, OptimizerDescriptor descriptor)
        : base(device, descriptor)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        double bytes = (3 + (2 * descriptor.Moments)) * (double)descriptor.Shape.ElementCount * sizeof(T);
        Choices = [new("optimizer", "stream", $"{device.Target} {kernels.Width} lanes", 0, descriptor.Flops, bytes, [])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(
        CommandQueue queue,
        TensorView<T> gradient,
        TensorView<T> parameters,
        TensorView<T> first,
        TensorView<T> second,
        OptimizerFactors<T> factors)
    {
        Job job = new()
        {
            Kernels = kernels,
            Moments = Descriptor.Moments,
            Gradient = gradient.Pointer(),
            Parameters = parameters.Pointer(),
            First = first.Pointer(),
            Second = second.Pointer(),
            Count = parameters.Shape.ElementCount,
            Factors = factors,
        };
        ((CpuQueue)queue).Team.Run(checked((int)((job.Count + Job.Chunk - 1) / Job.Chunk)), ref job);
    }

    private struct Job : ITeamJob
    {
        public const long Chunk = 1 << 14;
        public CpuKernels<T> Kernels;
        public int Moments;
        public T* Gradient;
        public T* Parameters;
        public T* First;
        public T* Second;
        public long Count;
        public OptimizerFactors<T> Factors;

        public readonly void Execute(int index, int worker)
        {
            long at = index * Chunk, count = Math.Min(Chunk, Count - at);
            switch (Moments)
            {
                case 0:
                    Kernels.Descend(Gradient + at, Parameters + at, count, Factors.Rate);
                    break;
                case 1:
                    Kernels.DescendWithMomentum(Gradient + at, Parameters + at, First + at, count, Factors.Rate, Factors.Decay);
                    break;
                default:
                    Kernels.Adam(
                        Gradient + at,
                        Parameters + at,
                        First + at,
                        Second + at,
                        count,
                        Factors.Rate,
                        Factors.Decay,
                        Factors.Gain,
                        Factors.SecondDecay,
                        Factors.SecondGain,
                        Factors.Correction,
                        Factors.Epsilon);
                    break;
            }
        }
    }
}
