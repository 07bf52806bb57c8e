namespace HpcLinear.Operations;

/// <summary>
/// One axis of a direct convolution: position j of residue class c of the result reads, through its i-th tap, coordinate <c>Step*j + First[c][i]</c> of the source.
/// </summary>
/// <remarks>The forward direction has one class and the convolution's stride as its step; the gradient of the input has as many classes as the stride, and steps of 1.</remarks>
internal sealed class WindowAxis
{
    public required int Step { get; init; }

    /// <summary>Positions of each class: class c's position j is element <c>c + Classes*j</c> of the result.</summary>
    public required int[] Positions
    {
        get;
        init
        {
            field = value;
            Most = value.Max();
        }
    }

    /// <summary>The filter's taps that reach a class.</summary>
    public required int[][] Taps { get; init; }

    /// <summary>What position 0 of a class reads through each of these.</summary>
    public required int[][] First { get; init; }

    /// <summary>Taps of the filter.</summary>
    public required int Filter { get; init; }

    /// <summary>Extent of the source.</summary>
    public required int Source { get; init; }

    /// <summary>Extent of the result.</summary>
    public required int Result { get; init; }

    /// <summary>The source element behind a coordinate; -1 for zero.</summary>
    public required Func<int, int> Resolve { get; init; }

    public int Classes => Positions.Length;

    /// <summary>Positions of the class that has most.</summary>
    public int Most { get; private init; }

    /// <summary>The lowest coordinate that position 0 reads, how many positions a tap reaches beyond the last one, and the residues of the step that occur.</summary>
    public (int Lowest, int Beyond, int[] Residues) Reach()
    {
        int[] all = [.. First.SelectMany(f => f)];
        if (all.Length == 0)
        {
            return (0, 0, [0]);
        }

        int lowest = all.Min();
        return (lowest, all.Max(f => (f - lowest) / Step), [.. all.Select(f => (f - lowest) % Step).Distinct().Order()]);
    }

    /// <summary>Output from input.</summary>
    public static WindowAxis Forward(ConvolutionAxis a)
    {
        int[] taps = [.. Enumerable.Range(0, a.Filter)];
        return new()
        {
            Step = a.Stride,
            Positions = [a.Output],
            Taps = [taps],
            First = [[.. taps.Select(i => Offset(a, i) - a.Low)]],
            Filter = a.Filter,
            Source = a.Input,
            Result = a.Output,
            Resolve = a.Map,
        };
    }

    /// <summary>Gradient of the input, or of the padded input, from the gradient of the output.</summary>
    public static WindowAxis Gradient(ConvolutionAxis a, bool padded)
    {
        int extent = padded ? a.Padded : a.Input, low = padded ? 0 : a.Low, classes = Math.Min(a.Stride, extent);
        int[][] taps = [.. Enumerable.Range(0, classes).Select(r => Enumerable.Range(0, a.Filter).Where(i => (r + low - Offset(a, i)) % a.Stride == 0).ToArray())];
        return new()
        {
            Step = 1,
            Positions = [.. Enumerable.Range(0, classes).Select(r => (extent - r + a.Stride - 1) / a.Stride)],
            Taps = taps,
            First = [.. taps.Select((used, r) => used.Select(i => (r + low - Offset(a, i)) / a.Stride).ToArray())],
            Filter = a.Filter,
            Source = a.Output,
            Result = extent,
            Resolve = o => o >= 0 && o < a.Output ? o : -1,
        };
    }

    private static int Offset(ConvolutionAxis a, int i) => a.Dilation * (a.Reversed ? a.Filter - 1 - i : i);
}
