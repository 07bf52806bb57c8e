using System.Globalization;
using HpcLinear.Data;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>Deep products as cases of linear convolutional networks spell them: layers w1, w2, … in the order of application, and the parameter strides, ones if absent.</summary>
internal static class DeepProductSettings
{
    /// <summary>The network whose layers are the inputs prefix w1, prefix w2, ….</summary>
    /// <exception cref="DataFormatException">A layer or a stride is missing, or has other axes.</exception>
    public static DeepProductDescriptor Describe(GoldenCase golden, string prefix = "")
    {
        Shape[] layers = [.. Enumerable.Range(1, int.MaxValue).Select(l => Numbered(prefix + "w", l)).TakeWhile(golden.HasInput).Select(name => golden.Input(name).Shape)];
        int axes = layers.Length == 0 ? -1 : layers[0].Rank - 2;
        if (axes < 0 || layers.Any(w => w.Rank != axes + 2))
        {
            throw new DataFormatException(golden.Name, $"layers {prefix}w {string.Join(' ', layers.Select(w => w.ToString()))}", "at least one, each [out, in, filter…]");
        }

        DeepProductDescriptor network = new()
        {
            Channels = [layers[0][1], .. layers.Select(w => w[0])],
            Filters = [.. layers.Select(w => w.Skip(2))],
            Strides = golden.Parameters.Has("strides") ? golden.Parameters.ExtentLists("strides") : [.. layers.Select(_ => Shape.Uniform(axes, 1))],
        };
        network.Validate();
        return layers.Zip(layers.Skip(1)).All(pair => pair.First[0] == pair.Second[1])
            ? network
            : throw new DataFormatException(golden.Name, $"layers {string.Join(' ', layers.Select(w => w.ToString()))}", "as many input channels as the layer before has outputs");
    }

    public static string Numbered(string name, int number) => string.Create(CultureInfo.InvariantCulture, $"{name}{number}");

    /// <summary>The index from 0 of the layer that an output such as JTu_1 names; null for another word.</summary>
    public static int? LayerOf(string output, string word, int layers) => output.StartsWith(word, StringComparison.Ordinal)
        && int.TryParse(output.AsSpan(word.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && layer >= 1 && layer <= layers ? layer - 1 : null;
}
