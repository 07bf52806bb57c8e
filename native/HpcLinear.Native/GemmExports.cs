using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HpcLinear.Operations;

namespace HpcLinear.Native;

/// <summary>Matrix products of the caller's arrays, on the processor. The header documents each function.</summary>
internal static unsafe class GemmExports
{
    [UnmanagedCallersOnly(EntryPoint = "hpcl_gemm_f32", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Float(
        int transposeA, int transposeB, long rows, long columns, long depth, float alpha, float* a, long leadingA, float* b, long leadingB, float beta, float* c, long leadingC) =>
        Run("hpcl_gemm_f32", Describe(transposeA, transposeB, rows, columns, depth, leadingA, leadingB, leadingC), alpha, a, b, beta, c);

    [UnmanagedCallersOnly(EntryPoint = "hpcl_gemm_f64", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Double(
        int transposeA, int transposeB, long rows, long columns, long depth, double alpha, double* a, long leadingA, double* b, long leadingB, double beta, double* c, long leadingC) =>
        Run("hpcl_gemm_f64", Describe(transposeA, transposeB, rows, columns, depth, leadingA, leadingB, leadingC), alpha, a, b, beta, c);

    private static GemmDescriptor Describe(int transposeA, int transposeB, long rows, long columns, long depth, long leadingA, long leadingB, long leadingC) => new()
    {
        TransposeA = transposeA != 0,
        TransposeB = transposeB != 0,
        Rows = rows,
        Columns = columns,
        Depth = depth,
        LeadingA = leadingA,
        LeadingB = leadingB,
        LeadingC = leadingC,
    };

    private static Status Run<T>(string function, GemmDescriptor problem, double alpha, T* a, T* b, double beta, T* c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CommandQueue? queue = null;
        try
        {
            problem.Validate();
            long lengthA = Length(problem.ShapeA, problem.LeadingA!.Value);
            long lengthB = Length(problem.ShapeB, problem.LeadingB!.Value);
            long lengthC = Length(problem.ShapeC, problem.LeadingC!.Value);
            CheckApart("a", a, lengthA, c, lengthC);
            CheckApart("b", b, lengthB, c, lengthC);

            queue = Engine.Rent();
            using Tensor<T> left = ForeignMemory<T>.Borrow(queue.Device, "a", a, lengthA);
            using Tensor<T> right = ForeignMemory<T>.Borrow(queue.Device, "b", b, lengthB);
            using Tensor<T> result = ForeignMemory<T>.Borrow(queue.Device, "c", c, lengthC);
            using GemmPlan<T> plan = GemmPlan.Create<T>(queue.Device, problem);
            plan.Execute(queue, left, right, result, alpha, beta);
            queue.Wait();
            return Status.Ok;
        }
        catch (Exception exception)
        {
            return Failure.Report(function, exception);
        }
        finally
        {
            if (queue is not null)
            {
                Engine.Return(queue);
            }
        }
    }

    /// <summary>Elements from the first of a matrix to its last.</summary>
    private static long Length(Shape stored, long leading) => stored.ElementCount == 0 ? 0 : ((stored[0] - 1) * leading) + stored[1];

    private static void CheckApart<T>(string argument, T* input, long inputLength, T* output, long outputLength)
        where T : unmanaged
    {
        if (inputLength > 0 && outputLength > 0 && input < output + outputLength && output < input + inputLength)
        {
            throw new ArgumentException($"c: overlaps {argument}");
        }
    }
}
