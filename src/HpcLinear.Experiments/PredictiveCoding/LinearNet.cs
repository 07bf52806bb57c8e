using HpcLinear.Operations;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>A linear network with drawn weights and data.</summary>
internal sealed class LinearNet
{
    private LinearNet(RelaxationDescriptor network, double[] parameters, double[] input, double[] target)
    {
        Network = network;
        Parameters = parameters;
        Input = input;
        Target = target;
    }

    public RelaxationDescriptor Network { get; }

    public double[] Parameters { get; }

    public double[] Input { get; }

    public double[] Target { get; }

    /// <summary>Draws a network: weights uniform with variance 1/(3 fan-in) for the standard parameterisation, else normal with variance 1; data normal with variance 1.</summary>
    /// <param name="queue">The device that draws; the counter-based generator gives every device the same numbers up to rounding.</param>
    /// <param name="net">sp, ntp or mupc.</param>
    /// <param name="skips">Whether layers 2 … L - 1 have skips.</param>
    /// <param name="widths">n_0 … n_L.</param>
    /// <param name="batch">Samples.</param>
    /// <param name="seed">Of weights and data.</param>
    /// <param name="precisions">λ_l; empty for 1.</param>
    public static LinearNet Draw(CommandQueue queue, string net, bool skips, long[] widths, int batch, ulong seed, IReadOnlyList<double> precisions)
    {
        RelaxationDescriptor network = RelaxationDescriptor.Create(batch, [.. widths], RuleOf(net), skips) with { Precisions = precisions };
        double[] parameters;
        if (net == "sp")
        {
            parameters = Random(queue, RandomDistribution.Uniform, network.ParameterShape, seed, 2, -1);
            for (int l = 1; l <= network.Depth; l++)
            {
                double bound = 1 / Math.Sqrt(widths[l - 1]);
                foreach (ref double w in parameters.AsSpan((int)network.WeightOffset(l), (int)(widths[l] * widths[l - 1])))
                {
                    w *= bound;
                }
            }
        }
        else
        {
            parameters = Random(queue, RandomDistribution.Normal, network.ParameterShape, seed, 1, 0);
        }

        // Other keys than those of the weights, whatever the seed.
        const ulong InputKey = 1UL << 62, TargetKey = 2UL << 62;
        return new(network, parameters, Random(queue, RandomDistribution.Normal, network.InputShape, seed | InputKey, 1, 0), Random(queue, RandomDistribution.Normal, network.TargetShape, seed | TargetKey, 1, 0));
    }

    /// <summary>The same data with other weights.</summary>
    public LinearNet With(double[] parameters) => new(Network, parameters, Input, Target);

    private static Parameterisation RuleOf(string net) => net switch
    {
        "sp" => Parameterisation.Standard,
        "ntp" => Parameterisation.NeuralTangent,
        _ => Parameterisation.DepthMuP,
    };

    private static double[] Random(CommandQueue queue, RandomDistribution distribution, Shape shape, ulong seed, double scale, double shift)
    {
        using RandomFillPlan<double> fill = RandomFillPlan.Create<double>(queue.Device, new() { Distribution = distribution, Shape = shape });
        using Tensor<double> tensor = queue.Device.Allocate<double>(shape);
        fill.Execute(queue, tensor, seed, scale, shift);
        return queue.Download<double>(tensor);
    }
}
