using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>The weights of a linear predictive-coding network as matrices, checked: <c>P_l = Z_(l-1) M_lᵀ + c_l</c>, M_l = a_l W_l + s_l I, c_l = a_l b_l.</summary>
/// <remarks>Arrays are indexed by the layer l; entry 0 is not used.</remarks>
internal sealed class LinearNetwork
{
    private LinearNetwork(RelaxationDescriptor network)
    {
        Descriptor = network;
        Weights = new Matrix[network.Depth + 1];
        Maps = new Matrix[network.Depth + 1];
        Shifts = new double[network.Depth + 1][];
    }

    public RelaxationDescriptor Descriptor { get; }

    public int Depth => Descriptor.Depth;

    /// <summary>W_l.</summary>
    public Matrix[] Weights { get; }

    /// <summary>M_l.</summary>
    public Matrix[] Maps { get; }

    /// <summary>c_l.</summary>
    public double[][] Shifts { get; }

    /// <summary>Checks that a network is linear with squared error.</summary>
    /// <exception cref="ProblemException">The network is not valid.</exception>
    /// <exception cref="NotSupportedException">It is not linear, or its loss is not the squared error.</exception>
    public static void Check(string operation, RelaxationDescriptor network)
    {
        ArgumentNullException.ThrowIfNull(network);
        network.Validate();
        if (network.Activation != Activation.Linear)
        {
            throw new NotSupportedException($"{operation}: activation {network.Activation} given, {nameof(Activation.Linear)} expected: only linear networks have an exact equilibrium");
        }

        if (network.Loss != OutputLoss.SquaredError)
        {
            throw new NotSupportedException($"{operation}: loss {network.Loss} given, {nameof(OutputLoss.SquaredError)} expected: only its equilibrium is exact");
        }
    }

    /// <summary>Reads the parameter vector of a network that <see cref="Check"/> accepts.</summary>
    /// <exception cref="ArgumentException">Another number of parameters, or one is not finite.</exception>
    public static LinearNetwork Read(string operation, RelaxationDescriptor network, ReadOnlySpan<double> parameters)
    {
        Check(operation, network);
        Throw.IfCountDiffers(nameof(parameters), parameters.Length, network.ParameterShape);
        LinearNetwork result = new(network);
        for (int l = 1; l <= network.Depth; l++)
        {
            int rows = (int)network.Widths[l], columns = (int)network.Widths[l - 1];
            Matrix weight = Matrix.Of(rows, columns, parameters[(int)network.WeightOffset(l)..]);
            CheckFinite(operation, nameof(parameters), $"W_{l}", weight);
            Matrix map = weight.Copy();
            map.Scale(network.Scaling(l));
            map.AddToDiagonal(network.Skip(l) ? 1 : 0);
            double[] shift = new double[rows];
            if (network.Bias)
            {
                Matrix bias = Matrix.Of(1, rows, parameters[(int)network.BiasOffset(l)..]);
                CheckFinite(operation, nameof(parameters), $"b_{l}", bias);
                Matrix.AddScaled(network.Scaling(l), bias.Elements, shift);
            }

            (result.Weights[l], result.Maps[l], result.Shifts[l]) = (weight, map, shift);
        }

        return result;
    }

    /// <summary>Reads x or y.</summary>
    /// <exception cref="ArgumentException">Another number of elements, or one is not finite.</exception>
    public static Matrix ReadData(string operation, string argument, ReadOnlySpan<double> data, Shape shape)
    {
        Throw.IfCountDiffers(argument, data.Length, shape);
        Matrix result = Matrix.Of((int)shape[0], (int)shape[1], data);
        CheckFinite(operation, argument, argument == "input" ? "layer 0, x" : "the output layer, y", result);
        return result;
    }

    /// <summary>P_l of the layer below.</summary>
    public Matrix Predict(int layer, Matrix below)
    {
        Matrix prediction = Matrix.MultiplyTranspose(below, Maps[layer]);
        for (int i = 0; i < prediction.Rows; i++)
        {
            Matrix.AddScaled(1, Shifts[layer], prediction.Row(i));
        }

        return prediction;
    }

    private static void CheckFinite(string operation, string argument, string what, Matrix matrix)
    {
        for (int i = 0; i < matrix.Elements.Length; i++)
        {
            if (!double.IsFinite(matrix.Elements[i]))
            {
                throw new ArgumentException($"{operation}: {what}[{i / matrix.Columns}, {i % matrix.Columns}] is {matrix.Elements[i]}, a finite number expected", argument);
            }
        }
    }
}
