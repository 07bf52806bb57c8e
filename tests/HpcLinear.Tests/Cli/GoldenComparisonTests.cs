using HpcLinear.Cli.Golden;
using Xunit;

namespace HpcLinear.Tests.Cli;

public sealed class GoldenComparisonTests
{
    [Theory]
    [InlineData(1.0, 1.0, 0, 0, true)]
    [InlineData(1.1, 1.0, 0.1, 0.001, true)]
    [InlineData(1.2, 1.0, 0.1, 0.001, false)]
    [InlineData(1e-12, 0.0, 1, 0, false)]
    [InlineData(double.NaN, 1.0, 1, 1, false)]
    [InlineData(double.NaN, double.NaN, 1, 1, false)]
    [InlineData(1.0, double.PositiveInfinity, 1, 1, false)]
    [InlineData(double.NegativeInfinity, double.PositiveInfinity, 1, 1, false)]
    [InlineData(double.PositiveInfinity, 1.0, 1, 1, false)]
    public void An_element_passes_within_its_tolerance(double got, double want, double relative, double absolute, bool passes)
    {
        GoldenOutput expected = new("y", null, want, relative, absolute, null, null);
        Assert.Equal(passes, GoldenComparison.Of(GoldenArray.OfReals(Shape.Scalar, [got]), expected, single: false).Passed);
    }

    [Fact]
    public void A_scalar_is_not_a_vector_of_one()
    {
        GoldenOutput expected = new("y", null, 1, 0, 0, null, null);
        Assert.False(GoldenComparison.Of(GoldenArray.OfReals([1], [1.0]), expected, single: false).Passed);
    }
}
