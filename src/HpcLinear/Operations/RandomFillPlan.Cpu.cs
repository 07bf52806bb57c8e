using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed unsafe class CpuRandomFillPlan<T> : RandomFillPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public CpuRandomFillPlan(CpuDevice device, RandomFillDescriptor descriptor)
        : base(device, descriptor) =>
        Choices = [new("random", "philox4x32-10", $"{device.Target} one block a step", 0, 0, (double)descriptor.Shape.ElementCount * sizeof(T), [])];

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> output, ulong seed, T scale, T shift)
    {
        Job job = new() { Output = output.Pointer(), Count = output.Shape.ElementCount, Seed = seed, Scale = scale, Shift = shift, Normal = Descriptor.Distribution == RandomDistribution.Normal };
        ((CpuQueue)queue).Team.Run(checked((int)((job.Count + Job.Chunk - 1) / Job.Chunk)), ref job);
    }

    private struct Job : ITeamJob
    {
        // A multiple of the elements of a block, so that no block is drawn twice.
        public const long Chunk = 1 << 14;
        public T* Output;
        public long Count;
        public ulong Seed;
        public T Scale;
        public T Shift;
        public bool Normal;

        public readonly void Execute(int index, int worker)
        {
            long at = index * Chunk, end = Math.Min(Count, at + Chunk);
            int perBlock = sizeof(T) == sizeof(float) ? 4 : 2;
            T* block = stackalloc T[4];
            for (; at < end; at += perBlock)
            {
                Draw(Seed, (ulong)(at / perBlock), block);
                if (Normal)
                {
                    for (int i = 0; i < perBlock; i += 2)
                    {
                        BoxMuller(block + i);
                    }
                }

                for (int i = 0; i < perBlock && at + i < end; i++)
                {
                    T scaled = Scale * block[i];
                    Output[at + i] = scaled + Shift;
                }
            }
        }

        private static void Draw(ulong seed, ulong counter, T* block)
        {
            (uint a, uint b, uint c, uint d) = Philox.Block(seed, counter);
            if (sizeof(T) == sizeof(float))
            {
                block[0] = Uniform24(a);
                block[1] = Uniform24(b);
                block[2] = Uniform24(c);
                block[3] = Uniform24(d);
            }
            else
            {
                block[0] = Uniform53(a, b);
                block[1] = Uniform53(c, d);
            }
        }

        private static T Uniform24(uint word) => T.CreateTruncating((word >> 8) * (1f / (1 << 24)));

        private static T Uniform53(uint high, uint low) => T.CreateTruncating((((ulong)high << 21) ^ (low >> 11)) * (1.0 / (1L << 53)));

        private static void BoxMuller(T* pair)
        {
            T radius = T.Sqrt(T.CreateTruncating(-2) * T.Log(T.One - pair[0])), angle = T.CreateTruncating(2) * T.Pi * pair[1];
            pair[0] = radius * T.Cos(angle);
            pair[1] = radius * T.Sin(angle);
        }
    }
}
