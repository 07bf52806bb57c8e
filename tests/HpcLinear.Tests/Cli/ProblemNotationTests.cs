using HpcLinear.Cli.Problems;
using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.Cli;

public sealed class ProblemNotationTests
{
    [Theory]
    [InlineData("conv n64 c3 k16 i32x32 f5x5 s2x2 circular")]
    [InlineData("conv p10 sharedx n2 c4 k6 g2 i9x8x7 f3x2x1 d2x1x1 lo1x0x2 hi0x1x1")]
    [InlineData("gemm p100 m8 n16 k32 ta sharedb")]
    public void Own_texts_are_read_and_written_back(string text) => Assert.Equal(text, Text(ProblemNotation.Parse(text)));

    [Theory]
    [InlineData("G064 gemm m=64 n=32 k=16", "G064", "gemm m64 n32 k16")]
    [InlineData("B8 bgemm b=100 m=8 n=9 k=10", "B8", "gemm p100 m8 n9 k10")]
    [InlineData("C01 conv n=1 ic=3 oc=64 g=1 in=224x224 k=7x7 s=2x2 p=3x3 d=1x1", "C01", "conv n1 c3 k64 i224x224 f7x7 s2x2 pad3x3")]
    [InlineData("C20 conv n=4 ic=64 oc=128 g=2 in=8192 k=3 s=1 p=16 d=16", "C20", "conv n4 c64 k128 g2 i8192 f3 d16 pad16")]
    [InlineData("C40 conv n=1 ic=8 oc=8 in=5x6x7x8 k=3x3x3x3", "C40", "conv n1 c8 k8 i5x6x7x8 f3x3x3x3")]
    [InlineData("P01 pscnv p=4096 n=32 l=64 k=5 s=2   # own filters", "P01", "conv p4096 n32 c1 k1 i64 f5 s2")]
    public void Key_value_lines_mean_the_same_as_own_texts(string line, string id, string text)
    {
        Problem problem = ProblemNotation.Parse(line);
        Assert.Equal((id, text), (problem.Id, Text(problem)));
        Assert.Equal(text, Text(ProblemNotation.Parse(text)));
    }

    [Fact]
    public void A_composition_counts_the_work_of_one_layer_after_the_other()
    {
        CompositionProblem chain = Assert.IsType<CompositionProblem>(ProblemNotation.Parse("L03 comp p=10 L=4 k=3 s=2"));
        Assert.Equal(4, chain.Descriptor.Filters.Count);
        Assert.Equal([10, 1, 1, 31], chain.Descriptor.ComposedShape);
        Assert.Equal(2.0 * 10 * 3 * (3 + 7 + 15), chain.NominalFlops);
    }

    [Fact]
    public void A_relaxation_has_layers_of_one_width()
    {
        RelaxationProblem problem = Assert.IsType<RelaxationProblem>(ProblemNotation.Parse("R1 pc L=8 w=128 b=64 steps=30"));
        Assert.Equal(Shape.Uniform(9, 128), problem.Descriptor.Widths);
        Assert.Equal(64, problem.Descriptor.Batch);
        Assert.Equal(30, problem.Steps);
        Assert.Equal(4.0 * 64 * 7 * 128 * 128, problem.Descriptor.StepFlops);
    }

    [Fact]
    public void A_relaxation_in_errors_has_a_word_of_its_own()
    {
        ErrorRelaxationProblem problem = Assert.IsType<ErrorRelaxationProblem>(ProblemNotation.Parse("relax_errors n6 d3x5x5x2 tanh mupc skip"));
        Assert.Equal("relax n6 d3x5x5x2 tanh mupc skip", problem.Descriptor.ToString());
        Assert.Equal(20, problem.Steps);
    }

