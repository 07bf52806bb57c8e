using HpcLinear.LinearAlgebra;
using HpcLinear.LinearConvolutions;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;
using Xunit;
using static HpcLinear.Tests.LinearConvolutions.FilterFactorisationTests;

namespace HpcLinear.Tests.LinearConvolutions;

public sealed class IdentifiabilityTests
{
    [Theory]
    [InlineData("5/1", IdentifiabilityKind.Unique, IdentifiabilityKind.Unique, "1")]
    [InlineData("4,2,3/2,3,1", IdentifiabilityKind.Unique, IdentifiabilityKind.Unique, "1")]
    [InlineData("2x2,2x3/1x1,1x1", IdentifiabilityKind.Unique, IdentifiabilityKind.Unique, "1")]
    [InlineData("2x2,2x2/1x2,1x1", IdentifiabilityKind.Unique, IdentifiabilityKind.Unique, "1")]
    [InlineData("2x2,2x2/1x1,1x1", IdentifiabilityKind.Label, IdentifiabilityKind.Unique, "2!")]
    [InlineData("2x2,2x2,2x2/1x1,1x1,1x1", IdentifiabilityKind.Label, IdentifiabilityKind.Unique, "3!")]
    [InlineData("2x1x2,2x1x2/1x3x1,1x1x1", IdentifiabilityKind.Label, IdentifiabilityKind.Unique, "2!")]
    [InlineData("2,2/1,1", IdentifiabilityKind.Branch, IdentifiabilityKind.Unique, "[z0^1 z1^1] (z0 + z1)^p (z0^2 + z1^2)^q")]
    [InlineData("2,3/1,1", IdentifiabilityKind.Branch, IdentifiabilityKind.Branch, "[z0^1 z1^2] (z0 + z1)^p (z0^2 + z1^2)^q")]
    [InlineData("2,2,2/2,1,1", IdentifiabilityKind.Branch, IdentifiabilityKind.Unique, "[z1^1 z2^1] (z1 + z2)^p (z1^2 + z2^2)^q")]
    [InlineData("3,1,3/1,1,1", IdentifiabilityKind.Branch, IdentifiabilityKind.Branch, "[z0^2 z2^2] (z0 + z2)^p (z0^2 + z2^2)^q")]
    [InlineData("2x2,2x2,3x1,2x1/1x1,1x1,1x1,1x1", IdentifiabilityKind.Branch, IdentifiabilityKind.Branch, "2! * [z2^2 z3^1] (z2 + z3)^p (z2^2 + z3^2)^q")]
    public void What_is_determined_follows_from_sizes_grids_and_invariants(string text, IdentifiabilityKind kind, IdentifiabilityKind balanced, string formula)
    {
        DeepProductDescriptor architecture = Parse(text);
        double[] delta = [.. Enumerable.Range(1, architecture.Depth - 1).Select(l => 0.3 * l)];
        Identifiability known = Identifiability.Of(architecture, delta);
        Assert.Equal(kind, known.Kind);
        Assert.Equal(formula, known.CountFormula);
        Assert.Equal(balanced, Identifiability.Of(architecture, new double[delta.Length]).Kind);
    }

    [Fact]
    public void Exchanges_of_layers_of_one_norm_leave_the_kernel()
    {
        DeepProductDescriptor architecture = Parse("2x2,2x2,2x2/1x1,1x1,1x1");
        Assert.Equal((6, 6), Counts(0.25, 1));
        Assert.Equal((6, 3), Counts(0, 1));
        Assert.Equal((6, 3), Counts(0.1, -0.1));
        Assert.Equal((6, 1), Counts(0, 0));

        (double, double) Counts(double a, double b)
        {
            Identifiability known = Identifiability.Of(architecture, [a, b]);
            return (known.Labels, known.KernelLabels);
        }
    }

    [Theory]
    [InlineData("3,3/1,1", 0.7, 2)]
    [InlineData("3,3/1,1", 0, 1)]
    [InlineData("2,3/1,1", 0, 1)]
    [InlineData("2,2/1,1", 0.7, 2)]
    public void Kernels_are_counted_once_for_layers_of_one_norm(string text, double delta, double expected)
    {
        // One real root each or a pair each: an exchange is all that is left.
        double[][] layers = text == "3,3/1,1" ? [[1, 0.5, 1], [2, -1, 1]] : text == "2,3/1,1" ? [[1, 2], [2, -1, 1]] : [[1, 2], [3, 1]];
        DeepLinearNetwork network = Gauge.Regauge(new(Parse(text), layers), [delta]);
        Identifiability known = Identifiability.Of(network.Architecture, [delta]);
        Assert.Equal(expected, known.Kernels(network));
        double[][] kernels = [.. FilterFactorisation.All(network.Architecture, network.EndToEnd(), [delta]).Select(c => c.Network!.Kernel())];
        Assert.Equal(known.Classes(network), kernels.Length);
        Assert.Equal(expected, 1 + kernels.Skip(1).Count(k => Norm(Sum(k, kernels[0], -1)) > 1e-8));
    }

