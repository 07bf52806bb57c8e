using System.Globalization;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>How a network is trained.</summary>
public sealed record TrainingOptions
{
    /// <summary>Where the gradient of the weights is taken.</summary>
    public LearningRule Rule { get; init; }

    /// <summary>When the weights move.</summary>
    public LearningSchedule Schedule { get; init; }

    /// <summary>How activities, or errors, relax; needed by the rules that relax, refused by the others.</summary>
    public RelaxationOptions? Relaxation { get; init; }

    /// <summary>Activities start where those of the step before ended, not from the feed-forward state; the minibatch must then be the same samples again.</summary>
    public bool WarmStart { get; init; }

    /// <summary>Relaxation steps before the first update of <see cref="LearningSchedule.Incremental"/>.</summary>
    public int Warmup { get; init; }

    /// <summary>Relaxation steps from one update of <see cref="LearningSchedule.Incremental"/> to the next; 0 and 1: after each.</summary>
    public int Every { get; init; }

    /// <summary>The optimizer.</summary>
    public OptimizerRule Optimizer { get; init; } = OptimizerRule.Adam;

    /// <summary>r; the same for all layers.</summary>
    public required double LearningRate { get; init; }

    /// <summary>μ of gradient descent, from 0 to below 1.</summary>
    public double Momentum { get; init; }

    /// <summary>β₁ of Adam.</summary>
    public double FirstMomentDecay { get; init; } = 0.9;

    /// <summary>β₂ of Adam.</summary>
    public double SecondMomentDecay { get; init; } = 0.999;

    /// <summary>ε of Adam.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Checks that the options go together.</summary>
    /// <exception cref="ArgumentException">A rule without relaxation, a schedule or method that the rule does not take; the message names the option.</exception>
    /// <exception cref="ProblemException">An option has no such value, or the optimizer's factors are out of range.</exception>
    public void Validate()
    {
        Throw.IfUndefined("training", Rule);
        Throw.IfUndefined("training", Schedule);
        OptimizerFor(Shape.Scalar).Validate();
        CheckRate(LearningRate, nameof(LearningRate));
        Check(Warmup >= 0, nameof(Warmup), $"{Warmup} given, 0 or more expected");
        Check(Every >= 0, nameof(Every), $"{Every} given, 0 or more expected");
        if (!Relaxes)
        {
            Check(Relaxation is null, nameof(Relaxation), Rule == LearningRule.BackPropagation ? "given; back-propagation has none" : $"given; {Rule} has none");
        }
        else
        {
            Check(Relaxation is not null, nameof(Relaxation), $"missing; {Rule} needs its steps and step size");
            Relaxation!.Validate();
        }

        bool incremental = Schedule == LearningSchedule.Incremental;
        RelaxationMethod method = Relaxation?.Method ?? default;
        Check(Rule == LearningRule.PredictiveCoding || !incremental, nameof(Schedule), $"{Schedule} given; only {LearningRule.PredictiveCoding} updates weights within a relaxation");
        Check(Rule == LearningRule.PredictiveCoding || !WarmStart, nameof(WarmStart), $"given; only {LearningRule.PredictiveCoding} can start from earlier activities");
        Check(incremental || (Warmup == 0 && Every == 0), nameof(Warmup), $"{Warmup} and {nameof(Every)} {Every} given; they belong to {LearningSchedule.Incremental}");
        Check(!incremental || method is RelaxationMethod.GradientDescent or RelaxationMethod.Heun, nameof(Relaxation), $"by {method} given; {LearningSchedule.Incremental} takes methods without memory, {RelaxationMethod.GradientDescent} or {RelaxationMethod.Heun}");
        Check(!incremental || Warmup < Relaxation!.Steps, nameof(Warmup), $"{Warmup} given, below the {Relaxation?.Steps} steps of the relaxation expected");
        Check(Rule != LearningRule.ErrorCoordinates || method is not (RelaxationMethod.Heun or RelaxationMethod.AdaptiveHeun), nameof(Relaxation), $"by {method} given; {LearningRule.ErrorCoordinates} takes gradient descent, momentum, Nesterov, conjugate gradients or Gauss-Newton");
        Check(Rule != LearningRule.PredictiveCoding || method is not (RelaxationMethod.ConjugateGradients or RelaxationMethod.GaussNewton), nameof(Relaxation), $"by {method} given; only {LearningRule.ErrorCoordinates} takes it");
    }

    /// <summary>All options as one line, the same in every culture.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"rule {Rule} schedule {Schedule} warm_start {WarmStart} warmup {Warmup} every {Every} rate {LearningRate} {OptimizerFor([])} ")
        + (Relaxation is not { } r ? "relaxation none" : string.Create(
            CultureInfo.InvariantCulture,
            $"relaxation {r.Method} steps {r.Steps} step {r.Step ?? 0} momentum {r.Momentum} tolerance {r.AbsoluteTolerance} {r.RelativeTolerance} energy {r.EnergyTolerance} {r.EnergyChange} every {r.CheckInterval} horizon {r.Horizon} step_tolerance {r.StepTolerance} divergence {r.DivergenceFactor}"));

    private bool Relaxes => Rule is LearningRule.PredictiveCoding or LearningRule.ErrorCoordinates;

    internal OptimizerDescriptor OptimizerFor(Shape shape) => new()
    {
        Rule = Optimizer,
        Shape = shape,
        Momentum = Momentum,
        FirstMomentDecay = FirstMomentDecay,
        SecondMomentDecay = SecondMomentDecay,
        Epsilon = Epsilon,
    };

    internal static void CheckRate(double rate, string name)
    {
        if (!double.IsFinite(rate) || rate <= 0)
        {
            throw new ArgumentOutOfRangeException(name, rate, string.Create(CultureInfo.InvariantCulture, $"training: {name} {rate} given, a finite number above 0 expected"));
        }
    }

    private static void Check(bool holds, string name, string found)
    {
        if (!holds)
        {
            throw new ArgumentException($"training: {name} {found}", name);
        }
    }
}
