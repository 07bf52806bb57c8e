using System.Globalization;
using System.Text;

namespace HpcLinear.Operations;

/// <summary>A predictive-coding network and a batch: what energies, gradients and relaxations need to know but the numbers themselves.</summary>
/// <remarks>
/// <para>Weight layers l = 1 … L, widths n_0 … n_L, W_l is <c>[n_l, n_(l-1)]</c>, activities Z_l <c>[batch, n_l]</c>; Z_0 = x and Z_L = y are clamped.
/// Predictions <c>P_l = a_l (φ_l(Z_(l-1)) W_lᵀ + b_l) + s_l Z_(l-1)</c>, φ_1 the identity; or <c>φ(a_l (Z_(l-1) W_lᵀ + b_l)) + s_l Z_(l-1)</c> with
/// <see cref="ActivationAfter"/>, the last layer linear.</para>
/// <para>Energy <c>F = 1/B Σ_samples [Σ_(l&lt;L) λ_l/2 |z_l - p_l|² + λ_L loss(y, p_L) + α/2 Σ_(l&lt;L) |z_l|²] + wd/2 Σ|W_l|² + sp/2 Σ|W_lᵀW_l - I|²</c>.
/// Activity gradients are per sample, B ∂F/∂Z; weight gradients are of F. Sources: arXiv:2505.13124, arXiv:2408.11979.</para>
/// <para>Parameters are one vector, W_1 … W_L then b_1 … b_L; so are activities, Z_1 … Z_(L-1).</para>
/// </remarks>
public sealed record RelaxationDescriptor
{
    /// <summary>Samples B.</summary>
    public required long Batch { get; init; }

    /// <summary>n_0 … n_L.</summary>
    public required Shape Widths { get; init; }

    /// <summary>φ.</summary>
    public Activation Activation { get; init; }

    /// <summary>φ acts after the affine map (the "post" form) instead of on its input.</summary>
    public bool ActivationAfter { get; init; }

    /// <summary>Whether layers have biases.</summary>
    public bool Bias { get; init; }

    /// <summary>The output layer's loss.</summary>
    public OutputLoss Loss { get; init; }

    /// <summary>a_1 … a_L; empty for all 1.</summary>
    public IReadOnlyList<double> Scalings { get; init; } = [];

    /// <summary>Whether layer l adds its input, s_1 … s_L; empty for none. A skip needs n_l = n_(l-1).</summary>
    public IReadOnlyList<bool> Skips { get; init; } = [];

    /// <summary>λ_1 … λ_L; empty for all 1.</summary>
    public IReadOnlyList<double> Precisions { get; init; } = [];

    /// <summary>α of the activities' decay.</summary>
    public double ActivityDecay { get; init; }

    /// <summary>wd of the weights' decay.</summary>
    public double WeightDecay { get; init; }

    /// <summary>sp of the penalty on |W_lᵀW_l - I|².</summary>
    public double SpectralPenalty { get; init; }

    /// <summary>L, the weight layers.</summary>
    public int Depth => Widths.Rank - 1;

    /// <summary>Elements of the parameter vector.</summary>
    public long ParameterCount => Enumerable.Range(1, Depth).Sum(l => Widths[l] * (Widths[l - 1] + (Bias ? 1 : 0)));

    /// <summary>Elements of the activity vector: B (n_1 + … + n_(L-1)).</summary>
    public long ActivityCount => Batch * Enumerable.Range(1, Math.Max(0, Depth - 1)).Sum(l => Widths[l]);

    /// <summary>Shape of x.</summary>
    public Shape InputShape => [Batch, Widths[0]];

    /// <summary>Shape of y and of the output's prediction.</summary>
    public Shape TargetShape => [Batch, Widths[^1]];

    /// <summary>Shape of the parameter vector.</summary>
    public Shape ParameterShape => [ParameterCount];

    /// <summary>Shape of the activity vector.</summary>
    public Shape ActivityShape => [ActivityCount];

    /// <summary>Floating-point operations of a relaxation step: 4 B Σ_(l≥2) n_l n_(l-1), the elementwise work not counted.</summary>
    public double StepFlops => 4.0 * Batch * Enumerable.Range(2, Math.Max(0, Depth - 1)).Sum(l => (double)Widths[l] * Widths[l - 1]);

    /// <summary>Floating-point operations of the weights' gradient at given activities: 4 B Σ n_l n_(l-1).</summary>
    public double WeightGradientFlops => 4.0 * Batch * Enumerable.Range(1, Depth).Sum(l => (double)Widths[l] * Widths[l - 1]);

    /// <summary>a_l.</summary>
    /// <param name="layer">From 1 to L.</param>
    public double Scaling(int layer) => Scalings.Count == 0 ? 1 : Scalings[layer - 1];

    /// <summary>s_l.</summary>
    /// <param name="layer">From 1 to L.</param>
    public bool Skip(int layer) => Skips.Count > 0 && Skips[layer - 1];

    /// <summary>λ_l.</summary>
    /// <param name="layer">From 1 to L.</param>
    public double Precision(int layer) => Precisions.Count == 0 ? 1 : Precisions[layer - 1];

