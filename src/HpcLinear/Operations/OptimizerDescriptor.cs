using System.Globalization;

namespace HpcLinear.Operations;

/// <summary>An update of parameters from a gradient, in place.</summary>
/// <remarks><para>Gradient descent: <c>w = w - r g</c>; with momentum <c>v = μ v + g</c>, <c>w = w - r v</c>.</para>
/// <para>Adam: <c>m = β₁ m + (1 - β₁) g</c>, <c>v = β₂ v + (1 - β₂) g²</c>, <c>w = w - r (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)</c>, t the number of the update from 1.
/// Source: Kingma and Ba, arXiv:1412.6980.</para></remarks>
public sealed record OptimizerDescriptor
{
    /// <summary>The rule.</summary>
    public required OptimizerRule Rule { get; init; }

    /// <summary>Shape of the parameters, of their gradient and of each moment.</summary>
    public required Shape Shape { get; init; }

    /// <summary>μ of <see cref="OptimizerRule.GradientDescent"/>, from 0 to below 1; 0 keeps no velocity.</summary>
    public double Momentum { get; init; }

    /// <summary>β₁ of <see cref="OptimizerRule.Adam"/>, from 0 to below 1.</summary>
    public double FirstMomentDecay { get; init; } = 0.9;

    /// <summary>β₂ of <see cref="OptimizerRule.Adam"/>, from 0 to below 1.</summary>
    public double SecondMomentDecay { get; init; } = 0.999;

    /// <summary>ε of <see cref="OptimizerRule.Adam"/>, above 0.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Arrays that the rule keeps from one update to the next: 0, 1 (the velocity) or 2 (both moments).</summary>
    public int Moments => Rule == OptimizerRule.Adam ? 2 : Momentum > 0 ? 1 : 0;

    /// <summary>Floating-point operations, a root and a quotient counted as one each.</summary>
    public double Flops => Shape.ElementCount * (Moments switch { 0 => 2.0, 1 => 4.0, _ => 12.0 });

    /// <summary>Checks the shape and the factors.</summary>
    /// <exception cref="ProblemException">No such rule, a negative size or more than 2^63 - 1 bytes, a factor out of its range.</exception>
    public void Validate()
    {
        Throw.IfUndefined("optimizer", Rule);
        Throw.IfTooLarge<double>("optimizer", Shape);
        if (Shape.Any(x => x < 0))
        {
            throw new ProblemException(ProblemError.Size, $"optimizer: sizes must not be negative, got {Shape}");
        }

        Check(Momentum is >= 0 and < 1, nameof(Momentum), Momentum, "at least 0 and below 1");
        Check(FirstMomentDecay is >= 0 and < 1, nameof(FirstMomentDecay), FirstMomentDecay, "at least 0 and below 1");
        Check(SecondMomentDecay is >= 0 and < 1, nameof(SecondMomentDecay), SecondMomentDecay, "at least 0 and below 1");
        Check(double.IsFinite(Epsilon) && Epsilon > 0, nameof(Epsilon), Epsilon, "a finite number above 0");
        Check(Rule == OptimizerRule.GradientDescent || Momentum == 0, nameof(Momentum), Momentum, "0 for Adam, whose momentum is FirstMomentDecay");
    }

    /// <summary>The problem as one line.</summary>
    public override string ToString() => Rule == OptimizerRule.Adam
        ? string.Create(CultureInfo.InvariantCulture, $"optimizer adam {Shape} beta {FirstMomentDecay} {SecondMomentDecay} epsilon {Epsilon}")
        : string.Create(CultureInfo.InvariantCulture, $"optimizer sgd {Shape} momentum {Momentum}");

    private static void Check(bool holds, string name, double value, string expected)
    {
        if (!holds)
        {
            throw new ProblemException(ProblemError.Option, string.Create(CultureInfo.InvariantCulture, $"optimizer: {name} {value} given, {expected} expected"));
        }
    }
}
