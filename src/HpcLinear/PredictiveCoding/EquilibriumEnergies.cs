namespace HpcLinear.PredictiveCoding;

/// <summary>What <see cref="LinearEquilibriumPlan{T}"/> tells of an equilibrium, in float64.</summary>
/// <param name="Energy">F* = 1/(2B) Σ rᵀ S⁻¹ r, without what weights cost themselves (decay, penalty).</param>
/// <param name="Loss">1/(2B) |y - yhat|² of the feed-forward pass. F* is at most λ_L times it.</param>
/// <param name="LogDeterminant">Natural logarithm of the determinant of the activities' Hessian of one sample.</param>
public readonly record struct EquilibriumEnergies(double Energy, double Loss, double LogDeterminant);
