using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>Where an operand of a composition lies: among the layers, or among the results of compositions.</summary>
/// <remarks>Composing three taps with three takes a few nanoseconds, so places are found without a branch.</remarks>
internal readonly struct LaneSlot
{
    private readonly nint offset;
    private readonly nint ofProducts;

    /// <param name="isLayer">Whether it is among the layers.</param>
    /// <param name="at">Bytes from the first of them.</param>
    public LaneSlot(bool isLayer, nint at) => (offset, ofProducts) = (at, isLayer ? 0 : -1);

    public unsafe T* Of<T>(T* layers, T* products)
        where T : unmanaged => (T*)((byte*)layers + offset + (((byte*)products - (byte*)layers) & ofProducts));
}

/// <summary>One composition of two filters, a network a lane, and its adjoints: rows of the last axis go through the kernels.</summary>
internal sealed unsafe class LaneJoin<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int inputs;
    private readonly int inner;
    private readonly int outputs;
    private readonly int length;
    private readonly int taps;
    private readonly int stride;
    private readonly int extent;
    private readonly int firstRows;
    private readonly int secondRows;
    private readonly int resultRows;

    /// <summary>Row of the result for each row of the second filter and each of the first.</summary>
    private readonly int[] rows;

    public LaneJoin(FilterCompositionDescriptor join, LaneSlot first, LaneSlot second, LaneSlot result)
    {
        (First, Second, Result) = (first, second, result);
        (inputs, inner, outputs) = ((int)join.InChannels, (int)join.InnerChannels, (int)join.OutChannels);
        (length, taps, stride, extent) = ((int)Last(join.First), (int)Last(join.Second), (int)Last(join.Stride), (int)Last(join.Composed));
        firstRows = (int)(join.First.ElementCount / length);
        secondRows = (int)(join.Second.ElementCount / taps);
        resultRows = (int)(join.Composed.ElementCount / extent);
        rows = new int[firstRows * secondRows];
        for (int at = 0; at < rows.Length; at++)
        {
            long a = at % firstRows, b = at / firstRows, size = 1;
            for (int axis = join.First.Rank - 2; axis >= 0; axis--)
            {
                rows[at] += (int)(((a % join.First[axis]) + (join.Stride[axis] * (b % join.Second[axis]))) * size);
                (a, b, size) = (a / join.First[axis], b / join.Second[axis], size * join.Composed[axis]);
            }
        }
    }

    public LaneSlot First { get; }

    public LaneSlot Second { get; }

    public LaneSlot Result { get; }

    private bool IsMatrix => length == 1 && taps == 1 && rows.Length == 1;

    /// <summary>A product of two rows that the kernels take whole.</summary>
    private bool IsRow => inner == 1 && rows.Length == 1 && taps <= CpuKernels<T>.ComposedTaps;

    /// <summary>Multiply-adds, stores and calls: what a composition of vectors waits for.</summary>
    public static long Cost(FilterCompositionDescriptor join)
    {
        long a = Last(join.First), b = Last(join.Second), passes = (b + CpuKernels<T>.ComposedTaps - 1) / CpuKernels<T>.ComposedTaps;
        long stored = (passes * a) + (Last(join.Stride) * (b - passes));
        return join.InChannels * join.InnerChannels * join.OutChannels * (join.First.ElementCount / a) * (join.Second.ElementCount / b) * ((a * b) + (2 * stored) + (16 * passes));
    }

    /// <summary><c>r = b(x^s) a</c>, or added to r.</summary>
    public void Compose(CpuKernels<T> kernels, T* a, T* b, T* r, bool accumulate)
    {
        int width = kernels.Width;
        if (IsMatrix)
        {
            kernels.MultiplyLanes(outputs, inputs, inner, b, (nint)inner * width, width, a, (nint)inputs * width, width, r, accumulate);
            return;
        }

        if (IsRow)
        {
            for (int m = 0; m < outputs; m++)
            {
                for (int c = 0; c < inputs; c++)
                {
                    kernels.ComposeRow(a + (c * length * width), length, b + (m * taps * width), taps, stride, r + (((m * inputs) + c) * extent * width), accumulate);
                }
            }

            return;
        }

        if (!accumulate)
        {
            CpuKernels<T>.NativeClear(r, (long)outputs * inputs * resultRows * extent * width);
        }

        for (int m = 0; m < outputs; m++)
        {
            for (int c = 0; c < inputs; c++)
            {
                for (int n = 0; n < inner; n++)
                {
                    for (int at = 0; at < rows.Length; at++)
                    {
                        T* from = a + (((((n * inputs) + c) * firstRows) + (at % firstRows)) * length * width);
                        T* with = b + (((((m * inner) + n) * secondRows) + (at / firstRows)) * taps * width);
                        T* to = r + (((((m * inputs) + c) * resultRows) + rows[at]) * extent * width);
                        for (int t = 0; t < taps; t += CpuKernels<T>.ComposedTaps)
                        {
                            kernels.ComposeRow(from, length, with + (t * width), Math.Min(CpuKernels<T>.ComposedTaps, taps - t), stride, to + (t * stride * width), true);
                        }
                    }
                }
            }
        }
    }

    /// <summary>Gradients of <c>&lt;g, r&gt;</c> with respect to a and b.</summary>
    public void Adjoint(CpuKernels<T> kernels, T* a, T* b, T* g, T* da, T* db)
    {
        int width = kernels.Width;
        if (IsMatrix)
        {
            kernels.MultiplyLanes(inner, inputs, outputs, b, width, (nint)inner * width, g, (nint)inputs * width, width, da, false);
            kernels.MultiplyLanes(outputs, inner, inputs, g, (nint)inputs * width, width, a, width, (nint)inputs * width, db, false);
            return;
        }

        bool alone = IsRow && inputs == 1 && outputs == 1;
        if (!alone)
        {
            CpuKernels<T>.NativeClear(da, (long)inner * inputs * firstRows * length * width);
            CpuKernels<T>.NativeClear(db, (long)outputs * inner * secondRows * taps * width);
        }

        for (int m = 0; m < outputs; m++)
        {
            for (int c = 0; c < inputs; c++)
            {
                for (int n = 0; n < inner; n++)
                {
                    for (int at = 0; at < rows.Length; at++)
                    {
                        nint first = ((((n * inputs) + c) * firstRows) + (at % firstRows)) * length * width;
                        nint second = ((((m * inner) + n) * secondRows) + (at / firstRows)) * taps * width;
                        T* from = g + (((((m * inputs) + c) * resultRows) + rows[at]) * extent * width);
                        for (int t = 0; t < taps; t += CpuKernels<T>.ComposedTaps)
                        {
                            int few = Math.Min(CpuKernels<T>.ComposedTaps, taps - t);
                            kernels.CorrelateRow(from + (t * stride * width), b + second + (t * width), few, stride, da + first, length, !alone);
                            kernels.CorrelateTaps(from + (t * stride * width), a + first, length, stride, db + second + (t * width), few, !alone);
                        }
                    }
                }
            }
        }
    }

    private static long Last(Shape axes) => axes.Rank == 0 ? 1 : axes[^1];
}
