namespace HpcLinear.Operations;

/// <summary>The definition of <see cref="GemmPlan{T}"/> as code, in float64.</summary>
public static class GemmReference
{
    /// <summary><c>C[p] = alpha op(A[p]) op(B[p]) + beta C[p]</c>; beta = 0 never reads C.</summary>
    public static void Execute(GemmDescriptor descriptor, ReadOnlySpan<double> a, ReadOnlySpan<double> b, Span<double> c, double alpha = 1, double beta = 0)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        GemmDescriptor d = descriptor;
        d.Validate();
        for (long p = 0; p < d.ProblemCount; p++)
        {
            for (long i = 0; i < d.Rows; i++)
            {
                for (long j = 0; j < d.Columns; j++)
                {
                    double sum = 0;
                    for (long k = 0; k < d.Depth; k++)
                    {
                        long atA = (p * d.EffectiveStrideA) + (d.TransposeA ? (k * d.EffectiveLeadingA) + i : (i * d.EffectiveLeadingA) + k);
                        long atB = (p * d.EffectiveStrideB) + (d.TransposeB ? (j * d.EffectiveLeadingB) + k : (k * d.EffectiveLeadingB) + j);
                        sum += a[(int)atA] * b[(int)atB];
                    }

                    int at = (int)((p * d.EffectiveStrideC) + (i * d.EffectiveLeadingC) + j);
                    c[at] = (alpha * sum) + (beta == 0 ? 0 : beta * c[at]);
                }
            }
        }
    }
}
