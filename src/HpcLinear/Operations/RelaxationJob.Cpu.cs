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

    /// <summary>Conjugate gradients or Gauss-Newton in error coordinates.</summary>
    SolveErrors,
    Certificate,
    LargestCurvature,
    LargestErrorCurvature,
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
internal unsafe partial struct RelaxationJob<T> : ITeamJob
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Below this a sample's starting energy counts as this much when growth is judged: rounding of an exact start is no divergence.</summary>
    public const double LeastEnergy = 1e-12;

    /// <summary>Rows of lanes before a task's own arrays: the step of every sample, the sums of g² and of z².</summary>
    public const int ControlRows = 3;

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

    /// <summary>A number for every sample: |g_e|² of certificates, or curvatures.</summary>
    public double* Results;

    /// <summary>Rows of lanes that a task keeps besides the slice's own.</summary>
    public static long ExtraUnits(RelaxationLayers<T> layers, RelaxationTask task, RelaxationMethod method, bool certifies, bool masked) => task switch
    {
        RelaxationTask.Relax => ControlRows + (layers.HiddenUnits * ((masked ? 1 : 0) + method switch { RelaxationMethod.GradientDescent => 0, RelaxationMethod.Momentum or RelaxationMethod.Nesterov => 1, _ => 3 }))
            + (certifies ? CertificateUnits(layers) : 0),
        RelaxationTask.ErrorGradient or RelaxationTask.RelaxErrors => ControlRows + (2 * layers.HiddenUnits) + ErrorCoordinates<T>.Units(layers),
        RelaxationTask.SolveErrors => ControlRows + ErrorSolver<T>.Units(layers, method),
        RelaxationTask.Certificate => CertificateUnits(layers) + (masked ? layers.HiddenUnits : 0),
        RelaxationTask.LargestCurvature or RelaxationTask.LargestErrorCurvature => ControlRows + RelaxationSpectrum<T>.Units(layers, task == RelaxationTask.LargestErrorCurvature),
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
                TakeApart(Relax(slice, index * Vectors), index, worker);
                break;
            case RelaxationTask.SolveErrors:
                TakeApart(new ErrorSolver<T>(this, slice).Solve(index * Vectors), index, worker);
                break;
            case RelaxationTask.Certificate:
                slice.LoadHidden(Activities, slice.Activities);
                T* masks = Mask == null ? null : slice.Extra;
                if (masks != null)
                {
                    slice.LoadHidden(Mask, masks);
                }

                T* squares = Certify(slice, masks, slice.Extra + (masks == null ? 0 : Layers.HiddenUnits * slice.Lanes));
                for (int s = 0; s < slice.Count; s++)
                {
                    Results[((long)index * slice.Lanes) + s] = double.CreateTruncating(squares[s]);
                }

                break;
            case RelaxationTask.LargestCurvature:
            case RelaxationTask.LargestErrorCurvature:
                new RelaxationSpectrum<T>(this, slice).Measure(Results + ((long)index * slice.Lanes));
                break;
            default:
                TakeApart(RelaxErrors(slice, index * Vectors), index, worker);
                break;
        }
    }

    /// <summary>Unless a slice is done, takes each of its vectors through all steps alone.</summary>
    private readonly void TakeApart(bool done, int index, int worker)
    {
        RelaxationJob<T> single = this;
        single.Vectors = 1;
        for (int v = index * Vectors; !done && v < Math.Min((index + 1L) * Vectors, Groups); v++)
        {
            single.Execute(v, worker);
        }
    }

    /// <summary>Sums lanes of each vector in order: bits do not depend on how many vectors a slice has.</summary>
    public readonly void SumLanes(double* lanes, int count, double* sums)
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

    /// <summary>
    /// Takes a slice through all steps. False where a sample of a slice of two vectors diverged, which ends the steps of all: nothing is written then, and each vector is to
    /// go alone, since how many vectors a slice has depends on the thread count.
    /// </summary>
    private readonly bool Relax(RelaxationSlice<T> slice, long group)
    {
        RelaxationOptions options = Options!;
        int lanes = slice.Lanes;
        nint elements = Layers.HiddenUnits * lanes;
        RelaxationTrack<T> track = new(this, slice, group);
        T* mask = slice.Extra + (ControlRows * lanes), first = Mask == null ? mask : mask + elements;
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
            slice.Step(move, first, mask, track.Steps, momentum, track.Squares);
            going = track.Record(slice, t) && !track.Settled();
            if (going && move == ActivityMove.Keep)
            {
                going = Heun(ref slice, track, first, mask);
            }

            if (going && options.EnergyTolerance > 0 && (t + 1) % options.CheckInterval == 0)
            {
                going = !track.Settled(Certify(slice, mask, slice.Extra + (ExtraUnits(Layers, Task, options.Method, false, Mask != null) * lanes)));
            }
        }

        if (options.TraceEnergy && !track.Diverged)
        {
            slice.Measure();
            track.Finish(slice);
        }
        else if (!track.Diverged)
        {
            track.CheckActivities(slice);
        }

        if (track.Diverged && Vectors > 1)
        {
            return false;
        }

        if (!track.DivergedAtStart)
        {
            slice.StoreHidden(slice.Activities, Activities);
        }

        return true;
    }

    /// <summary>The rest of a step of Heun's method, its first slope known; false when every sample has reached its horizon.</summary>
    private readonly bool Heun(ref RelaxationSlice<T> slice, RelaxationTrack<T> track, T* first, T* mask)
    {
        nint elements = Layers.HiddenUnits * slice.Lanes;
        T* at = slice.Activities, second = first + elements, trial = second + elements;
        RelaxationSlice<T>.Copy(at, trial, elements);
        Along(trial, first, track.Steps, T.One);
        slice.Activities = trial;
        slice.Step(ActivityMove.Keep, second, mask, track.Steps, T.Zero, null);
        slice.Activities = at;
        T half = T.CreateTruncating(0.5);
        if (Options!.Method == RelaxationMethod.Heun)
        {
            Along(at, first, track.Steps, half);
            Along(at, second, track.Steps, half);
            return true;
        }

        RelaxationSlice<T>.Copy(at, trial, elements);
        Along(trial, first, track.Steps, half);
        Along(trial, second, track.Steps, half);
        return track.Control(at, trial, first, second, Layers.HiddenUnits);
    }

    /// <summary>Every lane's state less step · factor · direction.</summary>
    public readonly void Along(T* state, T* direction, T* steps, T factor)
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
}
