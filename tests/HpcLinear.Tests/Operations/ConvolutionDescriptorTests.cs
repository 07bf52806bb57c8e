using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public sealed class ConvolutionDescriptorTests
{
    private static readonly ConvolutionDescriptor Plain = new() { Batch = 1, InChannels = 1, OutChannels = 1, Input = [1], Filter = [1] };

    public static TheoryData<ProblemError, string, Action> Errors => new()
    {
        { ProblemError.Rank, "conv: input rank 3 and kernel rank 4 must both be 4 for 2 strides", () => From([1, 1, 5], [1, 1, 3, 3], Plain with { Stride = [1, 1] }) },
        { ProblemError.Rank, "conv: input rank 5 and kernel rank 4 must both be 4 for 2 strides", () => (Plain with { Input = [5, 5, 5], Filter = [3, 3], Stride = [1, 1] }).Validate() },
        { ProblemError.Rank, "conv: 1 to 8 spatial axes expected, got 9", () => (Plain with { Input = Shape.Uniform(9, 2), Filter = Shape.Uniform(9, 1) }).Validate() },
        { ProblemError.Rank, "conv: 1 to 8 spatial axes expected, got 0", () => From([1, 1], [1, 1], Plain) },
        { ProblemError.Rank, "conv: 2 dilations and paddings expected, got dilation [1] padding [0, 0],[0, 0]", () => (Plain with { Input = [5, 5], Filter = [3, 3], Stride = [1, 1], Dilation = [1] }).Validate() },
        { ProblemError.Size, "conv: every size except the batch must be positive, got input [1, 1, 0] kernel [1, 1, 1]", () => From([1, 1, 0], [1, 1, 1], Plain) },
        { ProblemError.Size, "conv: every size except the batch must be positive, got input [2, 0, 5] kernel [1, 0, 1]", () => From([2, 0, 5], [1, 0, 1], Plain) },
        { ProblemError.Size, "conv: every size except the batch must be positive, got input [-1, 1, 5] kernel [1, 1, 1]", () => From([-1, 1, 5], [1, 1, 1], Plain) },
        { ProblemError.Size, "conv: every size except the batch must be positive, got input [1, 1, 5] kernel [1, 1, -3]", () => From([1, 1, 5], [1, 1, -3], Plain) },
        { ProblemError.Size, "conv: every size except the batch must be positive, got input [1, 1, 5] kernel [0, 1, 3]", () => From([1, 1, 5], [0, 1, 3], Plain) },
        { ProblemError.Stride, "conv: stride must be positive, got [2, 0]", () => From([1, 1, 5, 5], [1, 1, 3, 3], Plain with { Stride = [2, 0] }) },
        { ProblemError.Dilation, "conv: dilation must be positive (1 = dense), got [0, 1]", () => From([1, 1, 5, 5], [1, 1, 3, 3], Plain with { Stride = [1, 1], Dilation = [0, 1] }) },
        { ProblemError.Groups, "conv: groups 2 must divide 3 input and 4 output channels", () => From([1, 3, 5], [4, 1, 3], Plain with { Groups = 2 }) },
        { ProblemError.Groups, "conv: groups 2 must divide 4 input and 3 output channels", () => From([1, 4, 5], [3, 2, 3], Plain with { Groups = 2 }) },
        { ProblemError.Groups, "conv: groups 0 must divide 4 input and 4 output channels", () => From([1, 4, 5], [4, 4, 3], Plain with { Groups = 0 }) },
        { ProblemError.Channels, "conv: kernel has 3 channels per group, input has 4 channels in 2 groups", () => From([1, 4, 5], [2, 3, 3], Plain with { Groups = 2 }) },
        { ProblemError.NegativePadding, "conv: negative padding 1,-1 on axis 1 needs zero fill", () => From([1, 1, 5, 5], [1, 1, 3, 3], Plain with { Stride = [1, 1], PaddingLow = [0, 1], PaddingHigh = [0, -1], Boundary = Boundary.Circular }) },
        { ProblemError.FilterExceedsInput, "conv: kernel extent 7 on axis 0 exceeds padded input 5 (input 5, padding 0+0, kernel 7, dilation 1)", () => From([1, 1, 5], [1, 1, 7], Plain) },
        { ProblemError.FilterExceedsInput, "conv: kernel extent 9 on axis 1 exceeds padded input 8 (input 6, padding 3+-1, kernel 5, dilation 2)", () => From([1, 1, 9, 6], [1, 1, 5, 5], Plain with { Stride = [1, 1], Dilation = [2, 2], PaddingLow = [0, 3], PaddingHigh = [0, -1] }) },
        { ProblemError.ReflectTooLarge, "conv: reflect padding 2,5 on axis 0 must be below the input size 5", () => From([1, 1, 5], [1, 1, 3], Plain with { PaddingLow = [2], PaddingHigh = [5], Boundary = Boundary.Reflect }) },
        { ProblemError.OutputSize, "conv: a transposed convolution of [4] cannot have spatial size [11] (its forward gives [5])", () => ConvolutionDescriptor.ForTransposed([1, 1, 4], [1, 1, 3], [11], Plain with { Stride = [2] }) },
        { ProblemError.Channels, "conv: kernel has 2 output channels, the transposed convolution's input has 3", () => ConvolutionDescriptor.ForTransposed([1, 3, 4], [2, 1, 3], [9], Plain with { Stride = [2] }) },
        { ProblemError.Rank, "conv: the spatial size of a transposed convolution with 2 strides must have 2 axes, got [9]", () => ConvolutionDescriptor.ForTransposed([1, 1, 4, 4], [1, 1, 3, 3], [9], Plain with { Stride = [2, 2] }) },
        { ProblemError.ProblemCount, "conv: the input of a transposed convolution cannot be shared among 3 problems", () => ConvolutionDescriptor.ForTransposed([1, 1, 1, 4], [3, 1, 1, 3], [9], Plain with { Stride = [2] }, problems: true) },
        { ProblemError.Option, "conv: Boundary has no value 9; expected one of Zero, Circular, Reflect, Replicate", () => (Plain with { Boundary = (Boundary)9 }).Validate() },
        { ProblemError.Option, "conv: Geometry has no value -1; expected one of Valid, Explicit, SameUpper, SameLower", () => (Plain with { Geometry = (Geometry)(-1) }).Validate() },
        { ProblemError.Syntax, "conv: 'c' is given twice in 'c3 c4 k16 i32 f5'", () => ConvolutionDescriptor.Parse("c3 c4 k16 i32 f5") },
        { ProblemError.Syntax, "conv: 'circular' and 'reflect' exclude each other in 'c3 k16 i32 f5 reflect circular'", () => ConvolutionDescriptor.Parse("c3 k16 i32 f5 reflect circular") },
        { ProblemError.Syntax, "conv: padding is given twice in 'c3 k16 i32 f5 pad2 same_upper', in numbers and by name", () => ConvolutionDescriptor.Parse("c3 k16 i32 f5 pad2 same_upper") },
        { ProblemError.ProblemCount, "conv: problem counts 3 and 2 must be equal or one of them 1", () => ConvolutionDescriptor.FromShapes([3, 1, 1, 5], [2, 1, 1, 3], Plain, problems: true) },
        { ProblemError.ProblemCount, "conv: input and filter cannot both be shared among 2 problems", () => (Plain with { Problems = 2, SharedInput = true, SharedFilter = true }).Validate() },
        { ProblemError.ProblemCount, "conv: an operand can be shared only among problems: set Problems", () => (Plain with { SharedFilter = true }).Validate() },
        { ProblemError.Overflow, "conv: axis 0 is too long: input 2147483648, padding 0+0, kernel extent 1 and stride 1 must stay below 2^31", () => From([1, 1, 1L << 31], [1, 1, 1], Plain) },
        { ProblemError.Overflow, "conv: an operand has more than 2^63 - 1 elements (conv n4611686018427387904 c4 k1 i5 f1)", () => From([1L << 62, 4, 5], [1, 4, 1], Plain) },
    };

    [Theory, MemberData(nameof(Errors), DisableDiscoveryEnumeration = true)]
    public void Every_error_has_its_code_and_its_text(ProblemError code, string text, Action action)
    {
        ProblemException e = Assert.Throws<ProblemException>(action);
        Assert.Equal(text, e.Message);
        Assert.Equal(code, e.Code);
    }

    [Fact]
    public void Errors_come_in_the_order_of_the_table()
    {
        // Everything is wrong; what is reported is mended, and the next rule of the table speaks.
        ConvolutionDescriptor d = new()
        {
            Batch = 1, InChannels = 0, OutChannels = 4, FilterChannels = 7, Groups = 3, Input = [5, 4], Filter = [9], Stride = [0, 1], Dilation = [1, 0], PaddingLow = [-1, 3], PaddingHigh = [0, 0], Boundary = Boundary.Reflect,
        };
        Fails(d, ProblemError.Rank);
        d = d with { Filter = [9, 9] };
        Fails(d, ProblemError.Size);
        d = d with { InChannels = 4 };
        Fails(d, ProblemError.Stride);
        d = d with { Stride = [1, 1] };
        Fails(d, ProblemError.Dilation);
        d = d with { Dilation = [1, 1] };
        Fails(d, ProblemError.Groups);
        d = d with { Groups = 2 };
        Fails(d, ProblemError.Channels);
        d = d with { FilterChannels = 2 };
        Fails(d, ProblemError.NegativePadding);
        d = d with { PaddingLow = [0, 4] };
        Fails(d, ProblemError.FilterExceedsInput);
        d = d with { Filter = [3, 3] };
        Fails(d, ProblemError.ReflectTooLarge);
        (d with { PaddingLow = [0, 3] }).Validate();

        static void Fails(ConvolutionDescriptor d, ProblemError code) => Assert.Equal(code, Assert.Throws<ProblemException>(d.Validate).Code);
    }

    [Fact]
    public void Create_rejects_a_filter_larger_than_the_input() =>
        Assert.Contains("kernel extent 7 on axis 0 exceeds padded input 5", Assert.Throws<ProblemException>(() => ConvolutionPlan.Create<float>(Targets.Open(Target.Cpu), Plain with { Input = [5], Filter = [7] })).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("n1 c1 i5 f3", "conv: 'k' is missing in 'n1 c1 i5 f3', expected e.g. k64")]
    [InlineData("conv c1 k1 f3", "conv: 'i' is missing in 'conv c1 k1 f3', expected e.g. i32x32")]
    [InlineData("conv c1 k1 i5 f3 s2 sideways", "conv: 'sideways' is not understood in 'conv c1 k1 i5 f3 s2 sideways'")]
    [InlineData("conv c1 k1 i5 f3 c2", "conv: 'c' is given twice in 'conv c1 k1 i5 f3 c2'")]
    [InlineData("conv c1 k1 i5xx5 f3", "conv: 'i5xx5' in 'conv c1 k1 i5xx5 f3': numbers joined by x expected after 'i'")]
    [InlineData("conv c1.5 k1 i5 f3", "conv: 'c1.5' in 'conv c1.5 k1 i5 f3': a number expected after 'c'")]
    [InlineData("conv c99999999999999999999 k1 i5 f3", "conv: 'c99999999999999999999' in 'conv c99999999999999999999 k1 i5 f3': a number expected after 'c'")]
    [InlineData("", "conv: 'c' is missing in '', expected e.g. c64")]
    public void Parse_names_the_word_it_does_not_understand(string text, string message)
    {
        ProblemException e = Assert.Throws<ProblemException>(() => ConvolutionDescriptor.Parse(text));
        Assert.Equal(message, e.Message);
        Assert.Equal(ProblemError.Syntax, e.Code);
    }

    [Fact]
    public void Parse_reads_what_ToString_writes() => ConvolutionCall.Descriptors.Check(500, d =>
    {
        ConvolutionDescriptor read = ConvolutionDescriptor.Parse(d.ToString());
        Assert.Equal(d.ToString(), read.ToString());
        Assert.Equal(d.ResolveAxes(), read.ResolveAxes());
        Assert.Equal((d.InputShape, d.FilterShape, d.BiasShape, d.OutputShape), (read.InputShape, read.FilterShape, read.BiasShape, read.OutputShape));
        Assert.Equal((d.Groups, d.Problems, d.SharedInput, d.SharedFilter, d.Boundary, d.TrueConvolution), (read.Groups, read.Problems, read.SharedInput, read.SharedFilter, read.Boundary, read.TrueConvolution));
        Assert.Equal(read, ConvolutionDescriptor.Parse(read.ToString()));
    });

    [Fact]
    public void FromShapes_finds_the_descriptor_of_its_own_shapes() => ConvolutionCall.Descriptors.Check(300, d =>
    {
        if (d.ProblemCount == 1)
        {
            return; // A leading 1 is a count and a mark of sharing alike.
        }

        ConvolutionDescriptor found = ConvolutionDescriptor.FromShapes(d.InputShape, d.FilterShape, d with { Input = [1], Filter = [1] }, d.Problems is not null);
        Assert.Equal(d.ToString(), found.ToString());
    });

    [Fact]
    public void Geometries_resolve_to_the_paddings_of_their_definition() => ConvolutionCall.Descriptors.Check(500, d =>
    {
        for (int a = 0; a < d.SpatialRank; a++)
        {
            long extent = (d.Dilation[a] * (d.Filter[a] - 1)) + 1, low = d.ResolvedLow[a], high = d.ResolvedHigh[a];
            Assert.Equal(((d.Input[a] + low + high - extent) / d.Stride[a]) + 1, d.Output[a]);
            switch (d.Geometry)
            {
                case Geometry.Valid:
                    Assert.Equal((0, 0), (low, high));
                    break;
                case Geometry.Explicit:
                    Assert.Equal((d.PaddingLow[a], d.PaddingHigh[a]), (low, high));
                    break;
                default:
                    Assert.Equal((d.Input[a] + d.Stride[a] - 1) / d.Stride[a], d.Output[a]);
                    Assert.Equal(Math.Max(0, ((d.Output[a] - 1) * d.Stride[a]) + extent - d.Input[a]), low + high);
                    Assert.InRange(d.Geometry == Geometry.SameUpper ? high - low : low - high, 0, 1);
                    break;
            }
        }
    });

    [Fact]
    public void Settings_that_mean_the_same_are_equal() =>
        Assert.Equal(Plain with { Stride = [1], Dilation = [1], FilterChannels = 1 }, Plain);

    [Fact]
    public void Flops_and_bytes_count_padded_taps_and_every_operand_once()
    {
        ConvolutionDescriptor d = ConvolutionDescriptor.Parse("conv p3 sharedx n2 c4 k6 g2 i5x5 f3x3 pad1x1");
        Assert.Equal(2.0 * 3 * 2 * 6 * 2 * 9 * 25, d.Flops);
        Assert.Equal(4.0 * ((2 * 4 * 25) + (3 * 6 * 2 * 9) + (3 * 2 * 6 * 25)), d.Bytes(4));
    }

    [Fact]
    public void Null_arguments_are_named()
    {
        Assert.Throws<ArgumentNullException>("text", () => ConvolutionDescriptor.Parse(null!));
        Assert.Throws<ArgumentNullException>("input", () => ConvolutionDescriptor.FromShapes(null!, [1, 1, 1], Plain));
        Assert.Throws<ArgumentNullException>("descriptor", () => ConvolutionPlan.Create<float>(Targets.Open(Target.Cpu), null!));
    }

    private static void From(Shape input, Shape filter, ConvolutionDescriptor settings) => ConvolutionDescriptor.FromShapes(input, filter, settings);
}
