using System.Globalization;
using HpcLinear.Data;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>A predictive-coding network as golden cases spell it: parameters, and arrays named by layer (W1, b1, Z1, …).</summary>
internal static class NetworkSettings
{
    public static (string Word, Activation Value)[] Activations { get; } =
    [
        ("linear", Activation.Linear), ("tanh", Activation.Tanh), ("hard_tanh", Activation.HardTanh), ("relu", Activation.Relu),
        ("leaky_relu", Activation.LeakyRelu), ("gelu", Activation.Gelu), ("selu", Activation.Selu), ("silu", Activation.Silu),
    ];

    public static (string Word, OutputLoss Value)[] Losses { get; } = [("mse", OutputLoss.SquaredError), ("ce", OutputLoss.CrossEntropy)];

    /// <summary>The network of a case, checked; the batch is that of x, or of y where there is no x.</summary>
    /// <exception cref="DataFormatException">A parameter cannot be read, or there is neither x nor y.</exception>
    /// <exception cref="ProblemException">The network is not valid.</exception>
    public static RelaxationDescriptor Read(GoldenCase golden)
    {
        GoldenParameters parameters = golden.Parameters;
        RelaxationDescriptor network = new()
        {
            Batch = golden.Input(golden.HasInput("x") ? "x" : "y").Shape is { Rank: > 0 } shape ? shape[0] : 1,
            Widths = parameters.Extents("dims"),
            Activation = parameters.Has("act") ? parameters.Choice("act", Activations) : Activation.Linear,
            ActivationAfter = parameters.Flag("activation_after"),
            Bias = parameters.Flag("bias"),
            Loss = parameters.Has("loss") ? parameters.Choice("loss", Losses) : OutputLoss.SquaredError,
            Scalings = Optional(parameters, "scalings"),
            Skips = [.. Optional(parameters, "skips").Select(s => s != 0)],
            Precisions = Optional(parameters, "lambda_"),
            WeightDecay = parameters.Real("weight_decay", 0),
            SpectralPenalty = parameters.Real("spectral", 0),
            ActivityDecay = parameters.Real("activity_decay", 0),
        };
        network.Validate();
        return network;
    }

    /// <summary>The parameter vector: W1 … WL, then b1 … bL where the network has biases.</summary>
    /// <exception cref="DataFormatException">An array is missing or has another shape.</exception>
    public static double[] Parameters(GoldenCase golden, RelaxationDescriptor network)
    {
        IEnumerable<int> layers = Enumerable.Range(1, network.Depth);
        return
        [
            .. layers.SelectMany(l => Array(golden, Numbered("W", l), [network.Widths[l], network.Widths[l - 1]])),
            .. network.Bias ? layers.SelectMany(l => Array(golden, Numbered("b", l), [network.Widths[l]])) : [],
        ];
    }

    /// <summary>The activity vector Z1 … Z(L-1).</summary>
    /// <exception cref="DataFormatException">An array is missing or has another shape.</exception>
    public static double[] Activities(GoldenCase golden, RelaxationDescriptor network) =>
        [.. Enumerable.Range(1, network.Depth - 1).SelectMany(l => Array(golden, Numbered("Z", l), [network.Batch, network.Widths[l]]))];

    /// <summary>An input of exactly that shape.</summary>
    /// <exception cref="DataFormatException">It is missing or has another shape.</exception>
    public static double[] Array(GoldenCase golden, string name, Shape shape)
    {
        NpyArray array = golden.Input(name);
        return array.Shape.Equals(shape) ? array.ToDoubles() : throw new DataFormatException(golden.Name, $"'{name}' of shape {array.Shape}", $"shape {shape}");
    }

    /// <summary>The layer that ends the name of an output such as <c>Z3</c>; null when another word precedes it or it lies outside of first … last.</summary>
    public static int? LayerOf(string output, string word, int first, int last) => output.StartsWith(word, StringComparison.Ordinal)
        && int.TryParse(output.AsSpan(word.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && layer >= first && layer <= last ? layer : null;

    /// <summary>The part of an activity vector that is Z_l.</summary>
    public static GoldenArray Activity(RelaxationDescriptor network, ReadOnlySpan<double> activities, int layer) =>
        Part(activities, network.ActivityOffset(layer), [network.Batch, network.Widths[layer]]);

    /// <summary>The part of a parameter vector that is W_l.</summary>
    public static GoldenArray Weight(RelaxationDescriptor network, ReadOnlySpan<double> parameters, int layer) =>
        Part(parameters, network.WeightOffset(layer), [network.Widths[layer], network.Widths[layer - 1]]);

    /// <summary>The part of a parameter vector that is b_l; null where the network has no biases.</summary>
    public static GoldenArray? Bias(RelaxationDescriptor network, ReadOnlySpan<double> parameters, int layer) =>
        network.Bias ? Part(parameters, network.BiasOffset(layer), [network.Widths[layer]]) : null;

    public static GoldenArray Part(ReadOnlySpan<double> elements, long offset, Shape shape) =>
        GoldenArray.OfReals(shape, elements.Slice((int)offset, (int)shape.ElementCount).ToArray());

    public static GoldenArray Number(double value) => GoldenArray.OfReals(Shape.Scalar, [value]);

    private static string Numbered(string name, int layer) => string.Create(CultureInfo.InvariantCulture, $"{name}{layer}");

    private static IReadOnlyList<double> Optional(GoldenParameters parameters, string name) => parameters.Has(name) ? parameters.Reals(name) : [];
}
