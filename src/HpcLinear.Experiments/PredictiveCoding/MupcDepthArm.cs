using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>A parameterisation and a way to learn; data, their order, minibatches and optimizer are the same for all arms.</summary>
/// <param name="Name">Parameterisation and rule; skips belong to mupc and sp-skips.</param>
/// <param name="Net">mupc, sp or sp-skips.</param>
/// <param name="Rule">paper, activities, errors, bp or head.</param>
internal sealed record MupcDepthArm(string Name, string Net, string Rule)
{
    /// <summary>What settings may name.</summary>
    public const string Names = "mupc-paper mupc-activities mupc-errors mupc-bp mupc-head sp-paper sp-activities sp-errors sp-bp sp-skips-paper sp-skips-activities sp-skips-errors sp-skips-bp";

    public static MupcDepthArm Parse(string name)
    {
        int at = name.LastIndexOf('-');
        return new(name, name[..at], name[(at + 1)..]);
    }

    public Parameterisation Parameterisation => Net == "mupc" ? Parameterisation.DepthMuP : Parameterisation.Standard;

    public RelaxationDescriptor Network(MupcDepthSettings settings, int hidden, string activation, int features) =>
        RelaxationDescriptor.Create(settings.Batch, [features, .. Shape.Uniform(hidden, settings.Width), Digits.Classes], Parameterisation, skips: Net != "sp") with
        {
            Activation = Enum.Parse<Activation>(activation, ignoreCase: true),
        };

    public TrainingOptions Options(MupcDepthSettings settings, int hidden, string activation) => new()
    {
        Rule = Rule switch
        {
            "bp" => LearningRule.BackPropagation,
            "errors" => LearningRule.ErrorCoordinates,
            _ => LearningRule.PredictiveCoding,
        },
        LearningRate = Rule == "paper" ? settings.PaperRate : Net == "mupc" ? settings.Rate : settings.StandardRate,
        Epsilon = settings.Epsilon,
        Relaxation = Rule switch
        {
            "bp" => null,
            "errors" => new() { Steps = settings.ErrorSteps, Step = settings.ErrorStep },

            // The paper descends on the mean over the batch: a sample moves by a B-th.
            "paper" => new() { Steps = Steps(settings, hidden), Step = (activation is "linear" or "tanh" ? settings.PaperStep : settings.PaperReluStep) / settings.Batch },

            // One step that leaves lower layers gradients far below Adam's ε.
            "head" => new() { Steps = 1, Step = 1e-12 },
            _ => new() { Steps = Steps(settings, hidden), Step = settings.Step },
        },
    };

    /// <summary>Passes over the weights of hidden layers in a training step.</summary>
    public double Passes(MupcDepthSettings settings, int hidden) => Rule switch
    {
        "bp" or "head" => 6,
        "errors" => 3 + (4.0 * settings.ErrorSteps),
        _ => 3 + (2.0 * Steps(settings, hidden)),
    };

    private static int Steps(MupcDepthSettings settings, int hidden) => settings.Steps == 0 ? hidden : settings.Steps;
}
