namespace HpcLinear.Operations;

/// <summary>How to relax activities. Steps are per sample: a rate that peers apply to the batch mean is <c>rate / batch</c> here.</summary>
public sealed record RelaxationOptions
{
    /// <summary>The method.</summary>
    public RelaxationMethod Method { get; init; } = RelaxationMethod.GradientDescent;

    /// <summary>Steps T, or the most steps of an adaptive method, refused ones included; 0 leaves the activities as they are.</summary>
    public required int Steps { get; init; }

    /// <summary>Step size per sample, or the first one of an adaptive method; null takes <see cref="RelaxationPlan{T}.StableStep"/> or
    /// <see cref="RelaxationPlan{T}.StableErrorStep"/> of the start. Stable below 2/λmax(H) ≥ 2/(max λ (1 + max σ)²), σ the layers' norms. Conjugate gradients and
    /// Gauss-Newton find their own.</summary>
    /// <remarks>Nesterov's momentum is stable below (1 + m)/(1 + 2m) of that; a computed step counts it in.</remarks>
    public double? Step { get; init; }

    /// <summary>m of <see cref="RelaxationMethod.Momentum"/> and <see cref="RelaxationMethod.Nesterov"/>, from 0 to below 1.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>A sample stops when rms(g) ≤ absolute + relative · rms(z); 0 and 0: never. A sample stopped keeps its activities.</summary>
    public double AbsoluteTolerance { get; init; }

    /// <summary>See <see cref="AbsoluteTolerance"/>.</summary>
    public double RelativeTolerance { get; init; }

    /// <summary>A sample stops when a bound on its energy above that of the equilibrium is at most this; 0: never. See <see cref="RelaxationCertificate"/>.
    /// Free in error coordinates; in activities it costs a step every <see cref="CheckInterval"/> steps.</summary>
    public double EnergyTolerance { get; init; }

    /// <summary>A sample stops when its energy changed by at most this part of itself over <see cref="CheckInterval"/> steps; 0: never. For networks whose gradient
    /// does not vanish: minima of relu networks lie on kinks.</summary>
    public double EnergyChange { get; init; }

    /// <summary>Steps between checks of energies.</summary>
    public int CheckInterval { get; init; } = 16;

    /// <summary>Time to integrate to by <see cref="RelaxationMethod.AdaptiveHeun"/>.</summary>
    public double Horizon { get; init; } = 20;

    /// <summary>Error that <see cref="RelaxationMethod.AdaptiveHeun"/> allows a step: absolute and relative part.</summary>
    public double StepTolerance { get; init; } = 1e-3;

    /// <summary>Whether to report the energy before every step and after the last one; costs half a step.</summary>
    public bool TraceEnergy { get; init; }

    /// <summary>The relaxation is abandoned as diverged when the energy exceeds this many times its start.</summary>
    public double DivergenceFactor { get; init; } = 1e3;

    /// <summary>Checks every number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A step that is not finite and positive, negative steps or tolerances, momentum outside [0, 1).</exception>
    public void Validate()
    {
        Throw.IfUndefined("relax", Method);
        Check(Steps >= 0, nameof(Steps), Steps, "0 or more");
        Check(Step is null or (> 0 and < double.PositiveInfinity), nameof(Step), Step ?? 0, "a finite number above 0");
        Check(Momentum is >= 0 and < 1, nameof(Momentum), Momentum, "at least 0 and below 1");
        Check(AbsoluteTolerance >= 0 && double.IsFinite(AbsoluteTolerance), nameof(AbsoluteTolerance), AbsoluteTolerance, "0 or more");
        Check(RelativeTolerance >= 0 && double.IsFinite(RelativeTolerance), nameof(RelativeTolerance), RelativeTolerance, "0 or more");
        Check(EnergyTolerance >= 0 && double.IsFinite(EnergyTolerance), nameof(EnergyTolerance), EnergyTolerance, "0 or more");
        Check(EnergyChange >= 0 && double.IsFinite(EnergyChange), nameof(EnergyChange), EnergyChange, "0 or more");
        Check(CheckInterval > 0, nameof(CheckInterval), CheckInterval, "1 or more");
        Check(double.IsFinite(Horizon) && Horizon > 0, nameof(Horizon), Horizon, "a finite number above 0");
        Check(double.IsFinite(StepTolerance) && StepTolerance > 0, nameof(StepTolerance), StepTolerance, "a finite number above 0");
        Check(DivergenceFactor > 1, nameof(DivergenceFactor), DivergenceFactor, "above 1");
    }

    private static void Check(bool holds, string name, double value, string expected)
    {
        if (!holds)
        {
            throw new ArgumentOutOfRangeException(name, value, $"relax: {name} {value} given, {expected} expected");
        }
    }
}
