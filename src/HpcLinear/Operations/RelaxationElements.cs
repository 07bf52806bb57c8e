using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>Looks for elements that are infinite or NaN. Reads everything back: only for calls that failed.</summary>
internal static class RelaxationElements
{
    /// <exception cref="ArgumentException">Parameters, x or y have such an element; the message names layer and place.</exception>
    public static void ThrowIfNotFinite<T>(CommandQueue queue, RelaxationDescriptor network, TensorView<T> parameters, TensorView<T> input, TensorView<T> target)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] elements = queue.Download(parameters);
        for (int l = 1; l <= network.Depth; l++)
        {
            Check($"parameters: W_{l}", elements.AsSpan((int)network.WeightOffset(l), (int)(network.Widths[l] * network.Widths[l - 1])), network.Widths[l - 1]);
            Check($"parameters: b_{l}", network.Bias ? elements.AsSpan((int)network.BiasOffset(l), (int)network.Widths[l]) : [], 0);
        }

        Check("input", queue.Download(input), network.Widths[0]);
        Check("target", queue.Download(target), network.Widths[^1]);
    }

    /// <param name="queue">Orders the work.</param>
    /// <param name="network">The network.</param>
    /// <param name="name">What the hidden layers' elements are called, for instance "activities: Z".</param>
    /// <param name="hidden">Laid out as activities.</param>
    /// <exception cref="ArgumentException">An element is infinite or NaN; the message names layer and place.</exception>
    public static void ThrowIfNotFinite<T>(CommandQueue queue, RelaxationDescriptor network, string name, TensorView<T> hidden)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] elements = queue.Download(hidden);
        for (int l = 1; l < network.Depth; l++)
        {
            Check($"{name}_{l}", elements.AsSpan((int)network.ActivityOffset(l), (int)(network.Batch * network.Widths[l])), network.Widths[l]);
        }
    }

    /// <param name="name">The array.</param>
    /// <param name="values">Its elements.</param>
    /// <param name="columns">Of a matrix; 0 for a vector.</param>
    private static void Check<T>(string name, ReadOnlySpan<T> values, long columns)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!T.IsFinite(values[i]))
            {
                string place = columns > 0 ? $"[{i / columns}, {i % columns}]" : $"[{i}]";
                throw new ArgumentException($"{name}{place} is {values[i]}, a finite number expected");
            }
        }
    }
}
