using System.Numerics;
using HpcLinear.LinearAlgebra;

namespace HpcLinear.LinearConvolutions;

/// <summary>The factors of a polynomial in two or more variables that is a product of irreducible ones, by linear algebra.</summary>
/// <remarks>
/// <para>For <c>v = f_1 … f_r</c> the fields <c>E_i = (v / f_i) grad f_i</c> span the null space of <c>v ∂_b g_a - g_a ∂_b v = v ∂_a g_b - g_b ∂_a v</c> (g / v is closed), where g_a has the
/// degrees of ∂_a v. At a root of v along one axis that belongs to f_i, <c>g_a / ∂_a v</c> is the coefficient of E_i in g: roots fall into r groups, which give every E_i. Last,
/// <c>v ∂_a f_i = E_i,a f_i</c> is linear in f_i.</para>
/// <para>Source: Gao, "Factoring multivariate polynomials via partial differential equations", Math. Comp. 72 (2003), here for real layers of known sizes.</para>
/// </remarks>
internal sealed class FactorPencil
{
    private const int Tries = 6;

    private readonly DenseLibrary library;
    private readonly Polynomial v;
    private readonly LayerGrid[] layers;
    private readonly int axes;
    private readonly Polynomial[][] basis;

    private FactorPencil(DenseLibrary library, Polynomial v, LayerGrid[] layers)
    {
        (this.library, this.v, this.layers) = (library, v, layers);
        axes = v.Extent.Length;
        basis = NullSpace();
    }

    /// <summary>Of the singular value that must vanish as the last, over the largest.</summary>
    public double SmallestRatio { get; private set; }

    /// <summary>Of the next one: 0 where v has more factors than layers.</summary>
    public double SecondRatio { get; private set; }

    /// <summary>The rows and columns of the system, for a decision whether it is worth it.</summary>
    public static double Work(int[] extent)
    {
        double unknowns = extent.Length * extent.Aggregate(1.0, (product, k) => product * k), rows = extent.Aggregate(1.0, (product, k) => product * ((2 * k) - 1)) * extent.Length * (extent.Length - 1) / 2;
        return rows * unknowns * unknowns;
    }

