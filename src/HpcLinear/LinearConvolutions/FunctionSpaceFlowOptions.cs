namespace HpcLinear.LinearConvolutions;

/// <summary>How layers are found again along a flow of end-to-end filters.</summary>
public enum FilterLift
{
    /// <summary>By Gauss-Newton from the layers of the last step.</summary>
    Tracked,

    /// <summary>The same, but layers of equal strides keep the order of their roots: the flow ends where two of them share one, because V and delta do not say how it goes on.</summary>
    FixedBranch,

    /// <summary>From V and the invariants alone, by <see cref="FilterFactorisation"/>, then by the same Gauss-Newton: nothing is remembered. Less accurate near points where V has
    /// further layers, and of no meaning where it has several anyway.</summary>
    Memoryless,
}

/// <summary>How a flow of an end-to-end filter ended.</summary>
public enum FunctionSpaceFlowStatus
{
    /// <summary>At the last time asked for.</summary>
    Finished,

    /// <summary>After the most steps allowed.</summary>
    StepLimit,

    /// <summary>No step leads to a filter with layers near the last, on the branch where that is kept: layers share a root there.</summary>
    Stuck,
}

/// <summary>How a flow of an end-to-end filter is integrated.</summary>
public sealed record FunctionSpaceFlowOptions
{
    /// <summary>How layers are found.</summary>
    public FilterLift Lift { get; init; }

    /// <summary>Error allowed in a step, relative to each element.</summary>
    public double RelativeTolerance { get; init; } = 1e-11;

    /// <summary>Error allowed in a step, absolute.</summary>
    public double AbsoluteTolerance { get; init; } = 1e-13;

    /// <summary>The most steps, refused ones included.</summary>
    public int MaxSteps { get; init; } = 100_000;

    internal void Validate()
    {
        Throw.IfUndefined("function_space_flow", Lift);
        Check(RelativeTolerance, nameof(RelativeTolerance));
        Check(AbsoluteTolerance, nameof(AbsoluteTolerance));
        Check(MaxSteps, nameof(MaxSteps));

        static void Check(double value, string name)
        {
            if (!(double.IsFinite(value) && value > 0))
            {
                throw new ArgumentOutOfRangeException(name, value, $"function_space_flow: {name} {value} given, a finite number above 0 expected");
            }
        }
    }
}
