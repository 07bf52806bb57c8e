using System.Globalization;
using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>Random weights of a network; biases are 0.</summary>
/// <remarks>Philox 4x32-10 with the seed as key, the layer as the counter's upper half: a layer is a function of seed, layer and its own widths, not of the depth, the
/// batch or the device. Drawn in float64 on the host and rounded to the element type.</remarks>
public sealed record WeightInitialisation
{
    /// <summary>The distribution.</summary>
    public required WeightDistribution Distribution { get; init; }

    /// <summary>s: standard deviation or gain; null for 1, and for orthogonal weights below tanh for 1.05.</summary>
    public double? Scale { get; init; }

    /// <summary>What a parameterisation is meant to start from.</summary>
    public static WeightInitialisation Of(Parameterisation parameterisation)
    {
        Throw.IfUndefined("weights", parameterisation);
        return new() { Distribution = parameterisation == Parameterisation.Standard ? WeightDistribution.FanInUniform : WeightDistribution.Normal };
    }

    /// <summary>Overwrites the parameters of a network on a device.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="network">The network; its batch does not matter.</param>
    /// <param name="parameters">W_1 … W_L, b_1 … b_L.</param>
    /// <param name="seed">Equal seeds give equal weights.</param>
    /// <exception cref="ProblemException">The network is not valid, there is no such distribution, or the scale is not finite.</exception>
    /// <remarks>Orthogonal weights cost about 4 n³ flops a layer of width n on one core of the host.</remarks>
    public void Fill<T>(CommandQueue queue, RelaxationDescriptor network, TensorView<T> parameters, ulong seed)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(network);
        network.Validate();
        queue.CheckView(parameters, nameof(parameters));
        if (!parameters.Shape.Equals(network.ParameterShape))
        {
            throw new ShapeException(nameof(parameters), network.ParameterShape, parameters.Shape, $"weights of {network}");
        }

        queue.Fill(parameters, T.Zero);
        for (int l = 1; l <= network.Depth; l++)
        {
            T[] layer = Array.ConvertAll(Draw(network, l, seed), T.CreateTruncating);
            queue.Upload(layer, parameters.Tensor.View(parameters.Offset + network.WeightOffset(l), [layer.Length]));
        }
    }

    /// <summary>W_l, row-major.</summary>
    /// <param name="network">The network.</param>
    /// <param name="layer">From 1 to L.</param>
    /// <param name="seed">Equal seeds give equal weights.</param>
    public double[] Draw(RelaxationDescriptor network, int layer, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(network);
        Throw.IfUndefined("weights", Distribution);
        ArgumentOutOfRangeException.ThrowIfLessThan(layer, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(layer, network.Depth);
        int rows = checked((int)network.Widths[layer]), columns = checked((int)network.Widths[layer - 1]);
        double scale = Scale ?? (Distribution == WeightDistribution.Orthogonal && network.Activation == Activation.Tanh ? 1.05 : 1);
        if (!double.IsFinite(scale))
        {
            throw new ProblemException(ProblemError.Option, string.Create(CultureInfo.InvariantCulture, $"weights: scale {scale} given, a finite number expected"));
        }

        double[] weights = new double[checked(rows * columns)];
        switch (Distribution)
        {
            case WeightDistribution.FanInUniform:
                Uniform(weights, seed, layer, scale / Math.Sqrt(columns));
                break;
            case WeightDistribution.FanInNormal:
                Normal(weights, seed, layer, scale / Math.Sqrt(columns));
                break;
            case WeightDistribution.Normal:
                Normal(weights, seed, layer, scale);
                break;
            case WeightDistribution.Orthogonal:
                weights = Orthogonal(rows, columns, seed, layer, scale);
                break;
            default:
                break;
        }

        return weights;
    }

    private static (double First, double Second) Pair(ulong seed, int layer, int index)
    {
        (uint a, uint b, uint c, uint d) = Philox.Block(seed, (ulong)index, (ulong)layer);
        return (Unit(a, b), Unit(c, d));

        static double Unit(uint high, uint low) => (((ulong)high << 21) ^ (low >> 11)) * (1.0 / (1L << 53));
    }

    private static void Uniform(Span<double> weights, ulong seed, int layer, double bound) => Fill(weights, i =>
    {
        (double first, double second) = Pair(seed, layer, i);
        return (bound * ((2 * first) - 1), bound * ((2 * second) - 1));
    });

    private static void Normal(Span<double> weights, ulong seed, int layer, double deviation) => Fill(weights, i =>
    {
        // Box and Muller.
        (double first, double second) = Pair(seed, layer, i);
        double radius = deviation * Math.Sqrt(-2 * Math.Log(1 - first)), angle = 2 * Math.PI * second;
        return (radius * Math.Cos(angle), radius * Math.Sin(angle));
    });

    private static void Fill(Span<double> weights, Func<int, (double First, double Second)> pair)
    {
        for (int i = 0; i < weights.Length; i += 2)
        {
            (weights[i], double second) = pair(i / 2);
            if (i + 1 < weights.Length)
            {
                weights[i + 1] = second;
            }
        }
    }

    /// <summary>Gram and Schmidt, twice for orthogonality to rounding, on normal vectors: the first factor of a QR decomposition whose second has a positive
    /// diagonal, so distributed evenly.</summary>
    private static double[] Orthogonal(int rows, int columns, ulong seed, int layer, double gain)
    {
        int count = Math.Min(rows, columns), length = Math.Max(rows, columns);
        double[] vectors = new double[count * length];
        Normal(vectors, seed, layer, 1);
        for (int i = 0; i < count; i++)
        {
            Span<double> v = vectors.AsSpan(i * length, length);
            for (int j = 0; j < 2 * i; j++)
            {
                ReadOnlySpan<double> u = vectors.AsSpan(j % i * length, length);
                double projection = Dot(u, v);
                for (int k = 0; k < length; k++)
                {
                    v[k] -= projection * u[k];
                }
            }

            double norm = Math.Sqrt(Dot(v, v));
            for (int k = 0; k < length; k++)
            {
                v[k] /= norm;
            }
        }

        double[] weights = new double[rows * columns];
        for (int i = 0; i < weights.Length; i++)
        {
            int row = i / columns, column = i % columns;
            weights[i] = gain * vectors[rows <= columns ? i : (column * length) + row];
        }

        return weights;
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }
}
