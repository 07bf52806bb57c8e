using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.LinearNetworks;

/// <summary>The numerical rank of J, the derivative of a network's end-to-end map by its weights.</summary>
/// <remarks>At a critical point of the loss a full rank says that the map itself is critical on the function space (a pure critical point), a lower one that only the weights are.
/// Source: arXiv:2108.01538; docs/linear-convolutions.md.</remarks>
public sealed class JacobianRank
{
    /// <summary>Relative threshold for weights known to double precision.</summary>
    public const double DoubleThreshold = 1e-9;

    /// <summary>Relative threshold for weights known to single precision.</summary>
    public const double SingleThreshold = 1e-4;

    private JacobianRank(double[] singularValues, double threshold)
    {
        SingularValues = singularValues;
        Threshold = threshold;
        Rank = singularValues.Count(s => s > threshold * singularValues[0]);
    }

    /// <summary>Number of singular values above the threshold's share of the largest; 0 where J is zero.</summary>
    public int Rank { get; }

    /// <summary>All min(rows, columns) singular values of J, largest first.</summary>
    public IReadOnlyList<double> SingularValues { get; }

    /// <summary>The relative threshold.</summary>
    public double Threshold { get; }

    /// <summary>The rank at a network's weights.</summary>
    /// <param name="network">The weights.</param>
    /// <param name="threshold">Singular values up to this share of the largest count as zero: <see cref="DoubleThreshold"/> or <see cref="SingleThreshold"/>.</param>
    /// <exception cref="ArgumentException">A threshold outside of 0 to 1.</exception>
    /// <exception cref="ArithmeticException">An element of J overflows.</exception>
    /// <remarks>J is formed: MapElements x Parameters numbers, and about as many times the smaller of them again in flops, times 4.</remarks>
    public static JacobianRank Of(DeepLinearNetwork network, double threshold = DoubleThreshold)
    {
        ArgumentNullException.ThrowIfNull(network);
        return threshold is >= 0 and < 1
            ? new(DenseLibrary.Current.SingularValues(network.Jacobian()), threshold)
            : throw new ArgumentException($"threshold: a share from 0 to 1 expected, {threshold} given", nameof(threshold));
    }

    /// <summary>The rank of J at almost all weights, which is the dimension of the function space.</summary>
    /// <exception cref="ProblemException">The architecture is not valid.</exception>
    /// <remarks>With one channel <c>sum |W_l| - (L - 1)</c>, whatever the strides and axes. Otherwise no formula is known for every architecture, and the rank at seeded random weights is taken.</remarks>
    public static int Generic(DeepProductDescriptor architecture)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        architecture.Validate();
        if (architecture.Channels.All(c => c == 1))
        {
            return checked((int)(Enumerable.Range(0, architecture.Depth).Sum(l => architecture.FilterShape(l).ElementCount) - (architecture.Depth - 1)));
        }

        Random random = new(1);
        double[][] layers = [.. Enumerable.Range(0, architecture.Depth).Select(l => Enumerable.Range(0, checked((int)architecture.FilterShape(l).ElementCount)).Select(_ => random.NextDouble() - 0.5).ToArray())];
        return Of(new DeepLinearNetwork(architecture with { Problems = null }, layers)).Rank;
    }
}
