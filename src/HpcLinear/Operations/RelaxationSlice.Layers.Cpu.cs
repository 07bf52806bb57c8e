using System.Numerics;
using System.Runtime.InteropServices;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <content>Passes over the layers: predictions, errors, what they send back, and moves.</content>
internal unsafe ref partial struct RelaxationSlice<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
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
    /// <remarks>Errors start at the output and go down a layer a step (the signal law of arXiv:2505.13124's networks), so from a feed-forward start half the layers of T = L
    /// steps have errors of exactly zero below them and nothing that moves them: a step begins at the lowest layer that could have changed, with the bits of a full one.
    /// Decay moves every layer, and stops by the gradient want all sums: then nothing is left out.</remarks>
    /// <param name="move">What is done with gradients.</param>
    /// <param name="velocity">Velocities, or where gradients are kept; laid out as activities; may be null for plain descent.</param>
    /// <param name="mask">Which units are free; null for all.</param>
    /// <param name="steps">The step of every lane.</param>
    /// <param name="momentum">m.</param>
    /// <param name="sums">Grows by g² and z² of each lane, <c>[2, lanes]</c>; null for neither.</param>
    public void Step(ActivityMove move, T* velocity, T* mask, T* steps, T momentum, T* sums)
    {
        bool waits = reached != 1 && move != ActivityMove.Keep && sums == null && layers.Decay == T.Zero;
        int lowest = waits ? Math.Max(reached, 1) : 1;
        if (lowest == 1)
        {
            Visit(1, false);
        }
        else
        {
            Clear(next, layers.Widths[lowest - 1] * Lanes);
        }

        int wrong = waits && lowest == 1 && !IsZero(next, layers.Widths[1] * Lanes) ? 1 : 0;
        for (int l = Math.Max(lowest, 2); l <= layers.Depth; l++)
        {
            T* visited = next;
            next = own;
            own = visited;
            Visit(l, true);
            if (waits && wrong == 0 && (l == layers.Depth || !IsZero(next, layers.Widths[l] * Lanes)))
            {
                wrong = l;
            }

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

        if (waits)
        {
            reached = reached == 0 ? Math.Max(wrong - 1, 1) : Math.Clamp(wrong - 1, 1, reached);
        }
    }

    private static bool IsZero(T* p, nint count)
    {
        for (nint done = 0; done < count; done += 1 << 20)
        {
            if (MemoryMarshal.AsBytes(new ReadOnlySpan<T>(p + done, (int)Math.Min(count - done, 1 << 20))).ContainsAnyExcept((byte)0))
            {
                return false;
            }
        }

        return true;
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
