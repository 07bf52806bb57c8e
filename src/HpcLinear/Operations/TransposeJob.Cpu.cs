using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>Transposes matrices of one shape that follow each other, a piece of a matrix an item: <c>Target[p, c, r] = Source[p, r, c]</c>.</summary>
internal unsafe struct TransposeJob<T> : ITeamJob
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const long ColumnsEach = 64;

    public T* Source;
    public T* Target;
    public int Rows;
    public long Columns;

    /// <summary>Items of work a matrix.</summary>
    public readonly long Parts => (Columns + ColumnsEach - 1) / ColumnsEach;

    public readonly void Execute(int index, int worker)
    {
        long matrix = index / Parts * Rows * Columns, column = index % Parts * ColumnsEach;
        DenseOperand<T>.PackStrided(Target + matrix + (column * Rows), Rows, Source + matrix + column, (nint)Columns, 1, Rows, (int)Math.Min(ColumnsEach, Columns - column));
    }
}
