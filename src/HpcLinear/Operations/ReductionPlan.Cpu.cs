using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <remarks>Rows are cut into chunks of a fixed length whose results are combined in order, so that the bits depend on the shape alone. Over an inner axis
/// each result folds along the axis in order, a block of neighbouring columns at a time.</remarks>
internal sealed unsafe class CpuReductionPlan<T> : ReductionPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Elements of a row that make a piece of work; as many short rows make one together.</summary>
    private const long Chunk = 1 << 14;

    /// <summary>Columns of a piece of work: with their scales or errors they stay in the first-level cache.</summary>
    private const long ColumnBlock = 1024;

    private readonly CpuKernels<T> kernels;
    private readonly long workspaceBytes;
    private readonly (long Outer, long Length, long Inner) extents;

    public CpuReductionPlan(CpuDevice device, ReductionDescriptor descriptor)
        : base(device, descriptor)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        extents = descriptor.Extents;
        (long outer, long length, long inner) = extents;
        long chunks = Math.Max(1, (length + Chunk - 1) / Chunk);

        // Rows: a sum and an error a chunk. Columns: a scale or an error each.
        workspaceBytes = Math.Max(64, (inner == 1 ? outer * chunks * 2 : outer * inner) * sizeof(T));
        double bytes = (double)descriptor.Shape.ElementCount * sizeof(T) * (descriptor.Kind == ReductionKind.Dot ? 2 : 1);
        string algorithm = inner == 1 ? $"chunks of {Chunk}" : $"blocks of {ColumnBlock} columns";
        Choices = [new("reduce", descriptor.Compensated ? $"{algorithm}, compensated" : algorithm, $"{device.Target} {kernels.Width} lanes", workspaceBytes, descriptor.Flops, bytes, [])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ExecuteCore(CommandQueue queue, TensorView<T> left, TensorView<T> right, TensorView<T> result)
    {
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
            Outer = extents.Outer,
            Length = extents.Length,
            Inner = extents.Inner,
            Chunks = Math.Max(1, (extents.Length + Chunk - 1) / Chunk),
        };
        if (extents.Inner != 1)
        {
            job.Blocks = (extents.Inner + ColumnBlock - 1) / ColumnBlock;
            cpu.Team.Run(checked((int)(extents.Outer * job.Blocks)), ref job);
            return;
        }

        if (Descriptor.Kind == ReductionKind.Norm2)
        {
            job.Kind = ReductionKind.MaximumMagnitude;
            job.Rows(cpu);
            job.Kind = ReductionKind.Norm2;
        }

        job.Rows(cpu);
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
        public long Blocks;
        public long RowsEach;

        public void Rows(CpuQueue queue)
        {
            RowsEach = Chunks > 1 ? 1 : Math.Max(1, Chunk / Math.Max(1, Length));
            queue.Team.Run(checked((int)((Outer + RowsEach - 1) / RowsEach * Chunks)), ref this);
            for (long row = 0; Chunks > 1 && row < Outer; row++)
            {
                Finish(row);
            }
        }

        public readonly void Execute(int index, int worker)
        {
            if (Inner != 1)
            {
                Columns(index / Blocks, index % Blocks * ColumnBlock);
                return;
            }

            if (Chunks > 1)
            {
                Part(index / Chunks, index % Chunks);
                return;
            }

            for (long row = index * RowsEach; row < Math.Min(Outer, (index + 1) * RowsEach); row++)
            {
                Part(row, 0);
                Finish(row);
            }
        }

        /// <summary>A scale that leaves zeros and infinities to the plain formula.</summary>
        private static T Scale(T largest) => T.IsFinite(largest) && largest > T.Zero ? largest : T.One;

        /// <summary>Infinite sums have no error worth adding: theirs is NaN.</summary>
        private static T Corrected(T sum, T error) => T.IsFinite(error) ? sum + error : sum;

        private readonly void Part(long row, long chunk)
        {
            long at = chunk * Chunk, count = Math.Min(Chunk, Length - at);
            T* a = A + (row * Length) + at;
            T* b = B + (row * Length) + at;
            T* partial = Partial + (2 * ((row * Chunks) + chunk));
            partial[1] = T.Zero;
            partial[0] = Compensated
                ? Kernels.ReduceCompensated(Kind, a, b, count, out partial[1])
                : Kernels.Reduce(Kind, a, b, count, Kind == ReductionKind.Norm2 ? Scale(Result[row]) : T.One);
        }

        /// <summary>Combines the chunks of a row, in order.</summary>
        private readonly void Finish(long row)
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
                        CpuKernels<T>.TwoSum(ref total, next, ref error);
                        error += partial[(2 * c) + 1];
                        break;
                    default:
                        total += next;
                        break;
                }
            }

            Result[row] = Kind == ReductionKind.Norm2 ? Scale(Result[row]) * T.Sqrt(total) : Compensated ? Corrected(total, error) : total;
        }

        private readonly void Columns(long outer, long first)
        {
            long count = Math.Min(ColumnBlock, Inner - first), at = (outer * Inner) + first;
            T* a = A + (outer * Length * Inner) + first;
            T* b = B + (outer * Length * Inner) + first;
            T* result = Result + at;
            T* beside = Partial + at;
            if (Kind == ReductionKind.Norm2)
            {
                Fold(ReductionKind.MaximumMagnitude, a, b, beside, beside, count);
                for (long i = 0; i < count; i++)
                {
                    beside[i] = Scale(beside[i]);
                }
            }

            if (Compensated)
            {
                CpuKernels<T>.NativeClear(beside, count);
            }

            Fold(Kind, a, b, result, beside, count);
            for (long i = 0; Kind == ReductionKind.Norm2 && i < count; i++)
            {
                result[i] = beside[i] * T.Sqrt(result[i]);
            }

            for (long i = 0; Compensated && i < count; i++)
            {
                result[i] = Corrected(result[i], beside[i]);
            }
        }

        /// <summary>Row after row into a block of columns.</summary>
        private readonly void Fold(ReductionKind kind, T* a, T* b, T* result, T* beside, long count)
        {
            new Span<T>(result, (int)count).Fill(CpuKernels<T>.Start(kind));
            for (long k = 0; k < Length; k++, a += Inner, b += Inner)
            {
                if (Compensated)
                {
                    Kernels.ReduceRowCompensated(kind, a, b, result, beside, count);
                }
                else
                {
                    Kernels.ReduceRow(kind, a, b, result, count, beside);
                }
            }
        }
    }
}
