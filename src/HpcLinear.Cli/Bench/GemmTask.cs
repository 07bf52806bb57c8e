using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Bench;

/// <summary>Matrix products.</summary>
internal sealed class GemmTask<T> : BenchTask
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CommandQueue queue;
    private readonly GemmDescriptor descriptor;
    private readonly GemmPlan<T> plan;
    private readonly RandomOperand left;
    private readonly RandomOperand right;
    private readonly Matrices a;
    private readonly Matrices b;
    private readonly Matrices c;
    private readonly Tensor<T> tensorA;
    private readonly Tensor<T> tensorB;
    private readonly Tensor<T> result;

    public GemmTask(CommandQueue queue, GemmDescriptor descriptor)
    {
        this.queue = queue;
        this.descriptor = descriptor;
        GemmDescriptor d = descriptor;
        long problems = d.Problems ?? 1;
        a = Matrices.Of(problems, d.TransposeA ? d.Depth : d.Rows, d.TransposeA ? d.Rows : d.Depth, d.LeadingA, d.StrideA);
        b = Matrices.Of(problems, d.TransposeB ? d.Columns : d.Depth, d.TransposeB ? d.Depth : d.Columns, d.LeadingB, d.StrideB);
        c = Matrices.Of(problems, d.Rows, d.Columns, d.LeadingC, d.StrideC);
        left = new(1, a.Length);
        right = new(2, b.Length);
        plan = Own(GemmPlan.Create<T>(queue.Device, d));
        tensorA = Own(left.Upload<T>(queue, d.ShapeA.ElementCount == a.Length ? d.ShapeA : [a.Length]));
        tensorB = Own(right.Upload<T>(queue, d.ShapeB.ElementCount == b.Length ? d.ShapeB : [b.Length]));
        result = Result<T>(queue, d.ShapeC.ElementCount == c.Length ? d.ShapeC : [c.Length]);
    }

    public override double Flops => descriptor.Flops;

    public override double Bytes => descriptor.Bytes(Unsafe.SizeOf<T>());

    public override void Execute() => plan.Execute(queue, tensorA, tensorB, result);

    public override Array Download() => queue.Download<T>(result);

    public override BenchCheck Check()
    {
        GemmDescriptor d = descriptor;
        long total = (d.Problems ?? 1) * d.Rows * d.Columns;
        if (total == 0)
        {
            return new(0, 0, 0);
        }

        long[] places = d.Flops / 2 < BenchCheck.FullCheckLimit ? [.. Enumerable.Range(0, (int)total).Select(i => (long)i)] : BenchCheck.SamplePlaces(total, d.Depth);
        T[]? all = places.Length == total ? queue.Download<T>(result) : null;
        T[] got = new T[places.Length];
        double[] want = new double[places.Length], magnitude = new double[places.Length];
        for (int i = 0; i < places.Length; i++)
        {
            (long p, long row, long column) = (places[i] / (d.Rows * d.Columns), places[i] / d.Columns % d.Rows, places[i] % d.Columns);
            for (long k = 0; k < d.Depth; k++)
            {
                double term = left[d.TransposeA ? a.At(p, k, row) : a.At(p, row, k)] * right[d.TransposeB ? b.At(p, column, k) : b.At(p, k, column)];
                want[i] += term;
                magnitude[i] += Math.Abs(term);
            }

            long at = c.At(p, row, column);
            got[i] = all is not null ? all[at] : queue.Download(result.View(at, [1]))[0];
        }

        return BenchCheck.Of<T>(got, want, magnitude, d.Depth, total);
    }

    /// <summary>Where the stored matrices of all problems lie.</summary>
    private readonly record struct Matrices(long Leading, long Stride, long Length)
    {
        public static Matrices Of(long problems, long rows, long columns, long? leading, long? stride)
        {
            long lead = leading ?? columns, step = stride ?? (rows * lead);
            return new(lead, step, problems == 0 || rows == 0 || columns == 0 ? 0 : ((problems - 1) * step) + ((rows - 1) * lead) + columns);
        }

        public long At(long problem, long row, long column) => (problem * Stride) + (row * Leading) + column;
    }
}
