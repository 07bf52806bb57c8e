using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>The right-hand side of gradient flows, a network a lane: where a worker keeps what, and the slope of a state.</summary>
/// <remarks>A state has a row a weight, in polar coordinates one more for t (the smallest squared norm of a layer is t + its offset), and one for the integral of |gradient|².</remarks>
internal readonly unsafe struct FlowLanes<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CpuKernels<T> kernels;
    private readonly NetworkLanes<T> lanes;
    private readonly bool polar;
    private readonly int width;
    private readonly int columns;
    private readonly T* quadratic;
    private readonly T* products;
    private readonly T* gradients;
    private readonly T* productGradients;
    private readonly T* polarWeights;
    private readonly T* first;
    private readonly T* second;
    private readonly T* third;

    public FlowLanes(CpuKernels<T> kernels, NetworkLanes<T> lanes, int columns, bool polar, T* quadratic, T* memory)
    {
        (this.kernels, this.lanes, this.columns, this.polar) = (kernels, lanes, columns, polar);
        this.quadratic = quadratic;
        width = kernels.Width;
        int w = width;
        products = Take(lanes.JoinElements, ref memory);
        gradients = Take(lanes.Elements, ref memory);
        productGradients = Take(lanes.JoinElements, ref memory);
        polarWeights = Take(lanes.Elements, ref memory);
        first = Take(1, ref memory);
        second = Take(1, ref memory);
        third = Take(1, ref memory);
        Loss = Take(1, ref memory);
        MinusB = Take(lanes.ComposedElements, ref memory);
        Norms = Take(lanes.LayerElements.Length, ref memory);
        Offsets = Take(lanes.LayerElements.Length, ref memory);

        T* Take(int vectors, ref T* from)
        {
            T* taken = from;
            from += (nint)vectors * w;
            return taken;
        }
    }

    /// <summary>Twice the loss of the last state, a lane each.</summary>
    public T* Loss { get; }

    /// <summary>-B, a column a lane.</summary>
    public T* MinusB { get; }

    /// <summary>|W_l|² as <see cref="MeasureNorms"/> leaves it, a vector a layer.</summary>
    public T* Norms { get; }

    /// <summary>In polar coordinates |W_l|² - t, a vector a layer.</summary>
    public T* Offsets { get; }

    /// <summary>Vectors that <see cref="FlowLanes{T}"/> takes.</summary>
    public static int Vectors(NetworkLanes<T> lanes) =>
        (2 * lanes.JoinElements) + (2 * lanes.Elements) + 4 + lanes.ComposedElements + (2 * lanes.LayerElements.Length);

    /// <summary>The weights of a state.</summary>
    public T* Weights(T* state)
    {
        if (!polar)
        {
            return state;
        }

        T* t = state + ((nint)lanes.Elements * width);
        for (int l = 0; l < lanes.LayerElements.Length; l++)
        {
            nint at = (nint)lanes.LayerOffsets[l] * width;
            Dot(state + at, state + at, lanes.LayerElements[l], first);
            for (int i = 0; i < width; i++)
            {
                first[i] = T.Sqrt(t[i] + Offsets[(l * width) + i]) / T.Sqrt(first[i]);
                second[i] = T.Zero;
            }

            kernels.CombineLanes(state + at, first, state + at, second, polarWeights + at, lanes.LayerElements[l]);
        }

        return polarWeights;
    }

    /// <summary>Computes the slope of a state, and <see cref="Loss"/>; returns the weights.</summary>
    public T* Slope(T* state, T* slope)
    {
        T* weights = Weights(state), v = lanes.Compose(weights, products), g = lanes.Composed(gradients, productGradients);
        int elements = lanes.ComposedElements, count = lanes.Elements;
        Unsafe.CopyBlock(g, MinusB, (uint)(elements * width * sizeof(T)));
        for (int o = 0; o < elements; o += columns)
        {
            for (int r = 0; r < columns; r += kernels.TileRows)
            {
                kernels.Tile(Math.Min(kernels.TileRows, columns - r), 1, columns, quadratic + ((nint)r * columns), columns, 1, v + (o * width), width, g + ((o + r) * width), width, T.One, true);
            }
        }

        kernels.LossLanes(v, g, MinusB, Loss, elements);
        if (polar)
        {
            Dot(v, g, elements, third);
        }

        lanes.Adjoint(weights, products, gradients, productGradients);
        T* energy = slope + ((nint)(count + (polar ? 1 : 0)) * width);
        kernels.DescendLanes(gradients, slope, energy, count);
        if (polar)
        {
            Turn(state, slope);
        }

        return weights;
    }

    /// <summary>Computes <see cref="Norms"/>.</summary>
    public void MeasureNorms(T* weights)
    {
        for (int l = 0; l < lanes.LayerElements.Length; l++)
        {
            T* layer = weights + ((nint)lanes.LayerOffsets[l] * width);
            Dot(layer, layer, lanes.LayerElements[l], Norms + (l * width));
        }
    }

    /// <summary><c>du_l/ds = -|u| (I - u uᵀ/|u|²) grad_l / |W_l|</c>, for u not quite of length 1, and dt/ds = -2 ⟨V, G⟩, s the time.</summary>
    private void Turn(T* state, T* slope)
    {
        T* t = state + ((nint)lanes.Elements * width), turned = slope + ((nint)lanes.Elements * width);
        for (int i = 0; i < width; i++)
        {
            turned[i] = -(third[i] + third[i]);
        }

        for (int l = 0; l < lanes.LayerElements.Length; l++)
        {
            nint at = (nint)lanes.LayerOffsets[l] * width;
            int rows = lanes.LayerElements[l];
            Dot(state + at, gradients + at, rows, first);
            Dot(state + at, state + at, rows, second);
            for (int i = 0; i < width; i++)
            {
                T scale = T.Sqrt(second[i] / (t[i] + Offsets[(l * width) + i]));
                second[i] = scale * first[i] / second[i];
                first[i] = -scale;
            }

            kernels.CombineLanes(gradients + at, first, state + at, second, slope + at, rows);
        }
    }

    private void Dot(T* a, T* b, int rows, T* to)
    {
        CpuKernels<T>.NativeClear(to, width);
        kernels.AddProducts(1, a, b, rows, to);
    }
}
