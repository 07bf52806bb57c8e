using System.Globalization;
using CsCheck;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.PredictiveCoding;

/// <summary>A random linear network with parameters and data, and the definition of its energy as plain loops.</summary>
internal sealed record LinearCase(RelaxationDescriptor Network, double[] Parameters, double[] Input, double[] Target)
{
    /// <summary>Depths from 1, widths and batches from 1, skips, zero and rank-one weights, with and without biases, decays, penalties and factors.</summary>
    public static Gen<LinearCase> Random(bool activityDecay = false, bool bias = true, bool lastSkip = true) => new DrawGen<LinearCase>(
        d => Make(d, activityDecay, bias, lastSkip),
        c => c.Network.ParameterCount + c.Network.ActivityCount);

    /// <summary>F of the descriptor's remarks, read off word for word.</summary>
    public double Energy(double[] parameters, double[] target, ReadOnlySpan<double> activities)
    {
        RelaxationDescriptor n = Network;
        double energy = 0;
        for (int l = 1; l <= n.Depth; l++)
        {
            int rows = (int)n.Widths[l], columns = (int)n.Widths[l - 1], at = (int)n.WeightOffset(l);
            for (int sample = 0; sample < n.Batch; sample++)
            {
                ReadOnlySpan<double> below = Layer(activities, target, l - 1, sample), own = Layer(activities, target, l, sample);
                for (int i = 0; i < rows; i++)
                {
                    double p = n.Bias ? parameters[(int)n.BiasOffset(l) + i] : 0;
                    for (int j = 0; j < columns; j++)
                    {
                        p += parameters[at + (i * columns) + j] * below[j];
                    }

                    p = (n.Scaling(l) * p) + (n.Skip(l) ? below[i] : 0);
                    energy += n.Precision(l) / 2 * (own[i] - p) * (own[i] - p) / n.Batch;
                    energy += l < n.Depth ? n.ActivityDecay / 2 * own[i] * own[i] / n.Batch : 0;
                }
            }

            for (int i = 0; i < columns; i++)
            {
                for (int j = 0; j < columns; j++)
                {
                    double product = i == j ? -1 : 0;
                    for (int row = 0; row < rows; row++)
                    {
                        product += parameters[at + (row * columns) + i] * parameters[at + (row * columns) + j];
                    }

                    energy += n.SpectralPenalty / 2 * product * product;
                }
            }

            energy += n.WeightDecay / 2 * parameters.AsSpan(at, rows * columns).ToArray().Sum(w => w * w);
        }

        return energy;
    }

    /// <summary>A direction of that many elements, the same for the same case.</summary>
    public double[] Direction(int count)
    {
        Random random = new((int)Network.ParameterCount + count);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() - 0.5)];
    }

    public static double[] Moved(ReadOnlySpan<double> point, double step, double[] direction)
    {
        double[] moved = point.ToArray();
        for (int i = 0; i < moved.Length; i++)
        {
            moved[i] += step * direction[i];
        }

        return moved;
    }

    /// <summary>Equal up to a share of the largest element, or of 1 if that is larger.</summary>
    public void AssertNear(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = 1;
        foreach (double e in expected)
        {
            largest = Math.Max(largest, Math.Abs(e));
        }

        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * largest, $"{what}[{i}]: {expected[i]:R} expected, {actual[i]:R} computed for {this}");
        }
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"batch {Network.Batch} widths {Network.Widths} bias {Network.Bias} skips [{string.Join(' ', Network.Skips)}] scalings [{string.Join(' ', Network.Scalings)}] precisions [{string.Join(' ', Network.Precisions)}] decays {Network.ActivityDecay} {Network.WeightDecay} {Network.SpectralPenalty}");

    private ReadOnlySpan<double> Layer(ReadOnlySpan<double> activities, double[] target, int layer, int sample)
    {
        int width = (int)Network.Widths[layer];
        return layer == 0 ? Input.AsSpan(sample * width, width)
            : layer == Network.Depth ? target.AsSpan(sample * width, width)
            : activities.Slice((int)Network.ActivityOffset(layer) + (sample * width), width);
    }

    private static LinearCase Make(Draw d, bool activityDecay, bool bias, bool lastSkip)
    {
        int depth = d.Pick(1, 2, 2, 3, 3, 4, 6);
        long[] widths = new long[depth + 1];
        widths[0] = d.Extent(6);
        for (int l = 1; l <= depth; l++)
        {
            widths[l] = d.Chance(0.5) ? widths[l - 1] : d.Extent(6);
        }

        bool skips = d.Chance(0.6), decays = d.Chance(0.3);
        RelaxationDescriptor network = new()
        {
            Batch = d.Extent(5),
            Widths = Shape.Create(widths),
            Bias = bias && d.Chance(0.4),
            Skips = skips ? [.. Enumerable.Range(1, depth).Select(l => widths[l] == widths[l - 1] && (lastSkip || l < depth) && d.Chance(0.7))] : [],
            Scalings = d.Chance(0.5) ? [.. Enumerable.Range(1, depth).Select(_ => d.Int(1, 24) / 20.0)] : [],
            Precisions = d.Chance(0.5) ? [.. Enumerable.Range(1, depth).Select(_ => d.Int(1, 30) / 10.0)] : [],
            ActivityDecay = activityDecay ? d.Int(1, 20) / 10.0 : 0,
            WeightDecay = decays ? d.Int(0, 10) / 10.0 : 0,
            SpectralPenalty = decays ? d.Int(0, 10) / 20.0 : 0,
        };
        network.Validate();
        double[] parameters = Reals(d, network.ParameterCount);
        for (int l = 1; l <= depth; l++)
        {
            Span<double> weight = parameters.AsSpan((int)network.WeightOffset(l), (int)(widths[l] * widths[l - 1]));
            foreach (ref double element in weight)
            {
                element /= Math.Sqrt(widths[l - 1]);
            }

            int kind = d.Int(0, 5);
            if (kind == 0)
            {
                weight.Clear();
            }
            else if (kind == 1)
            {
                for (int row = 1; row < widths[l]; row++)
                {
                    weight[..(int)widths[l - 1]].CopyTo(weight[(row * (int)widths[l - 1])..]);
                }
            }
        }

        return new(network, parameters, Reals(d, network.InputShape.ElementCount), Reals(d, network.TargetShape.ElementCount));
    }

    private static double[] Reals(Draw d, long count) => [.. Enumerable.Range(0, (int)count).Select(_ => d.Int(-1000, 1000) / 800.0)];
}
