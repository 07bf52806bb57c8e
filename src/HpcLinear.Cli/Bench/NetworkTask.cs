using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Bench;

/// <summary>What is timed on a predictive-coding network of random weights and data.</summary>
internal abstract class NetworkTask<T> : BenchTask
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>η.</summary>
    public const double Step = 0.1;

    private readonly RandomOperand input;
    private readonly double[] targets;

    protected NetworkTask(CommandQueue queue, RelaxationDescriptor network)
    {
        Queue = queue;
        Network = network;
        Plan = Own(RelaxationPlan.Create<T>(queue.Device, network));
        Parameters = ParametersOf(network);
        input = new(1, network.InputShape.ElementCount);
        targets = new RandomOperand(2, network.TargetShape.ElementCount).ToArray(0, network.TargetShape.ElementCount);
        if (network.Loss == OutputLoss.CrossEntropy)
        {
            // Weights of classes are not negative.
            targets = Array.ConvertAll(targets, Math.Abs);
        }

        Weights = Own(queue.Device.Allocate<T>(network.ParameterShape));
        queue.Upload(Array.ConvertAll(Parameters, T.CreateTruncating), Weights);
        X = Own(input.Upload<T>(queue, network.InputShape));
        Y = Own(queue.Device.Allocate<T>(network.TargetShape));
        queue.Upload(Array.ConvertAll(targets, T.CreateTruncating), Y);
        Activities = Result<T>(queue, network.ActivityShape);
    }

    public override double Bytes => (double)Unsafe.SizeOf<T>() * (Network.ParameterCount + (2.0 * Network.ActivityCount));

    protected CommandQueue Queue { get; }

    protected RelaxationDescriptor Network { get; }

    protected RelaxationPlan<T> Plan { get; }

    protected double[] Parameters { get; }

    protected Tensor<T> Weights { get; }

    protected Tensor<T> X { get; }

    protected Tensor<T> Y { get; }

    protected Tensor<T> Activities { get; }

    /// <summary>Uniform weights of variance 1/(3 fan-in), for any parameterisation: only their size matters here.</summary>
    public static double[] ParametersOf(RelaxationDescriptor network)
    {
        double[] parameters = new RandomOperand(3, network.ParameterCount).ToArray();
        for (int l = 1; l <= network.Depth; l++)
        {
            double scale = 1 / (network.Scaling(l) * Math.Sqrt(network.Widths[l - 1]));
            long offset = network.WeightOffset(l);
            for (long i = 0; i < network.Widths[l] * network.Widths[l - 1]; i++)
            {
                ref double w = ref parameters[offset + i];
                w = double.CreateTruncating(T.CreateTruncating(w * scale));
            }
        }

        return parameters;
    }

    /// <summary>A sample alone: samples are independent.</summary>
    protected (RelaxationDescriptor Network, double[] Input, double[] Target) SampleOf(long sample) =>
        (Network with { Batch = 1 }, input.ToArray(sample * Network.Widths[0], Network.Widths[0]), targets.AsSpan((int)(sample * Network.Widths[^1]), (int)Network.Widths[^1]).ToArray());

    /// <summary>A sample's part of an array laid out as activities.</summary>
    protected IEnumerable<T> Part(T[] hidden, long sample)
    {
        for (int l = 1; l < Network.Depth; l++)
        {
            for (long i = 0; i < Network.Widths[l]; i++)
            {
                yield return hidden[Network.ActivityOffset(l) + (sample * Network.Widths[l]) + i];
            }
        }
    }
}
