using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>One step of every lane, each with its own size.</summary>
internal readonly unsafe struct FlowStepper<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int MostIterations = 100;

    private static readonly T[][] Rows = RungeKutta.Rounded<T>(RungeKutta.Explicit);
    private static readonly T[] ErrorRow = RungeKutta.Rounded<T>([RungeKutta.Error])[0];
    private static readonly T[][][] Gauss = [.. RungeKutta.Gauss.Select(RungeKutta.Rounded<T>)];

    private readonly CpuKernels<T> kernels;
    private readonly FlowLanes<T> flow;
    private readonly FlowMethod method;
    private readonly T relative;
    private readonly T absolute;
    private readonly int width;
    private readonly int rows;
    private readonly int measured;
    private readonly nint stageStride;
    private readonly T* trial;
    private readonly T* slopes;

    public FlowStepper(FlowProblem<T> problem, FlowLanes<T> flow, T* memory)
    {
        this.flow = flow;
        kernels = problem.Kernels;
        (width, rows, measured, method) = (kernels.Width, problem.Rows, problem.MeasuredRows, problem.Options.Method);
        (relative, absolute) = (T.CreateChecked(problem.RelativeTolerance), T.CreateChecked(problem.AbsoluteTolerance));
        stageStride = (nint)rows * width;
        State = memory;
        Next = State + stageStride;
        trial = Next + stageStride;
        slopes = trial + stageStride;
        StepSizes = slopes + (RungeKutta.Stages * stageStride);
        Errors = StepSizes + width;
        Mask = Errors + width;
    }

    /// <summary>The state, a row an element.</summary>
    public T* State { get; }

    /// <summary>The state after the step.</summary>
    public T* Next { get; }

    public T* StepSizes { get; }

    /// <summary>Squared errors relative to the tolerance, a sum over rows; of implicit methods 0, or NaN where a step was not solved.</summary>
    public T* Errors { get; }

    public T* Mask { get; }

    /// <summary>Vectors that <see cref="FlowStepper{T}"/> takes.</summary>
    public static int Vectors(int rows) => ((3 + RungeKutta.Stages) * rows) + 3;

    /// <summary>Slopes of stage s; of the first at the state, of the last at the next one.</summary>
    public T* Slope(int stage) => slopes + (stage * stageStride);

    /// <summary>Computes the slope at the state.</summary>
    public T* Begin() => flow.Slope(State, slopes);

    /// <summary>Computes <see cref="Next"/>, its slope and <see cref="Errors"/>; returns its weights.</summary>
    public T* Attempt()
    {
        if (method != FlowMethod.DormandPrince)
        {
            return Solve(Gauss[method == FlowMethod.ImplicitMidpoint ? 0 : 1]);
        }

        T* weights = null;
        for (int s = 0; s < Rows.Length; s++)
        {
            T* to = s == Rows.Length - 1 ? Next : trial;
            kernels.StepLanes(State, slopes, stageStride, Rows[s], StepSizes, to, rows);
            weights = flow.Slope(to, Slope(s + 1));
        }

        kernels.ErrorLanes(State, Next, slopes, stageStride, ErrorRow, StepSizes, absolute, relative, Errors, measured);
        return weights;
    }

    /// <summary>Goes on from <see cref="Next"/> in the lanes of the mask.</summary>
    public void Accept()
    {
        kernels.ReplaceLanes(Mask, Next, State, rows);
        kernels.ReplaceLanes(Mask, Slope(RungeKutta.Stages - 1), slopes, rows);
    }

    /// <summary>The state of one lane at part <paramref name="theta"/> of the step just attempted.</summary>
    public void Interpolate(int lane, double theta, double* to)
    {
        double h = double.CreateChecked(StepSizes[lane]);
        for (int i = 0; i < rows; i++)
        {
            nint at = ((nint)i * width) + lane;
            double beyond = 0;
            for (int s = 0; method == FlowMethod.DormandPrince && s < RungeKutta.Stages; s++)
            {
                beyond += RungeKutta.Dense[s] * double.CreateChecked(Slope(s)[at]);
            }

            to[i] = RungeKutta.Interpolate(
                theta, double.CreateChecked(State[at]), double.CreateChecked(Next[at]), double.CreateChecked(slopes[at]), double.CreateChecked(Slope(RungeKutta.Stages - 1)[at]), h, h * beyond);
        }
    }

    /// <summary>Stages 1, 2 … are the slopes of the implicit method, found by fixed-point iteration; a lane that is solved stays as it is.</summary>
    private T* Solve(T[][] method)
    {
        int stages = method.Length - 1;
        T* found = Slope(1), tried = Slope(1 + stages), weights;
        for (int s = 0; s < stages; s++)
        {
            Buffer.MemoryCopy(slopes, found + (s * stageStride), stageStride * sizeof(T), stageStride * sizeof(T));
        }

        for (int i = 0; i < width; i++)
        {
            Mask[i] = T.One;
        }

        T unit = T.BitIncrement(T.One) - T.One;
        bool open = true;
        for (int iteration = 0; iteration < MostIterations && open; iteration++)
        {
            for (int s = 0; s < stages; s++)
            {
                kernels.StepLanes(State, found, stageStride, method[s], StepSizes, trial, rows);
                flow.Slope(trial, tried + (s * stageStride));
            }

            for (int i = 0; i < width; i++)
            {
                flow.Loss[i] = T.Zero;
            }

            open = false;
            for (int s = 0; s < stages; s++)
            {
                kernels.ChangeLanes(tried + (s * stageStride), found + (s * stageStride), Errors, measured);
                for (int i = 0; i < width; i++)
                {
                    flow.Loss[i] = T.Max(flow.Loss[i], T.Abs(Errors[i] * StepSizes[i]));
                }
            }

            for (int s = 0; s < stages; s++)
            {
                kernels.ReplaceLanes(Mask, tried + (s * stageStride), found + (s * stageStride), rows);
            }

            for (int i = 0; i < width; i++)
            {
                Mask[i] = Mask[i] > T.Zero && !(flow.Loss[i] <= unit * Largest(i)) ? T.One : T.Zero;
                open |= Mask[i] > T.Zero;
            }
        }

        kernels.StepLanes(State, found, stageStride, method[stages], StepSizes, Next, rows);
        weights = flow.Slope(Next, Slope(RungeKutta.Stages - 1));
        for (int i = 0; i < width; i++)
        {
            Errors[i] = Mask[i] > T.Zero ? T.NaN : T.Zero;
        }

        return weights;
    }

    private T Largest(int lane)
    {
        T largest = T.Zero;
        for (int i = 0; i < measured; i++)
        {
            largest = T.Max(largest, T.Abs(State[((nint)i * width) + lane]));
        }

        return largest;
    }
}
