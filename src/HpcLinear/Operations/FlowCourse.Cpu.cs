using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>Integrates a range of networks, a network a lane; a lane whose network is done takes the next one.</summary>
internal unsafe ref struct FlowCourse<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly FlowProblem<T> problem;
    private readonly FlowLanes<T> flow;
    private readonly FlowStepper<T> stepper;
    private readonly NetworkLanes<T> lanes;
    private readonly GradientFlowOptions options;
    private readonly ReadOnlySpan<double> times;
    private readonly FlowLane* lane;
    private readonly T* initialNorms;
    private readonly double* column;
    private readonly int width;
    private readonly int layers;
    private long following;
    private long end;

    public FlowCourse(FlowProblem<T> problem, T* memory, FlowLane* lane, double* column)
    {
        this.problem = problem;
        (lanes, options, width) = (problem.Lanes, problem.Options, problem.Kernels.Width);
        this.lane = lane;
        this.column = column;
        layers = lanes.LayerElements.Length;
        times = new(problem.Times, problem.TimeCount);
        flow = new(problem.Kernels, lanes, problem.Columns, problem.IsPolar, problem.Quadratic, memory);
        memory += (nint)FlowLanes<T>.Vectors(lanes) * width;
        stepper = new(problem, flow, memory);
        initialNorms = memory + ((nint)FlowStepper<T>.Vectors(problem.Rows) * width);
    }

    /// <summary>Elements of T that a worker needs.</summary>
    public static long Elements(NetworkLanes<T> lanes, int width) =>
        (long)width * (FlowLanes<T>.Vectors(lanes) + FlowStepper<T>.Vectors(lanes.Elements + 2) + lanes.LayerElements.Length);

    /// <summary>Integrates networks first … last - 1.</summary>
    public void Run(long first, long last)
    {
        (following, end) = (first, last);
        int active = 0;
        for (int i = 0; i < width; i++)
        {
            active += Load(i) ? 1 : 0;
        }

        while (active > 0)
        {
            if (IsAnyFresh())
            {
                T* weights = stepper.Begin();
                flow.MeasureNorms(weights);
                for (int i = 0; i < width; i++)
                {
                    if (lane[i].IsFresh)
                    {
                        Start(i);
                        active -= Finish(i) ? 1 : 0;
                    }
                }

                if (IsAnyFresh())
                {
                    continue;
                }
            }

            flow.MeasureNorms(stepper.Attempt());
            for (int i = 0; i < width; i++)
            {
                stepper.Mask[i] = T.Zero;
                if (lane[i].Network >= 0)
                {
                    Judge(i);
                    stepper.Mask[i] = lane[i].Accepts ? T.One : T.Zero;
                }
            }

            stepper.Accept();
            if (options.Regauge)
            {
                Regauge();
            }

            for (int i = 0; i < width; i++)
            {
                if (lane[i].Network >= 0)
                {
                    active -= Finish(i) ? 1 : 0;
                }
            }
        }
    }

    private readonly bool IsAnyFresh()
    {
        for (int i = 0; i < width; i++)
        {
            if (lane[i].IsFresh)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Gives the lane the next network; false where there is none.</summary>
    private bool Load(int i)
    {
        long p = following < end ? following++ : -1;
        lane[i] = new() { Network = p, IsFresh = p >= 0, LastError = Math.Log(1e-4), FirstSharedRoot = double.NaN, FirstSelfCrossing = double.NaN };
        for (int row = 0; row < problem.Rows; row++)
        {
            stepper.State[((nint)row * width) + i] = T.Zero;
        }

        stepper.StepSizes[i] = T.Zero;
        if (p < 0)
        {
            return false;
        }

        for (int l = 0; l < layers; l++)
        {
            int count = lanes.LayerElements[l];
            T* from = problem.Starts[l] + (p * count), to = stepper.State + ((nint)lanes.LayerOffsets[l] * width) + i;
            for (int e = 0; e < count; e++)
            {
                to[(nint)e * width] = from[e];
            }
        }

        T* linear = problem.Linear + (p * problem.LinearStride);
        for (int e = 0; e < lanes.ComposedElements; e++)
        {
            flow.MinusB[((nint)e * width) + i] = -linear[e];
        }

        if (problem.IsPolar)
        {
            ToPolar(i);
        }

        return true;
    }

    private readonly void ToPolar(int i)
    {
        T least = T.PositiveInfinity;
        for (int l = 0; l < layers; l++)
        {
            T* to = stepper.State + ((nint)lanes.LayerOffsets[l] * width) + i;
            T sum = T.Zero;
            for (int e = 0; e < lanes.LayerElements[l]; e++)
            {
                sum += to[(nint)e * width] * to[(nint)e * width];
            }

            for (int e = 0; e < lanes.LayerElements[l]; e++)
            {
                to[(nint)e * width] /= T.Sqrt(sum);
            }

            flow.Offsets[(l * width) + i] = sum;
            least = T.Min(least, sum);
        }

        stepper.State[((nint)lanes.Elements * width) + i] = least;
        for (int l = 0; l < layers; l++)
        {
            flow.Offsets[(l * width) + i] -= least;
        }
    }

    /// <summary>After the first slope of a lane's network: its first step, the states at time 0.</summary>
    private readonly void Start(int i)
    {
        ref FlowLane at = ref lane[i];
        at.IsFresh = false;
        at.InitialLoss = at.Loss = double.CreateChecked(flow.Loss[i]) / 2;
        double size = 0, slope = 0;
        for (int row = 0; row < problem.MeasuredRows; row++)
        {
            double y = double.CreateChecked(stepper.State[((nint)row * width) + i]), f = double.CreateChecked(stepper.Slope(0)[((nint)row * width) + i]);
            double scale = problem.AbsoluteTolerance + (problem.RelativeTolerance * Math.Abs(y));
            (size, slope) = (size + (y / scale * (y / scale)), slope + (f / scale * (f / scale)));
        }

        double whole = times[^1];
        at.Step = options.Method != FlowMethod.DormandPrince ? options.Step : size > 0 && slope > 0 && double.IsFinite(slope) ? Math.Min(0.01 * Math.Sqrt(size / slope), whole) : whole * 1e-3;
        for (int l = 0; l < layers; l++)
        {
            initialNorms[(l * width) + i] = flow.Norms[(l * width) + i];
        }

        if (!double.IsFinite(slope) || !double.IsFinite(at.Loss))
        {
            at.Ends = FlowStatus.NonFinite;
            return;
        }

        if (options.DetectCrossings)
        {
            Column(i);
            at.Signs = problem.Crossings.Signs(new(column, lanes.Elements));
        }

        WriteState(i, 0);
        if (whole == 0)
        {
            at.Ends = FlowStatus.Finished;
        }
        else
        {
            Clip(i);
        }
    }

    /// <summary>Whether the step of a lane is taken, and the size of the next.</summary>
    private readonly void Judge(int i)
    {
        ref FlowLane at = ref lane[i];
        double error = Math.Sqrt(double.CreateChecked(stepper.Errors[i]) / problem.MeasuredRows), loss = double.CreateChecked(flow.Loss[i]) / 2, h = at.Step;
        bool finite = double.IsFinite(error) && double.IsFinite(loss) && double.IsFinite(SlopeSize(i));
        bool isFixed = options.Method != FlowMethod.DormandPrince;
        at.Accepts = finite && error <= 1;
        if (at.Accepts)
        {
            double arrives = at.IsLast ? times[^1] : at.Time + h;
            Observe(i, h, arrives);
            at.Time = arrives;
            at.Steps++;
            at.LossIncrease = Math.Max(at.LossIncrease, loss - at.Loss);
            at.Loss = loss;
            at.Drift = options.Regauge ? at.Drift : Math.Max(at.Drift, DriftOf(i));
            at.Ends = at.IsLast ? FlowStatus.Finished : null;
        }
        else
        {
            at.Refused++;
            at.Ends = isFixed ? double.IsNaN(error) && double.IsFinite(loss) ? FlowStatus.NotSolved : FlowStatus.NonFinite : null;
        }

        if (!isFixed)
        {
            // Proportional and integral control of the logarithm of the error; Hairer, Nørsett, Wanner II, section IV.2.
            double logError = Math.Log(Math.Max(error, 1e-10)), shrink;
            if (at.Accepts)
            {
                shrink = Math.Clamp(Math.Exp((0.17 * logError) - (0.04 * at.LastError)) / 0.9, at.WasRefused ? 1 : 0.1, 5);
                at.LastError = Math.Max(logError, Math.Log(1e-4));
            }
            else
            {
                shrink = finite ? Math.Min(5, Math.Exp(0.17 * logError) / 0.9) : 10;
            }

            at.WasRefused = !at.Accepts;
            at.Step = h / shrink;
            if (!at.Accepts && at.Time + at.Step <= at.Time)
            {
                at.Ends = finite ? FlowStatus.StepUnderflow : FlowStatus.NonFinite;
            }
        }

        if (at.Ends is null && at.Steps + at.Refused >= options.MaxSteps)
        {
            at.Ends = FlowStatus.StepLimit;
        }

        Clip(i);
    }

    /// <summary>Ends the step at the last time, and rounds it to the element type.</summary>
    private readonly void Clip(int i)
    {
        ref FlowLane at = ref lane[i];
        double left = times[^1] - at.Time;
        at.IsLast = at.Step * (options.Method == FlowMethod.DormandPrince ? 1.01 : 1.000001) >= left;
        T h = T.CreateSaturating(at.IsLast ? left : at.Step);
        stepper.StepSizes[i] = h;
        at.Step = options.Method == FlowMethod.DormandPrince ? double.CreateChecked(h) : at.Step;
    }

    /// <summary>States and crossings within the step just taken.</summary>
    private readonly void Observe(int i, double h, double arrives)
    {
        ref FlowLane at = ref lane[i];
        while (at.Written < times.Length && times[at.Written] < arrives)
        {
            stepper.Interpolate(i, (times[at.Written] - at.Time) / (arrives - at.Time), column);
            WriteColumn(i, at.Written++);
        }

        if (!options.DetectCrossings)
        {
            return;
        }

        stepper.Interpolate(i, 1, column);
        ulong signs = problem.Crossings.Signs(new(column, lanes.Elements)), changed = signs ^ at.Signs;
        for (int e = 0; changed != 0 && e < problem.Crossings.Count; e++)
        {
            if ((changed >> e & 1) == 0)
            {
                continue;
            }

            bool before = (at.Signs >> e & 1) != 0;
            double low = 0, high = 1;
            for (int bisection = 0; bisection < 50; bisection++)
            {
                double middle = (low + high) / 2;
                stepper.Interpolate(i, middle, column);
                (low, high) = problem.Crossings.IsNegative(e, new(column, lanes.Elements)) == before ? (middle, high) : (low, middle);
            }

            double when = at.Time + (high * h);
            if (e < problem.Crossings.SharedRoots)
            {
                at.SharedRoots++;
                at.FirstSharedRoot = double.IsNaN(at.FirstSharedRoot) ? when : Math.Min(at.FirstSharedRoot, when);
            }
            else
            {
                at.SelfCrossings++;
                at.FirstSelfCrossing = double.IsNaN(at.FirstSelfCrossing) ? when : Math.Min(at.FirstSelfCrossing, when);
            }
        }

        at.Signs = signs;
    }

    private readonly double SlopeSize(int i)
    {
        double sum = 0;
        T* slope = stepper.Slope(RungeKutta.Stages - 1);
        for (int row = 0; row < problem.Rows; row++)
        {
            sum += Math.Abs(double.CreateChecked(slope[((nint)row * width) + i]));
        }

        return sum;
    }

    private readonly double DriftOf(int i)
    {
        double largest = 0, drift = 0;
        for (int l = 0; l < layers; l++)
        {
            double norm = double.CreateChecked(flow.Norms[(l * width) + i]);
            largest = Math.Max(largest, norm);
            if (l > 0)
            {
                double before = double.CreateChecked(initialNorms[((l - 1) * width) + i]) - double.CreateChecked(initialNorms[(l * width) + i]);
                drift = Math.Max(drift, Math.Abs(double.CreateChecked(flow.Norms[((l - 1) * width) + i]) - norm - before));
            }
        }

        return drift > 0 ? drift / largest : 0;
    }

    /// <summary>Rescales the layers of lanes that took a step: the norms with the product of the present ones and the differences of the first.</summary>
    private readonly void Regauge()
    {
        Span<double> norms = stackalloc double[layers], wanted = stackalloc double[layers];
        bool any = false;
        flow.MeasureNorms(flow.Weights(stepper.State));
        for (int i = 0; i < width; i++)
        {
            bool scales = lane[i].Network >= 0 && lane[i].Accepts;
            for (int l = 0; l < layers; l++)
            {
                norms[l] = double.CreateChecked(flow.Norms[(l * width) + i]);
                wanted[l] = double.CreateChecked(initialNorms[(l * width) + i]);
            }

            scales = scales && SquaredNorms.Scales(norms, wanted);
            for (int l = 0; scales && l < layers; l++)
            {
                T factor = T.CreateChecked(wanted[l]);
                T* to = stepper.State + ((nint)lanes.LayerOffsets[l] * width) + i;
                for (int e = 0; e < lanes.LayerElements[l]; e++)
                {
                    to[(nint)e * width] *= factor;
                }
            }

            any |= scales;
        }

        if (!any)
        {
            return;
        }

        flow.MeasureNorms(stepper.Begin());
        for (int i = 0; i < width; i++)
        {
            ref FlowLane at = ref lane[i];
            at.Drift = at.Accepts ? Math.Max(at.Drift, DriftOf(i)) : at.Drift;
        }
    }

    /// <summary>If the lane's network is done, writes what is left to write and takes the next network; true where there is none.</summary>
    private bool Finish(int i)
    {
        ref FlowLane at = ref lane[i];
        if (at.Accepts || at.Ends is not null)
        {
            WriteState(i, at.Time);
        }

        if (at.Ends is not { } status)
        {
            return false;
        }

        WriteState(i, double.PositiveInfinity);
        problem.Outcomes[at.Network] = new()
        {
            Status = status, Time = at.Time, Steps = at.Steps, Refused = at.Refused, InitialLoss = at.InitialLoss, Loss = at.Loss, LossIncrease = at.LossIncrease, InvariantDrift = at.Drift,
            Dissipated = double.CreateChecked(stepper.State[((nint)problem.MeasuredRows * width) + i]), SharedRoots = at.SharedRoots, FirstSharedRoot = at.FirstSharedRoot,
            SelfCrossings = at.SelfCrossings, FirstSelfCrossing = at.FirstSelfCrossing,
        };
        return !Load(i);
    }

    /// <summary>Writes the state of a lane for the times up to this one that have none yet.</summary>
    private readonly void WriteState(int i, double until)
    {
        ref FlowLane at = ref lane[i];
        while (at.Written < times.Length && times[at.Written] <= until)
        {
            Column(i);
            WriteColumn(i, at.Written++);
        }
    }

    private readonly void Column(int i)
    {
        for (int row = 0; row < problem.Rows; row++)
        {
            column[row] = double.CreateChecked(stepper.State[((nint)row * width) + i]);
        }
    }

    /// <summary>Writes the state in <see cref="column"/> as weights.</summary>
    private readonly void WriteColumn(int i, int time)
    {
        long networks = problem.Outcomes.Length;
        for (int l = 0; l < layers; l++)
        {
            int count = lanes.LayerElements[l];
            T* to = problem.States[l] + (((time * networks) + lane[i].Network) * count);
            double* from = column + lanes.LayerOffsets[l];
            double scale = 1;
            if (problem.IsPolar)
            {
                double sum = 0;
                for (int e = 0; e < count; e++)
                {
                    sum += from[e] * from[e];
                }

                scale = Math.Sqrt((column[lanes.Elements] + double.CreateChecked(flow.Offsets[(l * width) + i])) / sum);
            }

            for (int e = 0; e < count; e++)
            {
                to[e] = T.CreateChecked(scale * from[e]);
            }
        }
    }
}
