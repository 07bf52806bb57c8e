using HpcLinear.Data;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>Validation alone: for every row of problems its error code, or output sizes and resolved paddings.</summary>
/// <remarks>A row of <c>problems</c> is d, batch, C, M, groups, kernel channels, then A entries each of input, kernel, stride, dilation, low and high padding
/// (A = 4, the first d count), then the geometry's and the fill's place in the lists of the parameters. A row of <c>result</c> is the code, then A entries each
/// of output sizes, low and high paddings.</remarks>
internal sealed class ConvolutionShapeOperation : IHostOperation
{
    private const int Leading = 6, PerAxis = 6, Trailing = 2;

    public string Name => "conv.shape";

    public GoldenArray? Compute(GoldenCase golden, string output)
    {
        if (output != "result")
        {
            return null;
        }

        NpyArray problems = golden.Input("problems");
        int columns = problems.Shape.Rank == 2 ? (int)problems.Shape[1] : 0;
        int axes = (columns - Leading - Trailing) / PerAxis;
        if (axes < 1 || columns != Leading + (PerAxis * axes) + Trailing)
        {
            throw new DataFormatException(golden.Name, $"problems of shape {problems.Shape}", $"rows of {Leading} + {PerAxis} axes + {Trailing} numbers");
        }

        long[] rows = problems.ToInt64s();
        int width = 1 + (3 * axes), count = (int)problems.Shape[0];
        long[] result = new long[count * width];
        for (int row = 0; row < count; row++)
        {
            Describe(golden, rows.AsSpan(row * columns, columns), axes, result.AsSpan(row * width, width));
        }

        return GoldenArray.OfIntegers([count, width], result);
    }

    private static void Describe(GoldenCase golden, ReadOnlySpan<long> row, int axes, Span<long> result)
    {
        int d = (int)Math.Clamp(row[0], 0, axes);
        ConvolutionDescriptor problem = new()
        {
            Batch = row[1],
            InChannels = row[2],
            OutChannels = row[3],
            Groups = row[4],
            FilterChannels = row[5],
            Input = Axis(row, 0),
            Filter = Axis(row, 1),
            Stride = Axis(row, 2),
            Dilation = Axis(row, 3),
            PaddingLow = Axis(row, 4),
            PaddingHigh = Axis(row, 5),
            Geometry = Pick(golden, "geometry", row[^2], ConvolutionSettings.Geometries),
            Boundary = Pick(golden, "fill", row[^1], ConvolutionSettings.Boundaries),
        };
        try
        {
            problem.Validate();
            problem.Output.AsSpan().CopyTo(result[1..]);
            problem.ResolvedLow.AsSpan().CopyTo(result[(1 + axes)..]);
            problem.ResolvedHigh.AsSpan().CopyTo(result[(1 + (2 * axes))..]);
        }
        catch (ProblemException refused)
        {
            result.Clear();
            result[0] = (long)refused.Code;
        }

        Shape Axis(ReadOnlySpan<long> r, int field) => Shape.Create(r.Slice(Leading + (field * axes), d));
    }

    private static TValue Pick<TValue>(GoldenCase golden, string list, long place, (string Word, TValue Value)[] known)
    {
        IReadOnlyList<string> words = golden.Parameters.Words(list);
        int at = place >= 0 && place < words.Count ? Array.FindIndex(known, k => k.Word == words[(int)place]) : -1;
        return at >= 0 ? known[at].Value : throw new DataFormatException(golden.Name, $"{list} {place}", $"a place in [{string.Join(", ", words)}]");
    }
}
