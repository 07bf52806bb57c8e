using System.Runtime.CompilerServices;

namespace HpcLinear.Cpu;

/// <summary>
/// Which element of a D-dimensional plane a (position, tap) pair reads, axis by axis, as tables: any stride, dilation, boundary and direction
/// of a convolution is one of these. Owned by a plan, read by kernels.
/// </summary>
internal sealed unsafe class GatherMap : IDisposable
{
    /// <summary>Positions of a merged axis: its table takes 4 MiB at most.</summary>
    private const int MaxMerged = 1 << 20;

    private readonly NativeBlock block;

    /// <summary>Builds a map.</summary>
    /// <param name="target">Names the device in errors.</param>
    /// <param name="tables">For each axis, entry <c>position * taps + tap</c>: the element read, or -1 for a zero.</param>
    /// <param name="positions">Positions of each axis.</param>
    /// <param name="taps">Taps of each axis.</param>
    /// <param name="inputs">Extent of the plane along each axis.</param>
    /// <param name="step">Elements between what neighbouring positions of the last axis read, away from the rims.</param>
    public GatherMap(Target target, int[][] tables, int[] positions, int[] taps, int[] inputs, int step)
    {
        Merge(ref tables, ref positions, ref taps, ref inputs);
        int rank = tables.Length, last = rank - 1;
        long ints = tables.Sum(t => (long)t.Length) + (2L * taps[last]);
        block = new(target, sizeof(Fields) + (ints * sizeof(int)));
        Map = (Fields*)block.Pointer;
        int* at = (int*)(block.Pointer + sizeof(Fields));
        Fields* f = Map;
        f->Rank = rank;
        f->Step = step;
        f->PositionCount = 1;
        f->PlaneCount = 1;
        f->TapCount = 1;
        f->OuterTaps = 1;
        for (int a = 0; a < rank; a++)
        {
            f->Positions[a] = positions[a];
            f->Taps[a] = taps[a];
            f->Inputs[a] = inputs[a];
            f->Tables[a] = (nint)at;
            tables[a].CopyTo(new Span<int>(at, tables[a].Length));
            at += tables[a].Length;
            f->PositionCount *= positions[a];
            f->PlaneCount *= inputs[a];
            f->TapCount *= taps[a];
            f->OuterTaps *= a < last ? taps[a] : 1;
            HasPadding |= tables[a].AsSpan().Contains(-1);
        }

        f->InteriorFrom = at;
        f->InteriorTo = at + taps[last];
        for (int t = 0; t < taps[last]; t++)
        {
            LongestRun(tables[last], positions[last], taps[last], t, step, out f->InteriorFrom[t], out f->InteriorTo[t]);
        }
    }

    /// <summary>The tables, as kernels read them.</summary>
    public Fields* Map { get; }

    /// <summary>Whether some pair reads a zero outside of the plane.</summary>
    public bool HasPadding { get; }

    public void Dispose() => block.Dispose();

    /// <summary>Last axes that are read straight through become one: its rows are longer.</summary>
    private static void Merge(ref int[][] tables, ref int[] positions, ref int[] taps, ref int[] inputs)
    {
        while (tables.Length > 1 && IsIdentity(tables[^1], inputs[^1], taps[^1]) && IsIdentity(tables[^2], inputs[^2], taps[^2]) && (long)inputs[^1] * inputs[^2] <= MaxMerged)
        {
            int[] together = [.. Enumerable.Range(0, inputs[^1] * inputs[^2])];
            tables = [.. tables[..^2], together];
            positions = [.. positions[..^2], together.Length];
            taps = taps[..^1];
            inputs = [.. inputs[..^2], together.Length];
        }

        static bool IsIdentity(int[] table, int extent, int taps)
        {
            if (taps != 1 || table.Length != extent)
            {
                return false;
            }

            for (int i = 0; i < extent; i++)
            {
                if (table[i] != i)
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>The longest run of positions that tap t reads at a constant step: what may be copied without looking at the table.</summary>
    private static void LongestRun(int[] table, int positions, int taps, int t, int step, out int from, out int to)
    {
        from = to = 0;
        for (int start = 0; start < positions;)
        {
            int end = start + 1;
            if (table[(start * taps) + t] >= 0)
            {
                while (end < positions && table[(end * taps) + t] == table[((end - 1) * taps) + t] + step)
                {
                    end++;
                }

                if (end - start > to - from)
                {
                    from = start;
                    to = end;
                }
            }

            start = end;
        }
    }

    /// <summary>The map in native memory.</summary>
    internal struct Fields
    {
        public int Rank;
        public int Step;
        public int TapCount;

        /// <summary>Taps of all axes but the last.</summary>
        public int OuterTaps;
        public long PositionCount;
        public long PlaneCount;
        public fixed int Positions[8];
        public fixed int Taps[8];
        public fixed int Inputs[8];
        public fixed long Tables[8];
        public int* InteriorFrom;
        public int* InteriorTo;

        /// <summary>
        /// For one position of all axes but the last: the row that each outer tap reads (row-major over all axes but the last), -1 where it is padding.
        /// </summary>
        public readonly void OuterRows(long outerPosition, int* rows)
        {
            int* digits = stackalloc int[8];
            for (int a = Rank - 2; a >= 0; a--)
            {
                digits[a] = (int)(outerPosition % Positions[a]);
                outerPosition /= Positions[a];
            }

            rows[0] = 0;
            int count = 1;
            for (int a = 0; a < Rank - 1; a++)
            {
                // Expanded in place, from the end.
                int taps = Taps[a], extent = Inputs[a];
                int* sources = (int*)Tables[a] + (digits[a] * (long)taps);
                for (int q = count - 1; q >= 0; q--)
                {
                    int row = rows[q];
                    for (int t = taps - 1; t >= 0; t--)
                    {
                        rows[(q * taps) + t] = row < 0 || sources[t] < 0 ? -1 : (row * extent) + sources[t];
                    }
                }

                count *= taps;
            }
        }

        /// <summary>The table of the last axis.</summary>
        public readonly int* LastTable
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => (int*)Tables[Rank - 1];
        }
    }
}
