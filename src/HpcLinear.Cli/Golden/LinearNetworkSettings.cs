using System.Globalization;
using HpcLinear.Data;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>Deep linear networks as golden cases spell them: layers w1, w2, … in the order of application, and the parameter strides, ones if absent.</summary>
internal static class LinearNetworkSettings
{
    /// <summary>The network whose layers are the inputs word1, word2, ….</summary>
    /// <param name="golden">The case.</param>
    /// <param name="word">What the names of layers begin with.</param>
    /// <param name="strided">Whether the case's strides are this network's; else they are ones.</param>
    /// <exception cref="DataFormatException">A layer or a stride is missing, or has other axes.</exception>
    public static DeepProductDescriptor Describe(GoldenCase golden, string word = "w", bool strided = true)
    {
        Shape[] layers = [.. Arrays(golden, word).Select(w => w.Shape)];
        int axes = layers.Length == 0 ? -1 : layers[0].Rank - 2;
        if (axes < 0 || layers.Any(w => w.Rank != axes + 2))
        {
            throw new DataFormatException(golden.Name, $"layers {word} {string.Join(' ', layers.Select(w => w.ToString()))}", "at least one, each [out, in, filter…]");
        }

        DeepProductDescriptor network = new()
        {
            Channels = [layers[0][1], .. layers.Select(w => w[0])],
            Filters = [.. layers.Select(w => w.Skip(2))],
            Strides = strided && golden.Parameters.Has("strides") ? golden.Parameters.ExtentLists("strides") : [.. layers.Select(_ => Shape.Uniform(axes, 1))],
        };
        network.Validate();
        return layers.Zip(layers.Skip(1)).All(pair => pair.First[0] == pair.Second[1])
            ? network
            : throw new DataFormatException(golden.Name, $"layers {string.Join(' ', layers.Select(w => w.ToString()))}", "as many input channels as the layer before has outputs");
    }

    /// <summary>The same with its weights, on the host.</summary>
    /// <param name="golden">The case.</param>
    /// <param name="word">As in <see cref="Describe"/>.</param>
    /// <param name="rounded">Rounds weights to float32.</param>
    /// <param name="strided">As in <see cref="Describe"/>.</param>
    public static DeepLinearNetwork Read(GoldenCase golden, string word = "w", bool rounded = false, bool strided = true) =>
        new(Describe(golden, word, strided), Directions(golden, word, rounded));

    /// <summary>Arrays of the layers' sizes, word1, word2, ….</summary>
    public static double[][] Directions(GoldenCase golden, string word, bool rounded) => [.. Arrays(golden, word).Select(w => Doubles(w, rounded))];

    public static double[] Doubles(NpyArray array, bool rounded) => rounded ? Array.ConvertAll(array.ToSingles(), x => (double)x) : array.ToDoubles();

    public static string Numbered(string name, int number) => string.Create(CultureInfo.InvariantCulture, $"{name}{number}");

    /// <summary>The index from 0 of a layer named by an output such as <c>grad_1</c>; null for another word.</summary>
    public static int? LayerOf(string output, string word, int layers) => NetworkSettings.LayerOf(output, word, 1, layers) - 1;

    /// <summary>One of the arrays of the layers' shapes.</summary>
    public static GoldenArray Layer(DeepLinearNetwork network, IReadOnlyList<double[]> layers, int layer) =>
        GoldenArray.OfReals(network.Architecture.FilterShape(layer), layers[layer]);

    /// <summary>C_l of a layer, or null.</summary>
    public static GoldenArray? ChannelMatrix(DeepLinearNetwork network, int? layer) => layer is { } l
        ? GoldenArray.OfReals([network.Architecture.Channels[l + 1], network.Architecture.Channels[l + 1]], Invariants.ChannelMatrix(network, l))
        : null;

    private static IEnumerable<NpyArray> Arrays(GoldenCase golden, string word) =>
        Enumerable.Range(1, int.MaxValue).Select(l => Numbered(word, l)).TakeWhile(golden.HasInput).Select(golden.Input);
}
