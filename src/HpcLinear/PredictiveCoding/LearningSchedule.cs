namespace HpcLinear.PredictiveCoding;

/// <summary>When weights move while activities relax.</summary>
public enum LearningSchedule
{
    /// <summary>Once, after all steps of the relaxation.</summary>
    InferenceLearning,

    /// <summary>Within the relaxation, with the gradients of activities and weights taken at the same point. Source: arXiv:2212.00720 (iPC).</summary>
    Incremental,
}
