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

    [Fact]
    public void Balancing_keeps_the_map_and_leaves_no_matrix_between_layers()
    {
        Random random = new(32);
        for (int trial = 0; trial < 20; trial++)
        {
            DeepLinearNetwork network = Drawn.Network(random, trial % 5, 1 + (trial % 5), mostChannels: 4);
            BalanceResult found = Gauge.Balance(network);
            Assert.True(found.Status == BalanceStatus.Balanced, $"{network.Architecture}: {found.Status}, residual {found.Residual}");
            double[] before = network.EndToEnd(), after = found.Network.EndToEnd();
            double size = Invariants.SquaredNorms(found.Network).Max();
            Assert.All(before.Zip(after), pair => Assert.Equal(pair.First, pair.Second, 1e-12 * Math.Max(before.Max(Math.Abs), Math.Pow(size, network.Depth / 2.0))));
            Assert.All(Enumerable.Range(0, network.Depth - 1), l => Assert.All(Invariants.ChannelMatrix(found.Network, l), c => Assert.Equal(0, c, 1e-11 * size)));
            Assert.True(Invariants.SquaredNorms(found.Network).Sum() <= Invariants.SquaredNorms(network).Sum() * (1 + 1e-12));
        }
    }

    [Fact]
    public void A_pair_is_balanced_by_the_symmetric_gauge()
    {
        // g² = Q with Q B Q = A; for a channel between, Q = sqrt(A/B).
        DeepLinearNetwork network = new(DeepProductDescriptor.FullyConnected([2, 2, 2]), [[2, 0, 0, 3], [1, 0, 0, 5]]);
        BalanceResult found = Gauge.Balance(network);
        double[] lower = found.Network.Layer(0).ToArray(), upper = found.Network.Layer(1).ToArray();
        double[] root = [Math.Sqrt(2), 0, 0, Math.Sqrt(15)];
        Assert.All(root.Zip(lower).Concat(root.Zip(upper)), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.Equal(1, found.Sweeps);
    }

    [Fact]
    public void Balancing_says_when_it_did_not_end_and_when_nothing_is_left()
    {
        DeepLinearNetwork deep = Drawn.Network(new(33), 0, 6, mostChannels: 1), wide = new(DeepProductDescriptor.FullyConnected([3, 3, 3, 3, 3]), [.. Enumerable.Range(0, 4).Select(l => Drawn.Numbers(9, new(l)))]);
        Assert.Equal(BalanceStatus.Balanced, Gauge.Balance(deep).Status);
        BalanceResult cut = Gauge.Balance(wide, mostSweeps: 2);
        Assert.Equal((BalanceStatus.SweepLimit, 2), (cut.Status, cut.Sweeps));
        Assert.True(cut.Residual > 1e-12);

        // What the lower layer reaches the upper one does not read.
        BalanceResult zero = Gauge.Balance(new(DeepProductDescriptor.FullyConnected([1, 2, 1]), [[1, 0], [0, 1]]));
        Assert.Equal(BalanceStatus.Zero, zero.Status);
        Assert.All(zero.Network.ToLayers(), w => Assert.All(w, x => Assert.Equal(0, x)));
        Assert.Throws<ArgumentOutOfRangeException>("tolerance", () => Gauge.Balance(deep, double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>("mostSweeps", () => Gauge.Balance(deep, mostSweeps: 0));
    }
}
