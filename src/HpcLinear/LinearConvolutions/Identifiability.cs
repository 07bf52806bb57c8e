using System.Globalization;
using HpcLinear.LinearAlgebra;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.LinearConvolutions;

/// <summary>
/// How far an end-to-end filter v and the invariants delta determine the layers of a network of single-channel convolutions, and with them the kernel <c>K = J Jᵀ</c>.
/// </summary>
/// <remarks>
/// <para>Layers over one v and delta, up to signs, which do not matter to K, come in classes. A layer with taps along two or more axes is an irreducible polynomial, found again in v but for
/// its place among equal ones: (a) m! classes for each set of m layers of the same sizes and grids. Layers along one axis are found again up to the roots of their product: (b)
/// <see cref="UnivariateSet.Deals(int, int)"/> classes. Both hold for almost every v; on exceptional ones (<see cref="FactorisationStatus.NotUnique"/>) there are others.</para>
/// <para>Source: arXiv:2507.06367 for the unique cases; docs/linear-convolutions.md for the counts.</para>
/// </remarks>
public sealed class Identifiability
{
    private readonly double[] offsets;
    private readonly double rounding;

    private Identifiability(DeepProductDescriptor architecture, double[] delta)
    {
        Architecture = architecture;
        LayerGrid[] grids = LayerGrid.Of(architecture);
        ExchangeableSets = [.. Sets(grids, grid => grid.Axes.Length > 1, grid => $"{string.Join(',', grid.Size)}/{string.Join(',', grid.Axes.Select(a => grid.Grid[a]))}")];
        UnivariateSets = [.. Sets(grids, grid => grid.Axes.Length == 1, grid => $"{grid.Axes[0]}/{grid.Grid[grid.Axes[0]]}")
            .Select(set => new UnivariateSet(grids[set[0]].Axes[0], set, [.. set.Select(l => grids[l].Size[grids[l].Axes[0]] - 1)]))];

        offsets = new double[architecture.Depth];
        for (int l = 1; l < offsets.Length; l++)
        {
            offsets[l] = offsets[l - 1] - delta[l - 1];
        }

        rounding = 1e-14 * delta.Sum(Math.Abs);
        Labels = ExchangeableSets.Aggregate(1.0, (product, set) => product * Factorial(set.Count));
        KernelLabels = ExchangeableSets.Aggregate(1.0, (product, set) => product * Factorial(set.Count) / Repeats(set));
        bool branches = UnivariateSets.Any(set => set.Degrees.Any(d => d > 1) || Repeats(set.Layers) < Factorial(set.Layers.Count));
        Kind = branches ? IdentifiabilityKind.Branch : KernelLabels > 1 ? IdentifiabilityKind.Label : IdentifiabilityKind.Unique;
    }

    /// <summary>The layers' sizes and strides.</summary>
    public DeepProductDescriptor Architecture { get; }

    /// <summary>What (v, delta) determines.</summary>
    public IdentifiabilityKind Kind { get; }

    /// <summary>Sets of two or more layers of the same sizes, at least two of them above 1, and the same grids there.</summary>
    public IReadOnlyList<IReadOnlyList<int>> ExchangeableSets { get; }

    /// <summary>Sets of two or more layers along the same axis on the same grid.</summary>
    public IReadOnlyList<UnivariateSet> UnivariateSets { get; }

    /// <summary>Classes of layers that exchanges make, (a): the product of m! over the sets.</summary>
    public double Labels { get; }

    /// <summary>Different kernels that exchanges make: layers of a set whose norms are the same (the delta between them are zero) count once.</summary>
    public double KernelLabels { get; }

    /// <summary>The number of classes over a generic v as a formula in its real roots p and conjugate pairs q.</summary>
    public string CountFormula
    {
        get
        {
            string[] factors =
            [
                .. ExchangeableSets.Select(set => string.Create(CultureInfo.InvariantCulture, $"{set.Count}!")),
                .. UnivariateSets.Select(set => $"[{string.Join(' ', set.Layers.Zip(set.Degrees, (l, d) => $"z{l}^{d}"))}] "
                    + $"({string.Join(" + ", set.Layers.Select(l => $"z{l}"))})^p ({string.Join(" + ", set.Layers.Select(l => $"z{l}^2"))})^q"),
            ];
            return factors.Length == 0 ? "1" : string.Join(" * ", factors);
        }
    }

