using HpcLinear.LinearAlgebra;

namespace HpcLinear.LinearConvolutions;

/// <summary>All classes of layers over a filter from those of one class.</summary>
internal static class FactorClasses
{
    /// <summary>Every class as directions, in an order that depends on the filter alone: exchanged layers in the order of their elements, the deals of roots in the order of the roots.</summary>
    /// <param name="library">For roots.</param>
    /// <param name="known">Which layers are exchanged, which share roots.</param>
    /// <param name="directions">Layers of norm 1 of any class.</param>
    public static IEnumerable<double[][]> Of(DenseLibrary library, Identifiability known, double[][] directions)
    {
        IEnumerable<double[][]> classes = [directions];
        foreach (IReadOnlyList<int> set in known.ExchangeableSets)
        {
            classes = classes.SelectMany(c => Permutations([.. set.Select(l => Signed(c[l])).Order(Comparer<double[]>.Create(Compare))]).Select(order => Replaced(c, set, order)));
        }

        foreach (UnivariateSet set in known.UnivariateSets)
        {
            PolynomialRoots roots = PolynomialRoots.OfProduct(library, set.Layers.Select(l => directions[l]));
            classes = classes.SelectMany(c => RootDeals.Of(roots, set.Degrees).Select(deal => Replaced(c, set.Layers, deal)));
        }

        return classes;
    }

    private static double[][] Replaced(double[][] directions, IReadOnlyList<int> layers, double[][] by)
    {
        double[][] result = [.. directions];
        for (int i = 0; i < layers.Count; i++)
        {
            result[layers[i]] = by[i];
        }

        return result;
    }

    private static IEnumerable<double[][]> Permutations(double[][] items)
    {
        if (items.Length == 0)
        {
            yield return [];
        }

        for (int i = 0; i < items.Length; i++)
        {
            foreach (double[][] rest in Permutations([.. items[..i], .. items[(i + 1)..]]))
            {
                yield return [items[i], .. rest];
            }
        }
    }

    /// <summary>The sign that makes the largest element positive.</summary>
    private static double[] Signed(double[] direction) => direction.MaxBy(Math.Abs) < 0 ? [.. direction.Select(x => -x)] : direction;

    private static int Compare(double[] a, double[] b)
    {
        for (int i = 0; i < a.Length; i++)
        {
            if (a[i] != b[i])
            {
                return a[i].CompareTo(b[i]);
            }
        }

        return 0;
    }
}
