using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.Operations;

public sealed class LineSearchTests
{
    [Theory, InlineData(1e-3), InlineData(1), InlineData(2.9), InlineData(50)]
    public void A_minimum_that_energies_do_not_show_is_found_by_slopes(double guess)
    {
        // 1 + 1e-20 (x - 3)² is 1 in float64.
        (double length, int looks) = Search(guess, x => 1 + (1e-20 * (x - 3) * (x - 3)), x => 2e-20 * (x - 3));
        Assert.InRange(length, 1.5, 4.5);
        Assert.InRange(looks, 1, 8);
    }

    [Fact]
    public void A_length_that_will_do_is_looked_at_once()
    {
        Assert.Equal((0.75, 1), Search(0.75, x => (x - 1) * (x - 1), x => 2 * (x - 1)));
        Assert.Equal((1.9, 1), Search(1.9, x => (x - 1) * (x - 1), x => 2 * (x - 1), double.PositiveInfinity));
    }

    [Fact]
    public void Energies_beyond_all_bounds_bring_the_length_back()
    {
        (double length, _) = Search(1e3, x => x > 2 ? double.PositiveInfinity : (x - 1) * (x - 1), x => x > 2 ? double.NaN : 2 * (x - 1));
        Assert.InRange(length, 0.01, 1.99);
    }

    [Fact]
    public void Where_nothing_is_lower_the_search_ends_at_0() => Assert.Equal(0, Search(1, x => 1 + x, _ => 1, slope: -1).Length);

    private static (double Length, int Looks) Search(double guess, Func<double, double> energy, Func<double, double> derivative, double flatness = 0.5, double? slope = null)
    {
        LineSearch line = new(energy(0), slope ?? derivative(0), 16 * 2.2e-16, flatness);
        double length = guess;
        for (int looks = 1; ; looks++)
        {
            if (line.Accepts(ref length, energy(length), derivative(length)) || length == 0)
            {
                return (length, looks);
            }
        }
    }
}
