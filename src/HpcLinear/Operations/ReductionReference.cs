namespace HpcLinear.Operations;

/// <summary>The definition of <see cref="ReductionPlan{T}"/> as code, in float64; sums are compensated.</summary>
public static class ReductionReference
{
    /// <summary>Reduces <paramref name="left"/>, or its products with <paramref name="right"/> for a dot.</summary>
    public static double[] Execute(ReductionDescriptor descriptor, ReadOnlySpan<double> left, ReadOnlySpan<double> right)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        descriptor.Validate();
        (long outer, long length, long inner) = descriptor.Extents;
        double[] result = new double[outer * inner];
        for (long o = 0; o < outer; o++)
        {
            for (long i = 0; i < inner; i++)
            {
                double sum = 0, error = 0, lowest = double.PositiveInfinity, highest = double.NegativeInfinity, scale = 0;
                for (long k = 0; k < length; k++)
                {
                    scale = Math.Max(scale, Math.Abs(left[(int)((((o * length) + k) * inner) + i)]));
                }

                for (long k = 0; k < length; k++)
                {
                    int at = (int)((((o * length) + k) * inner) + i);
                    double x = left[at];
                    lowest = Math.Min(lowest, x);
                    highest = Math.Max(highest, x);
                    double term = descriptor.Kind switch
                    {
                        ReductionKind.Dot => x * right[at],
                        ReductionKind.SumOfSquares => x * x,
                        ReductionKind.Norm2 when scale > 0 && double.IsFinite(scale) => x / scale * (x / scale),
                        ReductionKind.Norm2 => x * x,
                        _ => x,
                    };
                    double next = sum + term;
                    double part = next - sum;
                    error += (sum - (next - part)) + (term - part);
                    sum = next;
                }

                double total = double.IsFinite(error) ? sum + error : sum;
                result[(o * inner) + i] = descriptor.Kind switch
                {
                    ReductionKind.Minimum => lowest,
                    ReductionKind.Maximum => highest,
                    ReductionKind.MaximumMagnitude => scale,
                    ReductionKind.Norm2 => scale > 0 && double.IsFinite(scale) ? scale * Math.Sqrt(total) : Math.Sqrt(total),
                    _ => total,
                };
            }
        }

        return result;
    }
}
