namespace HpcLinear.LinearNetworks;

/// <summary>How balancing ended.</summary>
public enum BalanceStatus
{
    /// <summary>All matrices between layers are zero to the tolerance.</summary>
    Balanced,

    /// <summary>The sweeps were used up; the residual says how far it got.</summary>
    SweepLimit,

    /// <summary>The map is zero: what balances it are layers of zeros, which it then has.</summary>
    Zero,
}
