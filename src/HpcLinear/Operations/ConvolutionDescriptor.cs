using System.Text;

namespace HpcLinear.Operations;

/// <summary>
/// A batched, strided convolution with D = 1 … 8 spatial axes, or many independent ones:
/// <c>y[b,m,o] = bias[m] + sum over c, i of w[m,c,i] x[b, group(m) + c, stride·o + dilation·i - low]</c>.
/// </summary>
/// <remarks>Row-major, last axis contiguous. Cross-correlation unless <see cref="TrueConvolution"/>. With <see cref="Problems"/> set, every operand
/// has a leading axis of independent problems; a shared operand has 1 there and its gradient is the sum over problems. Source: docs/operations/convolution.md.</remarks>
public sealed record ConvolutionDescriptor
{
    /// <summary>The largest number of spatial axes.</summary>
    public const int MaxSpatialRank = 8;

    private readonly Shape? stride;
    private readonly Shape? dilation;
    private readonly Shape? low;
    private readonly Shape? high;
    private readonly Geometry? geometry;
    private readonly long? filterChannels;

    /// <summary>Independent problems, each with its own filter and input; null for a single one without a leading axis.</summary>
    public long? Problems { get; init; }

    /// <summary>All problems read the same input (leading axis 1).</summary>
    public bool SharedInput { get; init; }

    /// <summary>All problems use the same filter and bias (leading axis 1).</summary>
    public bool SharedFilter { get; init; }

    /// <summary>Samples a problem; 0 is valid.</summary>
    public required long Batch { get; init; }

    /// <summary>Channels of the input.</summary>
    public required long InChannels { get; init; }

    /// <summary>Channels of the output.</summary>
    public required long OutChannels { get; init; }

    /// <summary>Groups: output channel m reads the input channels of group <c>floor(m / (outChannels / groups))</c>. Depthwise: groups = inChannels.</summary>
    public long Groups { get; init; } = 1;

    /// <summary>Spatial extents of the input; their number is D.</summary>
    public required Shape Input { get; init; }

    /// <summary>Spatial extents of the filter.</summary>
    public required Shape Filter { get; init; }

    /// <summary>Stride of each axis; 1 by default.</summary>
    public Shape Stride
    {
        get => stride ?? Shape.Uniform(Input.Rank, 1);
        init => stride = value;
    }

    /// <summary>Distance of neighbouring taps on each axis; 1 (dense) by default.</summary>
    public Shape Dilation
    {
        get => dilation ?? Shape.Uniform(Stride.Rank, 1);
        init => dilation = value;
    }

    /// <summary>How padding is found: <see cref="Geometry.Explicit"/> once a padding is given, otherwise <see cref="Geometry.Valid"/>.</summary>
    public Geometry Geometry
    {
        get => geometry ?? (low is null && high is null ? Geometry.Valid : Geometry.Explicit);
        init => geometry = value;
    }

    /// <summary>Padding before each axis; read only with <see cref="Geometry.Explicit"/>; negative crops (zero boundary only).</summary>
    public Shape PaddingLow
    {
        get => low ?? Shape.Uniform(Stride.Rank, 0);
        init => low = value;
    }

    /// <summary>Padding after each axis; read only with <see cref="Geometry.Explicit"/>; negative crops (zero boundary only).</summary>
    public Shape PaddingHigh
    {
        get => high ?? Shape.Uniform(Stride.Rank, 0);
        init => high = value;
    }

    /// <summary>Sets <see cref="PaddingLow"/> and <see cref="PaddingHigh"/> alike.</summary>
    public Shape Padding
    {
        init
        {
            low = value;
            high = value;
        }
    }

    /// <summary>What is read outside the input.</summary>
    public Boundary Boundary { get; init; }

    /// <summary>Reverses the filter on every axis: a convolution in the mathematical sense.</summary>
    public bool TrueConvolution { get; init; }

    /// <summary>Channels of the filter; always <c>inChannels / groups</c> in a valid problem.</summary>
    public long FilterChannels
    {
        get => filterChannels ?? (Groups > 0 ? InChannels / Groups : 0);
        init => filterChannels = value;
    }

    /// <summary>Number of spatial axes, D.</summary>
    public int SpatialRank => Stride.Rank;

    /// <summary>Spatial extents of the output.</summary>
    /// <exception cref="ProblemException">The problem is not valid.</exception>
    public Shape Output => Shape.Create([.. ResolveAxes().Select(a => (long)a.Output)]);

