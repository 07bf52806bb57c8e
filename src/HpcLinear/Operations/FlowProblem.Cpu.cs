using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>What the workers of one run of gradient flows share.</summary>
internal sealed unsafe class FlowProblem<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public required CpuKernels<T> Kernels { get; init; }

    public required NetworkLanes<T> Lanes { get; init; }

    public required FlowCrossings Crossings { get; init; }

    public required GradientFlowOptions Options { get; init; }

    public required FlowOutcome[] Outcomes { get; init; }

    public required double RelativeTolerance { get; init; }

    public required double AbsoluteTolerance { get; init; }

    /// <summary>Rows and columns of A.</summary>
    public required int Columns { get; init; }

    /// <summary>Elements from one network's B to the next's; 0 where it is shared.</summary>
    public required long LinearStride { get; init; }

    public required T* Quadratic { get; init; }

    public required T* Linear { get; init; }

    /// <summary>W_l at the start.</summary>
    public required T** Starts { get; init; }

    /// <summary>W_l at the times asked for.</summary>
    public required T** States { get; init; }

    public required double* Times { get; init; }

    public required int TimeCount { get; init; }

    public bool IsPolar => Options.Coordinates == FlowCoordinates.Polar;

    /// <summary>Rows of a state that the error is measured of.</summary>
    public int MeasuredRows => Lanes.Elements + (IsPolar ? 1 : 0);

    /// <summary>Rows of a state.</summary>
    public int Rows => MeasuredRows + 1;
}

/// <summary>The network that a lane integrates.</summary>
internal struct FlowLane
{
    /// <summary>Which network; -1 for none.</summary>
    public long Network;

    /// <summary>Whether its slope and loss at the start are not known yet.</summary>
    public bool IsFresh;

    public bool WasRefused;

    public bool IsLast;

    public bool Accepts;

    public FlowStatus? Ends;

    public double Time;

    public double Step;

    /// <summary>Logarithm of the last accepted error.</summary>
    public double LastError;

    public double InitialLoss;

    public double Loss;

    public double LossIncrease;

    public double Drift;

    public int Steps;

    public int Refused;

    /// <summary>Times whose states are written.</summary>
    public int Written;

    public ulong Signs;

    public int SharedRoots;

    public int SelfCrossings;

    public double FirstSharedRoot;

    public double FirstSelfCrossing;
}
