using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>A predictive-coding network of a case on a device: its plan and tensors.</summary>
internal sealed class NetworkRun<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly GoldenContext<T> context;

    public NetworkRun(GoldenContext<T> context)
    {
        this.context = context;
        Network = NetworkSettings.Read(context.Case);
        Plan = context.Own(RelaxationPlan.Create<T>(context.Device, Network));
        Parameters = Upload(NetworkSettings.Parameters(context.Case, Network), Network.ParameterShape);
        Activities = context.Result(Network.ActivityShape);
    }

    public RelaxationDescriptor Network { get; }

    public RelaxationPlan<T> Plan { get; }

    public Tensor<T> Parameters { get; }

    public Tensor<T> Activities { get; }

    public Tensor<T> Input => context.Input("x");

    public Tensor<T> Target => context.Input("y");

    public CommandQueue Queue => context.Queue;

    public Tensor<T> Upload(double[] elements, Shape shape)
    {
        Tensor<T> tensor = context.Result(shape);
        Queue.Upload(Array.ConvertAll(elements, T.CreateTruncating), tensor);
        return tensor;
    }

    /// <summary>Takes the case's activities, or those of a forward pass when it has none.</summary>
    public void Start()
    {
        if (Network.Depth > 1 && context.Case.HasInput("Z1"))
        {
            double[] given = NetworkSettings.Activities(context.Case, Network);
            Queue.Upload(Array.ConvertAll(given, T.CreateTruncating), Activities);
        }
        else
        {
            Plan.Forward(Queue, Parameters, Input, Activities, context.Result(Network.TargetShape));
        }
    }

    /// <summary>Energies of the layers, and their sum with all regularisers.</summary>
    public (double[] Layers, double Total) Energies()
    {
        Tensor<T> energies = context.Result([Network.Depth]);
        Plan.Energies(Queue, Parameters, Input, Target, Activities, energies);
        double[] layers = Doubles(energies);
        double regularisers = RelaxationReference.Energies(Network, Doubles(Parameters), Doubles(Input), Doubles(Target), Doubles(Activities)).Regularisers;
        return (layers, layers.Sum() + regularisers);
    }

    public double[] WeightGradient()
    {
        Tensor<T> gradient = context.Result(Network.ParameterShape);
        Plan.WeightGradient(Queue, Parameters, Input, Target, Activities, gradient);
        return Doubles(gradient);
    }

    public double[] ActivityGradient()
    {
        Tensor<T> gradient = context.Result(Network.ActivityShape);
        Plan.ActivityGradient(Queue, Parameters, Input, Target, Activities, gradient);
        return Doubles(gradient);
    }

    public double[] Doubles(Tensor<T> tensor) => Array.ConvertAll(Queue.Download<T>(tensor), double.CreateTruncating);

    /// <summary>The part of a vector that an output names: activities by <paramref name="activity"/>, weights and biases by the others.</summary>
    public GoldenArray? Part(string output, string activity, string weight, string? bias, Func<double[]> activities, Func<double[]> parameters)
    {
        if (NetworkSettings.LayerOf(output, activity, 1, Network.Depth - 1) is { } z)
        {
            return NetworkSettings.Activity(Network, activities(), z);
        }

        if (NetworkSettings.LayerOf(output, weight, 1, Network.Depth) is { } w)
        {
            return NetworkSettings.Weight(Network, parameters(), w);
        }

        return bias is not null && NetworkSettings.LayerOf(output, bias, 1, Network.Depth) is { } b ? NetworkSettings.Bias(Network, parameters(), b) : null;
    }
}
