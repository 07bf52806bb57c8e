using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Writes the rows of Jᵀ of one layer: <c>J[p,(a,b,j),(o,c,n)] = R[p,o,a,b,c,n - j S]</c>, zero outside R.</summary>
internal abstract class JacobianRows<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected JacobianRows(DeepProductDescriptor d, int l, Shape around)
    {
        (Problems, MapOutputs, Outputs, Inputs, MapInputs) = (d.Problems ?? 1, d.Channels[^1], d.Channels[l + 1], d.Channels[l], d.Channels[0]);
        (Shape map, Shape stride) = (d.Segment(0, d.Depth).Filter, l == 0 ? Shape.Uniform(d.Filters[0].Rank, 1) : d.Segment(0, l).Stride);
        (Around, Map, Taps) = (around.ElementCount, map.ElementCount, d.Filters[l].ElementCount);
        Length = around[^1];
        LinePlaces = new int[Around / Length];
        TapPlaces = new int[Taps];
        for (int at = 0; at < LinePlaces.Length; at++)
        {
            LinePlaces[at] = Place(at, a => around[a], _ => 1, map.Rank - 1);
        }

        for (int at = 0; at < TapPlaces.Length; at++)
        {
            TapPlaces[at] = Place(at, a => d.Filters[l][a], a => stride[a], map.Rank);
        }

        // Row-major position of (coordinate times step) in the map, coordinates of the first axes given by one number.
        int Place(long index, Func<int, long> extent, Func<int, long> step, int axes)
        {
            long place = 0, size = 1;
            for (int a = map.Rank - 1; a >= 0; a--)
            {
                if (a < axes)
                {
                    place += index % extent(a) * step(a) * size;
                    index /= extent(a);
                }

                size *= map[a];
            }

            return checked((int)place);
        }
    }

    /// <summary>Rows of one problem.</summary>
    public long Rows => Outputs * Inputs * Taps;

    private protected long Problems { get; }

    private protected long MapOutputs { get; }

    private protected long Outputs { get; }

    private protected long Inputs { get; }

    private protected long MapInputs { get; }

    /// <summary>Elements of one filter of R.</summary>
    private protected long Around { get; }

    /// <summary>Elements of one filter of the map.</summary>
    private protected long Map { get; }

    private protected long Taps { get; }

    /// <summary>Elements of R along the last axis.</summary>
    private protected long Length { get; }

    /// <summary>Place of each line of R in the map.</summary>
    private protected int[] LinePlaces { get; }

    /// <summary>How far each tap moves them.</summary>
    private protected int[] TapPlaces { get; }

    public static JacobianRows<T> Create(Device device, DeepProductDescriptor descriptor, int layer, Shape around) => device switch
    {
        CpuDevice => new CpuJacobianRows<T>(descriptor, layer, around),
        OpenClDevice openCl => new OpenClJacobianRows<T>(openCl, descriptor, layer, around),
        _ => throw new NotSupportedException($"{device.Target} has no deep products"),
    };

    /// <summary>Writes rows <paramref name="firstRow"/> … of <paramref name="rows"/> for each problem.</summary>
    public abstract void Execute(CommandQueue queue, TensorView<T> product, TensorView<T> jacobian, long firstRow, long rows);

    public virtual void Dispose()
    {
    }
}
