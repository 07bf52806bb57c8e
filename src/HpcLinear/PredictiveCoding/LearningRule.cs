namespace HpcLinear.PredictiveCoding;

/// <summary>Where a training step takes the gradient of the weights.</summary>
public enum LearningRule
{
    /// <summary>Activities relax from the feed-forward state, then ∂F/∂W at these activities.</summary>
    PredictiveCoding,

    /// <summary>The same with errors as the free variables: they relax from zero, then ∂F/∂W at the activities they make.</summary>
    ErrorCoordinates,

    /// <summary>∂loss/∂W of the feed-forward pass: back-propagation, for comparisons with the same network, loop and optimizer.</summary>
    BackPropagation,

    /// <summary>∂F*/∂W of a linear network with squared error: predictive coding whose relaxation has ended, solved for without one. See <see cref="LinearEquilibriumPlan{T}"/>.</summary>
    ExactEquilibrium,
}
