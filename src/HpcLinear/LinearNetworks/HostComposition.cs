using HpcLinear.Operations;

namespace HpcLinear.LinearNetworks;

/// <summary>One composition of a filter A and a filter B after it, and its adjoints, on the host: plain loops over a table of places, which add to their results.</summary>
internal sealed class HostComposition
{
    private readonly int inChannels;
    private readonly int innerChannels;
    private readonly int outChannels;
    private readonly int first;
    private readonly int second;
    private readonly int composed;

    /// <summary>Tap of R for each tap of B and each tap of A.</summary>
    private readonly int[] places;

    public HostComposition(FilterCompositionDescriptor d)
    {
        (inChannels, innerChannels, outChannels) = ((int)d.InChannels, (int)d.InnerChannels, (int)d.OutChannels);
        Shape extent = d.Composed;
        (first, second, composed) = ((int)d.First.ElementCount, (int)d.Second.ElementCount, (int)extent.ElementCount);
        places = new int[first * second];
        for (int at = 0; at < places.Length; at++)
        {
            long i = at % first, j = at / first, size = 1;
            for (int axis = extent.Rank - 1; axis >= 0; axis--)
            {
                places[at] += (int)(((i % d.First[axis]) + (d.Stride[axis] * (j % d.Second[axis]))) * size);
                (i, j, size) = (i / d.First[axis], j / d.Second[axis], size * extent[axis]);
            }
        }
    }

    public int FirstElements => innerChannels * inChannels * first;

    public int SecondElements => outChannels * innerChannels * second;

    public int ComposedElements => outChannels * inChannels * composed;

    /// <summary><c>R[m,c,i + S j] += B[m,n,j] A[n,c,i]</c>.</summary>
    public void Compose(ReadOnlySpan<double> a, ReadOnlySpan<double> b, Span<double> r)
    {
        for (int m = 0; m < outChannels; m++)
        {
            for (int n = 0; n < innerChannels; n++)
            {
                for (int c = 0; c < inChannels; c++)
                {
                    ReadOnlySpan<double> from = a.Slice(((n * inChannels) + c) * first, first);
                    Span<double> to = r.Slice(((m * inChannels) + c) * composed, composed);
                    for (int j = 0; j < second; j++)
                    {
                        double tap = b[(((m * innerChannels) + n) * second) + j];
                        ReadOnlySpan<int> at = places.AsSpan(j * first, first);
                        for (int i = 0; i < first; i++)
                        {
                            to[at[i]] += tap * from[i];
                        }
                    }
                }
            }
        }
    }

    /// <summary><c>dA[n,c,i] += B[m,n,j] G[m,c,i + S j]</c>.</summary>
    public void BackwardFirst(ReadOnlySpan<double> g, ReadOnlySpan<double> b, Span<double> a)
    {
        for (int m = 0; m < outChannels; m++)
        {
            for (int n = 0; n < innerChannels; n++)
            {
                for (int c = 0; c < inChannels; c++)
                {
                    Span<double> to = a.Slice(((n * inChannels) + c) * first, first);
                    ReadOnlySpan<double> from = g.Slice(((m * inChannels) + c) * composed, composed);
                    for (int j = 0; j < second; j++)
                    {
                        double tap = b[(((m * innerChannels) + n) * second) + j];
                        ReadOnlySpan<int> at = places.AsSpan(j * first, first);
                        for (int i = 0; i < first; i++)
                        {
                            to[i] += tap * from[at[i]];
                        }
                    }
                }
            }
        }
    }

    /// <summary><c>dB[m,n,j] += A[n,c,i] G[m,c,i + S j]</c>.</summary>
    public void BackwardSecond(ReadOnlySpan<double> g, ReadOnlySpan<double> a, Span<double> b)
    {
        for (int m = 0; m < outChannels; m++)
        {
            for (int n = 0; n < innerChannels; n++)
            {
                for (int c = 0; c < inChannels; c++)
                {
                    ReadOnlySpan<double> with = a.Slice(((n * inChannels) + c) * first, first), from = g.Slice(((m * inChannels) + c) * composed, composed);
                    for (int j = 0; j < second; j++)
                    {
                        ReadOnlySpan<int> at = places.AsSpan(j * first, first);
                        double sum = 0;
                        for (int i = 0; i < first; i++)
                        {
                            sum += with[i] * from[at[i]];
                        }

                        b[(((m * innerChannels) + n) * second) + j] += sum;
                    }
                }
            }
        }
    }
}
