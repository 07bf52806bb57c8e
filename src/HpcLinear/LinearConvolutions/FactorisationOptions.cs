namespace HpcLinear.LinearConvolutions;

/// <summary>Settings of a factorisation.</summary>
public sealed record FactorisationOptions
{
    /// <summary>Which class of layers: from 0 on, in the order of <see cref="FilterFactorisation.All"/>.</summary>
    public int Label { get; init; }

    /// <summary>Largest <c>|mu(W) - v| / |v|</c> of a filter that counts as in the function space.</summary>
    public double Tolerance { get; init; } = 1e-9;

    /// <summary>Singular values up to this share of the largest count as zero where layers that are the only ones are told from others.</summary>
    public double RankThreshold { get; init; } = 1e-9;

    /// <summary>Random starts of the alternating search at most; it is used where the direct methods leave a residual, so never for a generic filter in the function space.</summary>
    public int Starts { get; init; } = 60;

    /// <summary>Seed of the starts.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Gauss-Newton steps of <see cref="FilterFactorisation.Track"/> at most.</summary>
    public int TrackingSteps { get; init; } = 20;

    internal void Validate()
    {
        Check(nameof(Label), Label, Label >= 0, "0 or more");
        Check(nameof(Tolerance), Tolerance, Tolerance is > 0 and < 1, "a number between 0 and 1");
        Check(nameof(RankThreshold), RankThreshold, RankThreshold is > 0 and < 1, "a number between 0 and 1");
        Check(nameof(Starts), Starts, Starts >= 0, "0 or more");
        Check(nameof(TrackingSteps), TrackingSteps, TrackingSteps >= 1, "1 or more");

        static void Check(string name, object value, bool good, string expected)
        {
            if (!good)
            {
                throw new ArgumentException(System.FormattableString.Invariant($"options: {name} is {value}, {expected} expected"), "options");
            }
        }
    }
}
