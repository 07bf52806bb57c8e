using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>The course of a slice: energies, growth, tolerances, and the step of every sample.</summary>
internal unsafe ref struct RelaxationTrack<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly RelaxationJob<T> job;
    private readonly int lanes;
    private readonly int count;
    private readonly long group;
    private readonly double[] start;
    private readonly double[] time;
    private readonly bool[] refused;
    private readonly double[] last;
    private readonly bool certified;
    private readonly bool watched;
    private readonly T* squares;

    public RelaxationTrack(RelaxationJob<T> job, RelaxationSlice<T> slice, long group)
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
        last = [];
        RelaxationSlice<T>.Clear(slice.Extra, RelaxationJob<T>.ControlRows * lanes);
        if (job.Options is not { } options)
        {
            return;
        }

        start = new double[lanes];
        bool adaptive = options.Method == RelaxationMethod.AdaptiveHeun;
        time = adaptive ? new double[lanes] : [];
        refused = adaptive ? new bool[lanes] : [];
        double step = options.Step ?? 1;
        new Span<T>(Steps, count).Fill(T.CreateTruncating(adaptive ? Math.Min(step, options.Horizon) : step));
        last = options.EnergyChange > 0 ? new double[lanes] : [];
        certified = options.EnergyTolerance > 0 && job.Task != RelaxationTask.Relax;
        Measured = options.AbsoluteTolerance > 0 || options.RelativeTolerance > 0 || certified;
        watched = Measured || options.EnergyTolerance > 0 || options.EnergyChange > 0;
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
                start[s] = Math.Max(total[s], RelaxationJob<T>.LeastEnergy);
            }

            if (!double.IsFinite(total[s]) || total[s] > options.DivergenceFactor * start[s])
            {
                Diverge(t, LargestLayer(slice, s));
                return false;
            }
        }

        Save(total, t);
        Compare(total, t);
        for (int v = 0; v * job.Kernels.Width < count; v++)
        {
            job.Outcomes[group + v].Steps = t + 1;
        }

        return true;
    }

    /// <summary>Stops samples whose gradient in <see cref="Squares"/> meets a tolerance; true when none is left.</summary>
    public readonly bool Settled()
    {
        if (!watched)
        {
            return false;
        }

        RelaxationOptions options = job.Options!;
        double units = Math.Max(1, (double)job.Layers.HiddenUnits);
        bool tolerated = options.AbsoluteTolerance > 0 || options.RelativeTolerance > 0;
        for (int s = 0; Measured && s < count; s++)
        {
            double gradient = double.CreateTruncating(squares[s]), state = double.CreateTruncating(squares[lanes + s]);
            bool small = tolerated && Math.Sqrt(gradient / units) <= options.AbsoluteTolerance + (options.RelativeTolerance * Math.Sqrt(state / units));
            if (small || (certified && Bounds(gradient)))
            {
                Steps[s] = T.Zero;
            }
        }

        return AllStopped();
    }

    /// <summary>Stops samples whose gradient in error coordinates, <paramref name="sums"/> its squares, certifies their energy; true when none is left.</summary>
    public readonly bool Settled(T* sums)
    {
        for (int s = 0; s < count; s++)
        {
            if (Bounds(double.CreateTruncating(sums[s])))
            {
                Steps[s] = T.Zero;
            }
        }

        return AllStopped();
    }

    /// <summary>Says that step t was not made after all.</summary>
    public readonly void Withdraw(int t)
    {
        for (int v = 0; v * job.Kernels.Width < count; v++)
        {
            job.Outcomes[group + v].Steps = t;
        }
    }

    /// <summary>Takes the energies after the last step: they diverged when one is infinite or NaN.</summary>
    public void Finish(RelaxationSlice<T> slice)
    {
        double* total = stackalloc double[lanes];
        Total(slice, total);
        int steps = job.Outcomes[group].Steps;
        for (int s = 0; s < count; s++)
        {
            if (!double.IsFinite(total[s]))
            {
                Diverge(steps, LargestLayer(slice, s));
                return;
            }
        }

        if (!job.Options!.TraceEnergy)
        {
            return;
        }

        // Slices that stopped earlier hold their last energy, so that the sum over the batch stays one.
        for (int t = steps; t <= job.Options.Steps; t++)
        {
            Save(total, t);
        }
    }

    /// <summary>Looks for what the last step made of the activities where their energy is not asked for: squares that are infinite or NaN are a divergence.</summary>
    public void CheckActivities(RelaxationSlice<T> slice)
    {
        int steps = job.Outcomes[group].Steps;
        for (int l = 1; l < job.Layers.Depth && steps > 0 && !Diverged; l++)
        {
            RelaxationSlice<T>.Clear(squares, lanes);
            job.Kernels.AddProducts(job.Vectors, slice.Layer(l), slice.Layer(l), job.Layers.Widths[l], squares);
            foreach (T sum in new ReadOnlySpan<T>(squares, count))
            {
                if (!T.IsFinite(sum))
                {
                    Diverge(steps, l);
                    break;
                }
            }
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

            double rms = Math.Sqrt(sum / Math.Max(1, units));
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

    /// <summary>The energy of every lane.</summary>
    public readonly void Total(RelaxationSlice<T> slice, double* total)
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

    private void Diverge(int step, int layer)
    {
        Diverged = true;
        ref RelaxationOutcome outcome = ref job.Outcomes[group];
        (outcome.DivergedStep, outcome.DivergedLayer, outcome.Steps) = (step, layer, step);
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

    /// <summary>Whether |g_e|²/(2 min λ), a bound on the energy above that of the equilibrium, is tolerated.</summary>
    private readonly bool Bounds(double squares) => squares / (2 * job.Layers.LeastPrecision) <= job.Options!.EnergyTolerance;

    private readonly bool AllStopped()
    {
        for (int s = 0; s < count; s++)
        {
            if (Steps[s] != T.Zero)
            {
                return false;
            }
        }

        for (int v = 0; v * job.Kernels.Width < count; v++)
        {
            job.Outcomes[group + v].Converged = true;
        }

        return true;
    }

    /// <summary>Stops samples whose energy hardly changed since the last check.</summary>
    private readonly void Compare(double* total, int t)
    {
        RelaxationOptions options = job.Options!;
        if (last.Length == 0 || t % options.CheckInterval != 0)
        {
            return;
        }

        for (int s = 0; s < count; s++)
        {
            if (t > 0 && Math.Abs(last[s] - total[s]) <= options.EnergyChange * Math.Abs(total[s]))
            {
                Steps[s] = T.Zero;
            }

            last[s] = total[s];
        }
    }
}
