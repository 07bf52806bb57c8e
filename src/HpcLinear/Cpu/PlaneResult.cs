using System.Numerics;

namespace HpcLinear.Cpu;

/// <summary>Planes as a result: rows are channels, columns are (image, position).</summary>
internal unsafe struct PlaneResult<T> : IResult<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public T* Origin;
    public long ProblemStride;
    public long GroupStride;
    public long ImageStride;
    public long Plane;
    public long Groups;
    public T Beta;

    /// <summary>Added to every element of a row, times <see cref="BiasScale"/>; null for none.</summary>
    public T* Bias;
    public T BiasScale;
    public long BiasProblemStride;
    public long BiasGroupStride;

    private T* current;
    private T* bias;

    public void Select(long product)
    {
        long problem = product / Groups, group = product % Groups;
        current = Origin + (problem * ProblemStride) + (group * GroupStride);
        bias = Bias is null ? null : Bias + (problem * BiasProblemStride) + (group * BiasGroupStride);
    }

    public readonly void Begin(long row, long rows, long column, long columns)
    {
        for (long done = 0; done < columns;)
        {
            long image = (column + done) / Plane, at = (column + done) % Plane, run = Math.Min(columns - done, Plane - at);
            for (long r = row; r < row + rows; r++)
            {
                T* to = current + (image * ImageStride) + (r * Plane) + at;
                T start = bias is null ? T.Zero : bias[r] * BiasScale;
                if (Beta == T.Zero)
                {
                    new Span<T>(to, (int)run).Fill(start);
                }
                else if (Beta != T.One || bias is not null)
                {
                    for (long i = 0; i < run; i++)
                    {
                        to[i] = (to[i] * Beta) + start;
                    }
                }
            }

            done += run;
        }
    }

    public readonly T* InPlace(long row, long column, int columns, out nint rowStride)
    {
        rowStride = (nint)Plane;
        long image = column / Plane, at = column - (image * Plane);
        return at + columns <= Plane ? current + (image * ImageStride) + (row * Plane) + at : null;
    }

    public readonly void Scatter(T* tile, nint stride, long row, int rows, long column, int columns, bool accumulate)
    {
        for (int done = 0; done < columns;)
        {
            long image = (column + done) / Plane, at = (column + done) % Plane;
            int run = (int)Math.Min(columns - done, Plane - at);
            DenseResult<T>.ScatterRows(tile + done, stride, current + (image * ImageStride) + (row * Plane) + at, (nint)Plane, rows, run, accumulate);
            done += run;
        }
    }
}

/// <summary>One residue class of the positions of a plane: class position j of axis a is element <c>Residue[a] + Stride[a]*j</c>.</summary>
internal unsafe struct ClassResult<T> : IResult<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public T* Origin;
    public long ProblemStride;
    public long GroupStride;
    public long ImageStride;
    public long Plane;
    public long Groups;
    public T Beta;
    public int Rank;
    public fixed int Positions[8];
    public fixed int Residue[8];
    public fixed int Stride[8];
    public fixed int Extent[8];

    private T* current;

    public void Select(long product) => current = Origin + (product / Groups * ProblemStride) + (product % Groups * GroupStride);

    public readonly void Begin(long row, long rows, long column, long columns)
    {
        if (Beta == T.One)
        {
            return;
        }

        int step = Stride[Rank - 1];
        for (long done = 0; done < columns;)
        {
            long run = Run(column + done, columns - done, out long at);
            for (long r = row; r < row + rows; r++)
            {
                T* to = current + (r * Plane) + at;
                for (long i = 0; i < run; i++, to += step)
                {
                    *to *= Beta;
                }
            }

            done += run;
        }
    }

    public readonly T* InPlace(long row, long column, int columns, out nint rowStride)
    {
        rowStride = 0;
        return null;
    }

    public readonly void Scatter(T* tile, nint stride, long row, int rows, long column, int columns, bool accumulate)
    {
        int step = Stride[Rank - 1];
        for (int done = 0; done < columns;)
        {
            int run = (int)Run(column + done, columns - done, out long at);
            for (int r = 0; r < rows; r++)
            {
                T* to = current + ((row + r) * Plane) + at;
                T* from = tile + (r * stride) + done;
                for (int i = 0; i < run; i++, to += step)
                {
                    *to = accumulate ? *to + from[i] : from[i];
                }
            }

            done += run;
        }
    }

    /// <summary>Offset of a column's element and how many columns from it on lie in the same row of the plane.</summary>
    private readonly long Run(long column, long columns, out long offset)
    {
        int last = Rank - 1;
        long j = column % Positions[last], rest = column / Positions[last], run = Math.Min(columns, Positions[last] - j), stride = Extent[last];
        offset = Residue[last] + (Stride[last] * j);
        for (int a = last - 1; a >= 0; a--)
        {
            offset += (Residue[a] + (Stride[a] * (rest % Positions[a]))) * stride;
            rest /= Positions[a];
            stride *= Extent[a];
        }

        offset += rest * ImageStride;
        return run;
    }
}
