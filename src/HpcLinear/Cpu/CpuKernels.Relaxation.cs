using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

/// <summary>How an update of activities uses their gradient.</summary>
internal enum ActivityMove
{
    /// <summary><c>z -= step g</c>.</summary>
    Descend,

    /// <summary><c>v = m v + g</c>, <c>z -= step v</c>.</summary>
    Momentum,

    /// <summary><c>v = m v + g</c>, <c>z -= step (g + m v)</c>.</summary>
    Nesterov,

    /// <summary>The gradient is kept, the activities stay.</summary>
    Keep,
}

/// <summary>The elementwise end of a layer's step: <c>g = λ e - f slope∘return - k above + α z</c>, and the move along it. Arrays are <c>[rows, lanes]</c>.</summary>
internal unsafe struct ActivityUpdate<T>
    where T : unmanaged
{
    /// <summary>z, moved in place.</summary>
    public T* State;

    /// <summary>The layer's own errors.</summary>
    public T* Error;

    /// <summary>Wᵀ (errors of the layer above); null where there is none.</summary>
    public T* Return;

    /// <summary>φ'(z); null for 1.</summary>
    public T* Slope;

    /// <summary>Errors of the layer above that come back through its skip; null for none.</summary>
    public T* Above;

    /// <summary>v of the methods with momentum, or where the gradient is kept.</summary>
    public T* Velocity;

    /// <summary>0 clamps a unit; null: all are free.</summary>
    public T* Mask;

    /// <summary>Step of each lane, <c>[lanes]</c>.</summary>
    public T* Steps;

    /// <summary>Grows by g² and z² of each lane, <c>[2, lanes]</c>; null for neither.</summary>
    public T* Squares;

    public ActivityMove Move;

    /// <summary>λ of the layer.</summary>
    public T Precision;

    /// <summary>f = a λ of the layer above.</summary>
    public T ReturnFactor;

    /// <summary>k = λ of the layer above.</summary>
    public T AboveFactor;

    /// <summary>α.</summary>
    public T Decay;

    /// <summary>m.</summary>
    public T MomentumFactor;
}

internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary>Rows of W that a strip holds in registers.</summary>
    public abstract int StripRows { get; }

    /// <summary>Runs a layer's strips in order, over slices of 1 or 2 vectors of samples.</summary>
    public abstract void Sweep(int vectors, LayerSweep<T>* sweep);

    /// <summary>Adds the products of rows of lanes, lane by lane: <c>sums += Σ a∘b</c>.</summary>
    public abstract void AddProducts(int vectors, T* a, T* b, nint rows, T* sums);

    /// <summary>The elementwise end of a layer's step.</summary>
    public abstract void Update(int vectors, ActivityUpdate<T>* update, nint rows);
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    // 16 accumulators, 2 operands and a broadcast in 32 registers; 12, 2 and 1 in 16.
    public override int StripRows => TSimd.Registers >= 32 ? 8 : 6;

    private static readonly delegate*<LayerSweep<T>*, nint, void>[] Strips = StripsOf();

    public override void Sweep(int vectors, LayerSweep<T>* sweep)
    {
        nint row = 0, rows = sweep->Rows;
        delegate*<LayerSweep<T>*, nint, void> strip = Strips[((StripRows - 1) * 2) + vectors - 1];
        for (; row + StripRows <= rows; row += StripRows)
        {
            strip(sweep, row);
        }

        if (row < rows)
        {
            Strips[(((int)(rows - row) - 1) * 2) + vectors - 1](sweep, row);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void AddProducts(int vectors, T* a, T* b, nint rows, T* sums)
    {
        int w = TSimd.Width;
        nint count = rows * vectors * w, hop = (nint)vectors * w;
        for (int v = 0; v < vectors; v++)
        {
            TVector sum = TSimd.Load(sums + (v * w));
            for (nint i = v * w; i < count; i += hop)
            {
                sum = TSimd.MulAdd(TSimd.Load(a + i), TSimd.Load(b + i), sum);
            }

            TSimd.Store(sum, sums + (v * w));
        }
    }

    public override void Update(int vectors, ActivityUpdate<T>* update, nint rows)
    {
        if (update->Move == ActivityMove.Descend && update->Mask == null && update->Squares == null && update->Return != null)
        {
            Descend(vectors, update, rows);
        }
        else
        {
            MoveAnyway(vectors, update, rows);
        }
    }

    /// <summary>The common case: plain descent of free units.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Descend(int vectors, ActivityUpdate<T>* u, nint rows)
    {
        int w = TSimd.Width;
        nint count = rows * vectors * w, hop = (nint)vectors * w;
        TVector precision = TSimd.Broadcast(u->Precision), factor = TSimd.Broadcast(-u->ReturnFactor), above = TSimd.Broadcast(-u->AboveFactor), decay = TSimd.Broadcast(u->Decay);
        T* slope = u->Slope, skip = u->Above;
        bool decays = u->Decay != T.Zero;
        for (int v = 0; v < vectors; v++)
        {
            TVector step = TSimd.Subtract(TSimd.Broadcast(T.Zero), TSimd.Load(u->Steps + (v * w)));
            for (nint i = v * w; i < count; i += hop)
            {
                TVector back = TSimd.Load(u->Return + i), z = TSimd.Load(u->State + i);
                TVector g = TSimd.Multiply(precision, TSimd.Load(u->Error + i));
                g = TSimd.MulAdd(factor, slope == null ? back : TSimd.Multiply(TSimd.Load(slope + i), back), g);
                g = skip == null ? g : TSimd.MulAdd(above, TSimd.Load(skip + i), g);
                g = decays ? TSimd.MulAdd(decay, z, g) : g;
                TSimd.Store(TSimd.MulAdd(step, g, z), u->State + i);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MoveAnyway(int vectors, ActivityUpdate<T>* u, nint rows)
    {
        int w = TSimd.Width;
        nint count = rows * vectors * w, hop = (nint)vectors * w;
        TVector zero = TSimd.Broadcast(T.Zero), momentum = TSimd.Broadcast(u->MomentumFactor);
        TVector precision = TSimd.Broadcast(u->Precision), factor = TSimd.Broadcast(-u->ReturnFactor), above = TSimd.Broadcast(-u->AboveFactor), decay = TSimd.Broadcast(u->Decay);
        bool decays = u->Decay != T.Zero;
        for (int v = 0; v < vectors; v++)
        {
            TVector step = TSimd.Subtract(zero, TSimd.Load(u->Steps + (v * w))), gradients = zero, states = zero;
            for (nint i = v * w; i < count; i += hop)
            {
                TVector z = TSimd.Load(u->State + i), g = TSimd.Multiply(precision, TSimd.Load(u->Error + i));
                if (u->Return != null)
                {
                    TVector back = TSimd.Load(u->Return + i);
                    g = TSimd.MulAdd(factor, u->Slope == null ? back : TSimd.Multiply(TSimd.Load(u->Slope + i), back), g);
                }

                g = u->Above == null ? g : TSimd.MulAdd(above, TSimd.Load(u->Above + i), g);
                g = decays ? TSimd.MulAdd(decay, z, g) : g;
                g = u->Mask == null ? g : TSimd.Multiply(g, TSimd.Load(u->Mask + i));
                gradients = TSimd.MulAdd(g, g, gradients);
                states = TSimd.MulAdd(z, z, states);
                if (u->Move == ActivityMove.Keep)
                {
                    TSimd.Store(g, u->Velocity + i);
                    continue;
                }

                if (u->Move != ActivityMove.Descend)
                {
                    TVector velocity = TSimd.MulAdd(momentum, TSimd.Load(u->Velocity + i), g);
                    TSimd.Store(velocity, u->Velocity + i);
                    g = u->Move == ActivityMove.Momentum ? velocity : TSimd.MulAdd(momentum, velocity, g);
                }

                TSimd.Store(TSimd.MulAdd(step, g, z), u->State + i);
            }

            if (u->Squares != null)
            {
                T* sums = u->Squares + (v * w);
                TSimd.Store(TSimd.Add(TSimd.Load(sums), gradients), sums);
                sums += hop;
                TSimd.Store(TSimd.Add(TSimd.Load(sums), states), sums);
            }
        }
    }

    private static delegate*<LayerSweep<T>*, nint, void>[] StripsOf()
    {
        var made = new delegate*<LayerSweep<T>*, nint, void>[MaxRows * 2];
        Rows<N1>(made);
        Rows<N2>(made);
        Rows<N3>(made);
        Rows<N4>(made);
        Rows<N5>(made);
        Rows<N6>(made);
        Rows<N7>(made);
        Rows<N8>(made);
        return made;

        static void Rows<TRows>(delegate*<LayerSweep<T>*, nint, void>[] made)
            where TRows : struct, INumber
        {
            int at = (TRows.Value - 1) * 2;
            made[at] = &RelaxationTiles.Strip<T, TVector, TSimd, TRows, N1>;
            made[at + 1] = &RelaxationTiles.Strip<T, TVector, TSimd, TRows, N2>;
        }
    }
}
