using System.Numerics;
using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

/// <summary>A strided matrix: element (line, depth) of product p at <c>Origin[p*ProductStride + line*LineStride + depth*DepthStride]</c>.</summary>
internal unsafe struct DenseOperand<T> : IOperand<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public T* Origin;
    public long ProductStride;
    public nint LineStride;
    public nint DepthStride;

    private T* current;

    public void Select(long product) => current = Origin + (product * ProductStride);

    public readonly T* InPlace(out nint lineStride, out nint depthStride)
    {
        lineStride = LineStride;
        depthStride = DepthStride;
        return current;
    }

    public readonly long PackPanels(CpuKernels<T> kernels, T* panels, int panel, long line, long lines, long from, int depth)
    {
        if (LineStride != 1)
        {
            return 0;
        }

        kernels.PackRows(current + line + (from * DepthStride), DepthStride, lines, depth, panels, panel, (nint)panel * depth);
        return lines;
    }

    public readonly void Pack(T* panel, int width, long line, int lines, long from, int depth, int worker) =>
        PackStrided(panel, width, current + (line * LineStride) + (from * DepthStride), LineStride, DepthStride, lines, depth);

    /// <summary>Packs a strided block; shared by every operand that is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackStrided(T* panel, int width, T* source, nint lineStride, nint depthStride, int lines, int depth)
    {
        if (lineStride == 1)
        {
            Packing.Rows(panel, width, source, depthStride, lines, depth);
            return;
        }

        int done = depthStride != 1 ? 0
            : sizeof(T) == sizeof(float) ? Packing.Lines((float*)panel, width, (float*)source, lineStride, lines, depth)
            : Packing.Lines((double*)panel, width, (double*)source, lineStride, lines, depth);
        for (int l = done; l < width; l++)
        {
            T* to = panel + l;
            if (l >= lines)
            {
                for (int p = 0; p < depth; p++, to += width)
                {
                    *to = T.Zero;
                }

                continue;
            }

            T* at = source + (l * lineStride);
            for (int p = 0; p < depth; p++, to += width, at += depthStride)
            {
                *to = *at;
            }
        }
    }
}

/// <summary>A strided row-major result: element (row, column) of product p at <c>Origin[p*ProductStride + row*RowStride + column]</c>.</summary>
internal unsafe struct DenseResult<T> : IResult<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public T* Origin;
    public long ProductStride;
    public nint RowStride;
    public T Beta;

    private T* current;

    public void Select(long product) => current = Origin + (product * ProductStride);

    public readonly void Begin(long row, long rows, long column, long columns)
    {
        if (Beta == T.One)
        {
            return;
        }

        for (long r = row; r < row + rows; r++)
        {
            T* at = current + (r * RowStride) + column;
            for (long j = 0; j < columns; j++)
            {
                at[j] *= Beta;
            }
        }
    }

    public readonly T* InPlace(long row, long column, int columns, out nint rowStride)
    {
        rowStride = RowStride;
        return current + (row * RowStride) + column;
    }

    public readonly void Scatter(T* tile, nint stride, long row, int rows, long column, int columns, bool accumulate) =>
        ScatterRows(tile, stride, current + (row * RowStride) + column, RowStride, rows, columns, accumulate);

    /// <summary>Writes a tile's rows; shared by every result whose rows are contiguous.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScatterRows(T* tile, nint stride, T* target, nint rowStride, int rows, int columns, bool accumulate)
    {
        for (int r = 0; r < rows; r++, tile += stride, target += rowStride)
        {
            if (accumulate)
            {
                for (int j = 0; j < columns; j++)
                {
                    target[j] += tile[j];
                }
            }
            else
            {
                new ReadOnlySpan<T>(tile, columns).CopyTo(new Span<T>(target, columns));
            }
        }
    }
}
