namespace HpcLinear.LinearConvolutions;

/// <summary>Deals the linear and quadratic factors of a polynomial to layers of given degrees.</summary>
internal static class RootDeals
{
    /// <summary>Every way, as the layers' filters of length 1; the first gives the first roots to the first layers.</summary>
    public static IEnumerable<double[][]> Of(PolynomialRoots roots, IReadOnlyList<int> degrees)
    {
        double[][] factors = [.. roots.RealFactors, .. roots.PairFactors];
        int[] room = [.. degrees], to = new int[factors.Length];
        return From(0);

        IEnumerable<double[][]> From(int factor)
        {
            if (factor == factors.Length)
            {
                if (room.All(r => r == 0))
                {
                    yield return [.. degrees.Select((_, l) => Product(factors.Where((_, f) => to[f] == l)))];
                }

                yield break;
            }

            int degree = factors[factor].Length - 1;
            for (int l = 0; l < room.Length; l++)
            {
                if (room[l] >= degree)
                {
                    room[l] -= degree;
                    to[factor] = l;
                    foreach (double[][] deal in From(factor + 1))
                    {
                        yield return deal;
                    }

                    room[l] += degree;
                }
            }
        }
    }

    private static double[] Product(IEnumerable<double[]> factors)
    {
        Polynomial product = factors.Aggregate(new Polynomial([1], [1]), (p, f) => p.Times(new([f.Length], f)));
        double norm = product.Norm;
        return [.. product.Coefficients.Select(c => c / norm)];
    }
}
