namespace HpcLinear.Operations;

/// <summary>The definition of <see cref="RelaxationPlan{T}"/> as code, in float64: formulas of <see cref="RelaxationDescriptor"/>, one loop each.</summary>
public static class RelaxationReference
{
    /// <summary>φ(z) and φ'(z).</summary>
    public static (double Value, double Slope) Activate(Activation activation, double z)
    {
        switch (activation)
        {
            case Activation.Linear:
                return (z, 1);
            case Activation.Tanh:
                double t = Math.Tanh(z);
                return (t, 1 - (t * t));
            case Activation.HardTanh:
                return (Math.Clamp(z, -1, 1), Math.Abs(z) < 1 ? 1 : 0);
            case Activation.Relu:
                return (Math.Max(z, 0), z > 0 ? 1 : 0);
            case Activation.LeakyRelu:
                return z >= 0 ? (z, 1) : (0.01 * z, 0.01);
            case Activation.Gelu:
                // z/2 (1 + tanh(u/2)) is z times the logistic function of u.
                double root = 2 * Math.Sqrt(2 / Math.PI);
                return Gated(z, root * (z + (0.044715 * z * z * z)), root * (1 + (3 * 0.044715 * z * z)));
            case Activation.Selu:
                const double Scale = 1.0507009873554805, Alpha = 1.6732632423543772;
                double h = Math.Tanh(Math.Min(z, 0) / 2), grown = 2 * h / (1 - h);
                return z > 0 ? (Scale * z, Scale) : (Scale * Alpha * grown, Scale * Alpha * (grown + 1));
            default:
                return Gated(z, z, 1);
        }

        // The gate and its complement are computed apart: their difference from 1 would lose digits.
        static (double Value, double Slope) Gated(double z, double u, double slope)
        {
            double gate = 1 / (1 + Math.Exp(-u)), complement = 1 / (1 + Math.Exp(u));
            return (z * gate, gate + (z * gate * complement * slope));
        }
    }

    /// <summary>The feed-forward state Z_1 … Z_(L-1), and the output's prediction.</summary>
    public static (double[] Activities, double[] Prediction) Forward(RelaxationDescriptor network, double[] parameters, double[] input)
    {
        ArgumentNullException.ThrowIfNull(network);
        double[] activities = new double[network.ActivityCount], below = input;
        for (int l = 1; l < network.Depth; l++)
        {
            below = Predict(network, parameters, below, l).Prediction;
            below.CopyTo(activities, network.ActivityOffset(l));
        }

        return (activities, Predict(network, parameters, below, network.Depth).Prediction);
    }

    /// <summary>The batch-mean energy of every layer, and what regularisers add: α/(2B) Σ|Z|² + wd/2 Σ|W|² + sp/2 Σ|WᵀW - I|².</summary>
    public static (double[] Layers, double Regularisers) Energies(RelaxationDescriptor network, double[] parameters, double[] input, double[] target, double[] activities)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(activities);
        double[] layers = new double[network.Depth];
        double regularisers = network.ActivityDecay / 2 / network.Batch * activities.Sum(z => z * z);
        for (int l = 1; l <= network.Depth; l++)
        {
            double[] prediction = Predict(network, parameters, Layer(network, input, target, activities, l - 1), l).Prediction;
            double[] state = Layer(network, input, target, activities, l);
            layers[l - 1] = network.Precision(l) / network.Batch * (IsCrossEntropy(network, l)
                ? Enumerable.Range(0, (int)network.Batch).Sum(s => CrossEntropy(Row(prediction, s, network.Widths[l]), Row(state, s, network.Widths[l])).Loss)
                : prediction.Zip(state, (p, z) => (z - p) * (z - p) / 2).Sum());
            regularisers += Regulariser(network, parameters, l);
        }

