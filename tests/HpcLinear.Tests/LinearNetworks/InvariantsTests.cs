using HpcLinear.LinearNetworks;
using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.LinearNetworks;

public sealed class InvariantsTests
{
    [Fact]
    public void Every_layer_has_the_same_inner_product_with_its_gradient_and_traces_are_the_differences()
    {
        Random random = new(21);
        for (int trial = 0; trial < 25; trial++)
        {
            DeepLinearNetwork network = Drawn.Network(random, trial % 5);
            double[] u = Drawn.Numbers(network.MapElements, random), map = network.EndToEnd();
            double[][] gradients = network.JacobianTransposeProduct(u);
            Assert.All(gradients.Select((g, l) => Drawn.Dot(g, network.Layer(l).ToArray())), product => Assert.Equal(Drawn.Dot(u, map), product, 1e-12));
            double[] delta = Invariants.NormDifferences(network);
            Assert.Equal(network.Depth - 1, delta.Length);
            for (int l = 0; l < delta.Length; l++)
            {
                double[] matrix = Invariants.ChannelMatrix(network, l);
                int channels = (int)network.Architecture.Channels[l + 1];
                Assert.Equal(channels * channels, matrix.Length);
                Assert.Equal(-delta[l], Enumerable.Range(0, channels).Sum(c => matrix[c * (channels + 1)]), 1e-12);
            }
        }
    }

    [Fact]
    public void Gradient_flow_keeps_them_and_a_step_of_gradient_descent_moves_them_by_its_square()
    {
        Random random = new(22);
        for (int trial = 0; trial < 10; trial++)
        {
            DeepLinearNetwork network = Drawn.Network(random, trial % 5, 3);
            SquareLoss loss = SquareLossOfNetworksTests.Loss(network, random);
            double[][] gradients = loss.Gradients(network);
            const double Step = 0.01;
            DeepLinearNetwork stepped = Drawn.Moved(network, -Step, gradients);
            double[] squares = [.. gradients.Select(g => Drawn.Dot(g, g))];
            Assert.All(Invariants.NormDifferences(stepped).Zip(Invariants.NormDifferences(network), (a, b) => a - b).Select((moved, l) => (moved, l)),
                pair => Assert.Equal(Step * Step * (squares[pair.l] - squares[pair.l + 1]), pair.moved, 1e-13 * (1 + squares.Max())));

            // The matrices move by the square too: the linear term vanishes.
            double[] before = Invariants.ChannelMatrix(network, 0), after = Invariants.ChannelMatrix(stepped, 0), ofGradients = Invariants.ChannelMatrix(network.With(gradients), 0);
            Assert.All(before.Select((b, i) => (Moved: after[i] - b, Want: Step * Step * ofGradients[i])), pair => Assert.Equal(pair.Want, pair.Moved, 1e-13 * (1 + squares.Max())));
        }
    }

    [Fact]
    public void A_small_network_has_the_matrices_worked_out_by_hand()
    {
        DeepLinearNetwork network = new(new() { Channels = [1, 2, 1], Filters = [[2], [1]], Strides = [[1], [1]] }, [[1, 2, 3, 4], [5, 6]]);
        Assert.Equal([25 - 5, 30 - 11, 30 - 11, 36 - 25], Invariants.ChannelMatrix(network, 0));
        Assert.Equal([30.0 - 61], Invariants.NormDifferences(network));
        Assert.Throws<ArgumentOutOfRangeException>("layer", () => Invariants.ChannelMatrix(network, 1));
        Assert.Empty(Invariants.NormDifferences(new(DeepProductDescriptor.FullyConnected([2, 1]), [[1, 2]])));
    }
}
