using System.Numerics;
using HpcLinear.Data;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary><c>C[p] = alpha op(A[p]) op(B[p]) + beta C[p]</c>; A or B with one problem is shared. Inputs a, b, c; output c.</summary>
internal sealed class GemmBatchedOperation : IDeviceOperation
{
    public string Name => "gemm.batched";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (output != "c")
        {
            return null;
        }

        GoldenCase golden = context.Case;
        double beta = golden.Parameters.Real("beta", 0);
        Shape a = golden.Input("a").Shape, b = golden.Input("b").Shape;
        Shape c = beta != 0 || golden.HasInput("c") ? golden.Input("c").Shape : golden.Expected("c").Shape;
        if (a.Rank != c.Rank || b.Rank != c.Rank || c.Rank is not (2 or 3))
        {
            throw new DataFormatException(golden.Name, $"operands of shapes {a}, {b} and {c}", "[problems?, rows, columns] each");
        }

        bool transposeA = golden.Parameters.Flag("trans_a"), transposeB = golden.Parameters.Flag("trans_b");
        bool batched = c.Rank == 3;
        GemmDescriptor descriptor = new()
        {
            Problems = batched ? c[0] : null,
            Rows = c[c.Rank - 2],
            Columns = c[c.Rank - 1],
            Depth = a[a.Rank - (transposeA ? 2 : 1)],
            TransposeA = transposeA,
            TransposeB = transposeB,
            StrideA = batched && a[0] == 1 && c[0] != 1 ? 0 : null,
            StrideB = batched && b[0] == 1 && c[0] != 1 ? 0 : null,
        };
        GemmPlan<T> plan = context.Own(GemmPlan.Create<T>(context.Device, descriptor));
        Tensor<T> result = context.Result(descriptor.ShapeC);
        if (beta != 0)
        {
            context.Queue.Copy<T>(context.Input("c"), result);
        }

        plan.Execute(context.Queue, context.Input("a"), context.Input("b"), result, golden.Parameters.Real("alpha", 1), beta);
        return context.Read(result);
    }
}