        return (layers, regularisers);
    }

    /// <summary>g_l = λ_l E_l - vjp_(l+1)(λ_(l+1) E_(l+1)) + α Z_l, and ∂F/∂(W, b).</summary>
    public static (double[] Activities, double[] Parameters) Gradients(RelaxationDescriptor network, double[] parameters, double[] input, double[] target, double[] activities)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(activities);
        double[] gradient = [.. activities.Select(z => network.ActivityDecay * z)], weights = new double[network.ParameterCount];
        for (int l = 1; l <= network.Depth; l++)
        {
            double[] below = Layer(network, input, target, activities, l - 1), state = Layer(network, input, target, activities, l);
            (double[] prediction, double[] slopes) = Predict(network, parameters, below, l);
            long rows = network.Widths[l], columns = network.Widths[l - 1], at = network.WeightOffset(l);
            long here = network.ActivityOffset(l), before = network.ActivityOffset(Math.Max(l - 1, 1));
            for (int s = 0; s < network.Batch; s++)
            {
                double[] errors = IsCrossEntropy(network, l)
                    ? CrossEntropy(Row(prediction, s, rows), Row(state, s, rows)).Errors
                    : [.. Row(state, s, rows).Zip(Row(prediction, s, rows), (z, p) => z - p)];
                for (long r = 0; r < rows; r++)
                {
                    double error = network.Precision(l) * errors[r], delta = error * slopes[(s * rows) + r];
                    if (l < network.Depth)
                    {
                        gradient[here + (s * rows) + r] += error;
                    }

                    if (l > 1 && network.Skip(l))
                    {
                        gradient[before + (s * columns) + r] -= error;
                    }

                    for (long c = 0; c < columns; c++)
                    {
                        (double value, double slope) = Activate(network.Before(l), below[(s * columns) + c]);
                        long w = at + (r * columns) + c;
                        weights[w] -= network.Scaling(l) / network.Batch * delta * value;
                        if (l > 1)
                        {
                            gradient[before + (s * columns) + c] -= network.Scaling(l) * delta * parameters[w] * slope;
                        }
                    }

                    if (network.Bias)
                    {
                        weights[network.BiasOffset(l) + r] -= network.Scaling(l) / network.Batch * delta;
                    }
                }
            }

            AddRegularisers(network, parameters, weights, l);
        }

        return (gradient, weights);
    }

    /// <summary>Activities of given errors, z_l = P_l(z_(l-1)) + e_l, and the gradient of every sample's energy in these coordinates, λ_l e_l - d_l with d_L = λ_L E_L and
    /// d_(l-1) = vjp_l(d_l).</summary>
    public static (double[] Activities, double[] Gradient) ErrorGradient(RelaxationDescriptor network, double[] parameters, double[] input, double[] target, double[] errors)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(errors);
        double[] activities = [.. errors], gradient = new double[errors.Length];
        for (int l = 1; l < network.Depth; l++)
        {
            double[] prediction = Predict(network, parameters, Layer(network, input, target, activities, l - 1), l).Prediction;
            for (int i = 0; i < prediction.Length; i++)
            {
                activities[network.ActivityOffset(l) + i] += prediction[i];
            }
        }

        double[] deltas = [];
        for (int l = network.Depth; l >= 1; l--)
        {
            double[] below = Layer(network, input, target, activities, l - 1);
            (double[] prediction, double[] slopes) = Predict(network, parameters, below, l);
            long rows = network.Widths[l], columns = network.Widths[l - 1];
            deltas = l < network.Depth ? deltas : [.. Enumerable.Range(0, (int)network.Batch).SelectMany(s => IsCrossEntropy(network, l)
                ? CrossEntropy(Row(prediction, s, rows), Row(target, s, rows)).Errors
                : Row(target, s, rows).Zip(Row(prediction, s, rows), (y, p) => y - p)).Select(e => network.Precision(l) * e)];
            for (int i = 0; l < network.Depth && i < deltas.Length; i++)
            {
                long at = network.ActivityOffset(l) + i;
                gradient[at] = (network.Precision(l) * errors[at]) - deltas[i];
            }

            double[] sent = new double[below.Length];
            for (long i = 0; i < sent.Length; i++)
            {
                long s = i / columns, c = i % columns;
                sent[i] = network.Skip(l) ? deltas[(s * rows) + c] : 0;
                for (long r = 0; r < rows; r++)
                {
                    sent[i] += network.Scaling(l) * deltas[(s * rows) + r] * slopes[(s * rows) + r] * parameters[network.WeightOffset(l) + (r * columns) + c] * Activate(network.Before(l), below[i]).Slope;
                }
            }

            deltas = sent;
        }

        return (activities, gradient);
    }

    private static bool IsCrossEntropy(RelaxationDescriptor network, int l) => l == network.Depth && network.Loss == OutputLoss.CrossEntropy;

    private static double[] Layer(RelaxationDescriptor network, double[] input, double[] target, double[] activities, int l) => l == 0 ? input
        : l == network.Depth ? target
        : activities.AsSpan((int)network.ActivityOffset(l), (int)(network.Batch * network.Widths[l])).ToArray();

    private static double[] Row(double[] matrix, long row, long width) => matrix.AsSpan((int)(row * width), (int)width).ToArray();

    /// <summary>P_l, and φ' of the layer's sum (1 where φ acts before the weights).</summary>
    private static (double[] Prediction, double[] Slopes) Predict(RelaxationDescriptor network, double[] parameters, double[] below, int l)
    {
        long rows = network.Widths[l], columns = network.Widths[l - 1], at = network.WeightOffset(l);
        double[] prediction = new double[network.Batch * rows], slopes = new double[network.Batch * rows];
        for (long s = 0; s < network.Batch; s++)
        {
            for (long r = 0; r < rows; r++)
            {
                double sum = network.Bias ? parameters[network.BiasOffset(l) + r] : 0;
                for (long c = 0; c < columns; c++)
                {
                    sum += parameters[at + (r * columns) + c] * Activate(network.Before(l), below[(s * columns) + c]).Value;
                }

                (double value, double slope) = Activate(network.After(l), network.Scaling(l) * sum);
                prediction[(s * rows) + r] = value + (network.Skip(l) ? below[(s * columns) + r] : 0);
                slopes[(s * rows) + r] = slope;
            }
        }

        return (prediction, slopes);
    }

    private static (double Loss, double[] Errors) CrossEntropy(double[] logits, double[] targets)
    {
        double largest = logits.Max(), log = largest + Math.Log(logits.Sum(p => Math.Exp(p - largest))), mass = targets.Sum();
        return (-targets.Zip(logits, (y, p) => y * (p - log)).Sum(), [.. targets.Zip(logits, (y, p) => y - (mass * Math.Exp(p - log)))]);
    }

    /// <summary>WᵀW - I.</summary>
    private static double[] Gram(RelaxationDescriptor network, double[] parameters, int l)
    {
        long rows = network.Widths[l], columns = network.Widths[l - 1], at = network.WeightOffset(l);
        double[] gram = new double[columns * columns];
        for (long i = 0; i < columns; i++)
        {
            for (long j = 0; j < columns; j++)
            {
                gram[(i * columns) + j] = i == j ? -1 : 0;
                for (long r = 0; r < rows; r++)
                {
                    gram[(i * columns) + j] += parameters[at + (r * columns) + i] * parameters[at + (r * columns) + j];
                }
            }
        }

        return gram;
    }

    private static double Regulariser(RelaxationDescriptor network, double[] parameters, int l) =>
        (network.WeightDecay / 2 * parameters.AsSpan((int)network.WeightOffset(l), (int)(network.Widths[l] * network.Widths[l - 1])).ToArray().Sum(w => w * w))
        + (network.SpectralPenalty == 0 ? 0 : network.SpectralPenalty / 2 * Gram(network, parameters, l).Sum(g => g * g));

    private static void AddRegularisers(RelaxationDescriptor network, double[] parameters, double[] gradient, int l)
    {
        long rows = network.Widths[l], columns = network.Widths[l - 1], at = network.WeightOffset(l);
        double[] gram = network.SpectralPenalty == 0 ? [] : Gram(network, parameters, l);
        for (long r = 0; r < rows; r++)
        {
            for (long c = 0; c < columns; c++)
            {
                long w = at + (r * columns) + c;
                gradient[w] += network.WeightDecay * parameters[w];
                for (long k = 0; gram.Length > 0 && k < columns; k++)
                {
                    gradient[w] += 2 * network.SpectralPenalty * parameters[at + (r * columns) + k] * gram[(k * columns) + c];
                }
            }
        }
    }
}
