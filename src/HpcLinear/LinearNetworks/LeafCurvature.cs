namespace HpcLinear.LinearNetworks;

/// <summary>The intrinsic geometry of the single-channel networks that share their differences of squared norms, a leaf of gradient flow: metric and sectional curvatures in closed form.</summary>
/// <remarks>
/// <para>On a leaf the end-to-end map is a local isometry onto the function space with the metric <c>K⁺</c>, and lengths are those of weights. With the squared norms n_l = t + off_l and
/// unit filters u_l it is a warped product of spheres, <c>ds² = ¼ (sum 1/n_l) dt² + sum n_l |du_l|²</c>, whatever the strides and the number of axes. With H = sum 1/n_l and Q = sum 1/n_l²:</para>
/// <code>
/// radial and layer l    1/(n_l² H) - Q/(n_l H²)
/// within layer l        (1 - 1/(n_l H))/n_l
/// layers l and m        -1/(n_l n_m H)
/// </code>
/// <para>A curvature has a meaning only where the layers have that many directions: within needs three taps, radial and between two in each layer. With equal norms n: 0, (1 - 1/L)/n,
/// -1/(L n). L² operations a row, every result exact to a few units of rounding. Source: the metric of arXiv:2507.06367; docs/linear-networks.md.</para>
/// </remarks>
public static class LeafCurvature
{
    /// <summary>Curvatures of the planes of the radial direction and one of layer l's, for one network.</summary>
    /// <param name="norms">The squared norms n_l.</param>
    /// <exception cref="ArgumentException">There is none, or one is not positive and finite.</exception>
    public static double[] Radial(ReadOnlySpan<double> norms)
    {
        double[] result = new double[norms.Length];
        Radial(norms.Length, norms, result);
        return result;
    }

    /// <summary>Curvatures of planes inside layer l, for one network.</summary>
    /// <inheritdoc cref="Radial(ReadOnlySpan{double})" path="/*[self::param or self::exception]"/>
    public static double[] Within(ReadOnlySpan<double> norms)
    {
        double[] result = new double[norms.Length];
        Within(norms.Length, norms, result);
        return result;
    }

    /// <summary>Curvatures of planes of a direction of layer l and one of layer m, <c>[L, L]</c> row-major, for one network; what stands on the diagonal is the formula's value.</summary>
    /// <inheritdoc cref="Radial(ReadOnlySpan{double})" path="/*[self::param or self::exception]"/>
    public static double[] Between(ReadOnlySpan<double> norms)
    {
        double[] result = new double[norms.Length * norms.Length];
        Between(norms.Length, norms, result);
        return result;
    }

    /// <summary>The same for rows of <paramref name="layers"/> squared norms each.</summary>
    /// <param name="layers">L.</param>
    /// <param name="norms"><c>[rows, L]</c>, row-major.</param>
    /// <param name="curvatures"><c>[rows, L]</c>; overwritten.</param>
    /// <exception cref="ArgumentOutOfRangeException">L is not positive.</exception>
    /// <exception cref="ArgumentException">The lengths do not fit, or a norm is not positive and finite; the message names its row.</exception>
    public static void Radial(int layers, ReadOnlySpan<double> norms, Span<double> curvatures)
    {
        for (int row = 0, rows = Rows(layers, norms, curvatures.Length, layers); row < rows; row++)
        {
            ReadOnlySpan<double> n = norms.Slice(row * layers, layers);
            for (int l = 0; l < layers; l++)
            {
                // The shares p_l = 1/(n_l H) add up to 1, so that p_l - sum p_m² = sum p_m (p_l - p_m), whose differences are exact for neighbours as p_l (n_m - n_l)/n_m.
                double share = Share(n, l), sum = 0;
                for (int m = 0; m < layers; m++)
                {
                    double other = Share(n, m);
                    sum += other * (share > other / 2 && share < other * 2 ? share * ((n[m] - n[l]) / n[m]) : share - other);
                }

                curvatures[(row * layers) + l] = sum / n[l];
            }
        }
    }

    /// <inheritdoc cref="Radial(int, ReadOnlySpan{double}, Span{double})"/>
    public static void Within(int layers, ReadOnlySpan<double> norms, Span<double> curvatures)
    {
        for (int row = 0, rows = Rows(layers, norms, curvatures.Length, layers); row < rows; row++)
        {
            ReadOnlySpan<double> n = norms.Slice(row * layers, layers);
            for (int l = 0; l < layers; l++)
            {
                double others = 0;
                for (int m = 0; m < layers; m++)
                {
                    others += m == l ? 0 : Share(n, m);
                }

                curvatures[(row * layers) + l] = others / n[l];
            }
        }
    }

    /// <summary>The same for rows of <paramref name="layers"/> squared norms each.</summary>
    /// <param name="layers">L.</param>
    /// <param name="norms"><c>[rows, L]</c>, row-major.</param>
    /// <param name="curvatures"><c>[rows, L, L]</c>; overwritten.</param>
    /// <inheritdoc cref="Radial(int, ReadOnlySpan{double}, Span{double})" path="/exception"/>
    public static void Between(int layers, ReadOnlySpan<double> norms, Span<double> curvatures)
    {
        for (int row = 0, rows = Rows(layers, norms, curvatures.Length, (long)layers * layers); row < rows; row++)
        {
            ReadOnlySpan<double> n = norms.Slice(row * layers, layers);
            for (int l = 0; l < layers; l++)
            {
                double share = Share(n, l);
                for (int m = 0; m < layers; m++)
                {
                    curvatures[(((row * layers) + l) * layers) + m] = -share / n[m];
                }
            }
        }
    }

    /// <summary>ds² of a step of one network on its leaf: <c>¼ H dt² + sum n_l |du_l|²</c>.</summary>
    /// <param name="norms">The squared norms n_l.</param>
    /// <param name="radialStep">dt, the change of every n_l.</param>
    /// <param name="squaredTurns">|du_l|², how far each unit filter turns, squared.</param>
    /// <exception cref="ArgumentException">The lengths differ, or a norm is not positive and finite.</exception>
    public static double SquaredLength(ReadOnlySpan<double> norms, double radialStep, ReadOnlySpan<double> squaredTurns)
    {
        Rows(norms.Length, norms, norms.Length, norms.Length);
        Throw.IfCountDiffers(nameof(squaredTurns), squaredTurns.Length, 1, norms.Length);
        double sum = 0;
        for (int l = 0; l < norms.Length; l++)
        {
            sum += (0.25 * radialStep * radialStep / norms[l]) + (norms[l] * squaredTurns[l]);
        }

        return sum;
    }

    /// <summary>1/(n_l H).</summary>
    private static double Share(ReadOnlySpan<double> norms, int layer)
    {
        double sum = 0;
        foreach (double n in norms)
        {
            sum += norms[layer] / n;
        }

        return 1 / sum;
    }

    private static int Rows(int layers, ReadOnlySpan<double> norms, int results, long resultsPerRow)
    {
        if (layers <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(layers), layers, "layers: at least one squared norm expected");
        }

        int rows = norms.Length / layers;
        Throw.IfCountDiffers(nameof(norms), norms.Length, rows, layers);
        Throw.IfCountDiffers("curvatures", results, rows, resultsPerRow);
        for (int i = 0; i < norms.Length; i++)
        {
            if (!double.IsFinite(norms[i]) || norms[i] <= 0)
            {
                throw new ArgumentException($"norms: element {i % layers} of row {i / layers} is {norms[i]}, a positive finite number expected", nameof(norms));
            }
        }

        return rows;
    }
}
