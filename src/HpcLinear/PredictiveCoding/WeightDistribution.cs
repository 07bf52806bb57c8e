namespace HpcLinear.PredictiveCoding;

/// <summary>How weights are drawn; s is the scale of <see cref="WeightInitialisation.Scale"/>.</summary>
public enum WeightDistribution
{
    /// <summary>Uniform on ±s/√fan-in, variance s²/(3 fan-in): the standard parameterisation's.</summary>
    FanInUniform,

    /// <summary>N(0, s²/fan-in).</summary>
    FanInNormal,

    /// <summary>N(0, s²): with s = 1 that of the neural-tangent and μPC parameterisations.</summary>
    Normal,

    /// <summary>s times a random matrix with orthonormal rows or columns, whichever are fewer.</summary>
    Orthogonal,

    /// <summary>All 0.</summary>
    Zero,
}
