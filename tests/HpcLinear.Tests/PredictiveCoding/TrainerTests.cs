using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.PredictiveCoding;

public abstract class TrainerTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private static readonly RelaxationOptions Relaxation = new() { Steps = 5, Step = 0.25 };

    protected static RelaxationDescriptor Small { get; } = RelaxationDescriptor.Create(6, [3, 5, 5, 2], Parameterisation.DepthMuP, skips: true) with { Activation = Activation.Tanh };

    private static double Accuracy => typeof(T) == typeof(float) ? 2e-5 : 1e-8;

    public static TheoryData<string> Kinds => [.. Variants.Keys];

    private static Dictionary<string, (RelaxationDescriptor Network, TrainingOptions Options)> Variants { get; } = new()
    {
        ["pc adam"] = (Small, new() { Relaxation = Relaxation, LearningRate = 0.05 }),
        ["pc sgd, bias, post form, regularised"] = (
            Small with { Bias = true, ActivationAfter = true, Skips = [], Precisions = [1, 0.5, 2], WeightDecay = 0.01, SpectralPenalty = 0.001, ActivityDecay = 0.1 },
            new() { Relaxation = Relaxation, LearningRate = 0.1, Optimizer = OptimizerRule.GradientDescent }),
        ["pc momentum, cross-entropy"] = (Small with { Loss = OutputLoss.CrossEntropy }, new() { Relaxation = Relaxation, LearningRate = 0.1, Optimizer = OptimizerRule.GradientDescent, Momentum = 0.5 }),
        ["pc of one layer"] = (Small with { Widths = [3, 2], Scalings = [], Skips = [] }, new() { Relaxation = Relaxation, LearningRate = 0.1 }),
        ["incremental"] = (Small, new() { Relaxation = Relaxation, Schedule = LearningSchedule.Incremental, LearningRate = 0.02 }),
        ["incremental, spaced"] = (Small with { Bias = true }, new() { Relaxation = Relaxation with { Steps = 8 }, Schedule = LearningSchedule.Incremental, Warmup = 2, Every = 4, LearningRate = 0.05, Optimizer = OptimizerRule.GradientDescent }),
        ["errors"] = (Small with { Bias = true }, new() { Rule = LearningRule.ErrorCoordinates, Relaxation = Relaxation, LearningRate = 0.1, Optimizer = OptimizerRule.GradientDescent }),
        ["exact"] = (
            Small with { Activation = Activation.Linear, Bias = true, Precisions = [1, 0.5, 2], WeightDecay = 0.01, SpectralPenalty = 0.001 },
            new() { Rule = LearningRule.ExactEquilibrium, LearningRate = 0.1, Optimizer = OptimizerRule.GradientDescent }),
        ["exact, more outputs than samples"] = (
            Small with { Widths = [3, 5, 5, 9], Activation = Activation.Linear }, new() { Rule = LearningRule.ExactEquilibrium, LearningRate = 0.1, Optimizer = OptimizerRule.GradientDescent, Momentum = 0.5 }),
        ["exact of one layer"] = (Small with { Widths = [3, 2], Scalings = [], Skips = [], Activation = Activation.Linear }, new() { Rule = LearningRule.ExactEquilibrium, LearningRate = 0.05 }),
        ["bp"] = (Small with { Bias = true, Precisions = [1, 1, 2] }, new() { Rule = LearningRule.BackPropagation, LearningRate = 0.1, Optimizer = OptimizerRule.GradientDescent }),
        ["bp of one layer, cross-entropy"] = (Small with { Widths = [3, 2], Scalings = [], Skips = [], Loss = OutputLoss.CrossEntropy, Bias = true }, new() { Rule = LearningRule.BackPropagation, LearningRate = 0.1, Optimizer = OptimizerRule.GradientDescent }),
        ["bp of a skip at the output"] = (Small with { Widths = [3, 4, 4], Scalings = [0.5, 0.5], Skips = [false, true] }, new() { Rule = LearningRule.BackPropagation, LearningRate = 0.1, Optimizer = OptimizerRule.GradientDescent }),
    };

    [Theory, AllTargets(CpuOnly = true)]
    public void Every_rule_and_schedule_trains_as_its_definition_says(Target target) => Assert.All(Variants, variant =>
    {
        (RelaxationDescriptor network, TrainingOptions options) = variant.Value;
        using Run run = new(network, options, Targets.Open(target));
        double[] start = [.. run.Weights().Select(double.CreateChecked)];
        NaiveTraining naive = new(network, options, start);
        for (int step = 0; step < 3; step++)
        {
            (double[] x, double[] y) = Run.Data(network, step);
            double loss = naive.Step(x, y);
            TrainingStep done = run.Step(step);
            Assert.Equal(TrainingStatus.Updated, done.Status);
            Assert.Equal(loss, done.Loss, Accuracy * (1 + loss));
        }

        Assert.Equal(3, run.Trainer.Updates);
        double[] trained = [.. run.Weights().Select(double.CreateChecked)];
        Assert.All(Enumerable.Range(0, trained.Length), i => Assert.True(Math.Abs(naive.Parameters[i] - trained[i]) < Accuracy, $"{variant.Key}, parameter {i}: {naive.Parameters[i]} expected, {trained[i]} given"));
        Assert.True(trained.Zip(start).Max(p => Math.Abs(p.First - p.Second)) > 20 * Accuracy, $"{variant.Key}: the weights hardly moved");
    });

    [Theory, AllTargets(CpuOnly = true)]
    public void Training_learns_what_a_teacher_does(Target target)
    {
        foreach (TrainingOptions rule in new TrainingOptions[]
        {
            new() { Relaxation = new() { Steps = 20, Step = 0.3 }, LearningRate = 1 },
            new() { Relaxation = new() { Steps = 20, Step = 0.3 }, LearningRate = 1, Schedule = LearningSchedule.Incremental, Warmup = 16 },
            new() { Relaxation = new() { Steps = 10, Step = 0.5 }, LearningRate = 1, Rule = LearningRule.ErrorCoordinates },
            new() { Rule = LearningRule.BackPropagation, LearningRate = 1 },
            new() { Rule = LearningRule.ExactEquilibrium, LearningRate = 1 },
        })
        {
            foreach ((OptimizerRule optimizer, double rate, double momentum) in new[] { (OptimizerRule.Adam, 0.05, 0.0), (OptimizerRule.GradientDescent, 1, 0), (OptimizerRule.GradientDescent, 0.5, 0.5) })
            {
                RelaxationDescriptor network = Small with { Batch = 32, Activation = rule.Rule == LearningRule.ExactEquilibrium ? Activation.Linear : Small.Activation };
                using Run run = new(network, rule with { Optimizer = optimizer, LearningRate = rate, Momentum = momentum }, Targets.Open(target));
                double before = run.Step(0).Loss, last = before;
                for (int i = 1; i < 60; i++)
                {
                    last = run.Step(i % 4).Loss;
                }

                Assert.True(last < 0.35 * before, $"{rule.Rule} {rule.Schedule} {optimizer} momentum {momentum}: loss {before} became {last}");
            }
        }
    }

    [Theory, AllTargets(CpuOnly = true)]
    public void Bits_do_not_depend_on_the_thread_count(Target target)
    {
        foreach ((string name, (RelaxationDescriptor network, TrainingOptions options)) in Variants)
        {
            T[]? first = null;
            foreach (int threads in new[] { 1, 2, 7 })
            {
                using Device device = Devices.Open(target, new() { Threads = threads });
                using Run run = new(network with { Batch = 37 }, options, device);
                run.Step(0);
                run.Step(1);
                T[] bits = run.Weights();
                Assert.True(MemoryMarshal.AsBytes<T>(first ?? bits).SequenceEqual(MemoryMarshal.AsBytes<T>(bits)), $"{name} with {threads} threads");
                first = bits;
            }
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void A_restored_trainer_goes_on_with_the_same_bits(string kind)
    {
        (RelaxationDescriptor network, TrainingOptions options) = Variants[kind];
        foreach (bool warm in options.Rule == LearningRule.PredictiveCoding ? new[] { false, true } : [false])
        {
            using Run run = new(network, options with { WarmStart = warm }, Targets.Open(Targets.Cpu.First())), other = new(network, options with { WarmStart = warm }, Targets.Open(Targets.Cpu.First()));
            run.Step(0);
            run.Step(0);
            TrainerState<T> state = run.Trainer.Snapshot();
            TrainingStep expected = run.Step(0);
            run.Step(1);
            other.Step(2);
            other.Trainer.Restore(state);
            Assert.Equal(2, other.Trainer.Updates);
            TrainingStep actual = other.Step(0);
            other.Step(1);
            Assert.Equal(expected with { Relaxation = null }, actual with { Relaxation = null });
            Assert.Equal(run.Trainer.OptimizerUpdates, other.Trainer.OptimizerUpdates);
            foreach ((string name, T[] elements) in run.Trainer.Snapshot().Arrays)
            {
                Assert.True(MemoryMarshal.AsBytes<T>(elements).SequenceEqual(MemoryMarshal.AsBytes<T>(other.Trainer.Snapshot().Arrays[name])), $"{kind}: {name}");
            }
        }
    }

    [Fact]
    public void A_warm_start_goes_on_from_the_activities_of_the_step_before()
    {
        // Without learning, k steps of T from a warm start are one relaxation of k T: so the third warm step has the gradient of 15 steps from the feed-forward state.
        TrainingOptions options = new() { Relaxation = Relaxation, LearningRate = 1e-30, Optimizer = OptimizerRule.GradientDescent };
        using Run warm = new(Small, options with { WarmStart = true }, Targets.Open(Targets.Cpu.First())), cold = new(Small, options with { Relaxation = Relaxation with { Steps = 15 } }, Targets.Open(Targets.Cpu.First()));
        warm.Step(0);
        warm.Step(0);
        TrainingStep third = warm.Step(0), expected = cold.Step(0);
        Assert.Equal(expected.GradientMagnitude, third.GradientMagnitude);
        Assert.Equal(expected.Loss, third.Loss);
        Assert.Equal(expected.Energy, third.Energy);
        warm.Trainer.Evaluate(warm.Input(1), warm.Output(1));
        Assert.True(warm.Step(0).Energy < third.Energy);
    }

    [Theory, AllTargets(CpuOnly = true)]
    public void Any_number_of_samples_is_evaluated_and_padding_does_not_count(Target target)
    {
        foreach (OutputLoss loss in new[] { OutputLoss.SquaredError, OutputLoss.CrossEntropy })
        {
            RelaxationDescriptor network = Small with { Loss = loss };
            using Run run = new(network, new() { Rule = LearningRule.BackPropagation, LearningRate = 0.1 }, Targets.Open(target));
            double[] weights = [.. run.Weights().Select(double.CreateChecked)];
            foreach (int samples in new[] { 1, 5, 6, 7, 12, 20 })
            {
                RelaxationDescriptor whole = network with { Batch = samples };
                (double[] x, double[] y) = Run.Data(whole, 5);
                (double[] z, double[] p) = RelaxationReference.Forward(whole, weights, x);
                using Tensor<T> tx = run.Upload(x, whole.InputShape), ty = run.Upload(y, whole.TargetShape), tp = run.Upload(new double[y.Length], whole.TargetShape);
                Evaluation evaluation = run.Trainer.Evaluate(tx, ty);
                Assert.Equal(RelaxationReference.Energies(whole, weights, x, y, z).Layers[^1], evaluation.Loss, Accuracy);
                Assert.Equal(Enumerable.Range(0, samples).Count(s => p[2 * s] < p[(2 * s) + 1] == y[2 * s] < y[(2 * s) + 1]), evaluation.Correct);
                Assert.Equal((double)evaluation.Correct!.Value / samples, evaluation.Accuracy);
                run.Trainer.Predict(tx, tp);
                Assert.All(run.Queue.Download<T>(tp).Zip(p), pair => Assert.Equal(pair.Second, double.CreateChecked(pair.First), Accuracy));
            }
        }
    }

    [Fact]
    public void A_last_minibatch_may_be_smaller()
    {
        TrainingOptions options = new() { Relaxation = Relaxation, LearningRate = 0.1, Optimizer = OptimizerRule.GradientDescent };
        RelaxationDescriptor four = Small with { Batch = 4 };
        using Run run = new(Small, options, Targets.Open(Targets.Cpu.First())), small = new(four, options, Targets.Open(Targets.Cpu.First()));
        (double[] x, double[] y) = Run.Data(four, 0);
        using Tensor<T> tx = run.Upload(x, four.InputShape), ty = run.Upload(y, four.TargetShape);
        Assert.Equal(4, run.Trainer.Step(tx, ty).Samples);
        small.Step(0);
        Assert.Equal(small.Weights(), run.Weights());
    }

    [Theory]
    [InlineData(LearningRule.PredictiveCoding, LearningSchedule.InferenceLearning)]
    [InlineData(LearningRule.PredictiveCoding, LearningSchedule.Incremental)]
    [InlineData(LearningRule.ErrorCoordinates, LearningSchedule.InferenceLearning)]
    public void A_relaxation_that_diverges_is_reported_and_leaves_the_weights(LearningRule rule, LearningSchedule schedule)
    {
        TrainingOptions options = new() { Rule = rule, Schedule = schedule, Warmup = schedule == LearningSchedule.Incremental ? 99 : 0, Relaxation = new() { Steps = 100, Step = 30 }, LearningRate = 0.1 };
        using Run run = new(Small with { Activation = Activation.Linear }, options, Targets.Open(Targets.Cpu.First()));
        T[] before = run.Weights();
        TrainingStep step = run.Step(0);
        Assert.Equal(TrainingStatus.Diverged, step.Status);
        Assert.InRange(step.Relaxation!.DivergedStep, 1, 99);
        Assert.InRange(step.Layer, 1, 3);
        Assert.True(double.IsFinite(step.Loss));
        Assert.StartsWith("diverged at step ", step.ToString(), StringComparison.Ordinal);
        Assert.EndsWith(": no update", step.ToString(), StringComparison.Ordinal);
        Assert.Equal(before, run.Weights());
        Assert.Equal((0, 0), (run.Trainer.Updates, run.Trainer.OptimizerUpdates));
    }

    [Fact]
    public void Incremental_learning_stops_at_the_step_that_diverges()
    {
        TrainingOptions options = new() { Schedule = LearningSchedule.Incremental, Relaxation = new() { Steps = 100, Step = 3 }, LearningRate = 1e-6, Optimizer = OptimizerRule.GradientDescent };
        using Run run = new(Small with { Activation = Activation.Linear }, options, Targets.Open(Targets.Cpu.First()));
        TrainingStep step = run.Step(0);
        Assert.Equal(TrainingStatus.Diverged, step.Status);
        Assert.Equal(step.Relaxation!.DivergedStep, run.Trainer.OptimizerUpdates);
        Assert.InRange(step.Layer, 1, 3);
        Assert.All(run.Weights(), w => Assert.True(T.IsFinite(w)));
    }

    [Fact]
    public void Losses_and_gradients_that_are_not_finite_are_reported_and_leave_the_weights()
    {
        using Run run = new(Small with { Activation = Activation.Linear }, new() { Rule = LearningRule.BackPropagation, LearningRate = 0.1 }, Targets.Open(Targets.Cpu.First()));
        double large = typeof(T) == typeof(float) ? 1e30 : 1e250;
        double[] huge = [.. Enumerable.Repeat(large, (int)Small.ParameterCount)];
        run.Queue.Upload(Array.ConvertAll(huge, T.CreateChecked), run.Trainer.Parameters);
        TrainingStep lost = run.Step(0);
        Assert.Equal(TrainingStatus.NotFinite, lost.Status);
        Assert.False(double.IsFinite(lost.Loss));
        Assert.Equal(2, lost.Layer);
        Assert.EndsWith(", layer 2: no update", lost.ToString(), StringComparison.Ordinal);
        Assert.All(run.Weights(), w => Assert.Equal(T.CreateChecked(large), w));

        // A finite loss, but a gradient whose squares overflow.
        run.Trainer.Initialise(WeightInitialisation.Of(Parameterisation.DepthMuP), 1);
        T[] before = run.Weights();
        double[] far = new double[Small.TargetShape.ElementCount];
        Array.Fill(far, typeof(T) == typeof(float) ? 1e16 : 1e150);
        using Tensor<T> x = run.Upload([.. Run.Data(Small, 0).X.Select(v => 1e10 * v)], Small.InputShape), y = run.Upload(far, Small.TargetShape);
        TrainingStep step = run.Trainer.Step(x, y);
        Assert.Equal(TrainingStatus.NotFinite, step.Status);
        Assert.StartsWith("weight gradient of magnitude ", step.ToString(), StringComparison.Ordinal);
        Assert.InRange(step.Layer, 1, 3);
        Assert.Equal(before, run.Weights());
    }

    [Fact]
    public void The_exact_rule_reports_what_the_equilibrium_tells_and_allocates_nothing()
    {
        RelaxationDescriptor network = Small with { Activation = Activation.Linear, Bias = true, Precisions = [1, 0.5, 2] };
        using Device device = Devices.Open(Targets.Cpu.First(), new() { Threads = 1 });
        using Run run = new(network, new() { Rule = LearningRule.ExactEquilibrium, LearningRate = 0.01 }, device);
        (double[] x, double[] y) = Run.Data(network, 0);
        LinearEquilibrium exact = LinearEquilibrium.Solve(network, [.. run.Weights().Select(double.CreateChecked)], x, y);
        Evaluation before = run.Trainer.Evaluate(run.Input(0), run.Output(0));
        TrainingStep step = run.Step(0);
        Assert.Equal(exact.LayerEnergies.ToArray().Sum(), step.Energy, Accuracy);
        Assert.Equal(exact.Loss, step.Loss, Accuracy);
        Assert.Equal(before.Correct, step.Correct);
        Assert.True(step.Energy < 2 * step.Loss);
        Assert.Null(step.Relaxation);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++)
        {
            run.Step(0);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - allocated);
        Array.Fill(x, double.NaN);
        using Tensor<T> nan = run.Upload(x, network.InputShape);
        Assert.Contains("x[0, 0] is NaN, a finite number expected", Assert.Throws<ArgumentException>(() => run.Trainer.Step(nan, run.Output(0))).Message, StringComparison.Ordinal);
        T[] huge = new T[network.ParameterCount];
        Array.Fill(huge, T.CreateChecked(typeof(T) == typeof(float) ? 1e30 : 1e250));
        run.Queue.Upload(huge, run.Trainer.Parameters);
        TrainingStep lost = run.Step(0);
        Assert.Equal(TrainingStatus.NotFinite, lost.Status);
        Assert.Equal(2, lost.Layer);
        Assert.Equal(huge, run.Weights());
        Assert.Equal(21, run.Trainer.Updates);
    }

    [Fact]
    public void Data_and_parameters_that_are_not_finite_are_named()
    {
        using Run run = new(Small, new() { Relaxation = Relaxation, LearningRate = 0.1 }, Targets.Open(Targets.Cpu.First()));
        (double[] x, double[] y) = Run.Data(Small, 0);
        x[4] = double.NaN;
        using Tensor<T> tx = run.Upload(x, Small.InputShape);
        Assert.Equal("input[1, 1] is NaN, a finite number expected", Assert.Throws<ArgumentException>(() => run.Trainer.Step(tx, run.Output(0))).Message);
        y[3] = double.NegativeInfinity;
        using Tensor<T> ty = run.Upload(y, Small.TargetShape);
        Assert.Equal("target[1, 1] is -∞, a finite number expected".Replace("-∞", double.NegativeInfinity.ToString(CultureInfo.CurrentCulture), StringComparison.Ordinal), Assert.Throws<ArgumentException>(() => run.Trainer.Step(run.Input(0), ty)).Message);
        T[] weights = run.Weights();
        weights[Small.WeightOffset(2) + 7] = T.NaN;
        run.Queue.Upload(weights, run.Trainer.Parameters);
        Assert.Equal("parameters: W_2[1, 2] is NaN, a finite number expected", Assert.Throws<ArgumentException>(() => run.Step(0)).Message);
        Assert.Equal(0, run.Trainer.Updates);
    }

    [Fact]
    public void Options_that_do_not_go_together_are_refused()
    {
        TrainingOptions pc = new() { Relaxation = Relaxation, LearningRate = 0.1 };
        Refused("Relaxation missing; PredictiveCoding needs its steps and step size", pc with { Relaxation = null });
        Refused("Relaxation given; back-propagation has none", pc with { Rule = LearningRule.BackPropagation });
        Refused("Relaxation given; ExactEquilibrium has none", pc with { Rule = LearningRule.ExactEquilibrium });
        Refused("LearningRate 0 given, a finite number above 0 expected", pc with { LearningRate = 0 });
        Refused("LearningRate NaN given, a finite number above 0 expected", pc with { LearningRate = double.NaN });
        Refused("Schedule Incremental given; only PredictiveCoding updates weights within a relaxation", pc with { Rule = LearningRule.ErrorCoordinates, Schedule = LearningSchedule.Incremental });
        Refused("WarmStart given; only PredictiveCoding can start from earlier activities", pc with { Rule = LearningRule.ErrorCoordinates, WarmStart = true });
        Refused("Warmup 3 and Every 0 given; they belong to Incremental", pc with { Warmup = 3 });
        Refused("Warmup -1 given, 0 or more expected", pc with { Warmup = -1 });
        Refused("Warmup 5 given, below the 5 steps of the relaxation expected", pc with { Schedule = LearningSchedule.Incremental, Warmup = 5 });
        Refused("Relaxation by Momentum given; Incremental takes methods without memory, GradientDescent or Heun", pc with { Schedule = LearningSchedule.Incremental, Relaxation = Relaxation with { Method = RelaxationMethod.Momentum } });
        Refused("Relaxation by Heun given; ErrorCoordinates takes gradient descent, momentum, Nesterov, conjugate gradients or Gauss-Newton", pc with { Rule = LearningRule.ErrorCoordinates, Relaxation = Relaxation with { Method = RelaxationMethod.Heun } });
        Assert.Equal("optimizer: Momentum 2 given, at least 0 and below 1 expected", Assert.Throws<ProblemException>((pc with { Optimizer = OptimizerRule.GradientDescent, Momentum = 2 }).Validate).Message);
        using CommandQueue queue = Targets.Open(Targets.Cpu.First()).CreateQueue();
        RelaxationDescriptor linear = Small with { Activation = Activation.Linear };
        NotSupported("training: activity decay 0.5 given, 0 expected by BackPropagation", Small with { ActivityDecay = 0.5 }, LearningRule.BackPropagation);
        NotSupported("training: activity decay 0.5 given, 0 expected by ExactEquilibrium", linear with { ActivityDecay = 0.5 }, LearningRule.ExactEquilibrium);
        NotSupported("training: activation Tanh given, Linear expected", Small, LearningRule.ExactEquilibrium);
        NotSupported("training: loss CrossEntropy given, SquaredError expected", linear with { Loss = OutputLoss.CrossEntropy }, LearningRule.ExactEquilibrium);

        void NotSupported(string message, RelaxationDescriptor network, LearningRule rule) => Assert.StartsWith(
            message,
            Assert.Throws<NotSupportedException>(() => PredictiveCodingTrainer.Create<T>(queue, network, new() { Rule = rule, LearningRate = 1 })).Message,
            StringComparison.Ordinal);

        static void Refused(string message, TrainingOptions options) =>
            Assert.StartsWith("training: " + message, Assert.ThrowsAny<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_operands_are_refused()
    {
        using Run run = new(Small, new() { Relaxation = Relaxation, LearningRate = 0.1 }, Targets.Open(Targets.Cpu.First()));
        Assert.StartsWith("target: shape [6, 2] expected, [6, 3] given (training relax n6 d3x5x5x2", Assert.Throws<ShapeException>(() => run.Trainer.Step(run.Input(0), run.Input(0))).Message, StringComparison.Ordinal);
        Assert.StartsWith("input: shape [6, 3] expected, [6, 2] given", Assert.Throws<ShapeException>(() => run.Trainer.Evaluate(run.Output(0), run.Output(0))).Message, StringComparison.Ordinal);
        using Tensor<T> x = run.Upload(new double[21], [7, 3]), y = run.Upload(new double[14], [7, 2]), none = run.Upload([], [0, 3]);
        Assert.StartsWith("input: shape [6, 3] expected, [7, 3] given", Assert.Throws<ShapeException>(() => run.Trainer.Step(x, y)).Message, StringComparison.Ordinal);
        Assert.StartsWith("input: at least 1 sample expected, shape [0, 3] given", Assert.Throws<ArgumentException>(() => run.Trainer.Predict(none, y)).Message, StringComparison.Ordinal);
        Assert.StartsWith("training: learningRate -1 given", Assert.Throws<ArgumentOutOfRangeException>(() => run.Trainer.Step(run.Input(0), run.Output(0), -1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_state_of_another_training_is_refused_and_changes_nothing()
    {
        TrainingOptions options = new() { Relaxation = Relaxation, LearningRate = 0.1 };
        Device device = Targets.Open(Targets.Cpu.First());
        using Run run = new(Small, options, device), wide = new(Small with { Widths = [3, 6, 6, 2] }, options, device), other = new(Small, options with { LearningRate = 0.2 }, device);
        run.Step(0);
        TrainerState<T> state = run.Trainer.Snapshot();
        T[] before = wide.Weights();
        Assert.StartsWith("state: of another training: 'relax n6 d3x6x6x2 tanh skip' expected, 'relax n6 d3x5x5x2 tanh mupc skip' given", Assert.Throws<ArgumentException>(() => wide.Trainer.Restore(state)).Message, StringComparison.Ordinal);
        Assert.Contains("rate 0.2 ", Assert.Throws<ArgumentException>(() => other.Trainer.Restore(state)).Message, StringComparison.Ordinal);
        Assert.Equal(before, wide.Weights());
        Refused("array 'second_moment' of 50 elements expected, none given", With(a => a.Remove("second_moment")));
        Refused("array 'parameters' of 50 elements expected, 3 elements given", With(a => a["parameters"] = new T[3]));
        Refused("array 'extra' given, only parameters, first_moment, second_moment expected", With(a => a["extra"] = []));
        Refused("-1 updates and 1 by the optimizer given", new() { Description = state.Description, Arrays = state.Arrays, Updates = -1, OptimizerUpdates = 1 });

        void Refused(string message, TrainerState<T> broken) => Assert.StartsWith("state: " + message, Assert.Throws<ArgumentException>(() => run.Trainer.Restore(broken)).Message, StringComparison.Ordinal);

        TrainerState<T> With(Action<Dictionary<string, T[]>> change)
        {
            Dictionary<string, T[]> arrays = new(state.Arrays);
            change(arrays);
            return new() { Description = state.Description, Arrays = arrays, Updates = 1, OptimizerUpdates = 1 };
        }
    }

    /// <summary>A trainer with data of a random linear teacher.</summary>
    private sealed class Run : IDisposable
    {
        private readonly RelaxationDescriptor network;
        private readonly Dictionary<int, (Tensor<T> X, Tensor<T> Y)> data = [];

        public Run(RelaxationDescriptor network, TrainingOptions options, Device device)
        {
            this.network = network;
            Queue = device.CreateQueue();
            Trainer = PredictiveCodingTrainer.Create<T>(Queue, network, options);
            Trainer.Initialise(WeightInitialisation.Of(Parameterisation.DepthMuP), 7);
        }

        public CommandQueue Queue { get; }

        public PredictiveCodingTrainer<T> Trainer { get; }

        /// <summary>x and y = x A, or the class of its largest entry; exact in the element type.</summary>
        public static (double[] X, double[] Y) Data(RelaxationDescriptor network, int stream)
        {
            int n = (int)network.Widths[0], m = (int)network.Widths[^1], batch = (int)network.Batch;
            double[] x = Array.ConvertAll(Values.Random<T>(batch * n, 100 + stream), double.CreateChecked), teacher = Array.ConvertAll(Values.Random<T>(n * m, 99), double.CreateChecked), y = new double[batch * m];
            for (int i = 0; i < y.Length; i++)
            {
                y[i] = double.CreateChecked(T.CreateChecked(Enumerable.Range(0, n).Sum(k => x[(i / m * n) + k] * teacher[(k * m) + (i % m)])));
            }

            return network.Loss == OutputLoss.CrossEntropy ? (x, [.. y.Select((v, i) => v == y.AsSpan(i / m * m, m).ToArray().Max() ? 1.0 : 0.0)]) : (x, y);
        }

        public TrainingStep Step(int stream) => Trainer.Step(Input(stream), Output(stream));

        public Tensor<T> Input(int stream) => Batch(stream).X;

        public Tensor<T> Output(int stream) => Batch(stream).Y;

        public T[] Weights() => Queue.Download<T>(Trainer.Parameters);

        public Tensor<T> Upload(double[] elements, Shape shape)
        {
            Tensor<T> tensor = Queue.Device.Allocate<T>(shape);
            Queue.Upload(Array.ConvertAll(elements, T.CreateTruncating), tensor);
            return tensor;
        }

        public void Dispose()
        {
            foreach ((Tensor<T> x, Tensor<T> y) in data.Values)
            {
                x.Dispose();
                y.Dispose();
            }

            Trainer.Dispose();
            Queue.Dispose();
        }

        private (Tensor<T> X, Tensor<T> Y) Batch(int stream)
        {
            if (!data.TryGetValue(stream, out (Tensor<T> X, Tensor<T> Y) batch))
            {
                (double[] x, double[] y) = Data(network, stream);
                data[stream] = batch = (Upload(x, network.InputShape), Upload(y, network.TargetShape));
            }

            return batch;
        }
    }
}

public sealed class TrainerFloatTests : TrainerTests<float>;

public sealed class TrainerDoubleTests : TrainerTests<double>;
