using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.LinearNetworks;

/// <summary>What gradient flow leaves as it is in a deep linear network, whatever the loss of its end-to-end map.</summary>
/// <remarks>
/// Since <c>&lt;W_l, dLoss/dW_l&gt; = &lt;V, dLoss/dV&gt;</c> for every l, differences of squared norms are constant; so are the matrices of the channels between two layers, whose negative
/// trace they are. A step η of gradient descent changes them by exactly <c>η² (|g_l|² - |g_{l+1}|²)</c>; momentum and Adam conserve nothing.
/// Source: arXiv:2507.06367; Arora, Cohen, Hazan, arXiv:1802.06509; docs/linear-networks.md.
/// </remarks>
public static class Invariants
{
    /// <summary>The squared norms |W_l|².</summary>
    public static double[] SquaredNorms(DeepLinearNetwork network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return [.. Enumerable.Range(0, network.Depth).Select(l => Matrix.Dot(network.Layer(l), network.Layer(l)))];
    }

    /// <summary>delta_l = |W_l|² - |W_{l+1}|² for l = 0 … L - 2.</summary>
    public static double[] NormDifferences(DeepLinearNetwork network)
    {
        double[] norms = SquaredNorms(network);
        return [.. norms.Skip(1).Select((n, l) => norms[l] - n)];
    }

    /// <summary>C_l = sum over taps of <c>W_{l+1}ᵀ W_{l+1} - W_l W_lᵀ</c>, row-major: a row and a column for each channel between layers l and l + 1.</summary>
    /// <param name="network">The weights.</param>
    /// <param name="layer">l, 0 … L - 2.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no layer after l.</exception>
    public static double[] ChannelMatrix(DeepLinearNetwork network, int layer)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (layer < 0 || layer >= network.Depth - 1)
        {
            throw new ArgumentOutOfRangeException(nameof(layer), layer, $"layer: 0 to {network.Depth - 2} expected: the matrices stand between two of {network.Depth} layers");
        }

        Matrix below = Below(network.Architecture, layer, network.Layer(layer)), above = Above(network.Architecture, layer + 1, network.Layer(layer + 1));
        Matrix difference = Matrix.MultiplyTranspose(above, above);
        difference.Add(-1, Matrix.MultiplyTranspose(below, below));
        return difference.Elements;
    }

    /// <summary>W_l as a matrix, a row for each output channel.</summary>
    internal static Matrix Below(DeepProductDescriptor architecture, int layer, ReadOnlySpan<double> weights)
    {
        int outputs = (int)architecture.Channels[layer + 1];
        return Matrix.Of(outputs, weights.Length / outputs, weights);
    }

    /// <summary>W_l with a row for each input channel, a column for each output channel and tap.</summary>
    internal static Matrix Above(DeepProductDescriptor architecture, int layer, ReadOnlySpan<double> weights)
    {
        int inputs = (int)architecture.Channels[layer], outputs = (int)architecture.Channels[layer + 1], taps = (int)architecture.Filters[layer].ElementCount;
        Matrix result = new(inputs, outputs * taps);
        for (int o = 0; o < outputs; o++)
        {
            for (int c = 0; c < inputs; c++)
            {
                weights.Slice(((o * inputs) + c) * taps, taps).CopyTo(result.Row(c)[(o * taps)..]);
            }
        }

        return result;
    }

    /// <summary>The weights of a matrix of <see cref="Above"/>'s form.</summary>
    internal static double[] FromAbove(DeepProductDescriptor architecture, int layer, Matrix above)
    {
        int inputs = above.Rows, outputs = (int)architecture.Channels[layer + 1], taps = above.Columns / outputs;
        double[] weights = new double[above.Elements.Length];
        for (int o = 0; o < outputs; o++)
        {
            for (int c = 0; c < inputs; c++)
            {
                above.Row(c).Slice(o * taps, taps).CopyTo(weights.AsSpan(((o * inputs) + c) * taps));
            }
        }

        return weights;
    }
}
