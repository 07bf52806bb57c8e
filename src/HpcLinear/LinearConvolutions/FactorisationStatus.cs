namespace HpcLinear.LinearConvolutions;

/// <summary>What became of a factorisation.</summary>
public enum FactorisationStatus
{
    /// <summary>Layers were found whose map is the filter.</summary>
    Found,

    /// <summary>Layers were found, but the filter is exceptional: it has other layers besides the classes of <see cref="Identifiability"/>, or J drops rank there.</summary>
    NotUnique,

    /// <summary>No layers have this filter, or none were found. The layers given are those of a nearest filter that has some.</summary>
    NotInSpace,

    /// <summary>The filter is zero: layers have no directions.</summary>
    UndefinedAtZero,
}
