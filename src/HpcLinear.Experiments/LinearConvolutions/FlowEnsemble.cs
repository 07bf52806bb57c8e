using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Experiments.LinearConvolutions;

/// <summary>Many networks of one architecture and the loss they descend, on a device.</summary>
internal sealed class FlowEnsemble(CommandQueue queue, GradientFlowDescriptor descriptor, double[][] weights, double[] quadratic, double[] linear)
{
    public int Networks { get; } = (int)(descriptor.Network.Problems ?? 1);

    /// <summary>Runs the flows; states are <c>[layer][time, network, tap…]</c>.</summary>
    public (IReadOnlyList<FlowOutcome> Outcomes, double[][] States) Run<T>(double[] times, GradientFlowOptions options)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using GradientFlowPlan<T> plan = GradientFlowPlan.Create<T>(queue.Device, descriptor);
        using Tensor<T> a = Upload<T>(quadratic, descriptor.QuadraticShape), b = Upload<T>(linear, descriptor.LinearShape);
        Tensor<T>[] start = [.. weights.Select((w, l) => Upload<T>(w, descriptor.Network.FilterShape(l)))];
        Tensor<T>[] states = [.. weights.Select((_, l) => queue.Device.Allocate<T>(descriptor.StateShape(l, times.Length)))];
        try
        {
            IReadOnlyList<FlowOutcome> outcomes = plan.Run(queue, [.. start.Select(s => s.AsView())], a, b, times, [.. states.Select(s => s.AsView())], options);
            return (outcomes, [.. states.Select(s => Array.ConvertAll(queue.Download<T>(s), double.CreateChecked))]);
        }
        finally
        {
            Array.ForEach([.. start, .. states], t => t.Dispose());
        }
    }

    /// <summary>The end-to-end filters of all networks at the last time.</summary>
    public double[] Compose(double[][] states)
    {
        using DeepProductPlan<double> plan = DeepProductPlan.Create<double>(queue.Device, descriptor.Network);
        Tensor<double>[] layers = [.. states.Select((s, l) => Upload<double>(s[^(int)descriptor.Network.FilterShape(l).ElementCount..], descriptor.Network.FilterShape(l)))];
        using Tensor<double> composed = queue.Device.Allocate<double>(descriptor.Network.ComposedShape);
        plan.Compose(queue, [.. layers.Select(t => t.AsView())], composed);
        double[] found = queue.Download<double>(composed);
        Array.ForEach(layers, t => t.Dispose());
        return found;
    }

    /// <summary>Standard normal numbers: the same on every device up to rounding.</summary>
    public static double[] Normal(CommandQueue queue, int count, ulong seed)
    {
        using RandomFillPlan<double> fill = RandomFillPlan.Create<double>(queue.Device, new() { Distribution = RandomDistribution.Normal, Shape = [count] });
        using Tensor<double> tensor = queue.Device.Allocate<double>([count]);
        fill.Execute(queue, tensor, seed, 1, 0);
        return queue.Download<double>(tensor);
    }

    /// <summary>Rows of a length become as long as <paramref name="norm"/> says of each.</summary>
    public static void Normalise(double[] rows, int length, Func<int, double> norm)
    {
        for (int p = 0; p < rows.Length / length; p++)
        {
            Span<double> row = rows.AsSpan(p * length, length);
            double sum = 0;
            foreach (double x in row)
            {
                sum += x * x;
            }

            double scale = norm(p) / Math.Sqrt(sum);
            foreach (ref double x in row)
            {
                x *= scale;
            }
        }
    }

    /// <summary>Layers of random directions: two of them with <c>|w_1||w_2| = scale</c> and <c>|w_1|² - |w_2|² = delta</c>, or more of equal norms.</summary>
    public static double[][] Start(CommandQueue queue, DeepProductDescriptor network, double scale, double delta, ulong seed)
    {
        int networks = (int)(network.Problems ?? 1), depth = network.Depth;
        double first = (delta + Math.Sqrt((delta * delta) + (4 * scale * scale))) / 2;
        return [.. Enumerable.Range(0, depth).Select(l =>
        {
            int count = (int)network.FilterShape(l).ElementCount;
            double[] w = Normal(queue, count, (seed * 64) + (ulong)l);
            Normalise(w, count / networks, _ => depth != 2 ? Math.Pow(scale, 1.0 / depth) : Math.Sqrt(l == 0 ? first : scale * scale / first));
            return w;
        })];
    }

    public static double[] Identity(int size)
    {
        double[] a = new double[size * size];
        for (int i = 0; i < size; i++)
        {
            a[(i * size) + i] = 1;
        }

        return a;
    }

    private Tensor<T> Upload<T>(double[] values, Shape shape)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> tensor = queue.Device.Allocate<T>(shape);
        queue.Upload(Array.ConvertAll(values, T.CreateChecked), tensor);
        return tensor;
    }
}
