using HpcLinear.PredictiveCoding;
using Xunit;

namespace HpcLinear.Tests.PredictiveCoding;

public sealed class MinibatchOrderTests
{
    [Theory, InlineData(1, 1, true), InlineData(10, 3, true), InlineData(10, 3, false), InlineData(12, 4, false), InlineData(3, 8, false)]
    public void An_epoch_visits_every_sample_at_most_once(int samples, int batch, bool dropLast)
    {
        MinibatchOrder order = new(samples, batch, 3, dropLast);
        for (int epoch = 0; epoch < 3; epoch++)
        {
            List<int> seen = [];
            for (long k = 0; k < order.BatchesPerEpoch; k++)
            {
                ReadOnlySpan<int> indices = order.Indices((epoch * order.BatchesPerEpoch) + k);
                Assert.True(indices.Length == batch || (!dropLast && k == order.BatchesPerEpoch - 1 && indices.Length > 0));
                seen.AddRange(indices);
            }

            Assert.Equal(dropLast ? samples / batch * batch : samples, seen.Distinct().Count());
            Assert.Equal(seen.Count, seen.Distinct().Count());
            Assert.All(seen, s => Assert.InRange(s, 0, samples - 1));
        }
    }

    [Fact]
    public void A_minibatch_is_a_function_of_seed_and_number()
    {
        MinibatchOrder forward = new(100, 7, 3), jumping = new(100, 7, 3), other = new(100, 7, 4);
        int[][] all = [.. Enumerable.Range(0, 40).Select(k => forward.Indices(k).ToArray())];
        Assert.Equal(all[33], jumping.Indices(33).ToArray());
        Assert.Equal(all[2], jumping.Indices(2).ToArray());
        Assert.NotEqual(all[2], other.Indices(2).ToArray());
        Assert.NotEqual(all[0], all[14]);
        Assert.Equal(2, forward.EpochOf(28));
    }

    [Fact]
    public void Permutations_are_even()
    {
        // Each of the 24 orders of 4 samples, 24,000 epochs: 1000 times, standard deviation 31.
        Dictionary<string, int> count = [];
        int[] order = new int[4];
        for (int epoch = 0; epoch < 24_000; epoch++)
        {
            MinibatchOrder.Permute(11, epoch, order);
            string key = string.Join(',', order);
            count[key] = count.GetValueOrDefault(key) + 1;
        }

        Assert.Equal(24, count.Count);
        Assert.All(count.Values, c => Assert.InRange(c, 1000 - 160, 1000 + 160));
    }

    [Theory]
    [InlineData(0, 1, true, "samples 0 given, 1 or more expected")]
    [InlineData(5, 0, true, "batch 0 given, 1 or more expected")]
    [InlineData(5, 6, true, "batch 6 given, at most the 5 samples there are expected")]
    public void Wrong_sizes_are_refused(int samples, int batch, bool dropLast, string message) =>
        Assert.StartsWith("minibatches: " + message, Assert.Throws<ArgumentOutOfRangeException>(() => new MinibatchOrder(samples, batch, 1, dropLast)).Message, StringComparison.Ordinal);
}