    [Theory]
    [InlineData("2,3/1,1", 3, 0, 3)]
    [InlineData("2,3/1,1", 1, 1, 1)]
    [InlineData("3,3/1,1", 4, 0, 6)]
    [InlineData("3,3/1,1", 2, 1, 2)]
    [InlineData("3,3/1,1", 0, 2, 2)]
    [InlineData("2,2/1,1", 2, 0, 2)]
    [InlineData("2,2/1,1", 0, 1, 0)]
    [InlineData("2,3,4/1,1,1", 6, 0, 60)]
    [InlineData("2,3,4/1,1,1", 4, 1, 16)]
    public void Roots_are_dealt_in_as_many_ways_as_the_formula_says(string text, int real, int pairs, double expected)
    {
        DeepProductDescriptor architecture = Parse(text);
        UnivariateSet set = Assert.Single(Identifiability.Of(architecture, new double[architecture.Depth - 1]).UnivariateSets);
        Assert.Equal(expected, set.Deals(real, pairs));
        Assert.Equal(0, set.Deals(real + 1, pairs));

        // Counted: the classes of the filter with such roots.
        Polynomial product = Enumerable.Range(0, real).Select(i => (double[])[-i + 0.4, 1]).Concat(Enumerable.Range(0, pairs).Select(i => (double[])[2 + i, i, 1]))
            .Aggregate(new Polynomial([1], [1]), (p, f) => p.Times(new([f.Length], f)));
        Assert.Equal(expected, RootDeals.Of(PolynomialRoots.Of(DenseLibrary.Current, product.Coefficients), set.Degrees).Count());
    }

    [Theory]
    [InlineData(new double[] { -6, 1, -5, 1, 1 }, 2, 1)]
    [InlineData(new double[] { 0, 0, 1, 0 }, 3, 0)]
    [InlineData(new double[] { 1, 2, 1 }, 2, 0)]
    [InlineData(new double[] { 1, 0, 1 }, 0, 1)]
    [InlineData(new double[] { 1e-30, 3e-30, 2e-30 }, 2, 0)]
    [InlineData(new double[] { 1, -1e8 }, 1, 0)]
    [InlineData(new double[] { 5 }, 0, 0)]
    public void Real_roots_count_with_multiplicity_and_at_infinity(double[] v, int real, int pairs)
    {
        Assert.Equal(real, FunctionSpace.RealRootCount(v));
        PolynomialRoots roots = PolynomialRoots.Of(DenseLibrary.Choose("off"), v);
        Assert.Equal((real, pairs), (roots.RealCount, roots.Pairs.Count));
    }

    [Fact]
    public void A_filter_of_stride_one_needs_a_real_root_for_each_layer_of_even_size()
    {
        Assert.True(FunctionSpace.Contains(Parse("2,2/1,1"), [2, 5, 1]));
        Assert.False(FunctionSpace.Contains(Parse("2,2/1,1"), [2, 1, 1]));
        Assert.True(FunctionSpace.Contains(Parse("2,3/1,1"), [2, 1, 1, 1]));
        Assert.True(FunctionSpace.Contains(Parse("3,3/1,7"), [2, 0, 1, 0, 1]));
        Assert.True(FunctionSpace.Contains(Parse("2,2/1,1"), [0, 0, 0]));
        Assert.Throws<ArgumentException>(() => FunctionSpace.Contains(Parse("2,2/2,1"), [1, 2, 3, 4]));
        Assert.Contains("3 elements expected", Assert.Throws<ArgumentException>(() => FunctionSpace.Contains(Parse("2,2/1,1"), [1, 2])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => FunctionSpace.RealRootCount([0, 0]));
        Assert.Throws<ArgumentException>(() => FunctionSpace.RealRootCount([0, double.NaN]));
    }

    [Theory]
    [InlineData("4,2,3/2,3,1", 7)]
    [InlineData("2x2,3x2/1x1,1x1", 9)]
    [InlineData("2,3,4/1,1,1", 7)]
    [InlineData("1,1/2,1", 1)]
    public void The_generic_rank_is_that_of_drawn_weights(string text, int expected)
    {
        DeepLinearNetwork network = Draw(Parse(text), 1);
        JacobianRank rank = JacobianRank.Of(network);
        Assert.Equal(expected, JacobianRank.Generic(network.Architecture));
        Assert.Equal(expected, rank.Rank);
        Assert.Equal(Math.Min(network.MapElements, network.Parameters), rank.SingularValues.Count);
    }

    [Fact]
    public void Common_roots_and_zero_layers_lower_the_rank()
    {
        DeepProductDescriptor two = Parse("2,2/1,1");
        Assert.Equal(2, JacobianRank.Of(new(two, [[1, 2], [2, 4]])).Rank);
        Assert.Equal(2, JacobianRank.Of(new(two, [[1, 2], [1, 2 + 1e-6]]), JacobianRank.SingleThreshold).Rank);
        Assert.Equal(3, JacobianRank.Of(new(two, [[1, 2], [1, 2 + 1e-6]])).Rank);
        Assert.Equal(0, JacobianRank.Of(new(two, [[0, 0], [0, 0]])).Rank);
        Assert.Equal(2, JacobianRank.Of(new(two, [[1, 2], [0, 0]])).Rank);
        Assert.Throws<ArgumentException>(() => JacobianRank.Of(new(two, [[1, 2], [0, 0]]), 1));

        // 2 x 1 x 3 matrices of rank 1: 2 + 3 - 1.
        Assert.Equal(4, JacobianRank.Generic(DeepProductDescriptor.FullyConnected([3, 1, 2])));
    }
}
