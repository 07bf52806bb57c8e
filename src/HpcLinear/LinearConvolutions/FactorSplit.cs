using HpcLinear.LinearAlgebra;

namespace HpcLinear.LinearConvolutions;

/// <summary>A filter as a product of two groups of layers, <c>v(x) = a(x) b(x^t)</c>, found by linear algebra: the strided peel.</summary>
/// <remarks>Exponents modulo t part v and a into classes v_r, a_r, each a polynomial in <c>x^t</c>, and b into none: <c>v_r = a_r b</c>. So <c>v_r a_u - v_u a_r = 0</c>, linear in a, whose
/// only solution, up to a factor, is a, as its classes have no common divisor. Instead of all pairs (r, u), all r and a few sums of the u are taken. Along an axis on which b has one tap t
/// may be as large as v. Source: docs/linear-convolutions.md.</remarks>
internal sealed class FactorSplit
{
    private const int MostSums = 4, MostElements = 40_000_000;

    private readonly LayerGrid[] first;
    private readonly LayerGrid[] second;
    private readonly int[] step;
    private readonly int[] firstExtent;
    private readonly int[] secondExtent;
    private readonly int[][] firstTaps;
    private readonly int[][] secondTaps;

    private FactorSplit(LayerGrid[] first, LayerGrid[] second, int[] step, int axes)
    {
        (this.first, this.second, this.step) = (first, second, step);
        firstExtent = LayerGrid.Extent(first, axes);
        secondExtent = [.. LayerGrid.Extent(second, axes).Select((e, a) => ((e - 1) / step[a]) + 1)];
        firstTaps = Taps(first, firstExtent, [.. step.Select(_ => 1)]);
        secondTaps = Taps(second, secondExtent, step);
    }

    public IReadOnlyList<LayerGrid> First => first;

    public IReadOnlyList<LayerGrid> Second => second;

    /// <summary>Unknown taps: the cheaper split first.</summary>
    public int Unknowns => firstTaps.Length;

    /// <summary>Smallest singular value of the system over the largest: 0 for a filter in the function space.</summary>
    public double SmallestRatio { get; private set; }

    /// <summary>Second smallest over the largest: 0 where a is not the only solution.</summary>
    public double SecondRatio { get; private set; }

    /// <summary>Every split of layers whose solution is unique for almost every filter, cheapest first. Layers on grids whose common divisor is 1 along each axis.</summary>
    public static IEnumerable<FactorSplit> Of(IReadOnlyList<LayerGrid> layers, int[] extent)
    {
        // With many layers only those splits that take a layer, or the layers up to one, out.
        int count = layers.Count;
        IEnumerable<long> subsets = count <= 10
            ? Enumerable.Range(1, (1 << count) - 2).Select(s => (long)s)
            : Enumerable.Range(0, count).SelectMany(l => (long[])[1L << l, ((1L << count) - 1) ^ (1L << l), (1L << l) - 1, ((1L << count) - 1) ^ ((1L << l) - 1)])
                .Where(s => s != 0 && s != (1L << count) - 1).Distinct();
        return subsets.Select(subset => Try(layers, extent, subset)).OfType<FactorSplit>().OrderBy(s => s.Unknowns);
    }

    /// <summary>a, and b on its own grid; the nearest ones by the two systems where v is no such product.</summary>
    public (Polynomial First, Polynomial Second) Solve(DenseLibrary library, Polynomial v)
    {
        Polynomial a = SolveFirst(library, v), b = new(secondExtent);
        Matrix product = new(v.Coefficients.Length, secondTaps.Length);
        int[] places = Polynomial.Places(firstExtent, v.Extent);
        for (int n = 0; n < secondTaps.Length; n++)
        {
            int origin = Polynomial.Place([.. secondTaps[n].Select((m, axis) => m * step[axis])], v.Extent);
            for (int i = 0; i < places.Length; i++)
            {
                product[origin + places[i], n] = a.Coefficients[i];
            }
        }

        Matrix solution = library.LeastSquares(product, Matrix.Of(v.Coefficients.Length, 1, v.Coefficients), 1e-13);
        for (int n = 0; n < secondTaps.Length; n++)
        {
            b.Coefficients[Polynomial.Place(secondTaps[n], secondExtent)] = solution[n, 0];
        }

        return (a, b);
    }

