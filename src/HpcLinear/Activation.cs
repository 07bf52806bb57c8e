namespace HpcLinear;

/// <summary>An elementwise activation φ.</summary>
public enum Activation
{
    /// <summary>φ(z) = z.</summary>
    Linear,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh,

    /// <summary>z cut off at ±1; derivative 0 at the kinks.</summary>
    HardTanh,

    /// <summary>max(0, z); derivative 0 at 0.</summary>
    Relu,

    /// <summary>z, or 0.01 z for negative z; derivative 1 at 0.</summary>
    LeakyRelu,

    /// <summary>z/2 (1 + tanh(√(2/π) (z + 0.044715 z³))), the tanh form.</summary>
    Gelu,

    /// <summary>1.0507… z, or 1.7580… (eᶻ - 1) for negative z.</summary>
    Selu,

    /// <summary>z / (1 + e⁻ᶻ).</summary>
    Silu,
}
