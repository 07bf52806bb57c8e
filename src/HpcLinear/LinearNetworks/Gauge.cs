namespace HpcLinear.LinearNetworks;

/// <summary>Other weights of the same end-to-end map: layers scaled against each other.</summary>
public static class Gauge
{
    /// <summary>The same directions and signs with other norms, so that |W_l|² - |W_{l+1}|² are the given differences and the end-to-end map is what it was.</summary>
    /// <param name="network">The weights; no layer may be zero.</param>
    /// <param name="delta">The L - 1 differences.</param>
    /// <exception cref="ArgumentException">Another number of differences, one that is not finite, or a layer that is zero: it has no direction.</exception>
    /// <exception cref="ArithmeticException">A norm, or the product of all, is outside of the normal range of float64.</exception>
    /// <remarks>A pass over the weights and <see cref="LayerNorms"/>. Source: arXiv:2507.06367; docs/linear-networks.md.</remarks>
    public static DeepLinearNetwork Regauge(DeepLinearNetwork network, ReadOnlySpan<double> delta)
    {
        double[] present = Invariants.SquaredNorms(network);
        Throw.IfCountDiffers(nameof(delta), delta.Length, 1, network.Depth - 1);
        double product = 1;
        for (int l = 0; l < present.Length; l++)
        {
            if (present[l] == 0)
            {
                throw new ArgumentException($"network: layer {l} is zero or vanishes when squared, so that it has no direction", nameof(network));
            }

            product *= present[l];
        }

        if (!double.IsNormal(product))
        {
            throw new ArithmeticException($"regauge: the product of the squared norms leaves the range of float64: {product}");
        }

        double[] norms = LayerNorms.Solve(product, delta);
        double[][] layers = network.ToLayers();
        for (int l = 0; l < layers.Length; l++)
        {
            double factor = Math.Sqrt(norms[l] / present[l]);
            foreach (ref double w in layers[l].AsSpan())
            {
                w *= factor;
            }
        }

        return network.With(layers);
    }

    /// <summary>The same directions and signs with equal norms: <see cref="Regauge"/> with differences of 0.</summary>
    /// <inheritdoc cref="Regauge" path="/exception"/>
    public static DeepLinearNetwork BalanceNorms(DeepLinearNetwork network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return Regauge(network, new double[network.Depth - 1]);
    }
}
