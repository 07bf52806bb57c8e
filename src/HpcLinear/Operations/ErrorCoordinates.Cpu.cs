using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>
/// A slice in error coordinates, z_l = P_l(z_(l-1)) + e_l: forward and reverse passes, and the change J p of the output with the errors, at the point of the
/// last pass forwards. All arrays are <c>[unit, lane]</c>.
/// </summary>
internal unsafe ref struct ErrorCoordinates<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CpuKernels<T> kernels;
    private readonly RelaxationLayers<T> layers;
    private readonly RelaxationSlice<T> slice;
    private readonly int lanes;
    private readonly T* slopes;
    private T* above;
    private T* below;

    /// <param name="job">The task.</param>
    /// <param name="slice">The slice, its activities those that passes write.</param>
    /// <param name="memory"><see cref="Units"/> rows of lanes.</param>
    public ErrorCoordinates(RelaxationJob<T> job, RelaxationSlice<T> slice, T* memory)
    {
        kernels = job.Kernels;
        layers = job.Layers;
        this.slice = slice;
        lanes = slice.Lanes;
        Deltas = job.Deltas;
        slopes = memory;
        above = slopes + (layers.HiddenUnits * lanes);
        below = above + (layers.MaxWidth * lanes);
        Output = below + (layers.MaxWidth * lanes);
    }

    /// <summary>E_L as <see cref="KeepOutput"/> left it, <c>[n_L, lanes]</c>.</summary>
    public T* Output { get; }

    /// <summary>Where reverse passes leave what the gradients of weights are made of, <c>[batch, n_l]</c>, a layer after the other; null for nowhere.</summary>
    private T* Deltas { get; }

    /// <summary>0 clamps a unit: it passes on its own error as the output does, and has no gradient. Null: all are free.</summary>
    public T* Mask { get; init; }

    public static long Units(RelaxationLayers<T> layers) => layers.HiddenUnits + (2 * layers.MaxWidth) + layers.Widths[^1];

    /// <summary>φ' that layer l's change is multiplied with before its weights, or after them; null for 1.</summary>
    public readonly T* SlopesBefore(int l) => layers.Before[l] == Activation.Linear ? null : slopes + (layers.Unit[l - 1] * lanes);

    /// <summary>See <see cref="SlopesBefore"/>.</summary>
    public readonly T* SlopesAfter(int l) => layers.After[l] == Activation.Linear ? null : slopes + (layers.Unit[l] * lanes);

    /// <summary>The activities and energies of given errors; E_L and what it sends back are ready for <see cref="Descend"/>.</summary>
    public readonly void Evaluate(T* errors)
    {
        slice.Rebuild(errors, slopes);
        for (int l = 1; l < layers.Depth; l++)
        {
            slice.MeasureErrors(l, errors + (layers.Unit[l] * lanes));
        }

        VisitOutput();
    }

    /// <summary>The errors and energies of the slice's activities; E_L and what it sends back are ready for <see cref="Descend"/>.</summary>
    public readonly void Read(T* errors)
    {
        for (int l = 1; l < layers.Depth; l++)
        {
            slice.Visit(l, false);
            RelaxationSlice<T>.Copy(slice.LastErrors, errors + (layers.Unit[l] * lanes), layers.Widths[l] * lanes);
            if (l == 1 && layers.After[1] != Activation.Linear)
            {
                slice.RestoreSlope();
            }

            slice.SaveSlope(l, slopes);
        }

        VisitOutput();
    }

    public readonly void KeepOutput() => RelaxationSlice<T>.Copy(slice.LastErrors, Output, layers.Widths[^1] * lanes);

    /// <summary>Goes down from the errors of the last pass forwards, <c>d_L = λ_L E_L</c>, <c>d_(l-1) = vjp_l(d_l)</c>, and moves errors along g_l = λ_l e_l - d_l.</summary>
    /// <param name="move">What is done with g; see <see cref="RelaxationSlice{T}.Step"/> for the rest.</param>
    /// <param name="errors">e.</param>
    /// <param name="velocity">Velocities, or where g is kept; may be the errors.</param>
    /// <param name="steps">The step of every lane.</param>
    /// <param name="momentum">m.</param>
    /// <param name="sums">Grows by g² and e² of each lane; null for neither.</param>
    public void Descend(ActivityMove move, T* errors, T* velocity, T* steps, T momentum, T* sums) =>
        Pass(slice.LastErrors, true, move, errors, velocity, steps, momentum, sums);

    /// <summary>Keeps <c>λ_l e_l - d_l</c> where d_L = λ_L <paramref name="output"/>, at the point of the last pass forwards.</summary>
    public void Reverse(T* output, T* errors, T* kept, T* sums) => Pass(output, false, ActivityMove.Keep, errors, kept, output, T.Zero, sums);

    /// <summary>J p: how the output changes with the errors along a direction, <c>[n_L, lanes]</c>.</summary>
    public void Forward(T* direction, T* change)
    {
        T* from = direction;
        if (layers.Depth == 1)
        {
            RelaxationSlice<T>.Clear(change, layers.Widths[^1] * lanes);
        }

        for (int l = 2; l <= layers.Depth; l++)
        {
            T* to = l == layers.Depth ? change : above;
            slice.PredictChange(l, from, SlopesBefore(l), SlopesAfter(l), to);
            if (l == layers.Depth)
            {
                break;
            }

            T* term = direction + (layers.Unit[l] * lanes);
            kernels.Elementwise(ElementwiseOperation.Copy, term, term, to, layers.Widths[l] * lanes, T.One, T.One);
            from = to;
            above = below;
            below = to;
        }
    }

    private readonly void VisitOutput()
    {
        slice.Visit(layers.Depth, layers.Depth > 1);
        slice.SaveSlope(layers.Depth, slopes);
    }

    private void Pass(T* output, bool sent, ActivityMove move, T* errors, T* velocity, T* steps, T momentum, T* sums)
    {
        SaveDeltas(layers.Depth, output);
        T* outer = output;
        for (int l = layers.Depth; l > 1; l--)
        {
            // d_(l-1) from d_l; the output's d_L = λ_L e_L has its precision in the factors instead.
            bool last = l == layers.Depth;
            nint at = layers.Unit[l - 1] * lanes;
            if (!last || !sent)
            {
                slice.SendBack(l, outer, SlopesAfter(l));
            }

            slice.Propagate(l, outer, SlopesBefore(l), below, last ? layers.ReturnFactors[l] : layers.Scalings[l], last ? layers.Precisions[l] : T.One);
            Clamp(l - 1, errors + at, below);
            SaveDeltas(l - 1, below);
            slice.MoveErrors(l - 1, move, errors + at, below, velocity + at, steps, momentum, sums);
            outer = below;
            below = above;
            above = outer;
        }
    }

    private readonly void Clamp(int l, T* errors, T* deltas)
    {
        T* mask = Mask == null ? null : Mask + (layers.Unit[l] * lanes);
        for (nint i = 0; mask != null && i < layers.Widths[l] * lanes; i++)
        {
            deltas[i] = mask[i] == T.Zero ? layers.Precisions[l] * errors[i] : deltas[i];
        }
    }

    private readonly void SaveDeltas(int l, T* deltas)
    {
        if (Deltas == null)
        {
            return;
        }

        T* after = SlopesAfter(l), product = after == null ? deltas : slice.Scaled(deltas, after, layers.Widths[l]);
        slice.Store(product, layers.Widths[l], Deltas + (layers.Unit[l] * layers.Network.Batch));
    }
}
