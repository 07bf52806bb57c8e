using HpcLinear.LinearNetworks;
using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.LinearNetworks;

public sealed class LambdaBalancedKernelTests
{
    [Theory]
    [InlineData(3, 3, 3)]
    [InlineData(4, 3, 2)]
    [InlineData(2, 5, 2)]
    public void It_is_the_kernel_of_layers_with_these_invariants(int rows, int columns, int hidden)
    {
        double[] lambda = [0.7, -0.4];
        double[][] norms = [.. Enumerable.Range(0, hidden).Select(i => LayerNorms.Solve(2.0 / (i + 1), [-0.7, 0.4]))];

        // Reflections at a plane have orthogonal columns.
        double[] left = Reflection(rows, 1), right = Reflection(columns, 2);
        double[] first = new double[hidden * columns], middle = new double[hidden * hidden], last = new double[rows * hidden];
        for (int i = 0; i < hidden; i++)
        {
            middle[i * (hidden + 1)] = Math.Sqrt(norms[i][1]);
            for (int c = 0; c < columns; c++)
            {
                first[(i * columns) + c] = Math.Sqrt(norms[i][0]) * right[(c * columns) + i];
            }

            for (int r = 0; r < rows; r++)
            {
                last[(r * hidden) + i] = Math.Sqrt(norms[i][2]) * left[(r * rows) + i];
            }
        }

        DeepLinearNetwork network = new(DeepProductDescriptor.FullyConnected([columns, hidden, hidden, rows]), [first, middle, last]);
        double[] want = network.Kernel(), found = LambdaBalancedKernel.Of(rows, columns, hidden, network.EndToEnd(), lambda);
        for (int i = 0; i < want.Length; i++)
        {
            Assert.Equal(want[i], found[i], 1e-12);
        }

        static double[] Reflection(int size, int seed)
        {
            Random random = new(seed);
            double[] n = [.. Enumerable.Range(0, size).Select(_ => random.NextDouble() + 0.1)];
            double square = n.Sum(x => x * x);
            return [.. Enumerable.Range(0, size * size).Select(at => (at / size == at % size ? 1 : 0) - (2 * n[at / size] * n[at % size] / square))];
        }
    }

    [Fact]
    public void One_layer_has_the_identity_and_other_ranks_are_refused()
    {
        Assert.Equal([1.0, 0, 0, 1], LambdaBalancedKernel.Of(1, 2, 1, [3, 4], []));
        Assert.StartsWith("map: rank 2 expected, the width of the hidden layers, 1 found", Assert.Throws<ArgumentException>("map", () => LambdaBalancedKernel.Of(2, 2, 2, [1, 1, 1, 1], [0.5])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("map", () => LambdaBalancedKernel.Of(2, 2, 3, [1, 1, 1, 1], [0.5]));
    }
}
