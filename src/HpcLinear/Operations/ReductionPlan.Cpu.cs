using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <remarks>Whole reductions are cut into chunks of a fixed length whose results are combined in order: the bits depend on the count alone.
/// Over an axis, each result sums along the axis in order.</remarks>
internal sealed unsafe class CpuReductionPlan<T> : ReductionPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const long Chunk = 1 << 14;

    private readonly CpuKernels<T> kernels;
    private readonly long workspaceBytes;
    private readonly (long Outer, long Length, long Inner) extents;

    public CpuReductionPlan(CpuDevice device, ReductionDescriptor descriptor)
        : base(device, descriptor)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        extents = descriptor.Extents;
        (long outer, long length, long inner) = extents;
        long chunks = (length + Chunk - 1) / Chunk;

        // Two numbers a chunk (sum and error) for whole rows; a row of scales or errors for an inner axis.
        workspaceBytes = Math.Max(64, inner == 1 ? outer * Math.Max(1, chunks) * 2 * sizeof(T) : outer * inner * 2 * sizeof(T));
        double bytes = (double)descriptor.Shape.ElementCount * sizeof(T) * (descriptor.Kind == ReductionKind.Dot ? 2 : 1);
        Choices = [new("reduce", descriptor.Compensated ? "compensated-chunks" : "chunks", $"{device.Target} {kernels.Width} lanes, chunks of {Chunk}", workspaceBytes, descriptor.Flops, bytes, [])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> left, TensorView<T> right, TensorView<T> result)
    {
        (long outer, long length, long inner) = extents;
        CpuQueue cpu = (CpuQueue)queue;
        Job job = new()
        {
            Kernels = kernels,
            Kind = Descriptor.Kind,
            Compensated = Descriptor.Compensated,
            A = left.Pointer(),
            B = right.Pointer(),
            Result = result.Pointer(),
            Partial = (T*)cpu.Workspace(workspaceBytes),
            Length = length,
            Inner = inner,
            Chunks = Math.Max(1, (length + Chunk - 1) / Chunk),
        };
        if (inner != 1)
        {
            job.Outer = outer;
            cpu.Team.Run(checked((int)outer), ref job);
            return;
        }

        if (Descriptor.Kind == ReductionKind.Norm2)
        {
            job.Kind = ReductionKind.MaximumMagnitude;
            cpu.Team.Run(checked((int)(outer * job.Chunks)), ref job);
            job.Finish(outer);
            job.Kind = ReductionKind.Norm2;
        }

        cpu.Team.Run(checked((int)(outer * job.Chunks)), ref job);
        job.Finish(outer);
    }

    private struct Job : ITeamJob
    {
        public CpuKernels<T> Kernels;
        public ReductionKind Kind;
        public bool Compensated;
        public T* A;
        public T* B;
        public T* Result;
        public T* Partial;
        public long Outer;
        public long Length;
        public long Inner;
        public long Chunks;

        public readonly void Execute(int index, int worker)
        {
            if (Inner != 1)
            {
                Columns(index);
                return;
            }

            long row = index / Chunks, at = index % Chunks * Chunk, count = Math.Min(Chunk, Length - at);
            T* a = A + (row * Length) + at;
            T* b = B + (row * Length) + at;
            T* partial = Partial + (2 * index);
            partial[1] = T.Zero;
            if (Compensated)
            {
                Sum(a, b, count, 1, out partial[0], out partial[1]);
            }
            else
            {
                partial[0] = Kernels.Reduce(Kind, a, b, count, Kind == ReductionKind.Norm2 ? Scale(Result[row]) : T.One);
            }
        }

        /// <summary>Combines the chunks of every row, in order.</summary>
        public readonly void Finish(long rows)
        {
            for (long row = 0; row < rows; row++)
            {
                T* partial = Partial + (2 * row * Chunks);
                T total = partial[0], error = partial[1];
                for (long c = 1; c < Chunks; c++)
                {
                    T next = partial[2 * c];
                    switch (Kind)
                    {
                        case ReductionKind.Minimum:
                            total = T.Min(total, next);
                            break;
                        case ReductionKind.Maximum or ReductionKind.MaximumMagnitude:
                            total = T.Max(total, next);
                            break;
                        case var _ when Compensated:
                            TwoSum(ref total, next, ref error);
                            error += partial[(2 * c) + 1];
                            break;
                        default:
                            total += next;
                            break;
                    }
                }

                T sum = Compensated && T.IsFinite(error) ? total + error : total;
                Result[row] = Kind == ReductionKind.Norm2 ? Norm(Result[row], sum) : sum;
            }
        }

        /// <summary>A scale that leaves zeros and infinities to the plain formula.</summary>
        private static T Scale(T largest) => T.IsFinite(largest) && largest > T.Zero ? largest : T.One;

        private static T Norm(T largest, T sum) => Scale(largest) * T.Sqrt(sum);

        /// <summary>Error-free: afterwards sum + (what error grew by) is exactly the old sum + x.</summary>
        private static void TwoSum(ref T sum, T x, ref T error)
        {
            T next = sum + x, part = next - sum;
            error += (sum - (next - part)) + (x - part);
            sum = next;
        }

        private readonly void Sum(T* a, T* b, long count, long step, out T sum, out T error)
        {
            sum = error = T.Zero;
            for (long i = 0; i < count; i++)
            {
                T x = a[i * step];
                if (Kind != ReductionKind.Sum)
                {
                    // The product's own rounding error, exact by one fused multiply-add.
                    T y = Kind == ReductionKind.Dot ? b[i * step] : x, product = x * y;
                    error += T.FusedMultiplyAdd(x, y, -product);
                    x = product;
                }

                TwoSum(ref sum, x, ref error);
            }
        }

        private readonly void Columns(long outer)
        {
            T* a = A + (outer * Length * Inner);
            T* b = B + (outer * Length * Inner);
            T* result = Result + (outer * Inner);
            if (Compensated)
            {
                for (long i = 0; i < Inner; i++)
                {
                    Sum(a + i, b + i, Length, Inner, out T sum, out T error);
                    result[i] = T.IsFinite(error) ? sum + error : sum;
                }

                return;
            }

            T* scale = Partial + (outer * Inner * 2);
            if (Kind == ReductionKind.Norm2)
            {
                Rows(ReductionKind.MaximumMagnitude, a, b, scale, scale);
                for (long i = 0; i < Inner; i++)
                {
                    scale[i] = Scale(scale[i]);
                }
            }

            Rows(Kind, a, b, result, scale);
            for (long i = 0; Kind == ReductionKind.Norm2 && i < Inner; i++)
            {
                result[i] = scale[i] * T.Sqrt(result[i]);
            }
        }

        private readonly void Rows(ReductionKind kind, T* a, T* b, T* result, T* scale)
        {
            new Span<T>(result, checked((int)Inner)).Fill(kind == ReductionKind.Minimum ? T.PositiveInfinity : kind == ReductionKind.Maximum ? T.NegativeInfinity : T.Zero);
            for (long k = 0; k < Length; k++)
            {
                Kernels.ReduceRow(kind, a + (k * Inner), b + (k * Inner), result, Inner, scale);
            }
        }
    }
}