    /// <summary>φ of the layer's input in the form that acts before the weights: the identity for layer 1 and where φ acts after them.</summary>
    internal Activation Before(int layer) => ActivationAfter || layer == 1 ? Activation.Linear : Activation;

    /// <summary>φ of the layer's result in the form that acts after the weights: the identity for layer L and where φ acts before them.</summary>
    internal Activation After(int layer) => ActivationAfter && layer < Depth ? Activation : Activation.Linear;

    /// <summary>Where W_l starts in the parameter vector.</summary>
    /// <param name="layer">From 1 to L.</param>
    public long WeightOffset(int layer) => Enumerable.Range(1, layer - 1).Sum(l => Widths[l] * Widths[l - 1]);

    /// <summary>Where b_l starts in the parameter vector.</summary>
    /// <param name="layer">From 1 to L.</param>
    public long BiasOffset(int layer) => WeightOffset(Depth + 1) + Enumerable.Range(1, layer - 1).Sum(l => Widths[l]);

    /// <summary>Where Z_l starts in the activity vector.</summary>
    /// <param name="layer">From 1 to L - 1.</param>
    public long ActivityOffset(int layer) => Batch * Enumerable.Range(1, layer - 1).Sum(l => Widths[l]);

    /// <summary>A network scaled as a parameterisation says.</summary>
    /// <param name="batch">Samples B.</param>
    /// <param name="widths">n_0 … n_L.</param>
    /// <param name="parameterisation">The rule.</param>
    /// <param name="skips">Whether layers 2 … L - 1 add their inputs.</param>
    /// <param name="gamma">Output multiplier: a_L is divided by it.</param>
    /// <exception cref="ProblemException">Fewer than two widths, or γ not finite and positive.</exception>
    /// <remarks>N = n_1; for L = 1 the one factor is n_0^-½ (standard: 1).</remarks>
    public static RelaxationDescriptor Create(long batch, Shape widths, Parameterisation parameterisation, bool skips = false, double gamma = 1)
    {
        ArgumentNullException.ThrowIfNull(widths);
        Throw.IfUndefined("relax", parameterisation);
        if (!double.IsFinite(gamma) || gamma <= 0)
        {
            throw new ProblemException(ProblemError.Option, $"relax: gamma {gamma} given, a finite number above 0 expected");
        }

        int depth = widths.Rank - 1;
        RelaxationDescriptor network = new() { Batch = batch, Widths = widths, Skips = skips ? [.. Enumerable.Range(1, Math.Max(depth, 0)).Select(l => l > 1 && l < depth)] : [] };
        network.Validate();
        double width = widths[1], hidden = skips ? width * depth : width;
        return network with { Scalings = [.. Enumerable.Range(1, depth).Select(l => Factor(l) / (l == depth ? gamma : 1))] };

        double Factor(int layer) => parameterisation == Parameterisation.Standard ? 1
            : layer == 1 ? 1 / Math.Sqrt(widths[0])
            : layer < depth ? 1 / Math.Sqrt(hidden)
            : parameterisation == Parameterisation.DepthMuP ? 1 / width : 1 / Math.Sqrt(width);
    }

    /// <summary>Checks sizes, skips and factors.</summary>
    /// <exception cref="ProblemException">No layer, an empty batch or layer, a skip between unequal widths, a factor that is not finite, a precision that is
    /// not positive, a negative decay, lists of another length than L.</exception>
    public void Validate()
    {
        Throw.IfUndefined("relax", Activation);
        Throw.IfUndefined("relax", Loss);
        if (Depth < 1)
        {
            throw new ProblemException(ProblemError.Rank, $"relax: widths {Widths}: at least 2 expected, of the input and of the output");
        }

        if (Batch < 1)
        {
            throw new ProblemException(ProblemError.Size, $"relax: batch {Batch} given, at least 1 expected");
        }

        for (int l = 0; l <= Depth; l++)
        {
            if (Widths[l] < 1)
            {
                throw new ProblemException(ProblemError.Size, $"relax: layer {l} has width {Widths[l]}, at least 1 expected");
            }
        }

        CheckSizes();
        CheckCount(nameof(Scalings), Scalings.Count);
        CheckCount(nameof(Skips), Skips.Count);
        CheckCount(nameof(Precisions), Precisions.Count);
        for (int l = 1; l <= Depth; l++)
        {
            if (Skip(l) && Widths[l] != Widths[l - 1])
            {
                throw new ProblemException(ProblemError.ChainMismatch, $"relax: layer {l} has a skip from width {Widths[l - 1]} to width {Widths[l]}; equal widths expected");
            }

            if (!double.IsFinite(Scaling(l)))
            {
                throw new ProblemException(ProblemError.Option, $"relax: layer {l} has scaling {Scaling(l)}, a finite number expected");
            }

            if (!double.IsFinite(Precision(l)) || Precision(l) <= 0)
            {
                throw new ProblemException(ProblemError.Option, $"relax: layer {l} has precision {Precision(l)}, a finite number above 0 expected");
            }
        }

        CheckDecay(nameof(ActivityDecay), ActivityDecay);
        CheckDecay(nameof(WeightDecay), WeightDecay);
        CheckDecay(nameof(SpectralPenalty), SpectralPenalty);
    }

