using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// A slice of the batch: one or two vectors of samples, laid out <c>[unit, lane]</c>, that one thread takes through all steps. Samples are independent, so
/// slices share nothing but the weights, which they only read.
/// </summary>
/// <remarks>Arrays of a slice: x, the hidden activities, y, P_1 (constant while weights and x are), two layers' errors, and what a layer needs on the way:
/// φ, φ', the returning sum. What methods keep besides is the caller's (<see cref="Extra"/>).</remarks>
internal unsafe ref struct RelaxationSlice<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CpuKernels<T> kernels;
    private readonly RelaxationLayers<T> layers;
    private readonly T* parameters;
    private readonly int vectors;
    private readonly long first;
    private readonly T* x;
    private readonly T* y;
    private readonly T* constant;
    private readonly T* value;
    private readonly T* delta;
    private readonly T* back;
    private readonly T* scratch;
    private readonly T* squares;
    private readonly double* energies;
    private T* own;
    private T* next;

    /// <param name="kernels">The instruction set.</param>
    /// <param name="layers">The network.</param>
    /// <param name="vectors">Vectors of samples, 1 or 2.</param>
    /// <param name="parameters">W_1 … b_L.</param>
    /// <param name="memory"><see cref="Bytes"/> of scratch memory, aligned to a cache line.</param>
    /// <param name="first">The first sample.</param>
    public RelaxationSlice(CpuKernels<T> kernels, RelaxationLayers<T> layers, int vectors, T* parameters, byte* memory, long first)
    {
        this.kernels = kernels;
        this.layers = layers;
        this.vectors = vectors;
        this.parameters = parameters;
        this.first = first;
        Lanes = vectors * kernels.Width;
        Count = (int)Math.Min(Lanes, layers.Network.Batch - first);
        energies = (double*)memory;
        T* at = (T*)(memory + EnergyBytes(layers, Lanes));
        squares = Take(ref at, 2);
        x = Take(ref at, layers.Widths[0]);
        y = Take(ref at, layers.Widths[^1]);
        constant = Take(ref at, layers.Widths[1]);
        own = Take(ref at, layers.MaxWidth);
        next = Take(ref at, layers.MaxWidth);
        value = Take(ref at, layers.MaxWidth);
        Slope = Take(ref at, layers.MaxWidth);
        delta = Take(ref at, layers.MaxWidth);
        back = Take(ref at, layers.MaxWidth);
        scratch = Take(ref at, layers.MaxWidth);
        Activities = Take(ref at, layers.HiddenUnits);
        Extra = at;
    }

    /// <summary>Samples of a slice, those that only fill the last vector included.</summary>
    public int Lanes { get; }

    /// <summary>Samples there are.</summary>
    public int Count { get; }

    /// <summary>Hidden activities, <c>[unit, lane]</c>; a method may look at others for a while.</summary>
    public T* Activities { get; set; }

    /// <summary>y.</summary>
    public readonly T* Target => y;

    /// <summary>What follows the slice's own arrays.</summary>
    public T* Extra { get; }

    /// <summary>φ'(Z_(l-1)), or φ' of layer l's own sum in the form that acts after the weights, of the layer last visited.</summary>
    public T* Slope { get; }

    /// <summary>Layer l's energy of each lane, λ_l included, of the last visit: <c>[L + 1, lanes]</c>, row 0 unused.</summary>
    public readonly double* Energies => energies;

    /// <summary>The errors of the layer last visited.</summary>
    public readonly T* LastErrors => next;

    /// <summary>φ of the input of the layer last visited, where it is not the identity.</summary>
    public readonly T* Input => value;

    /// <summary>Scratch bytes of a slice with <paramref name="extraUnits"/> more rows of lanes.</summary>
    public static long Bytes(RelaxationLayers<T> layers, int lanes, long extraUnits)
    {
        long units = 2 + layers.Widths[0] + layers.Widths[^1] + layers.Widths[1] + (7 * layers.MaxWidth) + layers.HiddenUnits + extraUnits;
        return (EnergyBytes(layers, lanes) + (units * lanes * sizeof(T)) + 127) / 128 * 128;
    }

    public readonly T* Layer(int l) => Activities + (layers.Unit[l] * Lanes);

    /// <summary>The samples of a <c>[batch, width]</c> matrix as lanes; lanes without a sample become 0.</summary>
    public readonly void Load(T* matrix, nint width, T* to)
    {
        int w = kernels.Width;
        T** rows = stackalloc T*[w];
        for (int v = 0; v < vectors; v++)
        {
            int count = Math.Clamp(Count - (v * w), 0, w);
            for (int s = 0; s < count; s++)
            {
                rows[s] = matrix + ((first + (v * w) + s) * width);
            }

            if (vectors == 1)
            {
                kernels.Interleave(rows, count, 0, width, to);
                return;
            }

            kernels.Interleave(rows, count, 0, width, scratch);
            Move(scratch, w, to + (v * w), Lanes, width, w);
        }
    }

    /// <summary>Writes lanes back to the samples of a <c>[batch, width]</c> matrix.</summary>
    public readonly void Store(T* from, nint width, T* matrix)
    {
        int w = kernels.Width;
        T** rows = stackalloc T*[w];
        for (int v = 0; v < vectors && v * w < Count; v++)
        {
            int count = Math.Min(Count - (v * w), w);
            for (int s = 0; s < count; s++)
            {
                rows[s] = matrix + ((first + (v * w) + s) * width);
            }

            T* lanes = from;
            if (vectors > 1)
            {
                Move(from + (v * w), Lanes, scratch, w, width, w);
                lanes = scratch;
            }

            kernels.Separate(lanes, width, rows, count, 0, T.One, T.Zero, null);
        }
    }

    /// <summary>x, y or hidden activities into their places.</summary>
    public readonly void LoadLayer(int l, T* matrix) => Load(matrix, layers.Widths[l], l == 0 ? x : l == layers.Depth ? y : Layer(l));

    public readonly void LoadHidden(T* activities, T* to)
    {
        for (int l = 1; l < layers.Depth; l++)
        {
            Load(activities + (layers.Unit[l] * layers.Network.Batch), layers.Widths[l], to + (layers.Unit[l] * Lanes));
        }
    }

    public readonly void StoreHidden(T* from, T* activities)
    {
        for (int l = 1; l < layers.Depth; l++)
        {
            Store(from + (layers.Unit[l] * Lanes), layers.Widths[l], activities + (layers.Unit[l] * layers.Network.Batch));
        }
    }

    /// <summary>Takes x and y (null: none) and computes what does not change: P_1.</summary>
    public readonly void Open(T* input, T* target)
    {
        Load(input, layers.Widths[0], x);
        if (target != null)
        {
            Load(target, layers.Widths[^1], y);
        }

        if (layers.Depth > 1)
        {
            Predict(1, x, constant);
        }
    }

    /// <summary>The feed-forward state, with <paramref name="errors"/> (laid out as the activities; null: none) added; returns nothing of the output.</summary>
    public readonly void Rebuild(T* errors, T* slopes)
    {
        for (int l = 1; l < layers.Depth; l++)
        {
            nint count = layers.Widths[l] * Lanes;
            T* z = Layer(l), term = errors == null ? null : errors + (layers.Unit[l] * Lanes);
            if (l == 1 && (slopes == null || layers.After[1] == Activation.Linear))
            {
                Copy(constant, z, count);
            }
            else
            {
                Predict(l, Below(l), z);
            }

            if (slopes != null)
            {
                SaveSlope(l, slopes);
            }

            if (term != null)
            {
                kernels.Elementwise(ElementwiseOperation.Copy, term, term, z, count, T.One, T.One);
            }
        }
    }

    /// <summary>Copies <see cref="Slope"/> of layer l, of its own sum or of the activities below it, to the units it is of.</summary>
    public readonly void SaveSlope(int l, T* slopes)
    {
        if (layers.After[l] != Activation.Linear || layers.Before[l] != Activation.Linear)
        {
            int of = layers.After[l] != Activation.Linear ? l : l - 1;
            Copy(Slope, slopes + (layers.Unit[of] * Lanes), layers.Widths[of] * Lanes);
        }
    }

    /// <summary>How P_l changes with the activities below: without bias, φ replaced by given slopes.</summary>
    public readonly void PredictChange(int l, T* below, T* slopesBefore, T* slopesAfter, T* to)
    {
        LayerSweep<T> sweep = Describe(l, null);
        sweep.Bias = null;
        sweep.Input = slopesBefore == null ? below : Scaled(below, slopesBefore, sweep.Columns);
        sweep.Error = to;
        sweep.Through = slopesAfter == null && layers.Skips[l] ? below : null;
        kernels.Sweep(vectors, &sweep);
        if (slopesAfter != null)
        {
            nint count = sweep.Rows * Lanes;
            kernels.Elementwise(ElementwiseOperation.Multiply, to, slopesAfter, to, count, T.One, T.Zero);
            if (layers.Skips[l])
            {
                kernels.Elementwise(ElementwiseOperation.Copy, below, below, to, count, T.One, T.One);
            }
        }
    }

    /// <summary>The output layer's prediction.</summary>
    public readonly void PredictOutput(T* to) => Predict(layers.Depth, Below(layers.Depth), to);

    /// <summary>P_l for the activities below; leaves φ' in <see cref="Slope"/>.</summary>
    private readonly void Predict(int l, T* below, T* to)
    {
        LayerSweep<T> sweep = Describe(l, below);
        sweep.Error = to;
        bool after = layers.After[l] != Activation.Linear;
        sweep.Through = after || !layers.Skips[l] ? null : below;
        kernels.Sweep(vectors, &sweep);
        if (after)
        {
            nint count = sweep.Rows * Lanes;
            kernels.Activate(layers.After[l], to, to, Slope, count);
            if (layers.Skips[l])
            {
                kernels.Elementwise(ElementwiseOperation.Copy, below, below, to, count, T.One, T.One);
            }
        }
    }

    /// <summary>
    /// Visits layer l: its errors in <see cref="LastErrors"/>, its energies in their row, and with <paramref name="returns"/> Wᵀ (errors, times φ' of the
    /// layer's sum where φ acts after the weights) in the returning sum.
    /// </summary>
    public readonly void Visit(int l, bool returns)
    {
        T* below = Below(l), z = l == layers.Depth ? y : Layer(l);
        nint rows = layers.Widths[l], count = rows * Lanes;
        Clear(squares, Lanes);
        if (returns)
        {
            Clear(back, layers.Widths[l - 1] * Lanes);
        }

        if (l == 1 && layers.Depth > 1)
        {
            kernels.Elementwise(ElementwiseOperation.Subtract, z, constant, next, count, T.One, T.Zero);
            kernels.AddProducts(vectors, next, next, rows, squares);
        }
        else if (layers.After[l] != Activation.Linear)
        {
            Predict(l, below, next);
            kernels.Elementwise(ElementwiseOperation.Subtract, z, next, next, count, T.One, T.Zero);
            kernels.AddProducts(vectors, next, next, rows, squares);
            if (returns)
            {
                kernels.Elementwise(ElementwiseOperation.Multiply, next, Slope, delta, count, T.One, T.Zero);
                Return(l, delta);
            }
        }
        else if (l == layers.Depth && layers.CrossEntropy)
        {
            Predict(l, below, next);
            CrossEntropy(rows);
            if (returns)
            {
                Return(l, next);
            }

            return;
        }
        else
        {
            LayerSweep<T> sweep = Describe(l, below);
            sweep.Error = next;
            sweep.State = z;
            sweep.Through = layers.Skips[l] ? below : null;
            sweep.Squares = squares;
            sweep.Return = returns ? back : null;
            kernels.Sweep(vectors, &sweep);
        }

        RecordEnergies(l);
    }

    /// <summary>Errors of the layer last visited without a way back, times φ' of its sum where φ acts after the weights: what its weights' gradient is made of.</summary>
    public readonly T* Deltas(int l)
    {
        if (layers.After[l] == Activation.Linear)
        {
            return next;
        }

        if (l == 1)
        {
            RestoreSlope();
        }

        return Scaled(next, Slope, layers.Widths[l]);
    }

    /// <summary>φ' of the first layer's sum, which visits to it do not compute.</summary>
    public readonly void RestoreSlope() => Predict(1, x, scratch);

    /// <summary>Adds Wᵀ times <paramref name="errors"/> of layer l to the returning sum.</summary>
    private readonly void Return(int l, T* errors)
    {
        LayerSweep<T> sweep = Describe(l, null);
        sweep.Error = errors;
        sweep.Return = back;
        kernels.Sweep(vectors, &sweep);
    }

    /// <summary>Wᵀ times <paramref name="errors"/> of layer l, in the returning sum.</summary>
    public readonly void SendBack(int l, T* errors, T* slopes)
    {
        Clear(back, layers.Widths[l - 1] * Lanes);
        Return(l, slopes == null ? errors : Scaled(errors, slopes, layers.Widths[l]));
    }

    /// <summary>The product of errors and slopes, in a place of the slice's own.</summary>
    public readonly T* Scaled(T* errors, T* slopes, nint rows)
    {
        kernels.Elementwise(ElementwiseOperation.Multiply, errors, slopes, delta, rows * Lanes, T.One, T.Zero);
        return delta;
    }

    /// <summary>
    /// One sweep over all layers: every hidden layer's gradient at the same point, and its move. <see cref="Energies"/> are those before it.
    /// In place: layer l - 1 moves when layer l, the last that reads it, is done.
    /// </summary>
    /// <param name="move">What is done with gradients.</param>
    /// <param name="velocity">Velocities, or where gradients are kept; laid out as activities; may be null for plain descent.</param>
    /// <param name="mask">Which units are free; null for all.</param>
    /// <param name="steps">The step of every lane.</param>
    /// <param name="momentum">m.</param>
    /// <param name="sums">Grows by g² and z² of each lane, <c>[2, lanes]</c>; null for neither.</param>
    public void Step(ActivityMove move, T* velocity, T* mask, T* steps, T momentum, T* sums)
    {
        Visit(1, false);
        for (int l = 2; l <= layers.Depth; l++)
        {
            T* visited = next;
            next = own;
            own = visited;
            Visit(l, true);
            nint below = layers.Unit[l - 1] * Lanes;
            ActivityUpdate<T> update = new()
            {
                State = Activities + below,
                Error = own,
                Return = back,
                Slope = layers.Before[l] != Activation.Linear ? Slope : null,
                Above = layers.Skips[l] ? next : null,
                Velocity = velocity == null ? null : velocity + below,
                Mask = mask == null ? null : mask + below,
                Steps = steps,
                Squares = sums,
                Move = move,
                Precision = layers.Precisions[l - 1],
                ReturnFactor = layers.ReturnFactors[l],
                AboveFactor = layers.Precisions[l],
                Decay = layers.Decay,
                MomentumFactor = momentum,
            };
            kernels.Update(vectors, &update, layers.Widths[l - 1]);
        }
    }

    /// <summary>Energies of all layers, without moving.</summary>
    public readonly void Measure()
    {
        for (int l = 1; l <= layers.Depth; l++)
        {
            Visit(l, false);
        }
    }

    /// <summary>d_(l-1) = a_l φ'∘(Wᵀ d_l) + s_l d_l, from the returning sum.</summary>
    public readonly void Propagate(int l, T* above, T* slopes, T* to, T factor, T aboveFactor)
    {
        ActivityUpdate<T> update = new()
        {
            State = to,
            Error = to,
            Return = back,
            Slope = slopes,
            Above = layers.Skips[l] ? above : null,
            Velocity = to,
            Steps = squares,
            Move = ActivityMove.Keep,
            ReturnFactor = -factor,
            AboveFactor = -aboveFactor,
        };
        Clear(to, layers.Widths[l - 1] * Lanes);
        kernels.Update(vectors, &update, layers.Widths[l - 1]);
    }

    /// <summary>Moves the errors of layer l along λ_l e_l - d_l, or keeps that gradient.</summary>
    public readonly void MoveErrors(int l, ActivityMove move, T* errors, T* deltas, T* velocity, T* steps, T momentum, T* sums)
    {
        ActivityUpdate<T> update = new()
        {
            State = errors,
            Error = errors,
            Above = deltas,
            Velocity = velocity,
            Steps = steps,
            Squares = sums,
            Move = move,
            Precision = layers.Precisions[l],
            AboveFactor = T.One,
            MomentumFactor = momentum,
        };
        kernels.Update(vectors, &update, layers.Widths[l]);
    }

    /// <summary>Energies of given errors of a hidden layer.</summary>
    public readonly void MeasureErrors(int l, T* errors)
    {
        Clear(squares, Lanes);
        kernels.AddProducts(vectors, errors, errors, layers.Widths[l], squares);
        RecordEnergies(l);
    }

    /// <summary>λ_l/2 |e_l|² of every lane, from the squares.</summary>
    private readonly void RecordEnergies(int l)
    {
        double half = layers.Network.Precision(l) / 2;
        for (int s = 0; s < Lanes; s++)
        {
            energies[(l * Lanes) + s] = half * double.CreateTruncating(squares[s]);
        }
    }

    public static void Clear(T* p, nint count)
    {
        for (nint done = 0; done < count; done += 1 << 20)
        {
            new Span<T>(p + done, (int)Math.Min(count - done, 1 << 20)).Clear();
        }
    }

    public static void Copy(T* from, T* to, nint count) => Buffer.MemoryCopy(from, to, count * sizeof(T), count * sizeof(T));

    private static long EnergyBytes(RelaxationLayers<T> layers, int lanes) => (((layers.Depth + 1L) * lanes * sizeof(double)) + 63) / 64 * 64;

    private static void Move(T* from, int fromStep, T* to, int toStep, nint rows, int width)
    {
        for (nint r = 0; r < rows; r++, from += fromStep, to += toStep)
        {
            Unsafe.CopyBlockUnaligned(to, from, (uint)(width * sizeof(T)));
        }
    }

    private readonly T* Below(int l) => l == 1 ? x : Layer(l - 1);

    private readonly T* Take(ref T* at, nint rows)
    {
        T* taken = at;
        at += rows * Lanes;
        return taken;
    }

    private readonly LayerSweep<T> Describe(int l, T* below)
    {
        LayerSweep<T> sweep = new()
        {
            Weights = parameters + layers.Weights[l],
            Rows = layers.Widths[l],
            Columns = layers.Widths[l - 1],
            Bias = layers.Network.Bias ? parameters + layers.Biases[l] : null,
            Input = below,
            Scale = layers.Scalings[l],
        };
        if (below != null && layers.Before[l] != Activation.Linear)
        {
            kernels.Activate(layers.Before[l], below, value, Slope, sweep.Columns * Lanes);
            sweep.Input = value;
        }

        return sweep;
    }

    /// <summary>From logits to errors y - (Σy) softmax, and the losses -Σ y log softmax, the largest logit subtracted first.</summary>
    private readonly void CrossEntropy(nint classes)
    {
        int last = layers.Depth;
        double precision = layers.Network.Precision(last);
        for (int s = 0; s < Lanes; s++)
        {
            T* logits = next + s, targets = y + s;
            T largest = logits[0];
            for (nint k = 1; k < classes; k++)
            {
                largest = T.Max(largest, logits[k * Lanes]);
            }

            T sum = T.Zero, mass = T.Zero;
            for (nint k = 0; k < classes; k++)
            {
                sum += T.Exp(logits[k * Lanes] - largest);
                mass += targets[k * Lanes];
            }

            T log = T.Log(sum), loss = T.Zero;
            for (nint k = 0; k < classes; k++)
            {
                T logit = logits[k * Lanes] - largest - log, target = targets[k * Lanes];
                loss -= target * logit;
                logits[k * Lanes] = target - (mass * T.Exp(logit));
            }

            energies[(last * Lanes) + s] = precision * double.CreateTruncating(loss);
        }
    }
}
