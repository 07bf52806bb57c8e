namespace HpcLinear;

/// <summary>How activities move along z' = -g, g the gradient of a sample's energy.</summary>
public enum RelaxationMethod
{
    /// <summary>z ← z - step g (Euler's method).</summary>
    GradientDescent,

    /// <summary>v ← m v + g, z ← z - step v.</summary>
    Momentum,

    /// <summary>v ← m v + g, z ← z - step (g + m v).</summary>
    Nesterov,

    /// <summary>k₁ = g(z), k₂ = g(z - step k₁), z ← z - step/2 (k₁ + k₂).</summary>
    Heun,

    /// <summary>Heun's method with a step of its own for every sample, controlled by the difference of the two slopes.</summary>
    AdaptiveHeun,

    /// <summary>Conjugate gradients in error coordinates, every sample with lengths of its own; Polak and Ribière's rule where the energy is not quadratic.</summary>
    ConjugateGradients,

    /// <summary>e ← Λ⁻¹Jᵀ (I/λ_L + JΛ⁻¹Jᵀ)⁻¹ (E_L + J e) in error coordinates, halfway back while the energy would rise; of a cross-entropy its Hessian.</summary>
    GaussNewton,
}
