using HpcLinear.LinearAlgebra;
using HpcLinear.LinearConvolutions;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.LinearConvolutions;

public sealed class FilterFactorisationTests
{
    /// <summary>Filters and strides by layer, first axis first, and what is left open: nothing, the order of equal layers, or the deal of roots.</summary>
    public static TheoryData<string> Architectures =>
    [
        "5/1",
        "4,2,3/2,3,1",
        "3,2/2,1",
        "2,2,2,2/2,2,2,2",
        "2,3,2/4,2,1",
        "2,2/5,1",
        "1,3,1,2/2,2,1,1",
        "3,3,3/1,2,1",
        "1,1/1,1",
        "2,2,2/1,3,1",
        "2x2,3x2/1x1,1x1",
        "2x2,2x3,3x2/1x1,1x1,1x1",
        "2x2,2x3,3x3,4x2/1x1,1x1,1x1,1x1",
        "2x2,2x2/1x2,1x1",
        "2x2,2x2,2x2/1x2,1x1,1x1",
        "3x1,2x2/1x2,1x1",
        "3x1,1x3,2x2/1x1,1x1,1x1",
        "3x1,2x1,2x2/1x1,1x1,1x1",
        "1x4,3x1/1x1,1x1",
        "3x3,2x2,3x2/2x2,1x2,1x1",
        "1x3,2x1,2x2,1x1/2x1,1x2,1x1,1x1",
        "2x2,2x2,2x2/1x1,1x1,1x1",
        "2x2x2,2x2x3/1x1x1,1x1x1",
        "2x1x2,2x2x2/1x1x1,1x1x1",
        "2x2x2,3x1x2,1x2x2/2x1x2,1x2x1,1x1x1",
        "2x2x1x2,2x2x2x1/2x1x1x2,1x1x1x1",
        "2x2x2x2,2x2x2x2/2x2x2x2,1x1x1x1",
        "3,2/1,1",
        "3,3/1,1",
        "2,3,4/1,1,1",
    ];

    [Theory, MemberData(nameof(Architectures))]
    public void Layers_are_found_from_their_filter_and_the_invariants(string text)
    {
        DeepProductDescriptor architecture = Parse(text);
        for (int seed = 0; seed < 8; seed++)
        {
            DeepLinearNetwork network = Draw(architecture, seed);
            double[] v = network.EndToEnd(), delta = Invariants(network);
            IReadOnlyList<FilterFactorisation> all = FilterFactorisation.All(architecture, v, delta);
            Assert.Equal(Identifiability.Of(architecture, delta).Classes(network), all.Count);
            Assert.All(all, f =>
            {
                Assert.Equal(FactorisationStatus.Found, f.Status);
                Assert.InRange(f.Residual, 0, 1e-14);
                Near(v, f.Network!.EndToEnd(), 1e-13 * Norm(v));
                Near(delta, Invariants(f.Network), 1e-13 * (1 + delta.Select(Math.Abs).DefaultIfEmpty(0).Max()));
            });
            double nearest = all.Min(f => Distance(f.Network!, network)) / network.ToLayers().Max(Norm);
            Assert.True(nearest < 1e-10, $"seed {seed}: {nearest}, {string.Join(' ', all[0].Methods)}, {all[0].SmallestRatio} {all[0].SecondRatio} {all[0].Regularity}");
        }
    }

    [Fact]
    public void Layers_are_found_whatever_the_sizes_and_strides()
    {
        Random random = new(7);
        for (int draw = 0; draw < 150; draw++)
        {
            int axes = random.Next(1, 5), depth = random.Next(1, 6);
            string text = $"{Lists(axes > 2 ? 4 : 5)}/{Lists(4)}";
            DeepProductDescriptor architecture = Parse(text);
            DeepLinearNetwork network = Draw(architecture, draw);
            double[] delta = Invariants(network);
            if (architecture.ComposedShape.ElementCount > 300 || Identifiability.Of(architecture, delta).Classes(network) > 10)
            {
                continue;
            }

            IReadOnlyList<FilterFactorisation> all = FilterFactorisation.All(architecture, network.EndToEnd(), delta);
            double nearest = all.Min(f => Distance(f.Network!, network)) / network.ToLayers().Max(Norm);
            Assert.True(nearest < 1e-9 && all.All(f => f.Status == FactorisationStatus.Found), $"{text}: {nearest}");

            string Lists(int most) => string.Join(',', Enumerable.Range(0, depth).Select(_ => string.Join('x', Enumerable.Range(0, axes).Select(_ => random.Next(1, most)))));
        }
    }

    [Theory]
    [InlineData("4,2,3/2,3,1")]
    [InlineData("2x2,2x3,3x2/1x1,1x1,1x1")]
    [InlineData("3,3/1,1")]
    public void The_managed_library_finds_the_same_layers(string text)
    {
        DeepLinearNetwork network = Draw(Parse(text), 3);
        double[] v = network.EndToEnd(), delta = Invariants(network);
        FilterFactorisation found = FilterFactorisation.Of(DenseLibrary.Choose("off"), network.Architecture, v, delta, new());
        Assert.Equal(FactorisationStatus.Found, found.Status);
        Assert.InRange(Distance(found.Network!, FilterFactorisation.Of(network.Architecture, v, delta).Network!), 0, 1e-11);
    }

