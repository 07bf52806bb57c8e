using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>Finds the layer that a loss, an energy or a gradient was lost in. Reads everything back: only for steps that failed.</summary>
internal static class FiniteCheck
{
    /// <summary>The first layer whose feed-forward state overflowed; L where it was the prediction or the loss.</summary>
    /// <exception cref="ArgumentException">Parameters, x or y are at fault; the message names an element.</exception>
    public static int FirstLayer<T>(CommandQueue queue, RelaxationDescriptor network, TensorView<T> parameters, TensorView<T> input, TensorView<T> target, TensorView<T> activities)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RelaxationElements.ThrowIfNotFinite(queue, network, parameters, input, target);
        T[] states = queue.Download(activities);
        int at = Array.FindIndex(states, z => !T.IsFinite(z));
        long batch = input.Shape[0], sum = 0;
        for (int l = 1; l < network.Depth && at >= 0; l++)
        {
            sum += batch * network.Widths[l];
            if (at < sum)
            {
                return l;
            }
        }

        return network.Depth;
    }

    /// <summary>The layer, from 1, of the largest energy or of the first that is not finite.</summary>
    public static int LargestLayer<T>(CommandQueue queue, TensorView<T> energies)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] values = queue.Download(energies);
        int at = Array.FindIndex(values, e => !T.IsFinite(e));
        return 1 + (at >= 0 ? at : Array.IndexOf(values, values.Max()));
    }

    /// <summary>The layer of the largest element of a gradient, or of the first that is NaN.</summary>
    public static int LargestGradient<T>(CommandQueue queue, RelaxationDescriptor network, TensorView<T> gradient)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] values = queue.Download(gradient);
        int at = Array.FindIndex(values, T.IsNaN);
        at = at >= 0 ? at : Array.IndexOf(values, values.MaxBy(T.Abs));
        for (int l = 1; l <= network.Depth; l++)
        {
            if (at < network.WeightOffset(l + 1))
            {
                return l;
            }
        }

        return Enumerable.Range(1, network.Depth).Last(l => network.BiasOffset(l) <= at);
    }
}
