namespace HpcLinear.Data;

/// <summary>Reads labelled data: a pair of IDX files, as MNIST and Fashion-MNIST come, or a pair of <c>.npy</c> files.</summary>
public static class LabelledDataFile
{
    /// <summary>Reads one part of a data set from a folder, by the names its files have.</summary>
    /// <param name="folder">Holds <c>train-images-idx3-ubyte</c> and <c>train-labels-idx1-ubyte</c> (<c>t10k-…</c> for the test; a dot instead of the hyphen before
    /// <c>idx</c>, and <c>.gz</c> behind, are fine), or else <c>train-inputs.npy</c> and <c>train-targets.npy</c> (<c>test-…</c>).</param>
    /// <param name="part">Which samples.</param>
    /// <param name="outputs">How many classes, or real targets, a sample has.</param>
    /// <exception cref="DataFormatException">A file is missing (the message lists the names that were looked for) or not what it should be.</exception>
    public static LabelledData ReadFolder(string folder, DataPart part, int outputs)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!Directory.Exists(folder))
        {
            throw new DataFormatException(folder, File.Exists(folder) ? "a file" : "no such folder", "a folder of data");
        }

        (string idx, string npy) = part switch
        {
            DataPart.Training => ("train", "train"),
            DataPart.Test => ("t10k", "test"),
            _ => throw new ArgumentOutOfRangeException(nameof(part), $"part: {DataPart.Training} or {DataPart.Test} expected, {part} given"),
        };
        string[] imageNames = IdxNames($"{idx}-images", "idx3-ubyte"), labelNames = IdxNames($"{idx}-labels", "idx1-ubyte");
        string? images = Find(folder, imageNames), labels = Find(folder, labelNames);
        if (images is not null || labels is not null)
        {
            return ReadIdx(images ?? throw Missing(folder, imageNames), labels ?? throw Missing(folder, labelNames), outputs);
        }

        string[] inputNames = [$"{npy}-inputs.npy"], targetNames = [$"{npy}-targets.npy"];
        string? inputs = Find(folder, inputNames), targets = Find(folder, targetNames);
        return inputs is null && targets is null
            ? throw Missing(folder, [.. imageNames, .. inputNames])
            : ReadNpy(inputs ?? throw Missing(folder, inputNames), targets ?? throw Missing(folder, targetNames), outputs);
    }

    /// <summary>Reads a pair of IDX files, plain or compressed by gzip.</summary>
    /// <param name="images">Bytes <c>[samples, rows, columns]</c>, or of other shapes of two axes or more.</param>
    /// <param name="labels">Bytes <c>[samples]</c>, each the number of a class.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <exception cref="DataFormatException">A file is missing or damaged, counts differ, a label is not a class, there are no samples.</exception>
    public static LabelledData ReadIdx(string images, string labels, int classes)
    {
        IdxArray inputs = IdxFile.Read(images), targets = IdxFile.Read(labels);
        return LabelledDataChecks.Checked(new(images, inputs.Shape, inputs.Bytes), new(labels, targets.Shape, Array.ConvertAll(targets.Bytes, b => (int)b)), classes);
    }

    /// <summary>Reads a pair of <c>.npy</c> files.</summary>
    /// <param name="inputs">float32, float64 or uint8 <c>[samples, …]</c>; uint8 are divided by 255.</param>
    /// <param name="targets">Whole numbers <c>[samples]</c>, each the number of a class, or float32 or float64 <c>[samples, outputs]</c>.</param>
    /// <param name="outputs">How many classes, or real targets, a sample has.</param>
    /// <exception cref="DataFormatException">A file is missing or damaged, counts differ, a class is out of range, a number is not finite, there are no samples.</exception>
    public static LabelledData ReadNpy(string inputs, string targets, int outputs)
    {
        NpyArray x = NpyFile.Read(inputs), y = NpyFile.Read(targets);
        if (x.Type is not (NpyType.F4 or NpyType.F8 or NpyType.U1))
        {
            throw new DataFormatException(inputs, $"inputs of type {x.Type}", "float32, float64 or uint8");
        }

        Array elements = y.IsInteger ? ToClasses(targets, y.ToInt64s()) : y.Elements;
        return LabelledDataChecks.Checked(new(inputs, x.Shape, x.Elements), new(targets, y.Shape, elements), outputs);
    }

    private static int[] ToClasses(string file, long[] values)
    {
        int wide = Array.FindIndex(values, v => v != (int)v);
        return wide < 0 ? Array.ConvertAll(values, v => (int)v) : throw new DataFormatException(file, $"class {values[wide]} of sample {wide}", "the number of a class");
    }

    private static string[] IdxNames(string stem, string ending) => [$"{stem}-{ending}", $"{stem}-{ending}.gz", $"{stem}.{ending}", $"{stem}.{ending}.gz"];

    private static string? Find(string folder, string[] names) => names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    private static DataFormatException Missing(string folder, string[] names) => new(folder, "none of the files looked for", string.Join(" or ", names));
}
