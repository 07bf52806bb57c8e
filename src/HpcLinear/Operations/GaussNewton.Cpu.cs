using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>
/// The direction of Gauss and Newton in error coordinates, every sample's own: with K = JΛ⁻¹Jᵀ and M the Hessian of the loss in the output,
/// <c>(I + λ_L M K) q = λ_L (E_L + M J e)</c> and <c>e + p = Λ⁻¹Jᵀq</c>.
/// </summary>
/// <remarks>The n_L rows of J go down a layer at a time, so that no more than a layer of them is kept; K and J e are summed on the way.</remarks>
internal readonly unsafe ref struct GaussNewton<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly RelaxationJob<T> job;
    private readonly RelaxationLayers<T> layers;
    private readonly RelaxationSlice<T> slice;
    private readonly ErrorCoordinates<T> coordinates;
    private readonly int lanes;
    private readonly int outputs;
    private readonly nint rowSize;
    private readonly T* rows;
    private readonly double* matrix;
    private readonly double* sides;

    /// <param name="job">The task.</param>
    /// <param name="slice">The slice.</param>
    /// <param name="coordinates">Its error coordinates.</param>
    /// <param name="memory"><see cref="Units"/> rows of lanes.</param>
    public GaussNewton(RelaxationJob<T> job, RelaxationSlice<T> slice, ErrorCoordinates<T> coordinates, T* memory)
    {
        this.job = job;
        this.slice = slice;
        this.coordinates = coordinates;
        layers = job.Layers;
        lanes = slice.Lanes;
        outputs = (int)layers.Widths[^1];
        rowSize = layers.MaxWidth * lanes;
        matrix = (double*)memory;
        sides = matrix + ((nint)outputs * outputs * lanes);
        rows = (T*)(sides + ((nint)outputs * lanes));
    }

    public static long Units(RelaxationLayers<T> layers)
    {
        long outputs = layers.Widths[^1];
        return (2 * outputs * layers.MaxWidth) + ((outputs + 1) * outputs * sizeof(double) / sizeof(T));
    }

    /// <summary>p at the point of the last pass forwards.</summary>
    /// <param name="errors">e.</param>
    /// <param name="direction">p; overwritten.</param>
    /// <param name="scratch"><c>[n_L, lanes]</c>.</param>
    public void Direct(T* errors, T* direction, T* scratch)
    {
        Project(errors, scratch);
        double precision = layers.Network.Precision(layers.Depth);
        for (int s = 0; s < slice.Count; s++)
        {
            OutputHessian<T>.Apply(layers, slice.Target, coordinates.Output, sides, 1, lanes, s);
            OutputHessian<T>.Apply(layers, slice.Target, coordinates.Output, matrix, outputs, lanes, s);
            for (nint k = 0; k < outputs; k++)
            {
                for (nint j = 0; j < outputs; j++)
                {
                    ref double element = ref matrix[(((k * outputs) + j) * lanes) + s];
                    element = (precision * element) + (k == j ? 1 : 0);
                }

                sides[(k * lanes) + s] += double.CreateTruncating(coordinates.Output[(k * lanes) + s]);
            }

            Eliminate(s);
        }

        // The sides are q/λ_L now: a pass down from them gives Λe - Jᵀq = -Λp.
        for (nint i = 0; i < (nint)outputs * lanes; i++)
        {
            scratch[i] = i % lanes < slice.Count ? T.CreateTruncating(sides[i]) : T.Zero;
        }

        ErrorCoordinates<T> pass = coordinates;
        pass.Reverse(scratch, errors, direction, null);
        for (int l = 1; l < layers.Depth; l++)
        {
            T* part = direction + (layers.Unit[l] * lanes);
            job.Kernels.Elementwise(ElementwiseOperation.Copy, part, part, part, layers.Widths[l] * lanes, -T.One / layers.Precisions[l], T.Zero);
        }
    }

    /// <summary>K in the matrix, J e in the sides.</summary>
    private void Project(T* errors, T* sums)
    {
        nint size = (nint)outputs * lanes;
        new Span<double>(sides, checked((int)size)).Clear();
        for (nint k = 0; k < outputs; k++)
        {
            new Span<double>(matrix + (k * size), (int)size).Clear();
        }

        T* from = rows, to = rows + (outputs * rowSize);
        for (nint k = 0; k < outputs; k++)
        {
            RelaxationSlice<T>.Clear(from + (k * rowSize), size);
            new Span<T>(from + (k * rowSize) + (k * lanes), lanes).Fill(T.One);
        }

        for (int l = layers.Depth; l > 1; l--)
        {
            nint width = layers.Widths[l - 1];
            double inverse = 1 / layers.Network.Precision(l - 1);
            for (nint k = 0; k < outputs; k++)
            {
                T* above = from + (k * rowSize), below = to + (k * rowSize);
                slice.SendBack(l, above, coordinates.SlopesAfter(l));
                slice.Propagate(l, above, coordinates.SlopesBefore(l), below, layers.Scalings[l], T.One);
                Add(below, errors + (layers.Unit[l - 1] * lanes), width, 1, sides + (k * lanes), sums);
                for (nint j = 0; j <= k; j++)
                {
                    Add(below, to + (j * rowSize), width, inverse, matrix + (((k * outputs) + j) * lanes), sums);
                }
            }

            T* swapped = from;
            from = to;
            to = swapped;
        }

        for (nint k = 0; k < outputs; k++)
        {
            for (nint j = 0; j < k; j++)
            {
                Buffer.MemoryCopy(matrix + (((k * outputs) + j) * lanes), matrix + (((j * outputs) + k) * lanes), lanes * sizeof(double), lanes * sizeof(double));
            }
        }
    }

    private void Add(T* a, T* b, nint width, double factor, double* to, T* sums)
    {
        RelaxationSlice<T>.Clear(sums, lanes);
        job.Kernels.AddProducts(job.Vectors, a, b, width, sums);
        for (int s = 0; s < lanes; s++)
        {
            to[s] += factor * double.CreateTruncating(sums[s]);
        }
    }

    /// <summary>Solves one lane's equations by elimination with pivots from the columns: the matrix is not symmetric unless M is I.</summary>
    private void Eliminate(int lane)
    {
        double* a = matrix + lane, b = sides + lane;
        nint row = (nint)outputs * lanes;
        for (nint p = 0; p < outputs; p++)
        {
            nint pivot = p;
            for (nint k = p + 1; k < outputs; k++)
            {
                pivot = Math.Abs(a[(k * row) + (p * lanes)]) > Math.Abs(a[(pivot * row) + (p * lanes)]) ? k : pivot;
            }

            for (nint j = p; pivot != p && j < outputs; j++)
            {
                (a[(p * row) + (j * lanes)], a[(pivot * row) + (j * lanes)]) = (a[(pivot * row) + (j * lanes)], a[(p * row) + (j * lanes)]);
            }

            (b[p * lanes], b[pivot * lanes]) = (b[pivot * lanes], b[p * lanes]);
            for (nint k = p + 1; k < outputs; k++)
            {
                double factor = a[(k * row) + (p * lanes)] / a[(p * row) + (p * lanes)];
                for (nint j = p + 1; j < outputs; j++)
                {
                    a[(k * row) + (j * lanes)] -= factor * a[(p * row) + (j * lanes)];
                }

                b[k * lanes] -= factor * b[p * lanes];
            }
        }

        for (nint p = outputs - 1; p >= 0; p--)
        {
            for (nint j = p + 1; j < outputs; j++)
            {
                b[p * lanes] -= a[(p * row) + (j * lanes)] * b[j * lanes];
            }

            b[p * lanes] /= a[(p * row) + (p * lanes)];
        }
    }
}

