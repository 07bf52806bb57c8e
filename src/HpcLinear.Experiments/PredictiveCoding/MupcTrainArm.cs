using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>A parameterisation and a learning rule; everything else is the same for all arms.</summary>
internal sealed record MupcTrainArm(string Name, Parameterisation Parameterisation, LearningRule Rule)
{
    /// <summary>What settings may name.</summary>
    public const string Names = "mupc-activities mupc-errors mupc-bp sp-activities sp-errors sp-bp";

    public static MupcTrainArm Parse(string name)
    {
        bool standard = name.StartsWith("sp-", StringComparison.Ordinal);
        LearningRule rule = name[(name.IndexOf('-', StringComparison.Ordinal) + 1)..] switch
        {
            "activities" => LearningRule.PredictiveCoding,
            "errors" => LearningRule.ErrorCoordinates,
            _ => LearningRule.BackPropagation,
        };
        return new(name, standard ? Parameterisation.Standard : Parameterisation.DepthMuP, rule);
    }

    /// <summary>The network: with skips under μPC, without under the standard parameterisation, whose activities would grow exponentially with them.</summary>
    public RelaxationDescriptor Network(MupcTrainSettings settings, int features, int classes)
    {
        Shape widths = [features, .. Shape.Uniform(settings.Hidden, settings.Width), classes];
        return RelaxationDescriptor.Create(settings.Batch, widths, Parameterisation, Parameterisation != Parameterisation.Standard) with
        {
            Activation = Enum.Parse<Activation>(settings.Activation, ignoreCase: true),
        };
    }

    public TrainingOptions Options(MupcTrainSettings settings) => new()
    {
        Rule = Rule,
        LearningRate = Parameterisation == Parameterisation.Standard ? settings.StandardRate : settings.Rate,
        Relaxation = Rule switch
        {
            LearningRule.PredictiveCoding => new() { Steps = Steps(settings), Step = settings.Step },
            LearningRule.ErrorCoordinates => new()
            {
                Steps = settings.ErrorSteps,
                Step = settings.ErrorStep > 0 ? settings.ErrorStep : null,
                Method = settings.ErrorMethod switch
                {
                    "cg" => RelaxationMethod.ConjugateGradients,
                    "gauss-newton" => RelaxationMethod.GaussNewton,
                    _ => RelaxationMethod.GradientDescent,
                },
            },
            _ => null,
        },
    };

    /// <summary>Passes over the weights of a training step.</summary>
    public double Passes(MupcTrainSettings settings) => Rule switch
    {
        LearningRule.PredictiveCoding => 3 + (2.0 * Steps(settings)),
        LearningRule.ErrorCoordinates => 3 + (4.0 * settings.ErrorSteps),
        _ => 6,
    };

    private static int Steps(MupcTrainSettings settings) => settings.Steps == 0 ? settings.Hidden : settings.Steps;
}
