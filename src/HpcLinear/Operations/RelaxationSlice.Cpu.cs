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
internal unsafe ref partial struct RelaxationSlice<T>
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

    /// <summary>The lowest layer whose errors the next step may change; 0 before the first.</summary>
    private int reached;

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
}