    /// <summary>What is known of an architecture of single-channel layers.</summary>
    /// <param name="architecture">One channel everywhere, any number of axes and strides.</param>
    /// <param name="delta">The invariants <c>|W_l|² - |W_{l+1}|²</c>, one less than layers.</param>
    /// <exception cref="ProblemException">The architecture is not valid.</exception>
    /// <exception cref="ArgumentException">Several channels or problems, another number of invariants, or one that is not finite.</exception>
    public static Identifiability Of(DeepProductDescriptor architecture, ReadOnlySpan<double> delta)
    {
        CheckArchitecture(architecture);
        CheckInvariants(architecture, delta);
        return new(architecture, delta.ToArray());
    }

    /// <summary>The number of classes over the end-to-end filter of a network, generic or taken to be.</summary>
    /// <param name="network">Layers over the filter, of any class.</param>
    /// <exception cref="ArgumentException">Another architecture.</exception>
    public double Classes(DeepLinearNetwork network) => Count(network, Labels, (set, deals) => deals);

    /// <summary>The number of different kernels among the classes.</summary>
    /// <inheritdoc cref="Classes"/>
    public double Kernels(DeepLinearNetwork network) => Count(network, KernelLabels, (set, deals) =>
        deals / set.Layers.Zip(set.Degrees).GroupBy(p => p.Second, p => p.First).Aggregate(1.0, (product, equal) => product * Repeats([.. equal])));

    internal static void CheckArchitecture(DeepProductDescriptor architecture)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        architecture.Validate();
        if (architecture.Problems is not null || architecture.Channels.Any(c => c != 1) || architecture.ComposedShape.ElementCount > int.MaxValue)
        {
            throw new ArgumentException($"architecture: one network of one channel, with at most {int.MaxValue} end-to-end taps, expected, {architecture} given", nameof(architecture));
        }
    }

    internal static void CheckInvariants(DeepProductDescriptor architecture, ReadOnlySpan<double> delta)
    {
        if (delta.Length != architecture.Depth - 1)
        {
            throw new ArgumentException($"delta: {architecture.Depth - 1} invariants expected, {delta.Length} given ({architecture})", nameof(delta));
        }

        for (int l = 0; l < delta.Length; l++)
        {
            if (!double.IsFinite(delta[l]))
            {
                throw new ArgumentException($"delta: element {l} is {delta[l]}, a finite number expected", nameof(delta));
            }
        }
    }

    private static IEnumerable<int[]> Sets(LayerGrid[] grids, Func<LayerGrid, bool> which, Func<LayerGrid, string> key) =>
        grids.Where(which).GroupBy(key).Select(g => g.Select(grid => grid.Layer).ToArray()).Where(set => set.Length > 1);

    private double Count(DeepLinearNetwork network, double labels, Func<UnivariateSet, double, double> counted)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (network.Architecture != Architecture)
        {
            throw new ArgumentException($"network: {Architecture} expected, {network.Architecture} given", nameof(network));
        }

        return UnivariateSets.Aggregate(labels, (product, set) =>
        {
            PolynomialRoots roots = PolynomialRoots.OfProduct(DenseLibrary.Current, set.Layers.Select(l => network.Layer(l).ToArray()));
            return product * counted(set, set.Deals(roots.RealCount, roots.Pairs.Count));
        });
    }

    /// <summary>Exchanges of layers of one size that have the same norm: they give the same layers under other names, and so the same kernel.</summary>
    private double Repeats(IReadOnlyList<int> layers)
    {
        double[] sorted = [.. layers.Select(l => offsets[l]).Order()];
        double repeats = 1;
        for (int i = 1, equal = 1; i < sorted.Length; i++)
        {
            equal = sorted[i] - sorted[i - 1] <= rounding ? equal + 1 : 1;
            repeats *= equal;
        }

        return repeats;
    }

    private static double Factorial(int n) => Enumerable.Range(1, n).Aggregate(1.0, (product, i) => product * i);
}