    [Fact]
    public void Jacobians_are_of_products_of_equal_matrices()
    {
        JacobianProblem one = Assert.IsType<JacobianProblem>(ProblemNotation.Parse("J1 jac L=8 n=64 p=1")), many = Assert.IsType<JacobianProblem>(ProblemNotation.Parse("J2 jac L=8 n=64 p=64"));
        Assert.Equal(DeepProductDescriptor.FullyConnected(Shape.Uniform(9, 64)), one.Descriptor);
        Assert.Equal(64, many.Descriptor.Problems);
        Assert.Equal([JacobianOperation.Product, JacobianOperation.TransposeProduct, JacobianOperation.Kernel], one.Operations);
        Assert.Equal([JacobianOperation.Product, JacobianOperation.TransposeProduct], many.Operations);
        Assert.Equal(21 * 2.0 * 64 * 64 * 64, one.NominalFlops(JacobianOperation.Product));
        Assert.Equal(ProblemError.Size, Assert.Throws<ProblemException>(() => ProblemNotation.Parse("J3 jac L=0 n=64 p=1")).Code);
    }

    [Theory]
    [InlineData("mb50ic3_ih224iw224_oc64_oh112ow112_kh7kw7_sh2sw2_ph3pw3_n\"resnet_50:conv1\"  | 11801.40 | 190.706 | 61.9", "resnet_50:conv1", "conv n50 c3 k64 i224x224 f7x7 s2x2 lo3x3 hi2x2", 11801.40)]
    [InlineData("mb50ic256_ih56iw56_oc512_oh28ow28_kh1kw1_sh2sw2_n\"a*1\"", "a*1", "conv n50 c256 k512 i56x56 f1x1 s2x2 lo0x0 hi-1x-1", 10276.04)]
    [InlineData("g32mb32ic32_ih112iw112_oc32_oh112ow112_kh3kw3_ph1pw1_n\"dw\"", "dw", "conv n32 c32 k32 g32 i112x112 f3x3 pad1x1", 231.21)]
    [InlineData("mb1ic64_iw64000_oc64_ow62977_kw1024_n\"large\"", "large", "conv n1 c64 k64 i64000 f1024", 528289.37)]
    [InlineData("p10000sx_mb32ic1_iw64_oc1_ow29_kw8_sw2_n\"x\"", "x", "conv p10000 sharedx n32 c1 k1 i64 f8 s2", 148.48)]
    [InlineData("p2000_mb1ic1_id10ih10iw10_oc1_od4oh4ow4_kd3kh3kw3_sd2sh2sw2_n\"d3\"", "d3", "conv p2000 n1 c1 k1 i10x10x10 f3x3x3 s2x2x2 lo0x0x0 hi-1x-1x-1", 6.91)]
    [InlineData("p500_mb1ic2_it5id5ih5iw5_oc2_ot4od4oh2ow2_kt2kd2kh2kw2_st1sd1sh2sw2_n\"d4\"", "d4", "conv p500 n1 c2 k2 i5x5x5x5 f2x2x2x2 s1x1x2x2 lo0x0x0x0 hi0x0x-1x-1", 4.10)]
    public void Benchdnn_texts_have_the_published_work(string line, string id, string text, double megaflops)
    {
        ConvolutionProblem problem = Assert.IsType<ConvolutionProblem>(ProblemNotation.Parse(line));
        Assert.Equal((id, text), (problem.Id, problem.Descriptor.ToString()));
        Assert.Equal(megaflops, problem.Descriptor.Flops / 1e6, 0.005);
    }

    [Theory]
    [InlineData("mb2ic16ih10oc32kh3ph1", "conv n2 c16 k32 i10x10 f3x3 pad1x1")]
    [InlineData("mb2ic16id10oc32kd3sd2", "conv n2 c16 k32 i10x10x10 f3x3x3 s2x2x2")]
    [InlineData("mb2ic16_id10iw7_oc32_kd3kh2_sh2", "conv n2 c16 k32 i10x10x7 f3x2x2 s1x2x2")]
    [InlineData("mb2ic16_iw10_oc32_kw3_dw2", "conv n2 c16 k32 i10 f3 d3")]
    [InlineData("p7sw_mb1ic1_ih9_oc1_kh2_dh0", "conv p7 sharedw n1 c1 k1 i9x9 f2x2")]
    public void A_missing_axis_takes_the_value_of_the_slower_one(string line, string text) => Assert.Equal(text, Text(ProblemNotation.Parse(line)));

