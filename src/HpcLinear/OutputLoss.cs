namespace HpcLinear;

/// <summary>What the output layer's prediction p is compared with the target y by.</summary>
public enum OutputLoss
{
    /// <summary>½ |y - p|².</summary>
    SquaredError,

    /// <summary>-Σ y_k log softmax(p)_k; targets are not negative and need not sum to one.</summary>
    CrossEntropy,
}