    /// <summary>Padding before each axis as used, for every geometry.</summary>
    public Shape ResolvedLow => Shape.Create([.. ResolveAxes().Select(a => (long)a.Low)]);

    /// <summary>Padding after each axis as used, for every geometry.</summary>
    public Shape ResolvedHigh => Shape.Create([.. ResolveAxes().Select(a => (long)a.High)]);

    /// <summary>Shape of x and its gradient, <c>[problems?, batch, inChannels, input…]</c>.</summary>
    public Shape InputShape => [.. Leading(SharedInput), Batch, InChannels, .. Input];

    /// <summary>Shape of w and its gradient, <c>[problems?, outChannels, inChannels / groups, filter…]</c>.</summary>
    public Shape FilterShape => [.. Leading(SharedFilter), OutChannels, FilterChannels, .. Filter];

    /// <summary>Shape of the bias and its gradient, <c>[problems?, outChannels]</c>.</summary>
    public Shape BiasShape => [.. Leading(SharedFilter), OutChannels];

    /// <summary>Shape of y and its gradient, <c>[problems?, batch, outChannels, output…]</c>.</summary>
    public Shape OutputShape => [.. Leading(false), Batch, OutChannels, .. Output];

    /// <summary>Floating-point operations of each of the three products: 2 a multiply-add, padding counted.</summary>
    public double Flops => 2.0 * ProblemCount * Batch * OutChannels * FilterChannels * Filter.ElementCount * Output.ElementCount;

    internal long ProblemCount => Problems ?? 1;

    /// <summary>Bytes of input, filter and output once, for an element of <paramref name="elementSize"/> bytes.</summary>
    public double Bytes(int elementSize) => (double)elementSize * (InputShape.ElementCount + FilterShape.ElementCount + OutputShape.ElementCount);

    /// <summary>Describes the convolution of an input with a filter from their shapes.</summary>
    /// <param name="input"><c>[problems?, batch, inChannels, input…]</c></param>
    /// <param name="filter"><c>[problems?, outChannels, inChannels / groups, filter…]</c></param>
    /// <param name="settings">Everything but sizes: stride, dilation, groups, geometry, boundary; its own sizes are ignored.</param>
    /// <param name="problems">Whether both shapes begin with an axis of problems; a leading 1 against more means shared.</param>
    /// <exception cref="ProblemException">The shapes do not fit; codes 1 to 14.</exception>
    public static ConvolutionDescriptor FromShapes(Shape input, Shape filter, ConvolutionDescriptor settings, bool problems = false)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentNullException.ThrowIfNull(settings);
        int d = settings.stride?.Rank ?? Math.Max(0, input.Rank - 2 - (problems ? 1 : 0));
        int lead = problems ? 1 : 0;
        if (input.Rank != d + 2 + lead || filter.Rank != d + 2 + lead)
        {
            throw RankError(input.Rank - lead, filter.Rank - lead, d);
        }

        if (problems && input[0] != filter[0] && input[0] != 1 && filter[0] != 1)
        {
            throw new ProblemException(ProblemError.ProblemCount, $"conv: problem counts {input[0]} and {filter[0]} must be equal or one of them 1");
        }