/// <summary>M, the Hessian of the loss in the output's prediction: I, or <c>Σy (diag(s) - s sᵀ)</c> with s the softmax and Σy s = y - E_L.</summary>
internal static unsafe class OutputHessian<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>uᵀ M u of one lane.</summary>
    public static double Square(RelaxationLayers<T> layers, T* target, T* error, T* change, int lanes, int lane)
    {
        double squares = 0, mean = 0, mass = 0;
        for (nint i = lane; i < layers.Widths[^1] * lanes; i += lanes)
        {
            double u = double.CreateTruncating(change[i]), weight = layers.CrossEntropy ? Weight(target, error, i) : 1;
            squares += weight * u * u;
            mean += weight * u;
            mass += weight;
        }

        return !layers.CrossEntropy ? squares : mass > 0 ? Math.Max(0, squares - (mean * mean / mass)) : 0;
    }

    /// <summary>Replaces the columns of a matrix <c>[n_L, columns, lanes]</c> by M times them, in one lane.</summary>
    public static void Apply(RelaxationLayers<T> layers, T* target, T* error, double* matrix, nint columns, int lanes, int lane)
    {
        for (nint j = 0; layers.CrossEntropy && j < columns; j++)
        {
            double mean = 0, mass = 0;
            for (nint k = 0; k < layers.Widths[^1]; k++)
            {
                double weight = Weight(target, error, (k * lanes) + lane);
                mean += weight * matrix[(((k * columns) + j) * lanes) + lane];
                mass += weight;
            }

            mean = mass > 0 ? mean / mass : 0;
            for (nint k = 0; k < layers.Widths[^1]; k++)
            {
                ref double element = ref matrix[(((k * columns) + j) * lanes) + lane];
                element = Weight(target, error, (k * lanes) + lane) * (element - mean);
            }
        }
    }

    /// <summary>Σy s_k, at least 0 whatever the rounding.</summary>
    private static double Weight(T* target, T* error, nint i) => Math.Max(0, double.CreateTruncating(target[i] - error[i]));
}
