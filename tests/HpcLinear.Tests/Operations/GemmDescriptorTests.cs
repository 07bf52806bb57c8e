using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public sealed class GemmDescriptorTests
{
    private static readonly GemmDescriptor Plain = new() { Rows = 3, Columns = 4, Depth = 5 };

    public static TheoryData<ProblemError, string, GemmDescriptor> Errors => new()
    {
        { ProblemError.Size, "gemm: sizes must not be negative, got problems 1 rows -3 columns 4 depth 5", Plain with { Rows = -3 } },
        { ProblemError.Size, "gemm: sizes must not be negative, got problems -1 rows 3 columns 4 depth 5", Plain with { Problems = -1 } },
        { ProblemError.Layout, "gemm: leading dimension of A must be at least 5, got 4", Plain with { LeadingA = 4 } },
        { ProblemError.Layout, "gemm: leading dimension of A must be at least 3, got 2", Plain with { LeadingA = 2, TransposeA = true } },
        { ProblemError.Layout, "gemm: leading dimension of B must be at least 4, got 3", Plain with { LeadingB = 3 } },
        { ProblemError.Layout, "gemm: leading dimension of B must be at least 5, got 4", Plain with { LeadingB = 4, TransposeB = true } },
        { ProblemError.Layout, "gemm: leading dimension of C must be at least 4, got 0", Plain with { LeadingC = 0 } },
        { ProblemError.Layout, "gemm: stride of A must not be negative, got -1", Plain with { Problems = 2, StrideA = -1 } },
        { ProblemError.Layout, "gemm: stride of C must be at least 12 for results not to overlap, got 11", Plain with { Problems = 2, StrideC = 11 } },
        { ProblemError.Layout, "gemm: stride of C must be at least 22 for results not to overlap, got 0", Plain with { Problems = 2, LeadingC = 9, StrideC = 0 } },
        { ProblemError.Overflow, "gemm: an operand has more than 2^63 - 1 elements (gemm m4611686018427387904 n4 k5)", Plain with { Rows = 1L << 62 } },
    };

    [Theory, MemberData(nameof(Errors), DisableDiscoveryEnumeration = true)]
    public void Every_error_has_its_code_and_its_text(ProblemError code, string text, GemmDescriptor descriptor)
    {
        ProblemException e = Assert.Throws<ProblemException>(descriptor.Validate);
        Assert.Equal(text, e.Message);
        Assert.Equal(code, e.Code);
        Assert.Equal(text, Assert.Throws<ProblemException>(() => GemmPlan.Create<double>(Targets.Open(Target.Cpu), descriptor)).Message);
    }

    [Fact]
    public void Parse_reads_what_ToString_writes() => GemmCall.Descriptors.Check(500, d => Assert.Equal(d, GemmDescriptor.Parse(d.ToString())));

    [Theory]
    [InlineData("gemm m3 n4", "gemm: 'k' is missing in 'gemm m3 n4', expected e.g. k64")]
    [InlineData("gemm m3 n4 k5 tc", "gemm: 'tc' is not understood in 'gemm m3 n4 k5 tc'")]
    [InlineData("gemm m3 n4 k5q", "gemm: 'k5q' in 'gemm m3 n4 k5q': a number expected after 'k'")]
    [InlineData("gemm m3 n4 k5 shareda stridea3", "gemm: 'stridea3' is not understood in 'gemm m3 n4 k5 shareda stridea3'")]
    public void Parse_names_the_word_it_does_not_understand(string text, string message) =>
        Assert.Equal(message, Assert.Throws<ProblemException>(() => GemmDescriptor.Parse(text)).Message);

    [Fact]
    public void Shapes_follow_the_stored_order()
    {
        GemmDescriptor d = Plain with { Problems = 7, TransposeA = true, TransposeB = true, StrideB = 0 };
        Assert.Equal<Shape>([7, 5, 3], d.ShapeA);
        Assert.Equal<Shape>([1, 4, 5], d.ShapeB);
        Assert.Equal<Shape>([7, 3, 4], d.ShapeC);
        Assert.Equal(2.0 * 7 * 3 * 4 * 5, d.Flops);
        Assert.Equal(8.0 * ((7 * 15) + 20 + (7 * 12)), d.Bytes(8));
    }
}
