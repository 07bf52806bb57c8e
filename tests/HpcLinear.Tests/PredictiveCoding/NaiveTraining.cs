using HpcLinear.Operations;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Tests.PredictiveCoding;

/// <summary>Training as its definition says, in float64 by <see cref="RelaxationReference"/> and <see cref="OptimizerReference"/>: descent only.</summary>
internal sealed class NaiveTraining(RelaxationDescriptor network, TrainingOptions options, double[] parameters)
{
    private readonly double[] first = new double[parameters.Length];
    private readonly double[] second = new double[parameters.Length];
    private long updates;

    public double[] Parameters { get; } = [.. parameters];

    /// <summary>One minibatch; the loss before it.</summary>
    public double Step(double[] x, double[] y)
    {
        (double[] start, _) = RelaxationReference.Forward(network, Parameters, x);
        double loss = RelaxationReference.Energies(network, Parameters, x, y, start).Layers[^1] / network.Precision(network.Depth);
        int steps = options.Relaxation?.Steps ?? 0;
        double step = options.Relaxation?.Step ?? 0;
        double[] z = start;
        if (options.Rule == LearningRule.ExactEquilibrium)
        {
            Update(LinearEquilibrium.Solve(network, Parameters, x, y).WeightGradient.ToArray());
            return loss;
        }

        if (options.Rule == LearningRule.BackPropagation)
        {
            Update(ByDifferences(x, y, new double[start.Length]).Parameters);
            return loss;
        }

        if (options.Rule == LearningRule.ErrorCoordinates)
        {
            double[] e = new double[start.Length];
            for (int t = 0; t < steps; t++)
            {
                double[] g = ByDifferences(x, y, e).Errors;
                e = [.. e.Zip(g, (a, b) => a - (step * b))];
            }

            z = ActivitiesOf(x, e, Parameters);
        }

        for (int t = 0; t < steps && options.Rule == LearningRule.PredictiveCoding; t++)
        {
            (double[] activities, double[] weights) = RelaxationReference.Gradients(network, Parameters, x, y, z);
            z = [.. z.Zip(activities, (a, b) => a - (step * b))];
            if (options.Schedule == LearningSchedule.Incremental && t >= options.Warmup && (t - options.Warmup) % Math.Max(1, options.Every) == 0)
            {
                Update(weights);
            }
        }

        if (options.Schedule == LearningSchedule.InferenceLearning)
        {
            Update(RelaxationReference.Gradients(network, Parameters, x, y, z).Parameters);
        }

        return loss;
    }

    private void Update(double[] gradient)
    {
        updates++;
        OptimizerDescriptor rule = new()
        {
            Rule = options.Optimizer,
            Shape = [gradient.Length],
            Momentum = options.Momentum,
            FirstMomentDecay = options.FirstMomentDecay,
            SecondMomentDecay = options.SecondMomentDecay,
            Epsilon = options.Epsilon,
        };
        for (int i = 0; i < gradient.Length; i++)
        {
            OptimizerReference.Apply(rule, gradient[i], ref Parameters[i], ref first[i], ref second[i], options.LearningRate, updates);
        }
    }

    /// <summary>Gradients in error coordinates by central differences of the energy: per sample in the errors, of the batch mean in the parameters.</summary>
    private (double[] Errors, double[] Parameters) ByDifferences(double[] x, double[] y, double[] errors)
    {
        return (Slope(errors, e => network.Batch * Energy(e, Parameters)), Slope(Parameters, p => Energy(errors, p)));

        double Energy(double[] e, double[] p)
        {
            (double[] layers, double regularisers) = RelaxationReference.Energies(network, p, x, y, ActivitiesOf(x, e, p));
            return layers.Sum() + regularisers;
        }

        static double[] Slope(double[] at, Func<double[], double> energy) => [.. at.Select((_, i) =>
        {
            const double H = 1e-5;
            double[] up = [.. at], down = [.. at];
            up[i] += H;
            down[i] -= H;
            return (energy(up) - energy(down)) / (2 * H);
        })];
    }

    /// <summary>Z_l = P_l(Z_(l-1)) + E_l: layer by layer, each from the feed-forward pass of the layers so far.</summary>
    private double[] ActivitiesOf(double[] x, double[] errors, double[] p)
    {
        double[] z = new double[errors.Length], below = x;
        for (int l = 1; l < network.Depth; l++)
        {
            RelaxationDescriptor two = network with
            {
                Widths = [network.Widths[l - 1], network.Widths[l], network.Widths[l]],
                Scalings = [network.Scaling(l), 1],
                Skips = [network.Skip(l), false],
                Precisions = [],
                Activation = Activation.Linear,
            };

            // φ before the weights is applied here, for the first layer of a network has none.
            double[] input = l == 1 ? below : [.. below.Select(v => RelaxationReference.Activate(network.Activation, v).Value)];
            double[] weights = new double[two.ParameterCount];
            Array.Copy(p, network.WeightOffset(l), weights, 0, network.Widths[l] * network.Widths[l - 1]);
            if (network.Bias)
            {
                Array.Copy(p, network.BiasOffset(l), weights, two.BiasOffset(1), network.Widths[l]);
            }

            double[] prediction = RelaxationReference.Forward(two with { Skips = [] }, weights, input).Activities;
            long at = network.ActivityOffset(l);
            for (int i = 0; i < prediction.Length; i++)
            {
                z[at + i] = prediction[i] + (network.Skip(l) ? below[i] : 0) + errors[at + i];
            }

            below = z.AsSpan((int)at, prediction.Length).ToArray();
        }

        return z;
    }
}
