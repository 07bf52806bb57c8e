using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// Conjugate gradients and Gauss-Newton for a slice in error coordinates: a direction p and a length of its own for every sample, from the curvature
/// <c>pᵀ(Λ + λ_L JᵀMJ)p</c>, M the Hessian of the loss in the output.
/// </summary>
/// <remarks>Where the energy is quadratic, e, E_L and the energies of conjugate gradients follow the line by linearity. Elsewhere a pass looks at the energy and the
/// slope at the end (<see cref="LineSearch"/>); its gradient is the next one, so that a length that will do costs no more than a step. Conjugate gradients are
/// preconditioned by Λ and restart along the gradient where Polak and Ribière's factor is negative or the direction would lead upwards.</remarks>
internal unsafe ref struct ErrorSolver<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Most by which a line may be guessed longer or shorter than the quadratic model says.</summary>
    private const double LongestBend = 20;

    /// <summary>Part of the first slope that a line of conjugate gradients may end with. Gauss-Newton's lines end where the energy is lower: their length was its guess.</summary>
    private const double Flatness = 0.5;

    private readonly RelaxationJob<T> job;
    private readonly RelaxationLayers<T> layers;
    private readonly RelaxationSlice<T> slice;
    private readonly int lanes;
    private readonly nint elements;
    private readonly T* row;
    private readonly T* change;
    private readonly bool conjugate;
    private ErrorCoordinates<T> coordinates;
    private GaussNewton<T> newton;
    private T* errors;
    private T* gradient;
    private T* direction;
    private T* other;
    private T* previous;

    public ErrorSolver(RelaxationJob<T> job, RelaxationSlice<T> slice)
    {
        this.job = job;
        this.slice = slice;
        layers = job.Layers;
        lanes = slice.Lanes;
        elements = layers.HiddenUnits * lanes;
        errors = slice.Extra + (RelaxationJob<T>.ControlRows * lanes);
        gradient = errors + elements;
        direction = gradient + elements;
        other = direction + elements;
        row = other + elements;
        change = row + lanes;
        T* at = change + (layers.Widths[^1] * lanes);
        coordinates = new(job, slice, at);
        at += ErrorCoordinates<T>.Units(layers) * lanes;
        conjugate = job.Options!.Method == RelaxationMethod.ConjugateGradients;
        if (!conjugate)
        {
            newton = new(job, slice, coordinates, at);
        }
        else
        {
            previous = at;
        }
    }

    public static long Units(RelaxationLayers<T> layers, RelaxationMethod method) => (4 * layers.HiddenUnits) + 1 + layers.Widths[^1] + ErrorCoordinates<T>.Units(layers)
        + (method == RelaxationMethod.GaussNewton ? GaussNewton<T>.Units(layers) : layers.HiddenUnits);

    /// <summary>Takes the slice through all steps; false where its vectors are to be taken apart.</summary>
    public bool Solve(long group)
    {
        RelaxationOptions options = job.Options!;
        bool straight = conjugate && layers.Exact;
        double* lengths = stackalloc double[lanes], slopes = stackalloc double[lanes], norms = stackalloc double[lanes], bends = stackalloc double[lanes];
        new Span<double>(bends, lanes).Fill(1);
        RelaxationTrack<T> track = new(job, slice, group);
        new Span<T>(track.Steps, slice.Count).Fill(T.One);
        slice.LoadHidden(job.Errors, errors);
        coordinates.Evaluate(errors);
        coordinates.KeepOutput();
        for (int t = 0; t < options.Steps; t++)
        {
            if (!track.Record(slice, t))
            {
                break;
            }

            if (straight || t == 0)
            {
                KeepGradient();
                Differentiate(track, errors);
            }

            if (track.Settled())
            {
                track.Withdraw(t);
                break;
            }

            if (conjugate)
            {
                Conjugate(t == 0, norms, slopes);
                Lengths(slopes, lengths);
            }
            else
            {
                newton.Direct(errors, direction, change);
                Dot(gradient, direction, 0, slopes);
                new Span<double>(lengths, lanes).Fill(1);
            }

            for (int s = 0; s < lanes; s++)
            {
                lengths[s] = track.Steps[s] == T.Zero ? 0 : lengths[s];
            }

            if (straight)
            {
                Shift(lengths);
            }
            else
            {
                Search(track, lengths, slopes, bends);
            }
        }

        return job.StoreErrors(slice, track, coordinates, errors);
    }

    /// <summary>Puts the gradient aside for the next direction of conjugate gradients.</summary>
    private void KeepGradient()
    {
        if (conjugate)
        {
            T* older = previous;
            previous = gradient;
            gradient = older;
        }
    }

    /// <summary>The gradient at errors that <see cref="ErrorCoordinates{T}.Output"/> goes with.</summary>
    private void Differentiate(RelaxationTrack<T> track, T* at)
    {
        track.Clear();
        coordinates.Reverse(coordinates.Output, at, gradient, track.Squares);
    }

    /// <summary>The next direction, <c>-Λ⁻¹g + β p</c>, and the slope along it; <paramref name="norms"/> holds gᵀΛ⁻¹g from one direction to the next.</summary>
    private void Conjugate(bool first, double* norms, double* slopes)
    {
        double* now = stackalloc double[lanes], mixed = stackalloc double[lanes], along = stackalloc double[lanes];
        Dot(gradient, gradient, -1, now);
        if (!first)
        {
            Dot(gradient, previous, -1, mixed);
            Dot(gradient, direction, 0, along);
        }

        for (int s = 0; s < lanes; s++)
        {
            double factor = first || norms[s] == 0 ? 0 : Math.Max(0, (now[s] - mixed[s]) / norms[s]);
            bool rises = first || !(factor * along[s] < 0.5 * now[s]);
            factor = rises ? 0 : factor;
            slopes[s] = -now[s] + (factor == 0 ? 0 : factor * along[s]);
            norms[s] = now[s];
            row[s] = T.CreateTruncating(-factor);
        }

        Scale(gradient, other);
        if (!first)
        {
            job.Along(other, direction, row, T.One);
        }

        T* made = other;
        other = direction;
        direction = made;
    }

    /// <summary>Where the quadratic model along the direction is least; 0 where it has no such place.</summary>
    private void Lengths(double* slopes, double* lengths)
    {
        coordinates.Forward(direction, change);
        Dot(direction, direction, 1, lengths);
        double precision = layers.Network.Precision(layers.Depth);
        for (int s = 0; s < lanes; s++)
        {
            double curvature = lengths[s] + (precision * OutputHessian<T>.Square(layers, slice.Target, coordinates.Output, change, lanes, s));
            lengths[s] = curvature > 0 ? -slopes[s] / curvature : 0;
        }
    }

    /// <summary>Moves along the direction by linearity.</summary>
    private void Shift(double* lengths)
    {
        Fill(lengths, -1);
        job.Along(errors, direction, row, T.One);
        Fill(lengths, 1);
        ActivityUpdate<T> update = new() { State = coordinates.Output, Error = change, Steps = row, Precision = T.One, Move = ActivityMove.Descend };
        job.Kernels.Update(job.Vectors, &update, layers.Widths[^1]);
        for (int l = 1; l < layers.Depth; l++)
        {
            slice.MeasureErrors(l, errors + (layers.Unit[l] * lanes));
        }

        slice.MeasureErrors(layers.Depth, coordinates.Output);
    }

    /// <summary>Moves along the direction, every sample to where its energy is lower and its slope well below that of the start; leaves the gradient there.</summary>
    /// <param name="track">The samples' course.</param>
    /// <param name="lengths">What the quadratic model asks for; 0 for samples that stay.</param>
    /// <param name="slopes">Of the energy along the direction, at the start.</param>
    /// <param name="bends">How much longer than their model the last lines were, by the slopes at both ends; the first guess of this one, and replaced.</param>
    private void Search(RelaxationTrack<T> track, double* lengths, double* slopes, double* bends)
    {
        double* before = stackalloc double[lanes], after = stackalloc double[lanes], ends = stackalloc double[lanes], models = stackalloc double[lanes];
        LineSearch* lines = stackalloc LineSearch[lanes];
        double rounding = 16 * double.CreateTruncating(T.BitIncrement(T.One) - T.One);
        track.Total(slice, before);
        for (int s = 0; s < lanes; s++)
        {
            // A slope that rounding makes leads nowhere.
            models[s] = -slopes[s] > before[s] * rounding * rounding / 16 ? lengths[s] : 0;
            lengths[s] = models[s] * bends[s];
            lines[s] = new(before[s], slopes[s], rounding, conjugate ? Flatness : double.PositiveInfinity);
        }

        KeepGradient();
        for (bool refused = true; refused;)
        {
            RelaxationSlice<T>.Copy(errors, other, elements);
            Fill(lengths, -1);
            job.Along(other, direction, row, T.One);
            coordinates.Evaluate(other);
            coordinates.KeepOutput();
            Differentiate(track, other);
            track.Total(slice, after);
            Dot(gradient, direction, 0, ends);
            refused = false;
            for (int s = 0; s < slice.Count; s++)
            {
                refused |= lengths[s] != 0 && !lines[s].Accepts(ref lengths[s], after[s], ends[s]);
            }
        }

        for (int s = 0; s < lanes; s++)
        {
            double bend = lengths[s] * slopes[s] / ((slopes[s] - ends[s]) * models[s]);
            bends[s] = bend > 0 ? Math.Clamp(bend, 1 / LongestBend, conjugate ? LongestBend : 1) : 1;
        }

        T* moved = other;
        other = errors;
        errors = moved;
    }

    /// <summary>-Λ⁻¹ of a gradient.</summary>
    private readonly void Scale(T* from, T* to)
    {
        for (int l = 1; l < layers.Depth; l++)
        {
            T* part = from + (layers.Unit[l] * lanes);
            job.Kernels.Elementwise(ElementwiseOperation.Copy, part, part, to + (layers.Unit[l] * lanes), layers.Widths[l] * lanes, -T.One / layers.Precisions[l], T.Zero);
        }
    }

    /// <summary>Σ_l λ_l^power a_l·b_l of every lane.</summary>
    private readonly void Dot(T* a, T* b, int power, double* sums)
    {
        new Span<double>(sums, lanes).Clear();
        for (int l = 1; l < layers.Depth; l++)
        {
            nint at = layers.Unit[l] * lanes;
            RelaxationSlice<T>.Clear(row, lanes);
            job.Kernels.AddProducts(job.Vectors, a + at, b + at, layers.Widths[l], row);
            double weight = Math.Pow(layers.Network.Precision(l), power);
            for (int s = 0; s < lanes; s++)
            {
                sums[s] += weight * double.CreateTruncating(row[s]);
            }
        }
    }

    private readonly void Fill(double* lengths, double sign)
    {
        for (int s = 0; s < lanes; s++)
        {
            row[s] = T.CreateTruncating(sign * lengths[s]);
        }
    }
}
