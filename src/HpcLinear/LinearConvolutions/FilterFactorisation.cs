using System.Globalization;
using HpcLinear.LinearAlgebra;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.LinearConvolutions;

/// <summary>The layers of an end-to-end filter: single-channel convolutions W with <c>mu(W) = v</c> and given invariants <c>delta_l = |W_l|² - |W_{l+1}|²</c>.</summary>
/// <remarks>
/// <para>Directions are found from the filter alone, by the method that its sizes and strides allow: layers on different grids are peeled apart, layers on one grid come from the null space of a
/// differential equation (two or more axes) or from roots (one axis). Gauss-Newton then brings them to rounding, or to a nearest filter of the function space, which is the orthogonal
/// projection. Norms follow from <c>|v|²</c> and delta (<see cref="LayerNorms"/>).</para>
/// <para>Cost: singular vectors of matrices of a few times the filter's elements by a group's taps. Source: arXiv:2507.06367; docs/linear-convolutions.md.</para>
/// </remarks>
public sealed class FilterFactorisation
{
    private FilterFactorisation(FactorisationStatus status) => Status = status;

    /// <summary>Whether the layers are those of the filter.</summary>
    public FactorisationStatus Status { get; }

    /// <summary>The layers: of the filter, or of a nearest one if <see cref="Status"/> says so. Null for the zero filter.</summary>
    public DeepLinearNetwork? Network { get; private init; }

    /// <summary><c>|mu(W) - v| / |v|</c>.</summary>
    public double Residual { get; private init; }

    /// <summary>The filter of <see cref="Network"/>: v, or its projection to the function space. Empty for the zero filter.</summary>
    public IReadOnlyList<double> Projection { get; private init; } = [];

    /// <summary>Smallest singular value over the largest of the systems that filters of the function space make singular, the worst of them: a measure of how far v is outside.</summary>
    public double SmallestRatio { get; private init; }

    /// <summary>The same of the next singular value, the worst of them: 0 where v has further layers.</summary>
    public double SecondRatio { get; private init; } = 1;

    /// <summary>Smallest singular value over the largest of the derivative of (mu, delta) by the weights, all norms equal: 0 where layers that move leave v and delta.</summary>
    public double Regularity { get; private init; }

    /// <summary>How the groups of layers were found.</summary>
    public IReadOnlyList<FactorisationMethod> Methods { get; private init; } = [];

    /// <summary>Gauss-Newton steps at the end.</summary>
    public int Steps { get; private init; }

    /// <summary>The layers of a filter.</summary>
    /// <param name="architecture">One channel everywhere.</param>
    /// <param name="filter">v, C order, <see cref="DeepProductDescriptor.ComposedShape"/>.</param>
    /// <param name="delta">The invariants, one less than layers.</param>
    /// <param name="options">Which class of layers, tolerances.</param>
    /// <exception cref="ProblemException">The architecture is not valid.</exception>
    /// <exception cref="ArgumentException">Several channels or problems, another number of elements or invariants, something not finite, or no class of this label.</exception>
    /// <exception cref="ArithmeticException">Norms outside of the range of float64.</exception>
    public static FilterFactorisation Of(DeepProductDescriptor architecture, ReadOnlySpan<double> filter, ReadOnlySpan<double> delta, FactorisationOptions? options = null) =>
        Of(DenseLibrary.Current, architecture, filter, delta, options ?? new());

