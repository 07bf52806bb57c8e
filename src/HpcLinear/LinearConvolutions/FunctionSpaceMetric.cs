using HpcLinear.LinearAlgebra;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.LinearConvolutions;

/// <summary>
/// The kernel <c>K_delta(v) = J Jᵀ</c> that turns the gradient of a loss by the end-to-end filter into the filter's own motion, <c>dv/dt = -K grad</c>, and the metric
/// <c>g_v(a, b) = aᵀ K⁺ b</c> whose gradient flow that is.
/// </summary>
/// <remarks>K is <c>c² sum over l of T_l T_lᵀ / n_l</c> with the map T_l that puts layer l between the others' directions, <c>c = |v|</c> over the map of the directions, and the norms n_l of
/// (c², delta): given v and a label nothing but the norms depends on delta. Source: arXiv:2507.06367; docs/linear-convolutions.md.</remarks>
public sealed class FunctionSpaceMetric
{
    private readonly Matrix tangent;
    private readonly double[] lengths;

    private FunctionSpaceMetric(DeepLinearNetwork network, double threshold)
    {
        Network = network;
        (Matrix left, double[] values, _) = DenseLibrary.Current.Svd(network.Jacobian());
        Rank = values.Count(s => s > threshold * values[0]);
        tangent = left;
        lengths = values;
    }

    /// <summary>Layers of the filter with the invariants.</summary>
    public DeepLinearNetwork Network { get; }

    /// <summary>The rank of K, the dimension of the tangent space im J.</summary>
    public int Rank { get; }

    /// <summary>The metric at a filter.</summary>
    /// <param name="architecture">One channel everywhere.</param>
    /// <param name="filter">v, in the function space, not zero.</param>
    /// <param name="delta">The invariants, one less than layers.</param>
    /// <param name="options">Tolerances; without a label in them the metric must not need one.</param>
    /// <param name="label">The class of layers, see <see cref="FilterFactorisation.All"/>; null where (v, delta) alone determines the kernel.</param>
    /// <exception cref="FactorisationException">The filter is zero or outside of the function space; or several kernels belong to it, and no label is given.</exception>
    /// <inheritdoc cref="FilterFactorisation.Of(DeepProductDescriptor, ReadOnlySpan{double}, ReadOnlySpan{double}, FactorisationOptions?)" path="/exception"/>
    public static FunctionSpaceMetric Of(DeepProductDescriptor architecture, ReadOnlySpan<double> filter, ReadOnlySpan<double> delta, int? label = null, FactorisationOptions? options = null)
    {
        Identifiability known = Identifiability.Of(architecture, delta);
        FactorisationOptions settings = options ?? new();
        FilterFactorisation found = FilterFactorisation.Of(architecture, filter, delta, settings with { Label = label ?? 0 });
        if (label is null && found.Network is { } network && found.Status != FactorisationStatus.NotInSpace && known.Kind != IdentifiabilityKind.Unique && known.Kernels(network) > 1)
        {
            string needed = known.Kind == IdentifiabilityKind.Branch ? "branch needed" : "label needed";
            throw new FactorisationException(found.Status, known.Kind, $"metric: {needed}: {known.CountFormula} = {known.Classes(network)} classes of layers have this filter and these invariants, and their kernels differ ({architecture})");
        }

        return Of(found, architecture, settings);
    }

    /// <summary>The metric at layers that are known: K does not depend on signs, only on the filter, the invariants and the class.</summary>
    /// <param name="network">Layers, with their own invariants.</param>
    /// <param name="threshold">Singular values of J up to this share of the largest count as zero.</param>
    /// <exception cref="ArithmeticException">An element of J overflows.</exception>
    public static FunctionSpaceMetric Of(DeepLinearNetwork network, double threshold = JacobianRank.DoubleThreshold)
    {
        ArgumentNullException.ThrowIfNull(network);
        return new(network, threshold);
    }

    /// <summary>The metric at a factorised filter.</summary>
    /// <exception cref="FactorisationException">The filter is zero or outside of the function space.</exception>
    internal static FunctionSpaceMetric Of(FilterFactorisation found, DeepProductDescriptor architecture, FactorisationOptions options) => found.Status switch
    {
        FactorisationStatus.UndefinedAtZero => throw new FactorisationException(found.Status, null, $"metric: undefined at zero: the layers of a zero filter have no directions ({architecture})"),
        FactorisationStatus.NotInSpace => throw new FactorisationException(found.Status, null, $"metric: the filter is not in the function space: the nearest one found is {found.Residual:G3} of its length away ({architecture})"),
        _ => new(found.Network!, options.RankThreshold),
    };

    /// <summary>K, row-major.</summary>
    public double[] Kernel() => Network.Kernel();

    /// <summary>K u.</summary>
    /// <exception cref="ArgumentException">Another number of elements.</exception>
    public double[] Multiply(ReadOnlySpan<double> u) => Network.JacobianProduct(Network.JacobianTransposeProduct(u));

    /// <summary><c>g_v(a, b) = aᵀ K⁺ b</c> of the parts of a and b in the tangent space.</summary>
    /// <exception cref="ArgumentException">Another number of elements.</exception>
    public double Inner(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double[] x = Coordinates(nameof(a), a), y = Coordinates(nameof(b), b);
        return Matrix.Dot(x, y);
    }

    /// <summary>The length of the part of a vector outside of the tangent space.</summary>
    /// <exception cref="ArgumentException">Another number of elements.</exception>
    public double NormalPart(ReadOnlySpan<double> a)
    {
        double[] x = Coordinates(nameof(a), a), rest = a.ToArray();
        for (int i = 0; i < rest.Length; i++)
        {
            for (int k = 0; k < Rank; k++)
            {
                rest[i] -= tangent[i, k] * x[k] * lengths[k];
            }
        }

        return Math.Sqrt(Matrix.Dot(rest, rest));
    }

    /// <summary>Components along the left singular vectors of J, over its singular values: in them the metric is the Euclidean one.</summary>
    private double[] Coordinates(string argument, ReadOnlySpan<double> vector)
    {
        if (vector.Length != tangent.Rows)
        {
            throw new ArgumentException($"{argument}: {tangent.Rows} elements expected, {vector.Length} given ({Network.Architecture})", argument);
        }

        double[] result = new double[Rank];
        for (int i = 0; i < vector.Length; i++)
        {
            for (int k = 0; k < Rank; k++)
            {
                result[k] += tangent[i, k] * vector[i] / lengths[k];
            }
        }

        return result;
    }
}
