namespace HpcLinear.Operations;

/// <summary>
/// A search along a line for a length that lowers the energy, by energies and slopes. Near a minimum energies are equal up to rounding, at a distance of the square
/// root of it: there slopes alone decide (Hager and Zhang's approximate Wolfe conditions, SIAM J. Optim. 16, 2005), which tell down to rounding itself.
/// </summary>
internal struct LineSearch
{
    /// <summary>Part of the slope's promise that a length must keep (Armijo).</summary>
    private const double LeastGain = 1e-4;

    /// <summary>Lengths looked at for a flat end; from then on a lower energy will do.</summary>
    private const int FlatTrials = 6;

    /// <summary>Lengths looked at; the last one that fails is followed by 0.</summary>
    private const int MostTrials = 30;

    private readonly double energy;
    private readonly double slope;
    private readonly double rounding;
    private readonly double steepest;
    private double shorter;
    private double shorterSlope;
    private double longer = double.PositiveInfinity;
    private int trials;

    /// <param name="energy">The energy at length 0.</param>
    /// <param name="slope">The slope there, below 0.</param>
    /// <param name="rounding">Part of an energy that rounding may change.</param>
    /// <param name="flatness">Part of the slope that the end may have.</param>
    public LineSearch(double energy, double slope, double rounding, double flatness)
    {
        (this.energy, this.slope, this.rounding, steepest) = (energy, slope, rounding, -flatness * slope);
        shorterSlope = slope;
    }

    /// <summary>Whether a length will do; else replaces it by the next to try, at last by 0, where the search ends.</summary>
    public bool Accepts(ref double length, double endEnergy, double endSlope)
    {
        trials++;
        bool lower = endEnergy <= energy + (LeastGain * length * slope);
        bool level = endEnergy <= energy + (rounding * Math.Abs(energy)) && endSlope <= ((2 * LeastGain) - 1) * slope;
        bool flat = Math.Abs(endSlope) <= steepest;
        if ((lower || level) && (flat || trials > FlatTrials))
        {
            return true;
        }

        if (trials == MostTrials)
        {
            length = 0;
            return false;
        }

        // Where the slope would vanish if it changed evenly between the two ends; towards the middle where that is not between them.
        bool beyond = !(lower || level) || endSlope > 0;
        double secant = length - (endSlope * (length - shorter) / (endSlope - shorterSlope)), from = length;
        if (beyond)
        {
            longer = length;
        }
        else
        {
            (shorter, shorterSlope) = (length, endSlope);
        }

        double width = Math.Min(longer, 11 * from) - shorter, low = shorter + (0.1 * width), high = shorter + (0.9 * width);
        length = secant >= low && secant <= high ? secant : beyond ? (shorter + longer) / 2 : Math.Clamp(double.IsFinite(secant) && secant > from ? secant : high, low, high);
        return false;
    }
}
