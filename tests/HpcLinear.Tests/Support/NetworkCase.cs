using System.Numerics;
using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

/// <summary>A predictive-coding network with numbers: parameters, data and activities.</summary>
internal sealed record NetworkCase(RelaxationDescriptor Network, double[] Parameters, double[] Input, double[] Target, double[] Activities)
{
    /// <summary>Networks of every kind; widths and batches around the sizes of strips and vectors.</summary>
    public static Gen<RelaxationDescriptor> Random { get; } = new DrawGen<RelaxationDescriptor>(
        draw =>
        {
            int depth = draw.Int(1, 5);
            long[] widths = new long[depth + 1];
            for (int l = 0; l <= depth; l++)
            {
                widths[l] = l > 0 && draw.Chance(0.5) ? widths[l - 1] : draw.Extent(21);
            }

            return new()
            {
                Batch = draw.Extent(70),
                Widths = Shape.Create(widths),
                Activation = draw.Pick(Enum.GetValues<Activation>()),
                ActivationAfter = draw.Chance(0.3),
                Bias = draw.Chance(0.4),
                Loss = draw.Chance(0.3) ? OutputLoss.CrossEntropy : OutputLoss.SquaredError,
                Scalings = [.. Enumerable.Range(1, depth).Select(l => draw.Pick<double>(1, 0.5, 0.7, -0.3))],
                Skips = [.. Enumerable.Range(1, depth).Select(l => widths[l] == widths[l - 1] && draw.Chance(0.5))],
                Precisions = [.. Enumerable.Range(1, depth).Select(l => draw.Pick<double>(1, 1, 0.5, 2))],
                ActivityDecay = draw.Chance(0.3) ? 0.25 : 0,
                WeightDecay = draw.Chance(0.3) ? 0.125 : 0,
                SpectralPenalty = draw.Chance(0.2) ? 0.0625 : 0,
            };
        },
        network => network.StepFlops + network.WeightGradientFlops);

    /// <summary>Numbers for a network, exact in the element type; weights of variance 1/(3 fan-in).</summary>
    public static NetworkCase Of<T>(RelaxationDescriptor network, int seed = 1)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double[] parameters = Draw(network.ParameterCount, seed);
        for (int l = 1; l <= network.Depth; l++)
        {
            for (long i = 0; i < network.Widths[l] * network.Widths[l - 1]; i++)
            {
                parameters[network.WeightOffset(l) + i] = Rounded(parameters[network.WeightOffset(l) + i] / Math.Sqrt(network.Widths[l - 1]));
            }
        }

        double[] target = Draw(network.TargetShape.ElementCount, seed + 2);
        return new(
            network,
            parameters,
            Draw(network.InputShape.ElementCount, seed + 1),
            network.Loss == OutputLoss.CrossEntropy ? Array.ConvertAll(target, Math.Abs) : target,
            Draw(network.ActivityCount, seed + 3));

        double[] Draw(long count, int stream) => Array.ConvertAll(Values.Random<T>(count, stream), double.CreateChecked);

        double Rounded(double x) => double.CreateChecked(T.CreateChecked(x));
    }

    /// <summary>Activities after some steps by a rule as it is written down, and the energies before every step and after the last.</summary>
    public (double[] Activities, double[] Trace) Move(RelaxationMethod method, int steps, double step, double momentum)
    {
        double[] z = Activities, v = new double[z.Length], trace = new double[steps + 1];
        for (int t = 0; t < steps; t++)
        {
            trace[t] = Energy();
            double[] g = Gradient(z);
            v = [.. v.Zip(g, (a, b) => (momentum * a) + b)];
            double[] direction = method switch
            {
                RelaxationMethod.Momentum => v,
                RelaxationMethod.Nesterov => [.. g.Zip(v, (a, b) => a + (momentum * b))],
                RelaxationMethod.Heun => [.. g.Zip(Gradient([.. z.Zip(g, (a, b) => a - (step * b))]), (a, b) => (a + b) / 2)],
                _ => g,
            };
            z = [.. z.Zip(direction, (a, b) => a - (step * b))];
        }

        trace[steps] = Energy();
        return (z, trace);

        double[] Gradient(double[] at) => RelaxationReference.Gradients(Network, Parameters, Input, Target, at).Activities;

        double Energy() => RelaxationReference.Energies(Network, Parameters, Input, Target, z).Layers.Sum();
    }
}

/// <summary>A network's numbers on a device.</summary>
internal sealed class NetworkDevice<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly List<IDisposable> owned = [];

    public NetworkDevice(NetworkCase numbers, Device device)
    {
        Case = numbers;
        Queue = Own(device.CreateQueue());
        Plan = Own(RelaxationPlan.Create<T>(device, numbers.Network));
        Parameters = Upload(numbers.Parameters, numbers.Network.ParameterShape);
        Input = Upload(numbers.Input, numbers.Network.InputShape);
        Target = Upload(numbers.Target, numbers.Network.TargetShape);
        Activities = Upload(numbers.Activities, numbers.Network.ActivityShape);
    }

    public NetworkCase Case { get; }

    public CommandQueue Queue { get; }

    public RelaxationPlan<T> Plan { get; }

    public Tensor<T> Parameters { get; }

    public Tensor<T> Input { get; }

    public Tensor<T> Target { get; }

    public Tensor<T> Activities { get; }

    public Tensor<T> Upload(double[] elements, Shape shape)
    {
        Tensor<T> tensor = New(shape);
        Queue.Upload(Array.ConvertAll(elements, T.CreateTruncating), tensor);
        return tensor;
    }

    /// <summary>A tensor of NaN.</summary>
    public Tensor<T> New(Shape shape)
    {
        Tensor<T> tensor = Own(Queue.Device.Allocate<T>(shape));
        Queue.Fill(tensor, T.NaN);
        return tensor;
    }

    public T[] Read(Tensor<T> tensor) => Queue.Download<T>(tensor);

    public RelaxationResult Relax(RelaxationOptions options, TensorView<T> mask = default) => Plan.Relax(Queue, Parameters, Input, Target, Activities, options, mask);

    /// <summary>Relaxes in error coordinates; the activities become those of the final errors.</summary>
    public RelaxationResult Errors(Tensor<T> errors, RelaxationOptions options) => Plan.RelaxErrors(Queue, Parameters, Input, Target, errors, Activities, options);

    public void Dispose()
    {
        for (int i = owned.Count - 1; i >= 0; i--)
        {
            owned[i].Dispose();
        }
    }

    private TOwned Own<TOwned>(TOwned resource)
        where TOwned : IDisposable
    {
        owned.Add(resource);
        return resource;
    }
}
