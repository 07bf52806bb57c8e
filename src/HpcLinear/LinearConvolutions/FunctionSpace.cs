using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.LinearConvolutions;

/// <summary>Which filters are end-to-end filters of a network along one axis with stride one.</summary>
public static class FunctionSpace
{
    /// <summary>The real roots of a filter along one axis as the polynomial <c>sum v_i x^i</c>, with multiplicity, those at infinity (vanishing top taps) included.</summary>
    /// <param name="filter">v, not zero.</param>
    /// <exception cref="ArgumentException">No element, one that is not finite, or all zero.</exception>
    /// <remarks>Double real roots count as real if the coefficients show them to within rounding (1e-14); roots of higher multiplicity may be taken for pairs.</remarks>
    public static int RealRootCount(ReadOnlySpan<double> filter)
    {
        bool zero = true;
        for (int i = 0; i < filter.Length; i++)
        {
            if (!double.IsFinite(filter[i]))
            {
                throw new ArgumentException($"filter: element {i} is {filter[i]}, a finite number expected", nameof(filter));
            }

            zero &= filter[i] == 0;
        }

        return zero ? throw new ArgumentException("filter: a filter that is not zero expected, every number is a root of this one", nameof(filter)) : PolynomialRoots.Of(DenseLibrary.Current, filter).RealCount;
    }

    /// <summary>Whether a filter along one axis is the end-to-end filter of some layers of stride one: whether it has a real root for every layer of an even number of taps.</summary>
    /// <param name="architecture">One channel, at most one axis of more than one tap, stride one on it up to the last layer but one.</param>
    /// <param name="filter">v.</param>
    /// <exception cref="ProblemException">The architecture is not valid.</exception>
    /// <exception cref="ArgumentException">Another kind of architecture, another number of elements, or one that is not finite.</exception>
    /// <remarks>The zero filter is in. With at most one layer of an even number of taps every filter is. For other architectures <see cref="FilterFactorisation"/> finds out.</remarks>
    public static bool Contains(DeepProductDescriptor architecture, ReadOnlySpan<double> filter)
    {
        Identifiability.CheckArchitecture(architecture);
        LayerGrid[] layers = [.. LayerGrid.Of(architecture).Where(l => l.Axes.Length > 0)];
        Throw.IfCountDiffers(nameof(filter), filter.Length, architecture.ComposedShape);
        if (layers.Any(l => l.Axes.Length > 1 || l.Axes[0] != layers[0].Axes[0] || l.Grid[l.Axes[0]] != 1))
        {
            throw new ArgumentException($"architecture: taps along one axis and stride one there expected, {architecture} given", nameof(architecture));
        }

        return filter.IndexOfAnyExcept(0.0) < 0 || RealRootCount(filter) >= layers.Count(l => l.Count % 2 == 0);
    }
}