    /// <summary>The factors in the layers' order, or null where the roots do not fall into groups of the layers' sizes.</summary>
    /// <param name="library">For singular and eigenvalues.</param>
    /// <param name="v">The product: two or more variables, every layer of two or more taps in each.</param>
    /// <param name="layers">Two or more layers on grid 1.</param>
    /// <param name="pencil">The system, with its diagnostics.</param>
    public static double[][]? Solve(DenseLibrary library, Polynomial v, LayerGrid[] layers, out FactorPencil pencil)
    {
        pencil = new(library, v, layers);
        for (int seed = 0; seed < Tries; seed++)
        {
            if (pencil.Try(new Random(seed)) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>Fields of the r smallest singular values, a polynomial for each axis.</summary>
    private Polynomial[][] NullSpace()
    {
        int[][] boxes = [.. Enumerable.Range(0, axes).Select(a => Less(v.Extent, a))];
        int[] starts = [0, .. boxes.Select(b => b.Aggregate(1, (product, k) => product * k))];
        for (int a = 1; a <= axes; a++)
        {
            starts[a] += starts[a - 1];
        }

        int[] twice = [.. v.Extent.Select(k => (2 * k) - 1)];
        int cells = twice.Aggregate(1, (product, k) => product * k), unknowns = starts[^1];
        Matrix system = new(Math.Max(unknowns, cells * axes * (axes - 1) / 2), unknowns);
        int[][] exponents = Polynomial.Exponents(v.Extent);
        int[] places = Polynomial.Places(v.Extent, twice);
        int row = 0;
        for (int a = 0; a < axes; a++)
        {
            for (int b = a + 1; b < axes; b++, row += cells)
            {
                Add(a, b, 1);
                Add(b, a, -1);
            }
        }

        (_, double[] values, Matrix right) = library.Svd(system);
        SmallestRatio = values[^layers.Length] / values[0];
        SecondRatio = values[^(layers.Length + 1)] / values[0];
        return [.. Enumerable.Range(unknowns - layers.Length, layers.Length).Select(i => Enumerable.Range(0, axes).Select(a => new Polynomial(boxes[a], right.Row(i)[starts[a]..starts[a + 1]].ToArray())).ToArray())];

        // ± (v ∂_by g_of - g_of ∂_by v)
        void Add(int of, int by, double sign)
        {
            int back = Polynomial.Place([.. Enumerable.Range(0, axes).Select(a => a == by ? 1 : 0)], twice);
            int[][] taps = Polynomial.Exponents(boxes[of]);
            int[] tapPlaces = Polynomial.Places(boxes[of], twice);
            for (int m = 0; m < taps.Length; m++)
            {
                for (int n = 0; n < exponents.Length; n++)
                {
                    int factor = taps[m][by] - exponents[n][by];
                    if (factor != 0)
                    {
                        system[row + places[n] + tapPlaces[m] - back, starts[of] + m] += sign * factor * v.Coefficients[n];
                    }
                }
            }
        }
    }

    private double[][]? Try(Random random)
    {
        double[] point = [.. Enumerable.Range(0, axes).Select(_ => (random.Next(2) == 0 ? -1 : 1) * (0.5 + random.NextDouble()))];
        double[] mix = [.. basis.Select(_ => (2 * random.NextDouble()) - 1)];
        if (Values(0, point) is not { } first || first.Length < layers.Length || Groups(first, mix) is not { } groups)
        {
            return null;
        }

        int count = layers.Length;
        Matrix means = new(count, count);
        for (int c = 0; c < count; c++)
        {
            for (int i = 0; i < count; i++)
            {
                means[c, i] = groups[c].Average(value => value[i]);
            }
        }

        // Degrees of each factor along each axis: how many roots belong to it.
        int[][] sizes = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Repeat(1, axes).ToArray())];
        for (int a = 0; a < axes; a++)
        {
            if (Values(a, point) is not { } values)
            {
                return null;
            }

            foreach (double[] value in values)
            {
                sizes[Enumerable.Range(0, count).MinBy(c => value.Zip(means.Row(c).ToArray(), (x, y) => (x - y) * (x - y)).Sum())][a]++;
            }
        }

        Matrix mixes = library.LeastSquares(means, Matrix.ScaledIdentity(count, 1), 1e-13);
        double[][] found = new double[count][];
        bool[] taken = new bool[count];
        for (int l = 0; l < count; l++)
        {
            int factor = Array.FindIndex(sizes, 0, s => s.SequenceEqual(layers[l].Size));
            while (factor >= 0 && taken[factor])
            {
                factor = factor + 1 < count ? Array.FindIndex(sizes, factor + 1, s => s.SequenceEqual(layers[l].Size)) : -1;
            }

            if (factor < 0)
            {
                return null;
            }

            taken[factor] = true;
            found[l] = Factor([.. Enumerable.Range(0, count).Select(i => mixes[i, factor])], layers[l].Size);
        }

        return found;
    }

    /// <summary>At each root of v along an axis through a point: the coefficients of the basis there; null where v has fewer roots than its degree.</summary>
    private double[][]? Values(int axis, double[] point)
    {
        double[] line = v.Along(axis, point);
        PolynomialRoots roots = PolynomialRoots.Of(library, line);
        double[] slope = [.. line.Skip(1).Select((c, i) => c * (i + 1))];
        double[][] fields = [.. basis.Select(g => g[axis].Along(axis, point))];
        Complex[] all = [.. roots.Real.Select(r => (Complex)r), .. roots.Pairs, .. roots.Pairs.Select(Complex.Conjugate)];
        return all.Length == line.Length - 1 ? [.. all.Select(z => fields.Select(g => (At(g, z) / At(slope, z)).Real).ToArray())] : null;

        static Complex At(double[] c, Complex z) => c.Reverse().Aggregate(Complex.Zero, (sum, next) => (sum * z) + next);
    }

    /// <summary>Roots whose values under a mix of the basis are near: cut at the widest gaps.</summary>
    private List<double[]>[]? Groups(double[][] values, double[] mix)
    {
        (double Key, double[] Value)[] sorted = [.. values.Select(value => (value.Zip(mix, (x, m) => x * m).Sum(), value)).OrderBy(p => p.Item1)];
        if (sorted.Any(p => !double.IsFinite(p.Key)))
        {
            return null;
        }

        HashSet<int> cuts = [.. Enumerable.Range(1, sorted.Length - 1).OrderByDescending(i => sorted[i].Key - sorted[i - 1].Key).Take(layers.Length - 1)];
        List<List<double[]>> groups = [[]];
        for (int i = 0; i < sorted.Length; i++)
        {
            if (cuts.Contains(i))
            {
                groups.Add([]);
            }

            groups[^1].Add(sorted[i].Value);
        }

        return groups.Select(g => g.Count).Order().SequenceEqual(layers.Select(l => l.Size[0] - 1).Order()) ? [.. groups] : null;
    }

    /// <summary>The null vector of <c>v ∂_a f - E_a f</c>.</summary>
    private double[] Factor(double[] mix, int[] size)
    {
        int unknowns = size.Aggregate(1, (product, k) => product * k);
        int[] box = [.. v.Extent.Select((k, a) => k + size[a] - 1)];
        int cells = box.Aggregate(1, (product, k) => product * k);
        Matrix system = new(Math.Max(unknowns, axes * cells), unknowns);
        int[][] taps = Polynomial.Exponents(size);
        int[] tapPlaces = Polynomial.Places(size, box), places = Polynomial.Places(v.Extent, box);
        for (int a = 0; a < axes; a++)
        {
            int back = Polynomial.Place([.. Enumerable.Range(0, axes).Select(axis => axis == a ? 1 : 0)], box);
            int[] fieldPlaces = Polynomial.Places(Less(v.Extent, a), box);
            for (int m = 0; m < unknowns; m++)
            {
                for (int n = 0; taps[m][a] > 0 && n < places.Length; n++)
                {
                    system[(a * cells) + places[n] + tapPlaces[m] - back, m] += taps[m][a] * v.Coefficients[n];
                }

                for (int n = 0; n < fieldPlaces.Length; n++)
                {
                    double field = 0;
                    for (int i = 0; i < mix.Length; i++)
                    {
                        field += mix[i] * basis[i][a].Coefficients[n];
                    }

                    system[(a * cells) + fieldPlaces[n] + tapPlaces[m], m] -= field;
                }
            }
        }

        return library.Svd(system).RightTransposed.Row(unknowns - 1).ToArray();
    }

    private static int[] Less(int[] extent, int axis) => [.. extent.Select((k, a) => a == axis ? k - 1 : k)];
}