    /// <summary>Reads a problem's text, e.g. <c>relax n64 d784x128x128x10 tanh mupc skip bias</c>, or with equal hidden widths <c>i784 w128 h127 o10</c>.</summary>
    /// <exception cref="ProblemException">The text cannot be read; the message names the word.</exception>
    public static RelaxationDescriptor Parse(string text)
    {
        ProblemText words = new(text, "relax");
        long batch = words.Number("n");
        Shape widths = words.OptionalShape("d") ?? Equal(words.Number("i"), words.Number("w"), words.Number("h"), words.Number("o"));
        Parameterisation rule = words.OneOf(Parameterisation.Standard, ("sp", Parameterisation.Standard), ("ntp", Parameterisation.NeuralTangent), ("mupc", Parameterisation.DepthMuP));
        bool skips = words.Flag("skip");
        RelaxationDescriptor d = Create(batch, widths, rule, skips) with
        {
            Activation = words.OneOf(Activation.Linear, [.. Enum.GetValues<Activation>().Select(a => (Name(a), a))]),
            ActivationAfter = words.Flag("post"),
            Bias = words.Flag("bias"),
            Loss = words.Flag("ce") ? OutputLoss.CrossEntropy : OutputLoss.SquaredError,
        };
        words.Finish();
        return d;
    }

    /// <summary>The problem as one line. Factors that no parameterisation gives are not spelled out.</summary>
    public override string ToString()
    {
        StringBuilder text = new("relax");
        text.Append(CultureInfo.InvariantCulture, $" n{Batch}");
        if (Depth > 3 && Widths.Skip(2).Take(Depth - 2).All(w => w == Widths[1]))
        {
            text.Append(CultureInfo.InvariantCulture, $" i{Widths[0]} w{Widths[1]} h{Depth - 1} o{Widths[^1]}");
        }
        else
        {
            text.Append(CultureInfo.InvariantCulture, $" d{Widths.ToProblemText()}");
        }

        text.Append(CultureInfo.InvariantCulture, $" {Name(Activation)}");
        bool skips = Skips.Any(s => s);
        Append(Rule(skips), true);
        Append("skip", skips);
        Append("post", ActivationAfter);
        Append("bias", Bias);
        Append("ce", Loss == OutputLoss.CrossEntropy);
        return text.ToString();

        void Append(string? word, bool given)
        {
            if (given && word is not null)
            {
                text.Append(' ').Append(word);
            }
        }
    }

    private static Shape Equal(long input, long width, long hidden, long output)
    {
        if (hidden is < 0 or > 1 << 20)
        {
            throw new ProblemException(ProblemError.Size, $"relax: {hidden} hidden layers given, 0 to {1 << 20} expected");
        }

        return [input, .. Shape.Uniform((int)hidden, width), output];
    }

    private static string Name(Activation activation) => activation switch
    {
        Activation.HardTanh => "hard_tanh",
        Activation.LeakyRelu => "leaky_relu",
        _ => activation.ToString().ToLowerInvariant(),
    };

    /// <summary>The parameterisation that gives these scalings; null if none does.</summary>
    private string? Rule(bool skips)
    {
        (string Word, Parameterisation Rule)[] rules = [("mupc", Parameterisation.DepthMuP), ("ntp", Parameterisation.NeuralTangent)];
        foreach ((string word, Parameterisation rule) in rules)
        {
            bool usual = !skips || Enumerable.Range(1, Depth).All(l => Skip(l) == (l > 1 && l < Depth));
            if (Scalings.Count > 0 && usual && Scalings.SequenceEqual(Create(Batch, Widths, rule, skips).Scalings))
            {
                return word;
            }
        }

        return null;
    }

    private void CheckSizes()
    {
        try
        {
            long weights = 0, activities = 0;
            for (int l = 1; l <= Depth; l++)
            {
                weights = checked(weights + (Widths[l] * (Widths[l - 1] + 1)));
                activities = checked(activities + (Batch * Widths[l]));
            }

            _ = checked(Math.Max(Math.Max(weights, activities), Batch * Widths[0]) * sizeof(double));
        }
        catch (OverflowException)
        {
            throw new ProblemException(ProblemError.Overflow, $"relax: widths {Widths} with batch {Batch} need more than 2^63 - 1 bytes");
        }
    }

    private void CheckCount(string name, int count)
    {
        if (count != 0 && count != Depth)
        {
            throw new ProblemException(ProblemError.Rank, $"relax: {name} has {count} entries, {Depth} expected, one a weight layer");
        }
    }

    private static void CheckDecay(string name, double value)
    {
        if (!double.IsFinite(value) || value < 0)
        {
            throw new ProblemException(ProblemError.Option, $"relax: {name} {value} given, a finite number of at least 0 expected");
        }
    }
}
