namespace HpcLinear.Operations;

/// <summary>The definition of <see cref="FilterCompositionPlan{T}"/> as code, in float64.</summary>
public static class FilterCompositionReference
{
    /// <summary><c>R[m,c,i + S j] = sum over n, i, j of B[m,n,j] A[n,c,i]</c>.</summary>
    public static void Compose(FilterCompositionDescriptor descriptor, double[] first, double[] second, double[] composed)
    {
        ArgumentNullException.ThrowIfNull(composed);
        Array.Clear(composed);
        ForEachTerm(descriptor, (r, a, b) => composed[r] += second[b] * first[a]);
    }

    /// <summary>Gradient of <c>&lt;G, R&gt;</c> with respect to A.</summary>
    public static void BackwardFirst(FilterCompositionDescriptor descriptor, double[] composedGradient, double[] second, double[] firstGradient)
    {
        ArgumentNullException.ThrowIfNull(firstGradient);
        Array.Clear(firstGradient);
        ForEachTerm(descriptor, (r, a, b) => firstGradient[a] += second[b] * composedGradient[r]);
    }

    /// <summary>Gradient of <c>&lt;G, R&gt;</c> with respect to B.</summary>
    public static void BackwardSecond(FilterCompositionDescriptor descriptor, double[] composedGradient, double[] first, double[] secondGradient)
    {
        ArgumentNullException.ThrowIfNull(secondGradient);
        Array.Clear(secondGradient);
        ForEachTerm(descriptor, (r, a, b) => secondGradient[b] += first[a] * composedGradient[r]);
    }

    private static void ForEachTerm(FilterCompositionDescriptor descriptor, Action<long, long, long> visit)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        FilterCompositionDescriptor d = descriptor;
        d.Validate();
        Shape composed = d.Composed;
        long first = d.First.ElementCount, second = d.Second.ElementCount, extent = composed.ElementCount;
        for (long i = 0; i < first; i++)
        {
            for (long j = 0; j < second; j++)
            {
                long restI = i, restJ = j, at = 0, stride = 1;
                for (int axis = composed.Rank - 1; axis >= 0; axis--)
                {
                    at += ((restI % d.First[axis]) + (d.Stride[axis] * (restJ % d.Second[axis]))) * stride;
                    stride *= composed[axis];
                    restI /= d.First[axis];
                    restJ /= d.Second[axis];
                }

                for (long p = 0; p < (d.Problems ?? 1); p++)
                {
                    for (long m = 0; m < d.OutChannels; m++)
                    {
                        for (long n = 0; n < d.InnerChannels; n++)
                        {
                            for (long c = 0; c < d.InChannels; c++)
                            {
                                visit(
                                    (((((p * d.OutChannels) + m) * d.InChannels) + c) * extent) + at,
                                    (((((p * d.InnerChannels) + n) * d.InChannels) + c) * first) + i,
                                    (((((p * d.OutChannels) + m) * d.InnerChannels) + n) * second) + j);
                            }
                        }
                    }
                }
            }
        }
    }
}
