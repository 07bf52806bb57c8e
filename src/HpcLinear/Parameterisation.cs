namespace HpcLinear;

/// <summary>How a network's layers are scaled with width N (the first hidden one) and depth L (weight layers).</summary>
public enum Parameterisation
{
    /// <summary>Every factor 1; weights of variance 1/(3 fan-in).</summary>
    Standard,

    /// <summary>Neural tangent: n₀^-½, N^-½ (with skips (N L)^-½), N^-½; weights of variance 1.</summary>
    NeuralTangent,

    /// <summary>μPC (Depth-μP): as neural tangent, the output layer N⁻¹; weights of variance 1. Source: arXiv:2505.13124.</summary>
    DepthMuP,
}
