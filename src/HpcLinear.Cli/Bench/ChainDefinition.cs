using HpcLinear.Operations;

namespace HpcLinear.Cli.Bench;

/// <summary>Chains of filters by the Reference of one composition, layer after layer, in float64.</summary>
internal static class ChainDefinition
{
    /// <summary>The composed filters of <paramref name="problems"/> chains.</summary>
    public static double[] Compose(DeepProductDescriptor chain, long problems, IReadOnlyList<double[]> filters) => Prefixes(chain, problems, filters)[^1];

    /// <summary>The gradients of the inner product of the composed filters with <paramref name="cotangent"/>.</summary>
    public static double[][] Gradients(DeepProductDescriptor chain, long problems, IReadOnlyList<double[]> filters, double[] cotangent)
    {
        double[][] prefixes = Prefixes(chain, problems, filters), gradients = new double[filters.Count][];
        double[] upper = cotangent;
        for (int layer = filters.Count - 1; layer > 0; layer--)
        {
            FilterCompositionDescriptor step = Step(chain, problems, layer);
            gradients[layer] = new double[filters[layer].Length];
            FilterCompositionReference.BackwardSecond(step, upper, prefixes[layer - 1], gradients[layer]);
            double[] lower = new double[prefixes[layer - 1].Length];
            FilterCompositionReference.BackwardFirst(step, upper, filters[layer], lower);
            upper = lower;
        }

        gradients[0] = upper;
        return gradients;
    }

    private static double[][] Prefixes(DeepProductDescriptor chain, long problems, IReadOnlyList<double[]> filters)
    {
        double[][] prefixes = new double[filters.Count][];
        prefixes[0] = filters[0];
        for (int layer = 1; layer < filters.Count; layer++)
        {
            FilterCompositionDescriptor step = Step(chain, problems, layer);
            prefixes[layer] = new double[step.ComposedShape.ElementCount];
            FilterCompositionReference.Compose(step, prefixes[layer - 1], filters[layer], prefixes[layer]);
        }

        return prefixes;
    }

    /// <summary>The composition of layers 0 … layer - 1, already one filter, with one more.</summary>
    private static FilterCompositionDescriptor Step(DeepProductDescriptor chain, long problems, int layer)
    {
        long[] extent = [.. chain.Filters[0]], stride = [.. chain.Strides[0]];
        for (int l = 1; l < layer; l++)
        {
            for (int axis = 0; axis < extent.Length; axis++)
            {
                extent[axis] += (chain.Filters[l][axis] - 1) * stride[axis];
                stride[axis] *= chain.Strides[l][axis];
            }
        }

        return new()
        {
            Problems = problems,
            InChannels = chain.Channels[0],
            InnerChannels = chain.Channels[layer],
            OutChannels = chain.Channels[layer + 1],
            First = Shape.Create(extent),
            Second = chain.Filters[layer],
            Stride = Shape.Create(stride),
        };
    }
}
