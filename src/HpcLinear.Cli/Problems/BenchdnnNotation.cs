using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Problems;

/// <summary>
/// oneDNN's benchdnn notation of convolutions, extended by independent problems and a fourth axis:
/// <c>[p&lt;P&gt;[sx|sw]_][g&lt;G&gt;]mb&lt;B&gt;ic&lt;C&gt;_i{t,d,h,w}…_oc&lt;M&gt;_o…_k…[_s…][_d…][_p…][_n"name"]</c>.
/// </summary>
/// <remarks>The number of axes is that of the slowest letter given; a value missing on a faster axis is that of the next slower one; on the slowest,
/// stride 1, dilation 0 (which means dense) and padding 0 are assumed. Padding is the leading one; the trailing one follows from the output size,
/// and equals the leading one where no output size is given. <c>sx</c> and <c>sw</c> share the input or the filter among the problems.</remarks>
internal static partial class BenchdnnNotation
{
    private const string Axes = "tdhw";

    public static bool IsLike(string text) => Likeness().IsMatch(text);

    public static ConvolutionProblem Parse(string text)
    {
        Dictionary<string, long> values = [];
        string name = text, sharing = "";
        int at = 0;
        if (Problems().Match(text) is { Success: true } problems)
        {
            values["P"] = Number(problems.Groups[1].Value, text);
            sharing = problems.Groups[2].Value;
            at = problems.Length;
        }

        while (at < text.Length)
        {
            Match field = Field().Match(text, at);
            if (!field.Success)
            {
                throw new ProblemException(ProblemError.Syntax, $"conv: '{text[at..]}' is not understood in '{text}'");
            }

            at += field.Length;
            if (field.Groups[3].Success)
            {
                name = field.Groups[3].Value.Length > 0 ? field.Groups[3].Value : text;
            }
            else if (!values.TryAdd(field.Groups[1].Value, Number(field.Groups[2].Value, text)))
            {
                throw new ProblemException(ProblemError.Syntax, $"conv: '{field.Groups[1].Value}' is given twice in '{text}'");
            }
        }

        return new(name, Describe(values, sharing, text));
    }

    /// <summary>The problem in this notation; null when it cannot say it (more than four axes, another boundary, a reversed filter).</summary>
    public static string? Format(ConvolutionDescriptor descriptor, string? name = null)
    {
        ConvolutionDescriptor d = descriptor;
        if (d.SpatialRank > Axes.Length || d.Boundary != Boundary.Zero || d.TrueConvolution || d.ResolvedLow.Any(p => p < 0))
        {
            return null;
        }

        string axes = Axes[^d.SpatialRank..];
        StringBuilder text = new();
        text.Append(d.Problems is { } p ? $"p{p}{(d.SharedInput ? "sx" : d.SharedFilter ? "sw" : "")}_" : "");
        text.Append(d.Groups == 1 ? "" : $"g{d.Groups}").Append(CultureInfo.InvariantCulture, $"mb{d.Batch}ic{d.InChannels}");
        Add('i', d.Input);
        text.Append(CultureInfo.InvariantCulture, $"_oc{d.OutChannels}");
        Add('o', d.Output);
        Add('k', d.Filter);
        AddUnless('s', d.Stride, 1);
        AddUnless('d', Shape.Create([.. d.Dilation.Select(x => x - 1)]), 0);
        AddUnless('p', d.ResolvedLow, 0);
        return text.Append(name is null ? "" : $"_n\"{name}\"").ToString();

        void AddUnless(char field, Shape extents, long usual)
        {
            if (extents.Any(e => e != usual))
            {
                Add(field, extents);
            }
        }

        void Add(char field, Shape extents)
        {
            text.Append('_');
            for (int axis = 0; axis < extents.Rank; axis++)
            {
                text.Append(CultureInfo.InvariantCulture, $"{field}{axes[axis]}{extents[axis]}");
            }
        }
    }

