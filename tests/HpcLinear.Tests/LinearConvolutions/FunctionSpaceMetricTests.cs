using HpcLinear.LinearConvolutions;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;
using Xunit;
using static HpcLinear.Tests.LinearConvolutions.FilterFactorisationTests;

namespace HpcLinear.Tests.LinearConvolutions;

public sealed class FunctionSpaceMetricTests
{
    [Theory]
    [InlineData("4,2,3/2,3,1")]
    [InlineData("2x2,3x2/1x1,1x1")]
    [InlineData("2x2,2x2/1x2,1x1")]
    public void The_kernel_of_the_filter_is_that_of_its_layers(string text)
    {
        DeepLinearNetwork network = Draw(Parse(text), 2);
        FunctionSpaceMetric metric = FunctionSpaceMetric.Of(network.Architecture, network.EndToEnd(), Invariants(network));
        double[] kernel = network.Kernel();
        Near(kernel, metric.Kernel(), 1e-11 * kernel.Max(Math.Abs));
        Assert.Equal(JacobianRank.Generic(network.Architecture), metric.Rank);

        double[] a = Draw(Parse($"{kernel.Length}/1"), 1).ToLayers()[0][..network.MapElements], b = Draw(Parse($"{kernel.Length}/1"), 2).ToLayers()[0][..network.MapElements];
        double[] ka = metric.Multiply(a), kb = metric.Multiply(b);
        double expected = ka.Zip(b, (x, y) => x * y).Sum();
        Assert.Equal(expected, metric.Inner(ka, kb), 1e-10 * (1 + Math.Abs(expected)));
        Assert.InRange(metric.NormalPart(ka), 0, 1e-12 * Norm(ka));
        Assert.InRange(metric.NormalPart(a), 0.01 * Norm(a), Norm(a));
        Assert.Throws<ArgumentException>(() => metric.Inner([1], b));
    }

    [Fact]
    public void One_filter_and_one_invariant_have_two_kernels_with_stride_one()
    {
        DeepProductDescriptor architecture = Parse("2,2/1,1");
        FactorisationException refused = Assert.Throws<FactorisationException>(() => FunctionSpaceMetric.Of(architecture, [3, 7, 2], [-5]));
        Assert.Equal(IdentifiabilityKind.Branch, refused.Needed);
        Assert.Contains("branch needed", refused.Message, StringComparison.Ordinal);
        double[][] kernels = [.. Enumerable.Range(0, 2).Select(label => FunctionSpaceMetric.Of(architecture, [3, 7, 2], [-5], label).Kernel()).OrderByDescending(k => k[0])];
        Near([10, 5, 0, 5, 15, 5, 0, 5, 5], kernels[0], 1e-13);
        Near([6.5, 5.5, 0, 5.5, 15, 5.5, 0, 5.5, 8.5], kernels[1], 1e-13);
        Near(FunctionSpaceMetric.Of(architecture, [3, 7, 2], [0], 0).Kernel(), FunctionSpaceMetric.Of(architecture, [3, 7, 2], [0]).Kernel(), 1e-13);
    }

    [Fact]
    public void Equal_layers_exchanged_change_the_kernel_unless_they_are_balanced()
    {
        DeepLinearNetwork drawn = Draw(Parse("2x2,2x2/1x1,1x1"), 1);
        double[] v = drawn.EndToEnd();
        FactorisationException refused = Assert.Throws<FactorisationException>(() => FunctionSpaceMetric.Of(drawn.Architecture, v, [0.5]));
        Assert.Equal(IdentifiabilityKind.Label, refused.Needed);
        Assert.Contains("label needed: 2! = 2 classes", refused.Message, StringComparison.Ordinal);
        double[] one = FunctionSpaceMetric.Of(drawn.Architecture, v, [0.5], 0).Kernel(), other = FunctionSpaceMetric.Of(drawn.Architecture, v, [0.5], 1).Kernel();
        Assert.InRange(Norm(Sum(one, other, -1)) / Norm(one), 0.01, 1);
        Near(FunctionSpaceMetric.Of(drawn.Architecture, v, [0]).Kernel(), FunctionSpaceMetric.Of(drawn.Architecture, v, [0], 1).Kernel(), 1e-12 * Norm(one));
    }

    [Fact]
    public void Filters_without_a_metric_say_why()
    {
        DeepProductDescriptor architecture = Parse("2,2/2,1");
        Assert.Contains("undefined at zero", Assert.Throws<FactorisationException>(() => FunctionSpaceMetric.Of(architecture, new double[4], [0])).Message, StringComparison.Ordinal);
        FactorisationException outside = Assert.Throws<FactorisationException>(() => FunctionSpaceMetric.Of(architecture, [1, 2, 3, 5], [0]));
        Assert.Equal(FactorisationStatus.NotInSpace, outside.Status);
        Assert.Contains("not in the function space", outside.Message, StringComparison.Ordinal);
    }
}
