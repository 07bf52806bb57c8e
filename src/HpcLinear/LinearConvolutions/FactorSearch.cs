using HpcLinear.LinearAlgebra;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.LinearConvolutions;

/// <summary>One set of layers over a filter, up to scale, from the filter alone: splits while there are any, then roots or the pencil for what is left on one grid.</summary>
internal sealed class FactorSearch(DenseLibrary library, FactorisationOptions options)
{
    private const double MostWork = 2e10;

    private readonly List<FactorisationMethod> methods = [];

    public IReadOnlyList<FactorisationMethod> Methods => methods;

    /// <summary>The largest share of a singular value that vanishes for filters in the function space.</summary>
    public double SmallestRatio { get; private set; }

    /// <summary>The smallest share of one that does not vanish where the layers are the only ones.</summary>
    public double SecondRatio { get; private set; } = 1;

    /// <summary>Fills in the filters of the layers.</summary>
    public void Factor(IReadOnlyList<LayerGrid> all, Polynomial v, double[][] found)
    {
        foreach (LayerGrid trivial in all.Where(l => l.Axes.Length == 0))
        {
            found[trivial.Layer] = [1];
        }

        // Along each axis only multiples of the grids' common divisor occur.
        LayerGrid[] layers = [.. all.Where(l => l.Axes.Length > 0)];
        int[] divisor = [.. v.Extent.Select((_, a) => layers.Where(l => l.Size[a] > 1).Select(l => l.Grid[a]).Aggregate(0, Divisor))];
        layers = [.. layers.Select(l => l with { Grid = [.. l.Grid.Select((g, a) => l.Size[a] > 1 ? g / divisor[a] : 1)] })];
        v = v.Sampled(LayerGrid.Extent(layers, v.Extent.Length), divisor);
        if (layers.Length == 0)
        {
            return;
        }

        if (layers.Length == 1)
        {
            found[layers[0].Layer] = v.Coefficients;
            return;
        }

        FactorSplit? chosen = null;
        (Polynomial First, Polynomial Second)? parts = null;
        foreach (FactorSplit split in FactorSplit.Of(layers, v.Extent).Take(3))
        {
            (Polynomial First, Polynomial Second) solved = split.Solve(library, v);
            if (chosen is null || split.SecondRatio > chosen.SecondRatio)
            {
                (chosen, parts) = (split, solved);
            }

            if (split.SecondRatio > 1e-4)
            {
                break;
            }
        }

        if (chosen is not null && parts is var (first, second))
        {
            Note(FactorisationMethod.Peel, chosen.SmallestRatio, chosen.SecondRatio);
            Factor(chosen.First, first, found);
            Factor(chosen.Second, Regridded(chosen, second, v.Extent), found);
            return;
        }

        int[] axes = [.. Enumerable.Range(0, v.Extent.Length).Where(a => v.Extent[a] > 1)];
        if (axes.Length == 1)
        {
            Note(FactorisationMethod.Roots, 0, 1);
            Deal(layers, axes[0], v.Coefficients, found);
            return;
        }

        // Axes of one tap have no derivative.
        Polynomial flat = new([.. axes.Select(a => v.Extent[a])], v.Coefficients);
        LayerGrid[] flatLayers = [.. layers.Select(l => new LayerGrid(l.Layer, [.. axes.Select(a => l.Size[a])], [.. axes.Select(_ => 1)]))];
        double[][]? solution = null;
        if (FactorPencil.Work(flat.Extent) <= MostWork)
        {
            solution = FactorPencil.Solve(library, flat, flatLayers, out FactorPencil pencil);
            Note(FactorisationMethod.Pencil, pencil.SmallestRatio, pencil.SecondRatio);
        }

        solution ??= General(flat, flatLayers);
        for (int l = 0; l < layers.Length; l++)
        {
            found[layers[l].Layer] = solution[l];
        }
    }

    /// <summary>The best of several alternating searches, each ended by Gauss-Newton.</summary>
    public DeepLinearNetwork General(DeepLinearNetwork shape, double[] target)
    {
        methods.Add(FactorisationMethod.Alternating);
        Random random = new(options.Seed);
        (DeepLinearNetwork Network, double Residual) best = (shape, double.PositiveInfinity);
        for (int start = 0; start < options.Starts && best.Residual > options.Tolerance; start++)
        {
            DeepLinearNetwork network = BalancedLayers.Alternate(library, shape, target, random);
            (network, double residual, _) = BalancedLayers.Polish(library, network, target, 50);
            best = residual < best.Residual ? (network, residual) : best;
        }

        return best.Network;
    }

    private double[][] General(Polynomial v, LayerGrid[] layers)
    {
        Shape strides = Shape.Create([.. v.Extent.Select(_ => 1L)]);
        DeepProductDescriptor block = new()
        {
            Channels = Shape.Create([.. Enumerable.Repeat(1L, layers.Length + 1)]),
            Filters = [.. layers.Select(l => Shape.Create([.. l.Size.Select(k => (long)k)]))],
            Strides = [.. layers.Select(_ => strides)],
        };
        double norm = v.Norm;
        return General(new(block, [.. layers.Select(l => Enumerable.Repeat(1.0, l.Count).ToArray())]), [.. v.Coefficients.Select(c => norm > 0 ? c / norm : 0)]).ToLayers();
    }

    /// <summary>The first deal; where no real layers have the product, of the polynomial whose nearest pairs are moved onto the real line.</summary>
    private void Deal(LayerGrid[] layers, int axis, double[] coefficients, double[][] found)
    {
        int[] degrees = [.. layers.Select(l => l.Size[axis] - 1)];
        PolynomialRoots roots = PolynomialRoots.Of(library, coefficients);
        while (roots.RealCount < degrees.Count(d => d % 2 == 1))
        {
            roots = roots.WithPairMerged();
        }

        double[][] deal = RootDeals.Of(roots, degrees).First();
        for (int l = 0; l < layers.Length; l++)
        {
            found[layers[l].Layer] = deal[l];
        }
    }

    /// <summary>The second part on the grid of the whole, where its layers are described.</summary>
    private static Polynomial Regridded(FactorSplit split, Polynomial second, int[] extent)
    {
        int[] whole = LayerGrid.Extent(split.Second, extent.Length);
        return second.Spread(whole, [.. whole.Select((e, a) => second.Extent[a] > 1 ? (e - 1) / (second.Extent[a] - 1) : 1)]);
    }

    private void Note(FactorisationMethod method, double smallest, double second)
    {
        methods.Add(method);
        SmallestRatio = Math.Max(SmallestRatio, smallest);
        SecondRatio = Math.Min(SecondRatio, second);
    }

    private static int Divisor(int a, int b) => b == 0 ? a : Divisor(b, a % b);
}
