using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>The numbers of one update, rounded to the element type.</summary>
internal readonly struct OptimizerFactors<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>r; of Adam r / (1 - β₁ᵗ).</summary>
    public required T Rate { get; init; }

    /// <summary>μ or β₁.</summary>
    public required T Decay { get; init; }

    /// <summary>1 - β₁.</summary>
    public required T Gain { get; init; }

    /// <summary>β₂.</summary>
    public required T SecondDecay { get; init; }

    /// <summary>1 - β₂.</summary>
    public required T SecondGain { get; init; }

    /// <summary>(1 - β₂ᵗ)^-½.</summary>
    public required T Correction { get; init; }

    /// <summary>ε.</summary>
    public required T Epsilon { get; init; }

    public static OptimizerFactors<T> Of(OptimizerDescriptor d, double learningRate, long update)
    {
        bool adam = d.Rule == OptimizerRule.Adam;
        return new()
        {
            Rate = T.CreateTruncating(adam ? learningRate / (1 - Math.Pow(d.FirstMomentDecay, update)) : learningRate),
            Decay = T.CreateTruncating(adam ? d.FirstMomentDecay : d.Momentum),
            Gain = T.CreateTruncating(1 - d.FirstMomentDecay),
            SecondDecay = T.CreateTruncating(d.SecondMomentDecay),
            SecondGain = T.CreateTruncating(1 - d.SecondMomentDecay),
            Correction = T.CreateTruncating(1 / Math.Sqrt(1 - Math.Pow(d.SecondMomentDecay, update))),
            Epsilon = T.CreateTruncating(d.Epsilon),
        };
    }
}