    [Theory]
    [InlineData("conv n50 c3 k64 i224x200 f7x5 s2x2 lo3x3 hi2x2")]
    [InlineData("conv p9 sharedw n1 c2 k4 g2 i9x8x7x6 f2x2x2x2 d1x2x1x1")]
    [InlineData("conv n1 c2 k4 i33 f5 s3 pad2")]
    public void Benchdnn_texts_are_written_and_read_back(string text)
    {
        ConvolutionDescriptor described = ConvolutionDescriptor.Parse(text);
        ConvolutionProblem read = Assert.IsType<ConvolutionProblem>(ProblemNotation.Parse(BenchdnnNotation.Format(described, "name")!));
        Assert.Equal("name", read.Id);
        Assert.Equal((described.InputShape, described.FilterShape, described.OutputShape), (read.Descriptor.InputShape, read.Descriptor.FilterShape, read.Descriptor.OutputShape));
        Assert.Equal((described.ResolvedLow, described.Stride, described.Dilation), (read.Descriptor.ResolvedLow, read.Descriptor.Stride, read.Descriptor.Dilation));
    }

    [Fact]
    public void Benchdnn_cannot_say_other_boundaries() => Assert.Null(BenchdnnNotation.Format(ConvolutionDescriptor.Parse("conv n1 c1 k1 i9 f3 pad1 circular")));

    [Theory]
    [InlineData("", "empty")]
    [InlineData("   # nothing", "empty")]
    [InlineData("frob", "no known notation")]
    [InlineData("conv n64 c3 k16 i32x32 f5x5 z9", "'z9' is not understood")]
    [InlineData("conv n64 c3 k16 i4 f5", "kernel extent 5 on axis 0 exceeds padded input 4")]
    [InlineData("gemm m1 n2", "'k' is missing")]
    [InlineData("G1 gemm m=1 n=2", "'k=' is missing")]
    [InlineData("G1 gemm m=1 n=2 k=x", "'k=x'")]
    [InlineData("G1 gemm m=1 n=2 k=3 q=4", "'q' is not a key of gemm")]
    [InlineData("G1 gemm m=1 n=2 k=3 k=4", "each key once")]
    [InlineData("G1 frob m=1", "names no kind")]
    [InlineData("mb1ic3_ih32_oc16", "'kh' is missing")]
    [InlineData("mb1ic3_oc16_kh3", "'iw' is missing")]
    [InlineData("ic3_ih32_oc16_kh3", "'mb' is missing")]
    [InlineData("mb1ic3_ih32_oc16_kh3_x4", "'_x4' is not understood")]
    [InlineData("mb1ic3_ih32_oc16_kh3_kh4", "'kh' is given twice")]
    [InlineData("mb1ic3_iw32_oc16_kw3_kh3", "an axis that the input does not have")]
    [InlineData("mb1ic99999999999999999999_iw32_oc16_kw3", "too large")]
    public void What_cannot_be_read_is_named(string text, string message) =>
        Assert.Contains(message, Assert.Throws<ProblemException>(() => ProblemNotation.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_is_read_line_by_line_and_its_errors_name_the_line()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("p.txt"), "# all\n\nG1 gemm m=1 n=2 k=3\nmb1ic3_ih32_oc16_kh5_sh2_n\"a#b\" | 1 | 2\n");
        Assert.Equal(["G1", "a#b"], ProblemNotation.ReadFile(folder.File("p.txt")).Select(p => p.Id));
        File.AppendAllText(folder.File("p.txt"), "G2 gemm m=1\n");
        Assert.Contains("p.txt(5): gemm: 'n='", Assert.Throws<ProblemException>(() => ProblemNotation.ReadFile(folder.File("p.txt"))).Message, StringComparison.Ordinal);
    }

    private static string Text(Problem problem) => problem switch
    {
        GemmProblem gemm => gemm.Descriptor.ToString(),
        ConvolutionProblem conv => conv.Descriptor.ToString(),
        _ => problem.ToString(),
    };
}
