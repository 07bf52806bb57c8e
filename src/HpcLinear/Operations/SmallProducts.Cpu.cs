using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>Many small products whose rows of B and C are contiguous whole vectors: read in place by a kernel that loops over the products itself.</summary>
internal sealed unsafe class SmallProducts<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Multiply-adds that are claimed together.</summary>
    private const double Grain = 300e3;

    /// <summary>Multiply-adds of the largest product: 128 x 128 x 128.</summary>
    private const double MostMultiplyAdds = 1 << 21;

    /// <summary>Vectors of a row of C: beyond them a tile takes so long that its call does not matter.</summary>
    private const int MostVectors = 8;

    /// <summary>Farthest that rows of B may lie apart, in bytes.</summary>
    private const long MostStride = 2048;

    /// <summary>A longer sum would run through the first-level cache.</summary>
    private const long MostDepthBytes = 1536;

    /// <summary>A product of so many bytes is fetched ahead; smaller ones are streams that the processor follows by itself.</summary>
    private const long FetchedBytes = 16 << 10;

    private readonly GemmDescriptor descriptor;
    private readonly CpuKernels<T> kernels;
    private readonly int rows;
    private readonly int vectors;
    private readonly long perItem;
    private readonly int ahead;

    private SmallProducts(GemmDescriptor descriptor, CpuKernels<T> kernels, int threads)
    {
        this.descriptor = descriptor;
        this.kernels = kernels;
        (rows, vectors) = kernels.ProductTile(descriptor.Rows, descriptor.Columns);
        double product = (double)descriptor.Rows * descriptor.Columns * descriptor.Depth;
        perItem = Math.Max(1, Math.Min((long)(Grain / Math.Max(1, product)), descriptor.ProblemCount / (4L * threads)));
        double bytes = ((descriptor.Rows * descriptor.Depth) + (descriptor.Depth * descriptor.Columns) + (descriptor.Rows * descriptor.Columns)) * (double)sizeof(T);
        ahead = bytes < FetchedBytes ? 0 : 2;
    }

    public string TileText => $"{rows}x{vectors * kernels.Width}";

    /// <summary>Null when the products are few, large or laid out otherwise; <paramref name="reason"/> says so.</summary>
    public static SmallProducts<T>? Create(CpuDevice device, GemmDescriptor d, out string reason)
    {
        CpuKernels<T> kernels = CpuKernels<T>.For(device.Isa);
        if (device.Isa == CpuIsa.Avx512 && d.Columns % kernels.Width != 0 && d.Columns % (kernels.Width / 2) == 0)
        {
            // Half a vector is a vector of the smaller set.
            kernels = CpuKernels<T>.For(CpuIsa.Avx2);
        }

        double product = (double)d.Rows * d.Columns * d.Depth;
        reason = d.ProblemCount < 4L * device.Team.Size || product == 0 ? "few problems"
            : product > MostMultiplyAdds ? "large products gain from packing"
            : d.Columns % kernels.Width != 0 || d.Columns / kernels.Width > MostVectors ? $"columns are not 1 to {MostVectors} whole vectors"
            : d.TransposeB ? "rows of B are not contiguous"
            : d.Depth * sizeof(T) > MostDepthBytes || d.EffectiveLeadingB * sizeof(T) > MostStride || (d.TransposeA && d.EffectiveLeadingA * sizeof(T) > MostStride) ? "deep or wide operands are packed"
            : "";
        return reason.Length == 0 ? new(d, kernels, device.Team.Size) : null;
    }

    public void Run(ThreadTeam team, T* a, T* b, T* c, T alpha, T beta)
    {
        GemmDescriptor d = descriptor;
        Job job = new()
        {
            Kernels = kernels,
            TileRows = rows,
            TileVectors = vectors,
            Count = d.ProblemCount,
            PerItem = perItem,
            Result = new() { Origin = c, ProductStride = d.EffectiveStrideC, RowStride = (nint)d.EffectiveLeadingC, Beta = beta },
            Columns = d.Columns,
            Batch = new()
            {
                Rows = (int)d.Rows,
                Depth = (int)d.Depth,
                Across = (int)(d.Columns / (vectors * kernels.Width)),
                A = a,
                RowA = (nint)(d.TransposeA ? 1 : d.EffectiveLeadingA),
                DepthA = (nint)(d.TransposeA ? d.EffectiveLeadingA : 1),
                StepA = (nint)d.EffectiveStrideA,
                B = b,
                DepthB = (nint)d.EffectiveLeadingB,
                StepB = (nint)d.EffectiveStrideB,
                C = c,
                RowC = (nint)d.EffectiveLeadingC,
                StepC = (nint)d.EffectiveStrideC,
                Alpha = alpha,
                Accumulate = beta != T.Zero,
                Ahead = ahead,
            },
        };
        team.Run(checked((int)((job.Count + perItem - 1) / perItem)), ref job);
    }

    private struct Job : ITeamJob
    {
        public CpuKernels<T> Kernels;
        public int TileRows;
        public int TileVectors;
        public long Count;
        public long PerItem;
        public long Columns;
        public DenseResult<T> Result;
        public ProductBatch<T> Batch;

        public readonly void Execute(int index, int worker)
        {
            ProductBatch<T> batch = Batch;
            long first = index * PerItem, count = Math.Min(PerItem, Count - first);
            batch.A += first * batch.StepA;
            batch.B += first * batch.StepB;
            batch.C += first * batch.StepC;
            batch.Count = count;
            if (batch.Accumulate && Result.Beta != T.One)
            {
                DenseResult<T> result = Result;
                for (long product = first; product < first + count; product++)
                {
                    result.Select(product);
                    result.Begin(0, batch.Rows, 0, Columns);
                }
            }

            Kernels.MultiplyBatch(TileRows, TileVectors, batch);
        }
    }
}
