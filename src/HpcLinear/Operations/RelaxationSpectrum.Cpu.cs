using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// The largest curvature of every sample's energy, in activities or in errors: Lanczos iterations on the Hessian, its products by differences of gradients
/// <c>(g(z + h v) - g(z))/h</c>, the start from counted random numbers, the same for every sample.
/// </summary>
/// <remarks>The estimate is the largest Ritz value and the norm of its residual, which lies above the eigenvalue nearest to it; without reorthogonalisation, which
/// the largest value does not need.</remarks>
internal unsafe ref struct RelaxationSpectrum<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int Iterations = Tridiagonal.Iterations;

    private readonly RelaxationJob<T> job;
    private readonly int lanes;
    private readonly nint elements;
    private readonly bool inErrors;
    private readonly T* origin;
    private readonly T* slope;
    private readonly T* product;
    private readonly T* shifted;
    private readonly T* row;
    private RelaxationSlice<T> slice;
    private ErrorCoordinates<T> coordinates;
    private T* vector;
    private T* before;

    public RelaxationSpectrum(RelaxationJob<T> job, RelaxationSlice<T> slice)
    {
        this.job = job;
        this.slice = slice;
        inErrors = job.Task == RelaxationTask.LargestErrorCurvature;
        lanes = slice.Lanes;
        elements = job.Layers.HiddenUnits * lanes;
        row = slice.Extra;
        origin = row + (RelaxationJob<T>.ControlRows * lanes);
        slope = origin + elements;
        product = slope + elements;
        shifted = product + elements;
        vector = shifted + elements;
        before = vector + elements;
        coordinates = inErrors ? new(job, slice, before + elements) : default;
    }

    public static long Units(RelaxationLayers<T> layers, bool inErrors) => (6 * layers.HiddenUnits) + (inErrors ? ErrorCoordinates<T>.Units(layers) : 0);

    /// <summary>Writes the largest curvature of each sample. The start is the job's activities or errors, or where there are none the feed-forward state.</summary>
    public void Measure(double* curvatures)
    {
        double* diagonal = stackalloc double[Iterations * lanes], beside = stackalloc double[Iterations * lanes], length = stackalloc double[lanes], norm = stackalloc double[lanes];
        Start(length);
        Gradient(origin, slope);
        Draw(norm);
        for (int i = 0; i < Iterations; i++)
        {
            double* a = diagonal + (i * lanes), b = beside + (i * lanes);
            for (int s = 0; s < lanes; s++)
            {
                row[s] = T.CreateTruncating(-length[s]);
            }

            RelaxationSlice<T>.Copy(origin, shifted, elements);
            job.Along(shifted, vector, row, T.One);
            Gradient(shifted, product);
            Orthogonalise(length, a, b, i == 0 ? null : beside + ((i - 1) * lanes));
        }

        double* alpha = stackalloc double[Iterations], beta = stackalloc double[Iterations];
        for (int s = 0; s < slice.Count; s++)
        {
            for (int i = 0; i < Iterations; i++)
            {
                alpha[i] = diagonal[(i * lanes) + s];
                beta[i] = beside[(i * lanes) + s];
            }

            curvatures[s] = Tridiagonal.Largest(new(alpha, Iterations), new(beta, Iterations));
        }
    }

    /// <summary>The point, and how far from it gradients are taken: a small part of its norm and of that of ones.</summary>
    private void Start(double* length)
    {
        T* start = inErrors ? job.Errors : job.Activities;
        if (start != null)
        {
            slice.LoadHidden(start, origin);
        }
        else if (inErrors)
        {
            RelaxationSlice<T>.Clear(origin, elements);
        }
        else
        {
            slice.Rebuild(null, null);
            RelaxationSlice<T>.Copy(slice.Activities, origin, elements);
        }

        double part = Math.Sqrt(double.CreateTruncating(T.BitIncrement(T.One) - T.One)) * 4;
        new Span<double>(length, lanes).Clear();
        for (nint i = 0; i < elements; i += lanes)
        {
            for (int s = 0; s < lanes; s++)
            {
                double z = double.CreateTruncating(origin[i + s]);
                length[s] += 1 + (z * z);
            }
        }

        for (int s = 0; s < lanes; s++)
        {
            length[s] = part * Math.Sqrt(length[s]);
        }
    }

    private void Draw(double* norm)
    {
        double sum = 0;
        for (nint i = 0; i < elements; i += lanes)
        {
            double x = Element(i / lanes);
            sum += x * x;
        }

        double scale = 1 / Math.Sqrt(sum);
        for (nint i = 0; i < elements; i += lanes)
        {
            new Span<T>(vector + i, lanes).Fill(T.CreateTruncating(scale * Element(i / lanes)));
        }

        RelaxationSlice<T>.Clear(before, elements);
    }

    private static double Element(nint unit) => (Philox.Block(0, (ulong)unit).A / (double)uint.MaxValue) - 0.5;

    private void Gradient(T* at, T* to)
    {
        if (inErrors)
        {
            coordinates.Evaluate(at);
            coordinates.KeepOutput();
            coordinates.Reverse(coordinates.Output, at, to, null);
            return;
        }

        slice.Activities = at;
        slice.Step(ActivityMove.Keep, to, null, row, T.Zero, null);
    }

    /// <summary>From the gradient at the shifted point: α = vᵀHv, β = |H v - α v - β' v'|, and the next vector.</summary>
    private void Orthogonalise(double* length, double* alpha, double* beta, double* last)
    {
        new Span<double>(alpha, lanes).Clear();
        new Span<double>(beta, lanes).Clear();
        for (nint i = 0; i < elements; i += lanes)
        {
            for (int s = 0; s < lanes; s++)
            {
                double w = double.CreateTruncating(product[i + s] - slope[i + s]) / length[s];
                alpha[s] += w * double.CreateTruncating(vector[i + s]);
                product[i + s] = T.CreateTruncating(w);
            }
        }

        for (nint i = 0; i < elements; i += lanes)
        {
            for (int s = 0; s < lanes; s++)
            {
                double w = double.CreateTruncating(product[i + s]) - (alpha[s] * double.CreateTruncating(vector[i + s])) - (last == null ? 0 : last[s] * double.CreateTruncating(before[i + s]));
                beta[s] += w * w;
                before[i + s] = T.CreateTruncating(w);
            }
        }

        for (int s = 0; s < lanes; s++)
        {
            beta[s] = Math.Sqrt(beta[s]);
        }

        for (nint i = 0; i < elements; i += lanes)
        {
            for (int s = 0; s < lanes; s++)
            {
                before[i + s] = beta[s] == 0 ? T.Zero : T.CreateTruncating(double.CreateTruncating(before[i + s]) / beta[s]);
            }
        }

        T* next = before;
        before = vector;
        vector = next;
    }
}
