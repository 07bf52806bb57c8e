using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.Operations;

public sealed class RelaxationDescriptorTests
{
    private static readonly RelaxationDescriptor Valid = new() { Batch = 2, Widths = [3, 4, 4, 2] };

    [Fact]
    public void DepthMuP_scales_the_output_by_the_width_and_hidden_layers_by_width_and_depth()
    {
        RelaxationDescriptor network = RelaxationDescriptor.Create(1, [16, 9, 9, 9, 3], Parameterisation.DepthMuP, skips: true, gamma: 0.5);
        Assert.Equal([0.25, 1 / 6.0, 1 / 6.0, 2 / 9.0], network.Scalings, (a, b) => Math.Abs(a - b) < 1e-15);
        Assert.Equal([false, true, true, false], network.Skips);
        Assert.Equal(1 / 3.0, RelaxationDescriptor.Create(1, [16, 9, 9, 9, 3], Parameterisation.NeuralTangent).Scaling(2), 15);
        Assert.Equal(1, RelaxationDescriptor.Create(1, [16, 9, 3], Parameterisation.Standard).Scaling(2));
        Assert.Equal(0.25, RelaxationDescriptor.Create(1, [16, 3], Parameterisation.DepthMuP).Scaling(1));
    }

    [Theory]
    [InlineData("relax n64 i784 w128 h127 o10 relu mupc skip")]
    [InlineData("relax n1 d7x1 linear")]
    [InlineData("relax n5 d3x4x5x2 leaky_relu ntp post bias ce")]
    public void A_text_reads_back_as_itself(string text) => Assert.Equal(text, RelaxationDescriptor.Parse(text).ToString());

    [Theory]
    [InlineData("relax n64 d784", "at least 2 expected")]
    [InlineData("relax n0 d3x2", "batch 0 given")]
    [InlineData("relax n1 d3x0x2", "layer 1 has width 0")]
    [InlineData("relax n1 d3x2 tanh relu", "exclude each other")]
    [InlineData("relax n1 d3x2 swish", "'swish' is not understood")]
    [InlineData("relax n1 i3 w5 o2", "'h' is missing")]
    [InlineData("relax n9223372036854775807 d3x2", "2^63 - 1 bytes")]
    public void A_text_that_is_no_network_is_refused(string text, string message) =>
        Assert.Contains(message, Assert.Throws<ProblemException>(() => RelaxationDescriptor.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Skips_precisions_and_decays_are_checked()
    {
        Refused(Valid with { Skips = [true, false, false] }, "layer 1 has a skip from width 3 to width 4");
        Refused(Valid with { Skips = [true] }, "Skips has 1 entries, 3 expected");
        Refused(Valid with { Precisions = [1, 0, 1] }, "layer 2 has precision 0");
        Refused(Valid with { Precisions = [1, double.NaN, 1] }, "layer 2 has precision NaN");
        Refused(Valid with { Scalings = [1, 1, double.PositiveInfinity] }, "layer 3 has scaling");
        Refused(Valid with { WeightDecay = -1 }, "WeightDecay -1 given");
        Refused(Valid with { ActivityDecay = double.NaN }, "ActivityDecay NaN given");
        Refused(Valid with { Activation = (Activation)99 }, "Activation has no value 99");

        static void Refused(RelaxationDescriptor network, string message) =>
            Assert.Contains(message, Assert.Throws<ProblemException>(network.Validate).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 0.1, 0.0, "Steps -1")]
    [InlineData(1, 0.0, 0.0, "Step 0")]
    [InlineData(1, double.NaN, 0.0, "Step NaN")]
    [InlineData(1, 0.1, 1.0, "Momentum 1")]
    public void Options_out_of_range_are_refused(int steps, double step, double momentum, string message) => Assert.Contains(
        message,
        Assert.Throws<ArgumentOutOfRangeException>(new RelaxationOptions { Steps = steps, Step = step, Momentum = momentum }.Validate).Message,
        StringComparison.Ordinal);
}
