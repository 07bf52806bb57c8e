namespace HpcLinear.Operations;

/// <summary>One spatial axis of a convolution with its padding resolved: the only place that says which input element a tap reads.</summary>
internal readonly record struct ConvolutionAxis(int Input, int Filter, int Stride, int Dilation, int Low, int High, int Output, Boundary Boundary, bool Reversed)
{
    /// <summary>Extent of the dilated filter.</summary>
    public int Extent => (Dilation * (Filter - 1)) + 1;

    /// <summary>Extent of the padded input.</summary>
    public int Padded => Input + Low + High;

    /// <summary>Input element that output <paramref name="o"/> reads through tap <paramref name="i"/>; -1 for a zero outside.</summary>
    public int Source(int o, int i) => Map((Stride * o) + (Dilation * (Reversed ? Filter - 1 - i : i)) - Low);

    /// <summary>Input element behind position <paramref name="p"/> of the padded axis counted from the input's first element; -1 for zero.</summary>
    public int Map(int p)
    {
        if ((uint)p < (uint)Input)
        {
            return p;
        }

        switch (Boundary)
        {
            case Boundary.Circular:
                int r = p % Input;
                return r < 0 ? r + Input : r;
            case Boundary.Reflect:
                return p < 0 ? -p : (2 * (Input - 1)) - p;
            case Boundary.Replicate:
                return p < 0 ? 0 : Input - 1;
            default:
                return -1;
        }
    }

    /// <summary>All sources: entry <c>o * Filter + i</c> is <see cref="Source"/>.</summary>
    public int[] SourceTable()
    {
        int[] table = new int[Output * Filter];
        for (int o = 0, at = 0; o < Output; o++)
        {
            for (int i = 0; i < Filter; i++)
            {
                table[at++] = Source(o, i);
            }
        }

        return table;
    }
}
