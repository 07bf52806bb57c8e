using System.Globalization;
using HpcLinear.Data;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>Deep linear networks as golden cases spell them: layers w1, w2, … in the order of application, and the parameter strides.</summary>
internal static class LinearNetworkSettings
{
    /// <summary>The network of the layers whose names begin with a word.</summary>
    /// <param name="golden">The case.</param>
    /// <param name="word">Layers are the inputs word1, word2, ….</param>
    /// <param name="rounded">Rounds weights to float32.</param>
    /// <param name="strides">The strides; ones if null.</param>
    /// <exception cref="DataFormatException">A layer is missing or has another rank.</exception>
    public static DeepLinearNetwork Read(GoldenCase golden, string word, bool rounded, IReadOnlyList<Shape>? strides)
    {
        NpyArray[] layers = [.. Arrays(golden, word)];
        int axes = layers.Length == 0 ? -1 : layers[0].Shape.Rank - 2;
        if (axes < 0 || layers.Any(w => w.Shape.Rank != axes + 2))
        {
            throw new DataFormatException(golden.Name, $"layers {word} {string.Join(' ', layers.Select(w => w.Shape.ToString()))}", "at least one, each [out, in, filter…]");
        }

        DeepProductDescriptor architecture = new()
        {
            Channels = [layers[0].Shape[1], .. layers.Select(w => w.Shape[0])],
            Filters = [.. layers.Select(w => w.Shape.Skip(2))],
            Strides = strides ?? [.. layers.Select(_ => Shape.Uniform(axes, 1))],
        };
        return new(architecture, [.. layers.Select(w => Doubles(w, rounded))]);
    }

    /// <summary>Arrays of the layers' sizes, word1, word2, ….</summary>
    public static double[][] Directions(GoldenCase golden, string word, bool rounded) => [.. Arrays(golden, word).Select(w => Doubles(w, rounded))];

    public static double[] Doubles(NpyArray array, bool rounded) => rounded ? Array.ConvertAll(array.ToSingles(), x => (double)x) : array.ToDoubles();

    /// <summary>The index from 0 of a layer named by an output such as <c>grad_1</c>; null for another word.</summary>
    public static int? LayerOf(string output, string word, int layers) => NetworkSettings.LayerOf(output, word, 1, layers) - 1;

    /// <summary>One of the arrays of the layers' shapes.</summary>
    public static GoldenArray Layer(DeepLinearNetwork network, IReadOnlyList<double[]> layers, int layer) =>
        GoldenArray.OfReals(network.Architecture.FilterShape(layer), layers[layer]);

    private static IEnumerable<NpyArray> Arrays(GoldenCase golden, string word) =>
        Enumerable.Range(1, int.MaxValue).Select(l => string.Create(CultureInfo.InvariantCulture, $"{word}{l}")).TakeWhile(golden.HasInput).Select(golden.Input);
}
