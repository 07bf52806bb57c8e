namespace HpcLinear.LinearConvolutions;

/// <summary>How a group of layers was found.</summary>
public enum FactorisationMethod
{
    /// <summary>Split in two by the residue classes of exponents: a singular vector and least squares.</summary>
    Peel,

    /// <summary>Two or more axes on one grid: the null space of a differential equation, whose fields belong to one factor each.</summary>
    Pencil,

    /// <summary>One axis on one grid: the roots of the polynomial, dealt to layers.</summary>
    Roots,

    /// <summary>Alternating least squares from random starts, then Gauss-Newton.</summary>
    Alternating,

    /// <summary>Gauss-Newton from given layers.</summary>
    Tracked,
}
