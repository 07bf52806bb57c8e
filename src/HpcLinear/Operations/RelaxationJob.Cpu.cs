using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>What a relaxation on a CPU does with a slice of samples.</summary>
internal enum RelaxationTask
{
    Forward,
    Energies,
    ActivityGradient,
    LayerErrors,
    Relax,
    ErrorGradient,
    RelaxErrors,
}

/// <summary>How the samples of a vector fared.</summary>
internal struct RelaxationOutcome
{
    public double InitialEnergy;
    public double LastEnergy;
    public int Steps;
    public int DivergedStep;
    public int DivergedLayer;
    public bool Converged;
}

/// <summary>A task over all slices: one slice an item, from its first step to its last.</summary>
internal unsafe struct RelaxationJob<T> : ITeamJob
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Below this a sample's starting energy counts as this much when growth is judged: rounding of an exact start is no divergence.</summary>
    private const double LeastEnergy = 1e-12;

    /// <summary>Rows of lanes before a task's own arrays: the step of every sample, the sums of g² and of z².</summary>
    private const int ControlRows = 3;

    public CpuKernels<T> Kernels;
    public RelaxationLayers<T> Layers;
    public RelaxationTask Task;
    public RelaxationOptions? Options;
    public int Vectors;
    public byte* Memory;
    public long WorkerBytes;
    public T* Parameters;
    public T* Input;
    public T* Target;
    public T* Activities;
    public T* Errors;
    public T* Mask;

    /// <summary>The prediction, or the gradient.</summary>
    public T* Output;

    /// <summary>The layer of <see cref="RelaxationTask.LayerErrors"/>.</summary>
    public int Layer;

    /// <summary>Where deltas of weights go, <c>[batch, n_l]</c>, a layer after the other; null for nowhere.</summary>
    public T* Deltas;

    /// <summary>Where φ of a layer's input goes, <c>[batch, n_(l-1)]</c>.</summary>
    public T* Inputs;

    /// <summary>Energies of a vector of samples: <c>[L, groups]</c>, or before every step <c>[T + 1, groups]</c>; null for none.</summary>
    public double* Sums;

    public RelaxationOutcome* Outcomes;

    public long Groups;

    /// <summary>Rows of lanes that a task keeps besides the slice's own.</summary>
    public static long ExtraUnits(RelaxationLayers<T> layers, RelaxationTask task, RelaxationMethod method) => task switch
    {
        RelaxationTask.Relax => ControlRows + (layers.HiddenUnits * (1 + method switch { RelaxationMethod.GradientDescent => 0, RelaxationMethod.Momentum or RelaxationMethod.Nesterov => 1, _ => 3 })),
        RelaxationTask.ErrorGradient or RelaxationTask.RelaxErrors => ControlRows + (3 * layers.HiddenUnits) + (2 * layers.MaxWidth),
        RelaxationTask.ActivityGradient => ControlRows + layers.HiddenUnits,
        _ => layers.Widths[^1],
    };

    public readonly void Execute(int index, int worker)
    {
        RelaxationSlice<T> slice = new(Kernels, Layers, Vectors, Parameters, Memory + (worker * WorkerBytes), (long)index * Vectors * Kernels.Width);
        if (Task != RelaxationTask.LayerErrors)
        {
            slice.Open(Input, Target);
        }

        switch (Task)
        {
            case RelaxationTask.Forward:
                slice.Rebuild(null, null);
                slice.StoreHidden(slice.Activities, Activities);
                slice.PredictOutput(slice.Extra);
                slice.Store(slice.Extra, Layers.Widths[^1], Output);
                break;
            case RelaxationTask.Energies:
                slice.LoadHidden(Activities, slice.Activities);
                slice.Measure();
                for (int l = 1; l <= Layers.Depth; l++)
                {
                    SumLanes(slice.Energies + (l * slice.Lanes), slice.Count, Sums + ((l - 1) * Groups) + (index * Vectors));
                }

                break;
            case RelaxationTask.ActivityGradient:
                slice.LoadHidden(Activities, slice.Activities);
                T* gradient = slice.Extra + (ControlRows * slice.Lanes);
                slice.Step(ActivityMove.Keep, gradient, null, slice.Extra, T.Zero, null);
                slice.StoreHidden(gradient, Output);
                break;
            case RelaxationTask.LayerErrors:
                LayerErrors(slice);
                break;
            case RelaxationTask.Relax:
                Relax(slice, index * Vectors);
                break;
            default:
                RelaxErrors(slice, index * Vectors);
                break;
        }
    }

    /// <summary>Sums lanes of each vector in order: bits do not depend on how many vectors a slice has.</summary>
    private readonly void SumLanes(double* lanes, int count, double* sums)
    {
        int width = Kernels.Width;
        for (int v = 0; v * width < count; v++)
        {
            double sum = 0;
            for (int s = v * width; s < Math.Min(count, (v + 1) * width); s++)
            {
                sum += lanes[s];
            }

            sums[v] = sum;
        }
    }

    /// <summary>The errors of one layer's weights, and what they multiply, as matrices of samples.</summary>
    private readonly void LayerErrors(RelaxationSlice<T> slice)
    {
        int l = Layer, depth = Layers.Depth;
        if (l == 1)
        {
            slice.Open(Input, null);
        }
        else
        {
            slice.LoadLayer(l - 1, Hidden(l - 1));
        }

        slice.LoadLayer(l, l == depth ? Target : Hidden(l));
        slice.Visit(l, false);
        if (Layers.Before[l] != Activation.Linear)
        {
            slice.Store(slice.Input, Layers.Widths[l - 1], Inputs);
        }

        slice.Store(slice.Deltas(l), Layers.Widths[l], Deltas);
    }

    private readonly T* Hidden(int l) => Activities + (Layers.Unit[l] * Layers.Network.Batch);

    private readonly void Relax(RelaxationSlice<T> slice, long group)
    {
        RelaxationOptions options = Options!;
        int lanes = slice.Lanes;
        nint elements = Layers.HiddenUnits * lanes;
        Track track = new(this, slice, group);
        T* mask = slice.Extra + (ControlRows * lanes), first = mask + elements, second = first + elements, trial = second + elements;
        slice.LoadHidden(Activities, slice.Activities);
        if (Mask != null)
        {
            slice.LoadHidden(Mask, mask);
        }
        else
        {
            mask = null;
        }

        T momentum = T.CreateTruncating(options.Momentum);
        ActivityMove move = MoveOf(options.Method);
        if (move is ActivityMove.Momentum or ActivityMove.Nesterov)
        {
            RelaxationSlice<T>.Clear(first, elements);
        }

        bool going = options.Steps > 0;
        for (int t = 0; going && t < options.Steps; t++)
        {
            track.Clear();
            if (move != ActivityMove.Keep)
            {
                slice.Step(move, first, mask, track.Steps, momentum, track.Squares);
                going = track.Record(slice, t) && !track.Settled();
                continue;
            }

            T* at = slice.Activities;
            slice.Step(ActivityMove.Keep, first, mask, track.Steps, momentum, track.Squares);
            if (!track.Record(slice, t) || track.Settled())
            {
                break;
            }

            RelaxationSlice<T>.Copy(at, trial, elements);
            Along(trial, first, track.Steps, T.One);
            slice.Activities = trial;
            slice.Step(ActivityMove.Keep, second, mask, track.Steps, momentum, null);
            slice.Activities = at;
            T half = T.CreateTruncating(0.5);
            if (options.Method == RelaxationMethod.Heun)
            {
                Along(at, first, track.Steps, half);
                Along(at, second, track.Steps, half);
                continue;
            }

            RelaxationSlice<T>.Copy(at, trial, elements);
            Along(trial, first, track.Steps, half);
            Along(trial, second, track.Steps, half);
            going = track.Control(at, trial, first, second, Layers.HiddenUnits);
        }

        if (!track.DivergedAtStart)
        {
            slice.StoreHidden(slice.Activities, Activities);
        }

        if (options.TraceEnergy && !track.Diverged)
        {
            slice.Measure();
            track.Finish(slice);
        }
    }

    private readonly void Along(T* state, T* direction, T* steps, T factor)
    {
        ActivityUpdate<T> update = new() { State = state, Error = direction, Steps = steps, Precision = factor, Move = ActivityMove.Descend };
        Kernels.Update(Vectors, &update, Layers.HiddenUnits);
    }

    private static ActivityMove MoveOf(RelaxationMethod method) => method switch
    {
        RelaxationMethod.GradientDescent => ActivityMove.Descend,
        RelaxationMethod.Momentum => ActivityMove.Momentum,
        RelaxationMethod.Nesterov => ActivityMove.Nesterov,
        _ => ActivityMove.Keep,
    };

    /// <summary>Descends in error coordinates; without options keeps one gradient instead.</summary>
    private readonly void RelaxErrors(RelaxationSlice<T> slice, long group)
    {
        int lanes = slice.Lanes, depth = Layers.Depth;
        nint elements = Layers.HiddenUnits * lanes;
        T* errors = slice.Extra + (ControlRows * lanes), slopes = errors + elements, velocity = slopes + elements;
        T* above = velocity + elements, below = above + (Layers.MaxWidth * lanes);
        bool keeps = Task == RelaxationTask.ErrorGradient;
        int steps = keeps ? 1 : Options!.Steps;
        Track track = new(this, slice, group);
        ActivityMove move = keeps ? ActivityMove.Keep : MoveOf(Options!.Method);
        T momentum = keeps ? T.Zero : T.CreateTruncating(Options!.Momentum);
        slice.LoadHidden(Errors, errors);
        RelaxationSlice<T>.Clear(velocity, elements);
        bool going = true;
        for (int t = 0; going && t < steps; t++)
        {
            track.Clear();
            slice.Rebuild(errors, slopes);
            MeasureErrors(slice, errors);
            slice.Visit(depth, depth > 1);
            if (!keeps && !track.Record(slice, t))
            {
                break;
            }

            SaveDeltas(slice, depth, slice.LastErrors, null);
            T* outer = slice.LastErrors;
            for (int l = depth; l > 1; l--)
            {
                // d_(l-1) from d_l; the output's d_L = λ_L e_L has its precision in the factors instead.
                nint at = Layers.Unit[l - 1] * lanes;
                T* slopesBelow = Layers.Before[l] == Activation.Linear ? null : l == depth ? slice.Slope : slopes + at;
                slice.Propagate(l, outer, slopesBelow, below, l == depth ? Layers.ReturnFactors[l] : Layers.Scalings[l], l == depth ? Layers.Precisions[l] : T.One);
                T* slopesAfter = Layers.After[l - 1] == Activation.Linear ? null : slopes + at;
                SaveDeltas(slice, l - 1, below, slopesAfter);
                if (l > 2)
                {
                    slice.SendBack(l - 1, below, slopesAfter);
                }

                slice.MoveErrors(l - 1, move, errors + at, below, velocity + at, track.Steps, momentum, track.Squares);
                outer = below;
                below = above;
                above = outer;
            }

            going = !track.Settled();
        }

        if (keeps)
        {
            slice.StoreHidden(slice.Activities, Activities);
            slice.StoreHidden(velocity, Output);
            return;
        }

        if (track.DivergedAtStart)
        {
            return;
        }

        slice.Rebuild(errors, slopes);
        slice.StoreHidden(slice.Activities, Activities);
        slice.StoreHidden(errors, Errors);
        if (Options!.TraceEnergy && !track.Diverged)
        {
            MeasureErrors(slice, errors);
            slice.Visit(depth, false);
            track.Finish(slice);
        }
    }

    private readonly void MeasureErrors(RelaxationSlice<T> slice, T* errors)
    {
        for (int l = 1; l < Layers.Depth; l++)
        {
            slice.MeasureErrors(l, errors + (Layers.Unit[l] * slice.Lanes));
        }
    }

    private readonly void SaveDeltas(RelaxationSlice<T> slice, int l, T* deltas, T* slopes)
    {
        if (Deltas == null)
        {
            return;
        }

        if (slopes != null)
        {
            T* product = slice.Scaled(deltas, slopes, Layers.Widths[l]);
            deltas = product;
        }

        slice.Store(deltas, Layers.Widths[l], Deltas + (Layers.Unit[l] * Layers.Network.Batch));
    }

    /// <summary>The course of a slice: energies, growth, tolerances, and the step of every sample.</summary>
    private ref struct Track
    {
        private readonly RelaxationJob<T> job;
        private readonly int lanes;
        private readonly int count;
        private readonly long group;
        private readonly double[] start;
        private readonly double[] time;
        private readonly bool[] refused;
        private readonly T* squares;

        public Track(RelaxationJob<T> job, RelaxationSlice<T> slice, long group)
        {
            this.job = job;
            this.group = group;
            lanes = slice.Lanes;
            count = slice.Count;
            Steps = slice.Extra;
            squares = Steps + lanes;
            start = [];
            time = [];
            refused = [];
            RelaxationSlice<T>.Clear(slice.Extra, ControlRows * lanes);
            if (job.Options is not { } options)
            {
                return;
            }

            start = new double[lanes];
            bool adaptive = options.Method == RelaxationMethod.AdaptiveHeun;
            time = adaptive ? new double[lanes] : [];
            refused = adaptive ? new bool[lanes] : [];
            T step = T.CreateTruncating(adaptive ? Math.Min(options.Step, options.Horizon) : options.Step);
            new Span<T>(Steps, count).Fill(step);
            Measured = options.AbsoluteTolerance > 0 || options.RelativeTolerance > 0;
            for (int v = 0; v * job.Kernels.Width < count; v++)
            {
                job.Outcomes[group + v] = new() { DivergedStep = -1 };
            }
        }

        public T* Steps { get; }

        public bool Diverged { get; private set; }

        /// <summary>The energy of the start was infinite or NaN: the operands stay as they are, so that it can be said why.</summary>
        public readonly bool DivergedAtStart => Diverged && job.Outcomes[group].Steps == 0;

        /// <summary>Where g² and z² are summed; null where nobody asks.</summary>
        public readonly T* Squares => Measured ? squares : null;

        private bool Measured { get; }

        public readonly void Clear()
        {
            if (Measured)
            {
                RelaxationSlice<T>.Clear(squares, 2 * lanes);
            }
        }

        /// <summary>Takes the energies before step t; false when they left their bounds.</summary>
        public bool Record(RelaxationSlice<T> slice, int t)
        {
            RelaxationOptions options = job.Options!;
            double* total = stackalloc double[lanes];
            Total(slice, total);
            for (int s = 0; s < count; s++)
            {
                if (t == 0)
                {
                    start[s] = Math.Max(total[s], LeastEnergy);
                }

                if (!double.IsFinite(total[s]) || total[s] > options.DivergenceFactor * start[s])
                {
                    Diverged = true;
                    ref RelaxationOutcome outcome = ref job.Outcomes[group];
                    outcome.DivergedStep = t;
                    outcome.DivergedLayer = LargestLayer(slice, s);
                    outcome.Steps = t;
                    return false;
                }
            }

            Save(total, t);
            for (int v = 0; v * job.Kernels.Width < count; v++)
            {
                job.Outcomes[group + v].Steps = t + 1;
            }

            return true;
        }

        /// <summary>Stops samples whose gradient in <see cref="Squares"/> meets the tolerance; true when none is left.</summary>
        public readonly bool Settled() => Measured && AllConverged(job.Options!);

        public readonly void Finish(RelaxationSlice<T> slice)
        {
            double* total = stackalloc double[lanes];
            Total(slice, total);
            int steps = job.Outcomes[group].Steps;

            // Slices that stopped earlier hold their last energy, so that the sum over the batch stays one.
            for (int t = steps; t <= job.Options!.Steps; t++)
            {
                Save(total, t);
            }
        }

        /// <summary>Accepts or refuses the trial of every sample and chooses its next step; false when all have reached the horizon.</summary>
        public readonly bool Control(T* state, T* trial, T* first, T* second, nint units)
        {
            RelaxationOptions options = job.Options!;
            bool going = false;
            for (int s = 0; s < count; s++)
            {
                double step = double.CreateTruncating(Steps[s]), sum = 0;
                if (step == 0)
                {
                    continue;
                }

                for (nint i = s; i < units * lanes; i += lanes)
                {
                    double scale = options.StepTolerance * (1 + Math.Max(double.CreateTruncating(T.Abs(state[i])), double.CreateTruncating(T.Abs(trial[i]))));
                    double error = step / 2 * double.CreateTruncating(second[i] - first[i]) / scale;
                    sum += error * error;
                }

                double rms = Math.Sqrt(sum / units);
                bool accepted = rms <= 1;
                double factor = rms == 0 ? 10 : double.IsFinite(rms) ? Math.Clamp(0.9 / Math.Sqrt(rms), 0.2, 10) : 0.2;
                if (refused[s])
                {
                    factor = Math.Min(factor, 1);
                }

                refused[s] = !accepted;
                if (accepted)
                {
                    time[s] += step;
                    for (nint i = s; i < units * lanes; i += lanes)
                    {
                        state[i] = trial[i];
                    }
                }

                double left = options.Horizon - time[s];
                Steps[s] = left <= 1e-12 * options.Horizon ? T.Zero : T.CreateTruncating(Math.Min(step * factor, left));
                going |= Steps[s] != T.Zero;
            }

            return going;
        }

        private readonly void Total(RelaxationSlice<T> slice, double* total)
        {
            new Span<double>(total, lanes).Clear();
            for (int l = 1; l <= job.Layers.Depth; l++)
            {
                double* layer = slice.Energies + (l * lanes);
                for (int s = 0; s < lanes; s++)
                {
                    total[s] += layer[s];
                }
            }
        }

        private readonly int LargestLayer(RelaxationSlice<T> slice, int sample)
        {
            int largest = 1;
            for (int l = 1; l <= job.Layers.Depth; l++)
            {
                double energy = slice.Energies[(l * lanes) + sample];
                if (!double.IsFinite(energy))
                {
                    return l;
                }

                largest = energy > slice.Energies[(largest * lanes) + sample] ? l : largest;
            }

            return largest;
        }

        private readonly void Save(double* total, int t)
        {
            double* sums = stackalloc double[2];
            job.SumLanes(total, count, sums);
            for (int v = 0; v * job.Kernels.Width < count; v++)
            {
                if (job.Sums != null)
                {
                    job.Sums[(t * job.Groups) + group + v] = sums[v];
                }

                if (t == 0)
                {
                    job.Outcomes[group + v].InitialEnergy = sums[v];
                }

                job.Outcomes[group + v].LastEnergy = sums[v];
            }
        }

        private readonly bool AllConverged(RelaxationOptions options)
        {
            bool all = true;
            double units = Math.Max(1, (double)job.Layers.HiddenUnits);
            for (int s = 0; s < count; s++)
            {
                double gradient = Math.Sqrt(double.CreateTruncating(squares[s]) / units), state = Math.Sqrt(double.CreateTruncating(squares[lanes + s]) / units);
                if (Steps[s] != T.Zero && gradient <= options.AbsoluteTolerance + (options.RelativeTolerance * state))
                {
                    Steps[s] = T.Zero;
                }

                all &= Steps[s] == T.Zero;
            }

            for (int v = 0; all && v * job.Kernels.Width < count; v++)
            {
                job.Outcomes[group + v].Converged = true;
            }

            return all;
        }
    }
}
