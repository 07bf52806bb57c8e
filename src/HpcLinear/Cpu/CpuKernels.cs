using System.Numerics;

namespace HpcLinear.Cpu;

/// <summary>The menu of one instruction set: everything that touches vectors, behind one virtual call a tile or a row.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
internal abstract unsafe partial class CpuKernels<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private static readonly CpuKernels<T>?[] Known = new CpuKernels<T>?[4];

    /// <summary>Elements of a vector.</summary>
    public abstract int Width { get; }

    /// <summary>Rows of the largest tile.</summary>
    public abstract int TileRows { get; }

    /// <summary>Vectors of the largest tile's row.</summary>
    public abstract int TileVectors { get; }

    /// <summary>The tile as text, e.g. <c>8x48</c>.</summary>
    public string TileText => $"{TileRows}x{TileVectors * Width}";

    /// <summary><see cref="Tiles.Multiply"/> for a number of rows and of vectors.</summary>
    public abstract void Tile(int rows, int vectors, nint depth, T* a, nint aRow, nint aDepth, T* b, nint bDepth, T* c, nint cRow, T alpha, bool accumulate);

    /// <summary>The kernels of an instruction set; the only place that chooses.</summary>
    public static CpuKernels<T> For(CpuIsa isa) => Known[(int)isa] ??= isa switch
    {
        CpuIsa.Avx512 => new CpuKernels<T, System.Runtime.Intrinsics.Vector512<T>, Avx512Simd<T>>(),
        CpuIsa.Avx2 => new CpuKernels<T, System.Runtime.Intrinsics.Vector256<T>, Avx2Simd<T>>(),
        CpuIsa.Portable => new CpuKernels<T, Vector<T>, PortableSimd<T>>(),
        _ => new CpuKernels<T, T, ScalarSimd<T>>(),
    };
}

/// <summary>The bodies of the menu, compiled once for each instruction set.</summary>
internal sealed unsafe partial class CpuKernels<T, TVector, TSimd> : CpuKernels<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TVector : struct
    where TSimd : struct, ISimd<T, TVector>
{
    private const int MaxRows = 8;
    private const int MaxVectors = 3;

    private readonly delegate*<nint, T*, nint, nint, T*, nint, T*, nint, T, bool, void>[] tiles;

    public CpuKernels()
    {
        tiles = new delegate*<nint, T*, nint, nint, T*, nint, T*, nint, T, bool, void>[MaxRows * MaxVectors];
        Rows<N1>();
        Rows<N2>();
        Rows<N3>();
        Rows<N4>();
        Rows<N5>();
        Rows<N6>();
        Rows<N7>();
        Rows<N8>();
    }

    public override int Width => TSimd.Width;

    // 24 accumulators, 3 of B and a broadcast in 32 registers; 12, 2 and 1 in 16.
    public override int TileRows => TSimd.Registers >= 32 ? 8 : 6;

    public override int TileVectors => TSimd.Registers >= 32 ? 3 : 2;

    public override void Tile(int rows, int vectors, nint depth, T* a, nint aRow, nint aDepth, T* b, nint bDepth, T* c, nint cRow, T alpha, bool accumulate) =>
        tiles[((rows - 1) * MaxVectors) + vectors - 1](depth, a, aRow, aDepth, b, bDepth, c, cRow, alpha, accumulate);

    private void Rows<TRows>()
        where TRows : struct, INumber
    {
        int at = (TRows.Value - 1) * MaxVectors;
        tiles[at] = &Tiles.Multiply<T, TVector, TSimd, TRows, N1>;
        tiles[at + 1] = &Tiles.Multiply<T, TVector, TSimd, TRows, N2>;
        tiles[at + 2] = &Tiles.Multiply<T, TVector, TSimd, TRows, N3>;
        FilterRows<TRows>();
        Batches<TRows>();
    }
}
