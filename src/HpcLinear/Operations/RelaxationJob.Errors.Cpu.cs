using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal unsafe partial struct RelaxationJob<T>
{
    /// <summary>Descends in error coordinates; without options keeps one gradient instead. False where <see cref="Relax"/> is.</summary>
    private readonly bool RelaxErrors(RelaxationSlice<T> slice, long group)
    {
        int lanes = slice.Lanes;
        nint elements = Layers.HiddenUnits * lanes;
        T* errors = slice.Extra + (ControlRows * lanes), velocity = errors + elements;
        ErrorCoordinates<T> coordinates = new(this, slice, velocity + elements);
        bool keeps = Task == RelaxationTask.ErrorGradient;
        int steps = keeps ? 1 : Options!.Steps;
        RelaxationTrack<T> track = new(this, slice, group);
        ActivityMove move = keeps ? ActivityMove.Keep : MoveOf(Options!.Method);
        T momentum = keeps ? T.Zero : T.CreateTruncating(Options!.Momentum);
        slice.LoadHidden(Errors, errors);
        RelaxationSlice<T>.Clear(velocity, elements);
        bool going = true;
        for (int t = 0; going && t < steps; t++)
        {
            track.Clear();
            coordinates.Evaluate(errors);
            if (!keeps && !track.Record(slice, t))
            {
                break;
            }

            coordinates.Descend(move, errors, velocity, track.Steps, momentum, track.Squares);
            going = !track.Settled();
        }

        if (keeps)
        {
            slice.StoreHidden(slice.Activities, Activities);
            slice.StoreHidden(velocity, Output);
            return true;
        }

        return StoreErrors(slice, track, coordinates, errors);
    }

    /// <summary>Ends a relaxation in error coordinates: the activities of the final errors, their energies, and both written back. False where <see cref="Relax"/> is.</summary>
    public readonly bool StoreErrors(RelaxationSlice<T> slice, RelaxationTrack<T> track, ErrorCoordinates<T> coordinates, T* errors)
    {
        if (!track.Diverged)
        {
            coordinates.Evaluate(errors);
            track.Finish(slice);
        }
        else if (Vectors == 1 && !track.DivergedAtStart)
        {
            coordinates.Evaluate(errors);
        }

        if (track.Diverged && Vectors > 1)
        {
            return false;
        }

        if (!track.DivergedAtStart)
        {
            slice.StoreHidden(slice.Activities, Activities);
            slice.StoreHidden(errors, Errors);
        }

        return true;
    }

    private static long CertificateUnits(RelaxationLayers<T> layers) => 2 + layers.HiddenUnits + ErrorCoordinates<T>.Units(layers);

    /// <summary>|g_e|² of every lane at the slice's activities.</summary>
    /// <param name="slice">The slice.</param>
    /// <param name="mask">The slice's mask; null for none.</param>
    /// <param name="memory"><see cref="CertificateUnits"/> rows of lanes; the result is the first of them.</param>
    private readonly T* Certify(RelaxationSlice<T> slice, T* mask, T* memory)
    {
        T* squares = memory, errors = squares + (2 * slice.Lanes);
        RelaxationSlice<T>.Clear(squares, 2 * slice.Lanes);
        ErrorCoordinates<T> coordinates = new(this, slice, errors + (Layers.HiddenUnits * slice.Lanes)) { Mask = mask };
        coordinates.Read(errors);
        coordinates.Descend(ActivityMove.Keep, errors, errors, squares, T.Zero, squares);
        return squares;
    }
}
