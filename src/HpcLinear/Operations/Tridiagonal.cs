namespace HpcLinear.Operations;

/// <summary>Symmetric tridiagonal matrices as Lanczos iterations leave them.</summary>
internal static class Tridiagonal
{
    /// <summary>Products with a Hessian before its largest eigenvalue is taken; 12 leave a percent or two where eigenvalues are dense.</summary>
    public const int Iterations = 12;

    /// <summary>The largest eigenvalue, and added to it the norm of the residual that its vector leaves in the matrix that was iterated.</summary>
    /// <param name="diagonal">α_1 … α_k.</param>
    /// <param name="beside">β_1 … β_k; the last one leads out of the matrix.</param>
    /// <returns>NaN where an element is infinite or NaN.</returns>
    public static double Largest(ReadOnlySpan<double> diagonal, ReadOnlySpan<double> beside)
    {
        double low = double.NegativeInfinity, high = double.NegativeInfinity;
        for (int i = 0; i < diagonal.Length; i++)
        {
            if (!double.IsFinite(diagonal[i]) || !double.IsFinite(beside[i]))
            {
                return double.NaN;
            }

            low = Math.Max(low, diagonal[i]);
            high = Math.Max(high, diagonal[i] + Math.Abs(beside[i]) + (i > 0 ? Math.Abs(beside[i - 1]) : 0));
        }

        // The largest diagonal element is at most the eigenvalue, the sums of rows (Gershgorin) are at least it.
        for (int halving = 0; halving < 60 && high - low > 1e-12 * Math.Abs(high); halving++)
        {
            double middle = low + ((high - low) / 2);
            if (Exceeds(diagonal, beside, middle))
            {
                low = middle;
            }
            else
            {
                high = middle;
            }
        }

        return high + Residual(diagonal, beside, high);
    }

    /// <summary>Whether an eigenvalue is larger than x: x I less the matrix has a pivot below 0.</summary>
    private static bool Exceeds(ReadOnlySpan<double> diagonal, ReadOnlySpan<double> beside, double x)
    {
        double pivot = 1;
        for (int i = 0; i < diagonal.Length; i++)
        {
            pivot = x - diagonal[i] - (i > 0 ? beside[i - 1] * beside[i - 1] / pivot : 0);
            if (pivot <= 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>β_k times the last component of the eigenvector, from the last component upwards: there it grows, so that rounding does not.</summary>
    private static double Residual(ReadOnlySpan<double> diagonal, ReadOnlySpan<double> beside, double eigenvalue)
    {
        double below = 0, current = 1, norm = 1;
        for (int i = diagonal.Length - 1; i > 0 && norm < 1e200; i--)
        {
            double above = ((eigenvalue - diagonal[i]) * current) - (i + 1 < diagonal.Length ? beside[i] * below : 0);
            (below, current) = (current, above / beside[i - 1]);
            norm += current * current;
        }

        return norm < 1e200 ? Math.Abs(beside[^1]) / Math.Sqrt(norm) : 0;
    }
}