    /// <summary>All classes of layers of a filter with the same invariants, the class of label 0 first.</summary>
    /// <remarks>Exchangeable layers take turns in the order of their elements, and roots are dealt in their order, the first ones to the first layers first. The order is that of the filter: it does
    /// not depend on how the layers were found, but two classes may change places where elements or roots are equal. A label means the same only for filters near each other.</remarks>
    /// <inheritdoc cref="Of(DeepProductDescriptor, ReadOnlySpan{double}, ReadOnlySpan{double}, FactorisationOptions?)"/>
    public static IReadOnlyList<FilterFactorisation> All(DeepProductDescriptor architecture, ReadOnlySpan<double> filter, ReadOnlySpan<double> delta, FactorisationOptions? options = null)
    {
        FilterFactorisation first = Of(architecture, filter, delta, (options ?? new()) with { Label = 0 });
        if (first.Network is null || first.Status == FactorisationStatus.NotInSpace)
        {
            return [first];
        }

        const int Most = 100_000;
        Identifiability known = Identifiability.Of(architecture, delta);
        double count = known.Classes(first.Network);
        if (count > Most)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"filter: {count} classes of layers, at most {Most} are listed ({architecture})"), nameof(filter));
        }

        List<FilterFactorisation> all = [];
        double[] v = filter.ToArray(), d = delta.ToArray();
        foreach (double[][] directions in FactorClasses.Of(DenseLibrary.Current, known, BalancedLayers.Directions(first.Network)))
        {
            all.Add(Finish(DenseLibrary.Current, first.Network.With(directions), v, d, options ?? new(), first.SmallestRatio, first.SecondRatio, first.Methods));
        }

        return all;
    }

    /// <summary>The layers of a filter near those of another one: Gauss-Newton from there, so that label and branch stay.</summary>
    /// <param name="previous">Layers of a filter near this one; their norms do not matter.</param>
    /// <param name="filter">v.</param>
    /// <param name="delta">The invariants.</param>
    /// <param name="options">Tolerances, number of steps.</param>
    /// <exception cref="ArgumentException">As for <see cref="Of(DeepProductDescriptor, ReadOnlySpan{double}, ReadOnlySpan{double}, FactorisationOptions?)"/>; a layer that is zero.</exception>
    /// <exception cref="ArithmeticException">Norms outside of the range of float64.</exception>
    /// <remarks>Inside a flow 1 to 3 steps, each the least squares solution of a system of MapElements + L - 1 rows and as many columns as weights.</remarks>
    public static FilterFactorisation Track(DeepLinearNetwork previous, ReadOnlySpan<double> filter, ReadOnlySpan<double> delta, FactorisationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(previous);
        FactorisationOptions settings = options ?? new();
        Check(previous.Architecture, filter, delta, settings);
        int zero = Enumerable.Range(0, previous.Depth).FirstOrDefault(l => previous.Layer(l).IndexOfAnyExcept(0.0) < 0, -1);
        if (zero >= 0)
        {
            throw new ArgumentException($"previous: layer {zero} is zero, a direction expected", nameof(previous));
        }

        return Norm(filter) == 0
            ? new(FactorisationStatus.UndefinedAtZero)
            : Finish(DenseLibrary.Current, previous, filter.ToArray(), delta.ToArray(), settings, 0, 1, [FactorisationMethod.Tracked], settings.TrackingSteps);
    }

    internal static FilterFactorisation Of(DenseLibrary library, DeepProductDescriptor architecture, ReadOnlySpan<double> filter, ReadOnlySpan<double> delta, FactorisationOptions options)
    {
        Check(architecture, filter, delta, options);
        double norm = Norm(filter);
        if (norm == 0)
        {
            return new(FactorisationStatus.UndefinedAtZero);
        }

        double[] v = filter.ToArray(), target = [.. v.Select(x => x / norm)], d = delta.ToArray();
        LayerGrid[] grids = LayerGrid.Of(architecture);
        double[][] found = new double[grids.Length][];
        FactorSearch search = new(library, options);
        search.Factor(grids, new Polynomial([.. architecture.ComposedShape.Skip(2).Select(k => (int)k)], target), found);
        DeepLinearNetwork network = new(architecture, [.. found.Select(w => w.All(x => x == 0) ? [.. w.Select(_ => 1.0)] : BalancedLayers.Direction(w))]);
        (network, double residual, _) = BalancedLayers.Polish(library, network, target);
        if (residual > options.Tolerance && options.Starts > 0 && !search.Methods.Contains(FactorisationMethod.Alternating))
        {
            DeepLinearNetwork general = search.General(network, target);
            network = Distance(general, target) < residual ? general : network;
        }

        double[][] directions = BalancedLayers.Directions(network);
        double[][]? labelled = residual > options.Tolerance && options.Label == 0
            ? directions
            : FactorClasses.Of(library, Identifiability.Of(architecture, delta), directions).Skip(options.Label).FirstOrDefault();
        return labelled is null
            ? throw new ArgumentException($"options: no class of layers has the label {options.Label} ({architecture})", nameof(options))
            : Finish(library, network.With(labelled), v, d, options, search.SmallestRatio, search.SecondRatio, search.Methods);
    }

    /// <summary>Polishes directions, sets the norms and judges the result.</summary>
    private static FilterFactorisation Finish(DenseLibrary library, DeepLinearNetwork start, double[] v, double[] delta, FactorisationOptions options, double smallest, double second,
        IReadOnlyList<FactorisationMethod> methods, int steps = 200)
    {
        double norm = Norm(v);
        double[] target = [.. v.Select(x => x / norm)];
        (DeepLinearNetwork balanced, double residual, int taken) = BalancedLayers.Polish(library, start, target, steps);
        double[] values = library.SingularValues(BalancedLayers.System(balanced));
        double regularity = values[^1] / values[0];
        double[][] layers = balanced.ToLayers();
        layers[^1] = [.. layers[^1].Select(x => x * norm)];
        DeepLinearNetwork network = Gauge.Regauge(balanced.With(layers), delta);
        return new(residual > options.Tolerance ? FactorisationStatus.NotInSpace
            : Math.Min(second, regularity) <= options.RankThreshold ? FactorisationStatus.NotUnique : FactorisationStatus.Found)
        {
            Network = network,
            Residual = residual,
            Projection = network.EndToEnd(),
            SmallestRatio = smallest,
            SecondRatio = second,
            Regularity = regularity,
            Methods = methods,
            Steps = taken,
        };
    }

    private static void Check(DeepProductDescriptor architecture, ReadOnlySpan<double> filter, ReadOnlySpan<double> delta, FactorisationOptions options)
    {
        Identifiability.CheckArchitecture(architecture);
        Identifiability.CheckInvariants(architecture, delta);
        options.Validate();
        Throw.IfCountDiffers(nameof(filter), filter.Length, architecture.ComposedShape);
        for (int i = 0; i < filter.Length; i++)
        {
            if (!double.IsFinite(filter[i]))
            {
                throw new ArgumentException($"filter: element {i} is {filter[i]}, a finite number expected", nameof(filter));
            }
        }
    }

    private static double Norm(ReadOnlySpan<double> filter)
    {
        double norm = 0;
        foreach (double x in filter)
        {
            norm = double.Hypot(norm, x);
        }

        return norm;
    }

    private static double Distance(DeepLinearNetwork network, double[] target) => Math.Sqrt(network.EndToEnd().Zip(target, (a, b) => (a - b) * (a - b)).Sum());
}
