namespace HpcLinear.Operations;

/// <summary>How far activities are from the equilibrium at most, from the gradient g_e in error coordinates.</summary>
/// <remarks>There the Hessian of a linear network with either loss is at least Λ, so that F - F* ≤ |g_e|²/(2 B min λ) and |e - e*| ≤ |g_e|/min λ, λ those of the hidden
/// layers. The bound on the energy is too large by a factor of at most 1 + λ_L λmax(JJᵀ)/min λ where all of them are equal. With clamped units both bounds are those to the equilibrium of the others: their errors are
/// coordinates, in which the Hessian is still at least their Λ, and a clamped unit sends its own λ e down as the output does. Rounding of g_e is not counted.</remarks>
public sealed record RelaxationCertificate
{
    /// <summary>Bound on F - F*, batch mean.</summary>
    public required double EnergyGap { get; init; }

    /// <summary>Bound on |E - E*| over all hidden errors of the batch, of free units.</summary>
    public required double ErrorDistance { get; init; }

    /// <summary>Whether the bounds are proved: the network is linear. Otherwise they are estimates, which hold near a minimum where the energy is convex in the errors.</summary>
    public required bool Proved { get; init; }
}
