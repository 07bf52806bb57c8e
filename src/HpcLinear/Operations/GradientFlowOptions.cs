namespace HpcLinear.Operations;

/// <summary>How a gradient flow is integrated.</summary>
public enum FlowMethod
{
    /// <summary>Dormand and Prince's explicit pair of orders 5 and 4 with error control.</summary>
    DormandPrince,

    /// <summary>The implicit midpoint rule, order 2, fixed step: quadratic invariants stay to rounding.</summary>
    ImplicitMidpoint,

    /// <summary>Gauss and Legendre's method of two stages, order 4, fixed step: quadratic invariants stay to rounding.</summary>
    GaussLegendre,
}

/// <summary>What a gradient flow integrates.</summary>
public enum FlowCoordinates
{
    /// <summary>The weights.</summary>
    Weights,

    /// <summary>Directions of the layers and the smallest squared norm: differences of squared norms are constants, not integrated.</summary>
    Polar,
}

/// <summary>How to integrate a gradient flow.</summary>
public sealed record GradientFlowOptions
{
    /// <summary>The method.</summary>
    public FlowMethod Method { get; init; }

    /// <summary>The coordinates. Polar ones need layers that are not zero.</summary>
    public FlowCoordinates Coordinates { get; init; }

    /// <summary>Error allowed in a step, relative to each weight; in float32 at least 5e-7.</summary>
    public double RelativeTolerance { get; init; } = 1e-8;

    /// <summary>Error allowed in a step, absolute; in float32 at least 5e-9.</summary>
    public double AbsoluteTolerance { get; init; } = 1e-10;

    /// <summary>Step of the methods with a fixed one.</summary>
    public double Step { get; init; } = 0.01;

    /// <summary>The most steps of one network, refused ones included.</summary>
    public int MaxSteps { get; init; } = 1_000_000;

    /// <summary>Whether the layers are rescaled after each step so that differences of their squared norms are those of the start; V stays.</summary>
    public bool Regauge { get; init; }

    /// <summary>Whether crossings are looked for, see <see cref="FlowOutcome.SharedRoots"/> and <see cref="FlowOutcome.SelfCrossings"/>.</summary>
    public bool DetectCrossings { get; init; }

    /// <summary>Checks every number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A tolerance, step or count that is not finite and positive, or an undefined method.</exception>
    public void Validate()
    {
        Throw.IfUndefined("gradient_flow", Method);
        Throw.IfUndefined("gradient_flow", Coordinates);
        Check(RelativeTolerance, nameof(RelativeTolerance));
        Check(AbsoluteTolerance, nameof(AbsoluteTolerance));
        Check(Step, nameof(Step));
        Check(MaxSteps, nameof(MaxSteps));

        static void Check(double value, string name)
        {
            if (!(double.IsFinite(value) && value > 0))
            {
                throw new ArgumentOutOfRangeException(name, value, $"gradient_flow: {name} {value} given, a finite number above 0 expected");
            }
        }
    }
}