    [Theory]
    [InlineData(1e-60, 1)]
    [InlineData(1e60, 1)]
    [InlineData(1, 1e-6)]
    [InlineData(1, 1e6)]
    public void Scales_of_the_filter_and_of_the_invariants_do_not_matter(double scale, double factor)
    {
        DeepLinearNetwork network = Draw(Parse("4,2,3/2,3,1"), 5);
        double[] v = [.. network.EndToEnd().Select(x => x * scale)], delta = [factor, -2 * factor];
        FilterFactorisation found = FilterFactorisation.Of(network.Architecture, v, delta);
        Assert.Equal(FactorisationStatus.Found, found.Status);
        Near(v, found.Network!.EndToEnd(), 1e-13 * Norm(v));
        double[] norms = [.. found.Network.ToLayers().Select(w => w.Sum(x => x * x))];
        Near(delta, Invariants(found.Network), 1e-14 * norms.Sum());
        for (int l = 0; l < 3; l++)
        {
            double[] expected = network.Layer(l).ToArray(), actual = found.Network.Layer(l).ToArray();
            Assert.Equal(1, Math.Abs(expected.Zip(actual, (a, b) => a * b).Sum()) / Norm(expected) / Norm(actual), 1e-13);
        }
    }

    [Fact]
    public void A_zero_filter_has_no_directions()
    {
        DeepProductDescriptor architecture = Parse("4,2,3/2,3,1");
        double[] zero = new double[(int)architecture.ComposedShape.ElementCount];
        FilterFactorisation found = FilterFactorisation.Of(architecture, zero, [1, 2]);
        Assert.Equal(FactorisationStatus.UndefinedAtZero, found.Status);
        Assert.Null(found.Network);
        Assert.Equal(FactorisationStatus.UndefinedAtZero, FilterFactorisation.Track(Draw(architecture, 1), zero, [1, 2]).Status);
    }

    [Theory]
    [InlineData("4,2,3/2,3,1")]
    [InlineData("2x2,3x2/1x1,1x1")]
    [InlineData("2x2,2x2/2x2,1x1")]
    [InlineData("2,2/1,1")]
    public void Filters_outside_of_the_function_space_are_projected_orthogonally(string text)
    {
        DeepProductDescriptor architecture = Parse(text);
        Random random = new(1);
        int outside = 0;
        for (int i = 0; i < 6; i++)
        {
            double[] v = [.. Enumerable.Range(0, (int)architecture.ComposedShape.ElementCount).Select(_ => Normal(random))];
            FilterFactorisation found = FilterFactorisation.Of(architecture, v, new double[architecture.Depth - 1]);
            if (found.Status == FactorisationStatus.NotInSpace)
            {
                outside++;
                double[] rest = Sum(v, [.. found.Projection], -1);
                Assert.InRange(Norm(rest) / Norm(v), 1e-3, 1);
                Assert.Equal(Norm(rest) / Norm(v), found.Residual, 1e-12);

                // Where layers share a root (2,2) the convergence is slow.
                Assert.All(found.Network!.JacobianTransposeProduct(rest), g => Near(new double[g.Length], g, text == "2,2/1,1" ? 1e-3 : 1e-5));
            }
        }

        Assert.InRange(outside, text == "2,2/1,1" ? 1 : 6, 6);
    }

    [Fact]
    public void A_self_crossing_is_told_apart_from_a_filter_with_one_set_of_layers()
    {
        // w_0 a polynomial in x² too: either factor of v, itself one in x², may be w_0.
        DeepProductDescriptor architecture = Parse("3,2/2,1");
        DeepLinearNetwork crossing = new(architecture, [[1.5, 0, -0.7], [0.3, 2]]);
        FilterFactorisation found = FilterFactorisation.Of(architecture, crossing.EndToEnd(), [0.5]);
        Assert.Equal(FactorisationStatus.NotUnique, found.Status);
        Assert.InRange(found.Residual, 0, 1e-13);
        Assert.InRange(found.SecondRatio, 0, 1e-14);

        DeepLinearNetwork near = new(architecture, [[1.5, 1e-4, -0.7], [0.3, 2]]);
        found = FilterFactorisation.Of(architecture, near.EndToEnd(), Invariants(near));
        Assert.Equal(FactorisationStatus.Found, found.Status);
        Assert.InRange(Distance(near, found.Network!), 0, 1e-10);
        Assert.InRange(found.SecondRatio, 1e-6, 1e-3);
    }

    [Fact]
    public void Layers_that_share_a_root_are_a_singular_point()
    {
        DeepLinearNetwork shared = new(Parse("2,2/1,1"), [[1, 2], [-0.5, -1]]);
        FilterFactorisation found = FilterFactorisation.Of(shared.Architecture, shared.EndToEnd(), [0]);
        Assert.Equal(FactorisationStatus.NotUnique, found.Status);
        Assert.InRange(found.Regularity, 0, 1e-7);
    }

