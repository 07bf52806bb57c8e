using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>What a relaxation on a CPU knows about its layers, in the machine's numbers. Layers count from 1, widths from 0.</summary>
internal sealed class RelaxationLayers<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public RelaxationLayers(RelaxationDescriptor network)
    {
        Network = network;
        Depth = network.Depth;
        Widths = [.. network.Widths.Select(w => checked((nint)w))];
        MaxWidth = Widths.Max();
        Unit = new nint[Depth + 1];
        for (int l = 2; l <= Depth; l++)
        {
            Unit[l] = Unit[l - 1] + Widths[l - 1];
        }

        HiddenUnits = Unit[Depth];
        Weights = PerLayer(network.WeightOffset);
        Biases = PerLayer(network.BiasOffset);
        Scalings = PerLayer(l => T.CreateTruncating(network.Scaling(l)));
        Precisions = PerLayer(l => T.CreateTruncating(network.Precision(l)));
        ReturnFactors = PerLayer(l => T.CreateTruncating(network.Scaling(l) * network.Precision(l)));
        Skips = PerLayer(network.Skip);
        Before = PerLayer(network.Before);
        After = PerLayer(network.After);
        LeastPrecision = Enumerable.Range(1, Math.Max(1, Depth - 1)).Min(network.Precision);
        Exact = network.Activation == Activation.Linear && network.Loss == OutputLoss.SquaredError;
        Decay = T.CreateTruncating(network.ActivityDecay);
        CrossEntropy = network.Loss == OutputLoss.CrossEntropy;
    }

    public RelaxationDescriptor Network { get; }

    public int Depth { get; }

    public nint[] Widths { get; }

    public nint MaxWidth { get; }

    /// <summary>Hidden units below layer l; where its activities start in a slice, counted in rows of lanes.</summary>
    public nint[] Unit { get; }

    public nint HiddenUnits { get; }

    public long[] Weights { get; }

    public long[] Biases { get; }

    public T[] Scalings { get; }

    public T[] Precisions { get; }

    /// <summary>a_l λ_l.</summary>
    public T[] ReturnFactors { get; }

    public bool[] Skips { get; }

    public Activation[] Before { get; }

    public Activation[] After { get; }

    public T Decay { get; }

    public bool CrossEntropy { get; }

    /// <summary>min λ of the hidden layers.</summary>
    public double LeastPrecision { get; }

    /// <summary>Whether the energy is a quadratic function of the errors.</summary>
    public bool Exact { get; }

    private TValue[] PerLayer<TValue>(Func<int, TValue> value)
    {
        var values = new TValue[Depth + 1];
        for (int l = 1; l <= Depth; l++)
        {
            values[l] = value(l);
        }

        return values;
    }
}