    private static ConvolutionDescriptor Describe(Dictionary<string, long> values, string sharing, string text)
    {
        int rank = Axes.Length - Axes.TakeWhile(a => !values.ContainsKey($"i{a}")).Count();
        if (rank == 0)
        {
            throw Missing("iw", text);
        }

        int slowest = Axes.Length - rank;
        if (values.Keys.FirstOrDefault(k => k.Length == 2 && "ioksdp".Contains(k[0], StringComparison.Ordinal) && Axes.IndexOf(k[1], StringComparison.Ordinal) is >= 0 and int a && a < slowest) is { } beyond)
        {
            throw new ProblemException(ProblemError.Syntax, $"conv: '{beyond}' in '{text}' is an axis that the input does not have");
        }

        Shape input = Promoted('i', null)!, filter = Promoted('k', null) ?? throw Missing("k" + Axes[slowest], text);
        Shape stride = Promoted('s', 1)!, low = Promoted('p', 0)!;
        Shape dilation = Shape.Create([.. Promoted('d', 0)!.Select(d => d + 1)]);
        ConvolutionDescriptor conv = new()
        {
            Problems = values.TryGetValue("P", out long p) ? p : null,
            SharedInput = sharing == "sx",
            SharedFilter = sharing == "sw",
            Groups = values.GetValueOrDefault("g", 1),
            Batch = Required("mb"),
            InChannels = Required("ic"),
            OutChannels = Required("oc"),
            Input = input,
            Filter = filter,
            Stride = stride,
            Dilation = dilation,
        };
        Shape high = Promoted('o', null) is { } output ? Trailing(output) : low;
        conv = low.Concat(high).All(pad => pad == 0) ? conv : conv with { PaddingLow = low, PaddingHigh = high };
        conv.Validate();
        return conv;

        long Required(string key) => values.TryGetValue(key, out long value) ? value : throw Missing(key, text);

        // One value an axis: its own, else that of the next slower axis; null when the field is not given at all and has no usual value.
        Shape? Promoted(char field, long? usual)
        {
            long[] extents = new long[rank];
            long? last = usual;
            for (int axis = 0; axis < rank; axis++)
            {
                last = values.TryGetValue($"{field}{Axes[slowest + axis]}", out long own) ? own : last;
                if (last is null)
                {
                    return axis == 0 && !Enumerable.Range(slowest, rank).Any(a => values.ContainsKey($"{field}{Axes[a]}")) ? null : throw Missing($"{field}{Axes[slowest + axis]}", text);
                }

                extents[axis] = last.Value;
            }

            return Shape.Create(extents);
        }

        // (o - 1) s + e = i + low + high, as benchdnn resolves it.
        Shape Trailing(Shape output)
        {
            long[] pads = new long[rank];
            for (int axis = 0; axis < rank; axis++)
            {
                if (output[axis] < 1)
                {
                    throw new ProblemException(ProblemError.Size, $"conv: output {output} in '{text}': positive sizes expected");
                }

                pads[axis] = ((output[axis] - 1) * stride[axis]) + (dilation[axis] * (filter[axis] - 1)) + 1 - input[axis] - low[axis];
            }

            return Shape.Create(pads);
        }
    }

    private static long Number(string digits, string text) => long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= int.MaxValue
        ? number
        : throw new ProblemException(ProblemError.Overflow, $"conv: '{digits}' in '{text}' is too large");

    private static ProblemException Missing(string key, string text) => new(ProblemError.Syntax, $"conv: '{key}' is missing in '{text}'");

    [GeneratedRegex("""^(p\d+(sx|sw)?_)?(g\d+)?(mb\d+)?(g\d+)?ic\d+""")]
    private static partial Regex Likeness();

    [GeneratedRegex("""^p(\d+)(sx|sw)?_""")]
    private static partial Regex Problems();

    [GeneratedRegex("""\G_?(?:(mb|ic|oc|g|[ioksdp][tdhw])(\d+)|n"([^"]*)")""")]
    private static partial Regex Field();
}