    [Theory]
    [InlineData("3,2/2,1")]
    [InlineData("2,3/1,1")]
    [InlineData("2x2,2x2/1x1,1x1")]
    public void Tracking_stays_with_the_layers_it_comes_from(string text)
    {
        DeepLinearNetwork network = Draw(Parse(text), 11), moved = network.With([.. network.ToLayers().Select((w, l) => w.Select((x, i) => x + (1e-3 * Math.Sin(i + l))).ToArray())]);
        foreach (FilterFactorisation start in FilterFactorisation.All(network.Architecture, network.EndToEnd(), Invariants(network)))
        {
            FilterFactorisation next = FilterFactorisation.Track(start.Network!, moved.EndToEnd(), Invariants(moved));
            Assert.Equal(FactorisationStatus.Found, next.Status);
            Assert.InRange(next.Steps, 1, 5);
            Assert.InRange(Distance(start.Network!, next.Network!), 1e-5, 5e-2);
        }
    }

    [Theory]
    [InlineData("2x2,3x2/1x1,1x1", 1e-12)]
    [InlineData("4,2/2,1", 1e-12)]
    public void The_general_search_finds_layers_without_knowing_the_structure(string text, double tolerance)
    {
        DeepLinearNetwork network = Draw(Parse(text), 4);
        double[] v = network.EndToEnd(), target = [.. v.Select(x => x / Norm(v))];
        DeepLinearNetwork found = new FactorSearch(DenseLibrary.Current, new()).General(network, target);
        Near(target, found.EndToEnd(), tolerance);
    }

    [Fact]
    public void Wrong_calls_are_refused_by_name()
    {
        DeepProductDescriptor architecture = Parse("2,2/1,1");
        Assert.Contains("filter: 3 elements expected", Message(() => FilterFactorisation.Of(architecture, [1, 2], [0])), StringComparison.Ordinal);
        Assert.Contains("filter: element 1 is NaN", Message(() => FilterFactorisation.Of(architecture, [1, double.NaN, 1], [0])), StringComparison.Ordinal);
        Assert.Contains("delta: 1 invariants expected, 2 given", Message(() => FilterFactorisation.Of(architecture, [1, 3, 1], [0, 1])), StringComparison.Ordinal);
        Assert.Contains("delta: element 0 is", Message(() => FilterFactorisation.Of(architecture, [1, 3, 1], [double.PositiveInfinity])), StringComparison.Ordinal);
        Assert.Contains("no class of layers has the label 2", Message(() => FilterFactorisation.Of(architecture, [1, 3, 1], [0], new() { Label = 2 })), StringComparison.Ordinal);
        Assert.Contains("options: Tolerance is 2", Message(() => FilterFactorisation.Of(architecture, [1, 3, 1], [0], new() { Tolerance = 2 })), StringComparison.Ordinal);
        Assert.Contains("one channel", Message(() => FilterFactorisation.Of(architecture with { Channels = [1, 2, 1] }, [1, 3, 1], [0])), StringComparison.Ordinal);
        Assert.Contains("layer 1 is zero", Message(() => FilterFactorisation.Track(new(architecture, [[1, 2], [0, 0]]), [1, 3, 1], [0])), StringComparison.Ordinal);

        static string Message(Func<object> call) => Assert.Throws<ArgumentException>(call).Message;
    }

    internal static double Distance(DeepLinearNetwork a, DeepLinearNetwork b) =>
        Enumerable.Range(0, a.Depth).Max(l => Math.Min(Norm(Sum(a.Layer(l), b.Layer(l), -1)), Norm(Sum(a.Layer(l), b.Layer(l), 1))));

    internal static double[] Sum(ReadOnlySpan<double> a, ReadOnlySpan<double> b, double factor) => [.. a.ToArray().Zip(b.ToArray(), (x, y) => x + (factor * y))];

    internal static double Norm(double[] v) => Math.Sqrt(v.Sum(x => x * x));

    internal static double[] Invariants(DeepLinearNetwork network)
    {
        double[] norms = [.. network.ToLayers().Select(w => w.Sum(x => x * x))];
        return [.. norms.Zip(norms.Skip(1), (a, b) => a - b)];
    }

    internal static void Near(double[] expected, double[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], tolerance);
        }
    }

    internal static DeepProductDescriptor Parse(string text)
    {
        Shape[][] lists = [.. text.Split('/').Select(part => part.Split(',').Select(item => Shape.Create([.. item.Split('x').Select(long.Parse)])).ToArray())];
        return new() { Channels = Shape.Create([.. Enumerable.Repeat(1L, lists[0].Length + 1)]), Filters = lists[0], Strides = lists[1] };
    }

    internal static DeepLinearNetwork Draw(DeepProductDescriptor architecture, int seed)
    {
        Random random = new(seed);
        return new(architecture, [.. Enumerable.Range(0, architecture.Depth).Select(l => Enumerable.Range(0, (int)architecture.FilterShape(l).ElementCount).Select(_ => Normal(random)).ToArray())]);
    }

    internal static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
