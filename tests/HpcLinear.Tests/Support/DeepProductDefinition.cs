using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

/// <summary>Deep products and their derivatives by the Reference of one composition, one layer after the other. The map is linear in each layer: that is all its derivatives need.</summary>
internal sealed class DeepProductDefinition(DeepProductDescriptor descriptor)
{
    /// <summary>Length of the sums of a composition, all layers' together.</summary>
    public double Terms => Enumerable.Range(0, descriptor.Depth).Sum(l => descriptor.Channels[l + 1] * descriptor.Filters[l].ElementCount);

    public double[] Compose(double[][] layers) => Part(layers, 0, descriptor.Depth);

    /// <summary>The sum over layers of the map with that layer's direction in its place.</summary>
    public double[] JacobianProduct(double[][] layers, double[][] directions)
    {
        double[] sum = new double[descriptor.ComposedShape.ElementCount];
        for (int l = 0; l < descriptor.Depth; l++)
        {
            Add(sum, Compose(With(layers, l, directions[l])));
        }

        return sum;
    }

    /// <summary>A gradient composes the layers before and those after, and takes the adjoint of both compositions.</summary>
    public double[] Gradient(double[][] layers, int l, double[] cotangent)
    {
        int depth = descriptor.Depth;
        double[] gradient = cotangent;
        if (l < depth - 1)
        {
            FilterCompositionDescriptor last = Join(0, l + 1, depth);
            double[] inner = new double[last.FirstShape.ElementCount];
            FilterCompositionReference.BackwardFirst(last, gradient, Part(layers, l + 1, depth), inner);
            gradient = inner;
        }

        if (l == 0)
        {
            return [.. gradient];
        }

        double[] result = new double[layers[l].Length];
        FilterCompositionReference.BackwardSecond(Join(0, l, l + 1), gradient, Part(layers, 0, l), result);
        return result;
    }

    public double[][] Gradients(double[][] layers, double[] cotangent) => [.. layers.Select((_, l) => Gradient(layers, l, cotangent))];

    /// <summary>A gradient moves with the cotangent, and with every other layer.</summary>
    public double[][] HessianProduct(double[][] layers, double[][] directions, double[] cotangent, double[] cotangentDirection)
    {
        double[][] result = Gradients(layers, cotangentDirection);
        for (int l = 0; l < layers.Length; l++)
        {
            for (int other = 0; other < layers.Length; other++)
            {
                if (other != l)
                {
                    Add(result[l], Gradient(With(layers, other, directions[other]), l, cotangent));
                }
            }
        }

        return result;
    }

    /// <summary><c>J Jᵀ</c>, one network after the other on the host.</summary>
    public double[] Kernel(double[][] layers)
    {
        int problems = (int)(descriptor.Problems ?? 1);
        return [.. Enumerable.Range(0, problems).SelectMany(p => new DeepLinearNetwork(descriptor with { Problems = null }, [.. layers.Select(w => w[(p * (w.Length / problems))..((p + 1) * (w.Length / problems))])]).Kernel())];
    }

    private static double[][] With(double[][] layers, int l, double[] other) => [.. layers[..l], other, .. layers[(l + 1)..]];

    private static void Add(double[] sum, double[] other)
    {
        for (int i = 0; i < sum.Length; i++)
        {
            sum[i] += other[i];
        }
    }

    /// <summary>Layers from … to - 1 as one filter.</summary>
    private double[] Part(double[][] layers, int from, int to)
    {
        double[] filter = layers[from];
        for (int l = from + 1; l < to; l++)
        {
            FilterCompositionDescriptor join = Join(from, l, l + 1);
            double[] next = new double[join.ComposedShape.ElementCount];
            FilterCompositionReference.Compose(join, filter, layers[l], next);
            filter = next;
        }

        return filter;
    }

    private FilterCompositionDescriptor Join(int from, int split, int to)
    {
        (Shape first, Shape stride) = Sizes(from, split);
        return new()
        {
            Problems = descriptor.Problems, InChannels = descriptor.Channels[from], InnerChannels = descriptor.Channels[split], OutChannels = descriptor.Channels[to],
            First = first, Second = Sizes(split, to).Extent, Stride = stride,
        };
    }

    /// <summary>Matrices are filters of one tap. Extent <c>1 + sum over l of (k_l - 1) prod over j &lt; l of s_j</c> and stride of layers from … to - 1.</summary>
    private (Shape Extent, Shape Stride) Sizes(int from, int to)
    {
        int rank = descriptor.Filters[0].Rank;
        long[] extent = [.. Shape.Uniform(Math.Max(rank, 1), 1)], stride = [.. extent];
        for (int l = from; l < to; l++)
        {
            for (int a = 0; a < rank; a++)
            {
                extent[a] += (descriptor.Filters[l][a] - 1) * stride[a];
                stride[a] *= descriptor.Strides[l][a];
            }
        }

        return (Shape.Create(extent), Shape.Create(stride));
    }
}
