namespace HpcLinear;

/// <summary>How an optimizer turns a gradient g into a change of the parameters w; r is the learning rate.</summary>
public enum OptimizerRule
{
    /// <summary>v = μ v + g, w = w - r v; without momentum w = w - r g.</summary>
    GradientDescent,

    /// <summary>m = β₁ m + (1 - β₁) g, v = β₂ v + (1 - β₂) g², w = w - r (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε). Source: arXiv:1412.6980.</summary>
    Adam,
}
