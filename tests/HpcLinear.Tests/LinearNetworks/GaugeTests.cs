using HpcLinear.LinearNetworks;
using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.LinearNetworks;

public sealed class GaugeTests
{
    [Fact]
    public void Regauge_keeps_map_directions_and_signs_and_gives_the_differences()
    {
        Random random = new(31);
        for (int trial = 0; trial < 40; trial++)
        {
            DeepLinearNetwork network = Drawn.Network(random, trial % 5, 1 + (trial % 8), mostChannels: trial % 2 == 0 ? 1 : 3);
            double[] delta = [.. Drawn.Numbers(network.Depth - 1, random).Select(x => 10 * x * x * x)];
            DeepLinearNetwork found = Gauge.Regauge(network, delta);
            double[] before = network.EndToEnd(), after = found.EndToEnd(), norms = Invariants.SquaredNorms(found);
            Assert.All(before.Zip(after), pair => Assert.Equal(pair.First, pair.Second, 1e-12 * before.Max(Math.Abs)));
            Assert.All(delta.Zip(Invariants.NormDifferences(found)), pair => Assert.Equal(pair.First, pair.Second, 1e-13 * norms.Max()));
            for (int l = 0; l < network.Depth; l++)
            {
                double factor = Math.Sqrt(norms[l] / Invariants.SquaredNorms(network)[l]);
                Assert.All(network.Layer(l).ToArray().Zip(found.Layer(l).ToArray()), pair => Assert.Equal(factor * pair.First, pair.Second, 1e-12 * norms[l]));
            }

            double[] balanced = Invariants.SquaredNorms(Gauge.BalanceNorms(network));
            Assert.All(balanced, n => Assert.Equal(balanced[0], n, 1e-13 * balanced[0]));
        }
    }

    [Fact]
    public void A_layer_without_direction_is_refused()
    {
        DeepLinearNetwork network = new(DeepProductDescriptor.FullyConnected([1, 2, 1]), [[1, 2], [0, 0]]);
        Assert.StartsWith("network: layer 1 is zero", Assert.Throws<ArgumentException>("network", () => Gauge.Regauge(network, [0])).Message, StringComparison.Ordinal);
        Assert.StartsWith("delta: 1 elements expected", Assert.Throws<ArgumentException>("delta", () => Gauge.Regauge(network, [])).Message, StringComparison.Ordinal);
        Assert.Throws<ArithmeticException>(() => Gauge.Regauge(network.With([[1e-100, 0], [1e-100, 0]]), [0]));
    }
}
