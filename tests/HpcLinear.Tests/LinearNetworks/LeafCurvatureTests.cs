using HpcLinear.LinearNetworks;
using Xunit;

namespace HpcLinear.Tests.LinearNetworks;

public sealed class LeafCurvatureTests
{
    [Fact]
    public void Curvatures_are_the_formulas_of_H_and_Q()
    {
        Random random = new(41);
        for (int layers = 1; layers <= 8; layers++)
        {
            double[] n = [.. Drawn.Numbers(layers, random).Select(x => Math.Exp(2 * x))];
            double h = n.Sum(x => 1 / x), q = n.Sum(x => 1 / (x * x));
            double[] radial = LeafCurvature.Radial(n), within = LeafCurvature.Within(n), between = LeafCurvature.Between(n);
            for (int l = 0; l < layers; l++)
            {
                Assert.Equal((1 / (n[l] * n[l] * h)) - (q / (n[l] * h * h)), radial[l], 1e-12);
                Assert.Equal((1 - (1 / (n[l] * h))) / n[l], within[l], 1e-12);
                Assert.All(Enumerable.Range(0, layers), m => Assert.Equal(-1 / (n[l] * n[m] * h), between[(l * layers) + m], 1e-12));
            }
        }
    }

    [Fact]
    public void Curvatures_are_those_of_the_warped_product()
    {
        // With arc length r along the radial direction and warping f_l = sqrt(n_l): radial -f_l''/f_l, within (1 - f_l'²)/f_l², between -f_l' f_m'/(f_l f_m).
        double[] offsets = [0, 0.7, 3];
        const double T = 1.3, H = 1e-3;
        double[] n = Norms(T), radial = LeafCurvature.Radial(n), within = LeafCurvature.Within(n), between = LeafCurvature.Between(n);
        for (int l = 0; l < 3; l++)
        {
            double first = Slope(T, l), second = (Slope(T + H, l) - Slope(T - H, l)) / (2 * H) / Speed(T), f = Math.Sqrt(n[l]);
            Assert.Equal(-second / f, radial[l], 1e-5);
            Assert.Equal((1 - (first * first)) / n[l], within[l], 1e-6);
            Assert.All(Enumerable.Range(0, 3), m => Assert.Equal(-first * Slope(T, m) / (f * Math.Sqrt(n[m])), between[(3 * l) + m], 1e-6));
        }

        double[] Norms(double t) => [.. offsets.Select(o => t + o)];
        double Speed(double t) => Math.Sqrt(LeafCurvature.SquaredLength(Norms(t), 1, [0, 0, 0]));
        double Slope(double t, int l) => (Math.Sqrt(t + H + offsets[l]) - Math.Sqrt(t - H + offsets[l])) / (2 * H) / Speed(t);
    }

    [Fact]
    public void Balanced_leaves_are_flat_along_the_radius_and_huge_ratios_neither_overflow_nor_cancel()
    {
        Assert.Equal([0, 0, 0], LeafCurvature.Radial([2.0, 2, 2]));
        Assert.All(LeafCurvature.Within([2.0, 2, 2]), k => Assert.Equal((1 - (1 / 3.0)) / 2, k, 1e-15));
        Assert.All(LeafCurvature.Between([2.0, 2, 2]), k => Assert.Equal(-1 / 6.0, k, 1e-15));
        Assert.Equal([0.0], LeafCurvature.Within([5.0]));
        double[] within = LeafCurvature.Within([1e-200, 1]);
        Assert.Equal(1, within[0], 1e-12);
        Assert.Equal(1, within[1], 1e-12);
        Assert.All(LeafCurvature.Radial([1e-200, 1, 1e200]), k => Assert.True(double.IsFinite(k)));
    }

    [Fact]
    public void Rows_are_computed_as_each_alone_and_bad_norms_are_refused()
    {
        double[] n = [1, 2, 3, 4, 5, 6], radial = new double[6], between = new double[12];
        LeafCurvature.Radial(3, n, radial);
        Assert.Equal([.. LeafCurvature.Radial(n.AsSpan(0, 3)), .. LeafCurvature.Radial(n.AsSpan(3))], radial);
        LeafCurvature.Between(2, n, between);
        Assert.Equal([.. LeafCurvature.Between(n.AsSpan(0, 2)), .. LeafCurvature.Between(n.AsSpan(2, 2)), .. LeafCurvature.Between(n.AsSpan(4))], between);
        Assert.StartsWith("norms: element 1 of row 1 is 0, a positive finite number expected", Assert.Throws<ArgumentException>("norms", () => LeafCurvature.Within(2, [1, 2, 3, 0], new double[4])).Message, StringComparison.Ordinal);
        Assert.StartsWith("curvatures: 8 elements expected", Assert.Throws<ArgumentException>("curvatures", () => LeafCurvature.Between(2, [1, 2, 3, 4], new double[4])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>("layers", () => LeafCurvature.Radial([]));
        Assert.Throws<ArgumentException>("squaredTurns", () => LeafCurvature.SquaredLength([1.0], 1, []));
    }
}