        ConvolutionDescriptor described = settings with
        {
            Problems = problems ? (input[0] == 1 ? filter[0] : input[0]) : null,
            SharedInput = problems && input[0] == 1 && filter[0] != 1,
            SharedFilter = problems && filter[0] == 1 && input[0] != 1,
            Batch = input[lead],
            InChannels = input[lead + 1],
            OutChannels = filter[lead],
            FilterChannels = filter[lead + 1],
            Input = input.Skip(lead + 2),
            Filter = filter.Skip(lead + 2),
            Stride = settings.stride ?? Shape.Uniform(d, 1),
        };
        described.Validate();
        return described;
    }

    /// <summary>
    /// Describes the forward convolution whose <see cref="ConvolutionPlan{T}.BackwardInput"/> is the transposed convolution of
    /// <paramref name="input"/> with <paramref name="filter"/> to the given spatial size.
    /// </summary>
    /// <param name="input">z, the operand of the transposed convolution: <c>[problems?, batch, outChannels, output…]</c> of the forward one.</param>
    /// <param name="filter"><c>[problems?, outChannels, inChannels / groups, filter…]</c></param>
    /// <param name="spatial">Spatial size of the result: one of the sizes whose forward output is that of <paramref name="input"/>.</param>
    /// <param name="settings">Everything but sizes; its own sizes are ignored.</param>
    /// <param name="problems">Whether both shapes begin with an axis of problems.</param>
    /// <exception cref="ProblemException">The size cannot be had (<see cref="ProblemError.OutputSize"/>), or the shapes do not fit.</exception>
    public static ConvolutionDescriptor ForTransposed(Shape input, Shape filter, Shape spatial, ConvolutionDescriptor settings, bool problems = false)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentNullException.ThrowIfNull(spatial);
        ArgumentNullException.ThrowIfNull(settings);
        int lead = problems ? 1 : 0;
        int d = settings.stride?.Rank ?? spatial.Rank;
        if (input.Rank != d + 2 + lead || filter.Rank != d + 2 + lead)
        {
            throw RankError(input.Rank - lead, filter.Rank - lead, d);
        }

        if (spatial.Rank != d)
        {
            throw new ProblemException(ProblemError.Rank, $"conv: the spatial size of a transposed convolution with {d} strides must have {d} axes, got {spatial}");
        }

        // Its result has an axis of problems as long as its input's: a single input of many filters would have to be repeated first.
        if (problems && input[0] == 1 && filter[0] != 1)
        {
            throw new ProblemException(ProblemError.ProblemCount, $"conv: the input of a transposed convolution cannot be shared among {filter[0]} problems");
        }

        Shape forwardInput = [.. input.AsSpan()[..(lead + 1)], filter[lead + 1] * settings.Groups, .. spatial];
        ConvolutionDescriptor forward = FromShapes(forwardInput, filter, settings, problems);
        if (input[lead + 1] != forward.OutChannels)
        {
            throw new ProblemException(ProblemError.Channels, $"conv: kernel has {forward.OutChannels} output channels, the transposed convolution's input has {input[lead + 1]}");
        }

        return input.Skip(lead + 2).Equals(forward.Output)
            ? forward
            : throw new ProblemException(ProblemError.OutputSize, $"conv: a transposed convolution of {input.Skip(lead + 2)} cannot have spatial size {spatial} (its forward gives {forward.Output})");
    }

    /// <summary>Reads a problem's text, e.g. <c>conv n64 c3 k16 i32x32 f5x5 s2x2 circular</c>; the form <see cref="ToString"/> writes.</summary>
    /// <remarks>Words: <c>p</c> problems, <c>sharedx</c>, <c>sharedw</c>, <c>n</c> batch, <c>c</c> input channels, <c>k</c> output channels, <c>g</c> groups,
    /// <c>i</c> input, <c>f</c> filter, <c>s</c> stride, <c>d</c> dilation, <c>pad</c> or <c>lo</c> and <c>hi</c>, <c>same_upper</c>, <c>same_lower</c>,
    /// <c>circular</c>, <c>reflect</c>, <c>replicate</c>, <c>true</c>.</remarks>
    /// <exception cref="ProblemException">The text cannot be read; the message names the word.</exception>
    public static ConvolutionDescriptor Parse(string text)
    {
        ProblemText words = new(text, "conv");
        Shape? pad = words.OptionalShape("pad");
        ConvolutionDescriptor d = new()
        {
            Problems = words.OptionalNumber("p"),
            SharedInput = words.Flag("sharedx"),
            SharedFilter = words.Flag("sharedw"),
            Batch = words.OptionalNumber("n") ?? 1,
            InChannels = words.Number("c"),
            OutChannels = words.Number("k"),
            Groups = words.OptionalNumber("g") ?? 1,
            Input = words.Shape("i"),
            Filter = words.Shape("f"),
            TrueConvolution = words.Flag("true"),
            Boundary = words.OneOf(Boundary.Zero, ("circular", Boundary.Circular), ("reflect", Boundary.Reflect), ("replicate", Boundary.Replicate)),
        };
        d = words.OptionalShape("s") is { } stride ? d with { Stride = stride } : d;
        d = words.OptionalShape("d") is { } dilation ? d with { Dilation = dilation } : d;
        d = (words.OptionalShape("lo") ?? pad) is { } low ? d with { PaddingLow = low } : d;
        d = (words.OptionalShape("hi") ?? pad) is { } high ? d with { PaddingHigh = high } : d;
        Geometry geometry = words.OneOf(d.Geometry, ("valid", Geometry.Valid), ("same_upper", Geometry.SameUpper), ("same_lower", Geometry.SameLower));
        words.Finish();
        if (d.Geometry == Geometry.Explicit && geometry != Geometry.Explicit)
        {
            throw new ProblemException(ProblemError.Syntax, $"conv: padding is given twice in '{text.Trim()}', in numbers and by name");
        }

        d = d with { Geometry = geometry };
        d.Validate();
        return d;
    }

    /// <summary>Checks the problem; the rules apply in the order of the table in docs/operations/convolution.md.</summary>
    /// <exception cref="ProblemException">The first rule that is broken.</exception>
    public void Validate()
    {
        ResolveAxes();
        try
        {
            _ = checked(InputShape.ElementCount + FilterShape.ElementCount + OutputShape.ElementCount);
        }
        catch (OverflowException)
        {
            throw new ProblemException(ProblemError.Overflow, $"conv: an operand has more than 2^63 - 1 elements ({ToProblemText()})");
        }
    }

    /// <summary>The problem as one line.</summary>
    public override string ToString() => ToProblemText();

    /// <summary>Whether both describe the same problem: a setting left out equals its default.</summary>
    public bool Equals(ConvolutionDescriptor? other) => other is not null && FilterChannels == other.FilterChannels && ToProblemText() == other.ToProblemText();

    /// <inheritdoc/>
    public override int GetHashCode() => ToProblemText().GetHashCode(StringComparison.Ordinal);

    /// <summary>Every axis with its padding resolved, after all checks.</summary>
    internal ConvolutionAxis[] ResolveAxes()
    {
        Check();
        CheckPadding();
        ConvolutionAxis[] axes = new ConvolutionAxis[SpatialRank];
        for (int a = 0; a < axes.Length; a++)
        {
            axes[a] = ResolveAxis(a);
        }

        return axes;
    }

    private static ProblemException RankError(int input, int filter, int d) =>
        new(ProblemError.Rank, d is >= 1 and <= MaxSpatialRank
            ? $"conv: input rank {input} and kernel rank {filter} must both be {d + 2} for {d} strides"
            : $"conv: 1 to {MaxSpatialRank} spatial axes expected, got {d}");

    private void Check()
    {
        Throw.IfUndefined("conv", Boundary);
        Throw.IfUndefined("conv", Geometry);
        int d = SpatialRank;
        if (Input.Rank != d || Filter.Rank != d || d < 1 || d > MaxSpatialRank)
        {
            throw RankError(Input.Rank + 2, Filter.Rank + 2, d);
        }

        if (Dilation.Rank != d || PaddingLow.Rank != d || PaddingHigh.Rank != d)
        {
            throw new ProblemException(ProblemError.Rank, $"conv: {d} dilations and paddings expected, got dilation {Dilation} padding {PaddingLow},{PaddingHigh}");
        }

        if (Batch < 0 || ProblemCount < 0 || InChannels <= 0 || OutChannels <= 0 || FilterChannels < 0 || Input.Any(x => x <= 0) || Filter.Any(k => k <= 0) || (filterChannels is <= 0))
        {
            throw new ProblemException(ProblemError.Size, $"conv: every size except the batch must be positive, got input {InputShape} kernel {FilterShape}");
        }

        if (Stride.Any(s => s <= 0))
        {
            throw new ProblemException(ProblemError.Stride, $"conv: stride must be positive, got {Stride}");
        }

        if (Dilation.Any(s => s <= 0))
        {
            throw new ProblemException(ProblemError.Dilation, $"conv: dilation must be positive (1 = dense), got {Dilation}");
        }

        if (Groups <= 0 || InChannels % Groups != 0 || OutChannels % Groups != 0)
        {
            throw new ProblemException(ProblemError.Groups, $"conv: groups {Groups} must divide {InChannels} input and {OutChannels} output channels");
        }

        if (FilterChannels * Groups != InChannels)
        {
            throw new ProblemException(ProblemError.Channels, $"conv: kernel has {FilterChannels} channels per group, input has {InChannels} channels in {Groups} groups");
        }

        if (Problems is null && (SharedInput || SharedFilter))
        {
            throw new ProblemException(ProblemError.ProblemCount, "conv: an operand can be shared only among problems: set Problems");
        }

        if (SharedInput && SharedFilter && ProblemCount != 1)
        {
            throw new ProblemException(ProblemError.ProblemCount, $"conv: input and filter cannot both be shared among {ProblemCount} problems");
        }
    }

    /// <summary>Padding and padded extent of an axis. 128 bits: no setting can overflow the arithmetic.</summary>
    private (Int128 Low, Int128 High, Int128 Padded, Int128 Extent) Pad(int a)
    {
        Int128 x = Input[a], s = Stride[a], e = (Dilation[a] * ((Int128)Filter[a] - 1)) + 1, lo = 0, hi = 0;
        switch (Geometry)
        {
            case Geometry.Explicit:
                lo = PaddingLow[a];
                hi = PaddingHigh[a];
                break;
            case Geometry.SameUpper or Geometry.SameLower:
                Int128 total = Int128.Max(0, ((((x + s - 1) / s) - 1) * s) + e - x);
                lo = Geometry == Geometry.SameUpper ? total / 2 : total - (total / 2);
                hi = total - lo;
                break;
        }

        return (lo, hi, x + lo + hi, e);
    }

    /// <summary>Each rule for every axis before the next rule.</summary>
    private void CheckPadding()
    {
        for (int a = 0; a < SpatialRank; a++)
        {
            (Int128 lo, Int128 hi, _, _) = Pad(a);
            if ((lo < 0 || hi < 0) && Boundary != Boundary.Zero)
            {
                throw new ProblemException(ProblemError.NegativePadding, $"conv: negative padding {lo},{hi} on axis {a} needs zero fill");
            }
        }

        for (int a = 0; a < SpatialRank; a++)
        {
            (Int128 lo, Int128 hi, Int128 n, Int128 e) = Pad(a);
            if (e > n)
            {
                throw new ProblemException(
                    ProblemError.FilterExceedsInput,
                    $"conv: kernel extent {e} on axis {a} exceeds padded input {n} (input {Input[a]}, padding {lo}+{hi}, kernel {Filter[a]}, dilation {Dilation[a]})");
            }
        }

        for (int a = 0; a < SpatialRank; a++)
        {
            (Int128 lo, Int128 hi, Int128 n, Int128 e) = Pad(a);
            if (Boundary == Boundary.Reflect && (lo > Input[a] - 1 || hi > Input[a] - 1))
            {
                throw new ProblemException(ProblemError.ReflectTooLarge, $"conv: reflect padding {lo},{hi} on axis {a} must be below the input size {Input[a]}");
            }

            // Kernels count coordinates in 32 bits.
            if (n + e > int.MaxValue || Input[a] > int.MaxValue || Stride[a] > int.MaxValue || Int128.Abs(lo) > int.MaxValue || Int128.Abs(hi) > int.MaxValue)
            {
                throw new ProblemException(ProblemError.Overflow, $"conv: axis {a} is too long: input {Input[a]}, padding {lo}+{hi}, kernel extent {e} and stride {Stride[a]} must stay below 2^31");
            }
        }
    }

    private ConvolutionAxis ResolveAxis(int a)
    {
        (Int128 lo, Int128 hi, Int128 n, Int128 e) = Pad(a);
        return new((int)Input[a], (int)Filter[a], (int)Stride[a], (int)Dilation[a], (int)lo, (int)hi, (int)(((n - e) / Stride[a]) + 1), Boundary, TrueConvolution);
    }

    private long[] Leading(bool shared) => Problems is null ? [] : [shared ? 1 : ProblemCount];

    private string ToProblemText()
    {
        StringBuilder text = new("conv");
        text.Append(Problems is { } p ? $" p{p}" : "").Append(SharedInput ? " sharedx" : "").Append(SharedFilter ? " sharedw" : "");
        text.Append($" n{Batch} c{InChannels} k{OutChannels}").Append(Groups == 1 ? "" : $" g{Groups}");
        text.Append($" i{Input.ToProblemText()} f{Filter.ToProblemText()}");
        text.Append(Stride.All(s => s == 1) ? "" : $" s{Stride.ToProblemText()}").Append(Dilation.All(s => s == 1) ? "" : $" d{Dilation.ToProblemText()}");
        switch (Geometry)
        {
            case Geometry.Explicit when PaddingLow.Equals(PaddingHigh):
                text.Append($" pad{PaddingLow.ToProblemText()}");
                break;
            case Geometry.Explicit:
                text.Append($" lo{PaddingLow.ToProblemText()} hi{PaddingHigh.ToProblemText()}");
                break;
            case Geometry.SameUpper:
                text.Append(" same_upper");
                break;
            case Geometry.SameLower:
                text.Append(" same_lower");
                break;
        }

        text.Append(Boundary switch { Boundary.Circular => " circular", Boundary.Reflect => " reflect", Boundary.Replicate => " replicate", _ => "" });
        return text.Append(TrueConvolution ? " true" : "").ToString();
    }
}
