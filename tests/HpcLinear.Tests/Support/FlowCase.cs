using System.Numerics;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

/// <summary>Gradient flows with their data on the host, and a plain integration of one of them.</summary>
internal sealed class FlowCase
{
    private FlowCase(GradientFlowDescriptor descriptor)
    {
        Descriptor = descriptor;
        Networks = (int)(descriptor.Network.Problems ?? 1);
    }

    public GradientFlowDescriptor Descriptor { get; }

    public int Networks { get; }

    /// <summary>W_l of all networks.</summary>
    public double[][] Weights { get; private set; } = [];

    public double[] Quadratic { get; private set; } = [];

    public double[] Linear { get; private set; } = [];

    public int Depth => Descriptor.Network.Depth;

    public DeepProductDescriptor Single => Descriptor.Network with { Problems = null };

    public static FlowCase Random(GradientFlowDescriptor descriptor, int seed, double scale = 1)
    {
        Random random = new(seed);
        FlowCase made = new(descriptor) { Weights = [.. Enumerable.Range(0, descriptor.Network.Depth).Select(l => Draw((int)descriptor.Network.FilterShape(l).ElementCount, scale))] };
        int m = (int)descriptor.QuadraticShape[0];
        double[] factor = Draw(m * m, 1);
        made.Quadratic = new double[m * m];
        for (int i = 0; i < m * m; i++)
        {
            made.Quadratic[i] = Rounded(Enumerable.Range(0, m).Sum(k => factor[(i / m * m) + k] * factor[(i % m * m) + k]) / m + (i / m == i % m ? 0.3 : 0));
        }

        made.Linear = Draw((int)descriptor.LinearShape.ElementCount, 1);
        return made;

        double[] Draw(int count, double most) => [.. Enumerable.Range(0, count).Select(_ => Rounded(most * ((2 * random.NextDouble()) - 1)))];

        // Also of float32.
        static double Rounded(double x) => (float)x;
    }

    public static FlowCase Of(GradientFlowDescriptor descriptor, double[][] weights, double[] quadratic, double[] linear) =>
        new(descriptor) { Weights = weights, Quadratic = quadratic, Linear = linear };

    /// <summary>Layers of network p.</summary>
    public double[][] Layers(int p) => [.. Weights.Select(w => w[(p * (w.Length / Networks))..((p + 1) * (w.Length / Networks))])];

    /// <summary>Runs the plan; returns what was found and the states, <c>[layer][time, network, element…]</c>.</summary>
    public (IReadOnlyList<FlowOutcome> Outcomes, double[][] States) Run<T>(Device device, double[] times, GradientFlowOptions? options = null)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using GradientFlowPlan<T> plan = GradientFlowPlan.Create<T>(device, Descriptor);
        using CommandQueue queue = device.CreateQueue();
        List<Tensor<T>> owned = [];
        TensorView<T>[] weights = [.. Weights.Select((w, l) => Upload(w, Descriptor.Network.FilterShape(l)))];
        TensorView<T>[] states = [.. Weights.Select((w, l) => Upload(new double[times.Length * w.Length], Descriptor.StateShape(l, times.Length)))];
        IReadOnlyList<FlowOutcome> outcomes = plan.Run(queue, weights, Upload(Quadratic, Descriptor.QuadraticShape), Upload(Linear, Descriptor.LinearShape), times, states, options);
        double[][] found = [.. states.Select(s => queue.Download<T>(s.Tensor).Select(x => double.CreateChecked(x)).ToArray())];
        foreach (Tensor<T> tensor in owned)
        {
            tensor.Dispose();
        }

        return (outcomes, found);

        TensorView<T> Upload(double[] values, Shape shape)
        {
            Tensor<T> tensor = device.Allocate<T>(shape);
            queue.Upload([.. values.Select(T.CreateChecked)], tensor.AsView());
            owned.Add(tensor);
            return tensor;
        }
    }

    /// <summary>The layers of network p at a time, by the classical method of order 4.</summary>
    public double[][] Integrate(int p, double time, int steps)
    {
        double[] linear = Descriptor.OwnTargets ? Linear[(p * (Linear.Length / Networks))..((p + 1) * (Linear.Length / Networks))] : Linear;
        double[][] w = Layers(p);
        DeepLinearNetwork network = new(Single, w);
        double h = time / steps;
        for (int i = 0; i < steps; i++)
        {
            double[][] k1 = Slope(w), k2 = Slope(Moved(w, k1, h / 2)), k3 = Slope(Moved(w, k2, h / 2)), k4 = Slope(Moved(w, k3, h));
            w = Moved(Moved(Moved(Moved(w, k1, h / 6), k2, h / 3), k3, h / 3), k4, h / 6);
        }

        return w;

        double[][] Slope(double[][] at)
        {
            DeepLinearNetwork here = network.With(at);
            return [.. here.JacobianTransposeProduct(Residual(here.EndToEnd(), linear)).Select(g => g.Select(x => -x).ToArray())];
        }

        static double[][] Moved(double[][] from, double[][] along, double step) => [.. from.Zip(along, (a, b) => a.Zip(b, (x, y) => x + (step * y)).ToArray())];
    }

    /// <summary>V A - B.</summary>
    public double[] Residual(double[] v, double[] linear)
    {
        int m = (int)Descriptor.QuadraticShape[0];
        double[] g = new double[v.Length];
        for (int i = 0; i < v.Length; i++)
        {
            g[i] = -linear[i];
            for (int k = 0; k < m; k++)
            {
                g[i] += v[(i / m * m) + k] * Quadratic[(k * m) + (i % m)];
            }
        }

        return g;
    }
}