    private static FactorSplit? Try(IReadOnlyList<LayerGrid> layers, int[] extent, long subset)
    {
        LayerGrid[] second = [.. layers.Where((_, l) => (subset >> l & 1) != 0)], first = [.. layers.Where((_, l) => (subset >> l & 1) == 0)];
        int[] step = [.. extent.Select((e, a) => second.Where(l => l.Size[a] > 1).Select(l => l.Grid[a]).Aggregate(0, Divisor) is > 0 and int divisor ? divisor : e)];
        return first.All(l => l.Axes.Any(a => l.Grid[a] % step[a] != 0)) ? new(first, second, step, extent.Length) : null;
    }

    private static int Divisor(int a, int b) => b == 0 ? a : Divisor(b, a % b);

    private static int[][] Taps(LayerGrid[] layers, int[] extent, int[] step)
    {
        bool[] reached = new bool[extent.Aggregate(1, (product, k) => product * k)];
        reached[0] = true;
        foreach (LayerGrid layer in layers)
        {
            bool[] next = new bool[reached.Length];
            foreach (int offset in Polynomial.Places(layer.Size, extent, [.. layer.Grid.Select((g, a) => layer.Size[a] > 1 ? g / step[a] : 0)]))
            {
                for (int i = 0; i < reached.Length; i++)
                {
                    if (reached[i])
                    {
                        next[i + offset] = true;
                    }
                }
            }

            reached = next;
        }

        return [.. Polynomial.Exponents(extent).Where((_, i) => reached[i])];
    }

    private Polynomial SolveFirst(DenseLibrary library, Polynomial v)
    {
        int[] classes = [.. step.Select((t, a) => Math.Min(t, v.Extent[a]))];
        int[] box = [.. step.Select((t, a) => ((v.Extent[a] - 1) / t) + ((firstExtent[a] - 1) / t) + 1)];
        int count = classes.Aggregate(1, (product, k) => product * k), cells = box.Aggregate(1, (product, k) => product * k), unknowns = firstTaps.Length;
        int[] classOfTap = [.. firstTaps.Select(Class)], placeOfTap = [.. firstTaps.Select(Cell)];
        int[][] exponents = Polynomial.Exponents(v.Extent);
        int[] classOfV = [.. exponents.Select(Class)], placeOfV = [.. exponents.Select(Cell)];
        int sums = (int)Math.Clamp(MostElements / ((long)count * cells * unknowns), 1, Math.Min(count, MostSums));
        double[][] weights = Weights(sums, count);
        Matrix system = new(Math.Max(unknowns, sums * count * cells), unknowns);
        for (int f = 0; f < sums; f++)
        {
            for (int n = 0; n < unknowns; n++)
            {
                int own = ((f * count) + classOfTap[n]) * cells;
                for (int i = 0; i < exponents.Length; i++)
                {
                    double c = v.Coefficients[i];
                    int cell = placeOfV[i] + placeOfTap[n];
                    system[(((f * count) + classOfV[i]) * cells) + cell, n] += weights[f][classOfTap[n]] * c;
                    system[own + cell, n] -= weights[f][classOfV[i]] * c;
                }
            }
        }

        (_, double[] values, Matrix right) = library.Svd(system);
        SmallestRatio = values[^1] / values[0];
        SecondRatio = values[^2] / values[0];
        Polynomial a = new(firstExtent);
        for (int n = 0; n < unknowns; n++)
        {
            a.Coefficients[Polynomial.Place(firstTaps[n], firstExtent)] = right[unknowns - 1, n];
        }

        return a;

        int Class(int[] exponent) => Polynomial.Place([.. exponent.Select((m, axis) => m % step[axis])], classes);
        int Cell(int[] exponent) => Polynomial.Place([.. exponent.Select((m, axis) => m / step[axis])], box);
    }

    /// <summary>Each class alone where there are few, else seeded random sums.</summary>
    private static double[][] Weights(int sums, int count)
    {
        Random random = new(1);
        return [.. Enumerable.Range(0, sums).Select(f => Enumerable.Range(0, count).Select(r => sums == count ? (r == f ? 1.0 : 0) : ((2 * random.NextDouble()) - 1) / Math.Sqrt(count)).ToArray())];
    }
}
