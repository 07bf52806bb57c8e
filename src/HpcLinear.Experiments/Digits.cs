using HpcLinear.Data;

namespace HpcLinear.Experiments;

/// <summary>Handwritten digits to train and test with: MNIST from a folder, or the 10,000 that come with the program.</summary>
internal sealed class Digits
{
    /// <summary>Help of settings that name the folder.</summary>
    public const string FolderHelp = "folder of the data, as MNIST comes: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-…, plain or .gz; none for the program's own 10,000 digits";

    /// <summary>How many digits there are to tell apart.</summary>
    public const int Classes = 10;

    private const string Images = "t10k-images-idx3-ubyte.gz", Labels = "t10k-labels-idx1-ubyte.gz";

    private Digits(LabelledData training, LabelledData test)
    {
        Training = training;
        Test = test;
    }

    public LabelledData Training { get; }

    public LabelledData Test { get; }

    /// <summary>For the key of a row: rows of other data are other rows.</summary>
    public static string NameOf(string folder) => folder.Length == 0 ? "own" : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));

    /// <summary>Reads and standardises: mean 0 and deviation 1 over the training data.</summary>
    /// <param name="folder">Empty for the program's own digits, of which the last fifth is the test.</param>
    /// <param name="samples">Training samples to use, the first ones; 0 for all.</param>
    /// <exception cref="DataFormatException">Files are missing, damaged or do not fit each other.</exception>
    /// <exception cref="ArgumentException">There are fewer samples.</exception>
    public static Digits Read(string folder, int samples)
    {
        LabelledData training, test;
        if (folder.Length > 0)
        {
            training = LabelledDataFile.ReadFolder(folder, DataPart.Training, Classes);
            test = LabelledDataFile.ReadFolder(folder, DataPart.Test, Classes);
        }
        else
        {
            string assets = Path.Combine(AppContext.BaseDirectory, "Assets");
            LabelledData all = LabelledDataFile.ReadIdx(Path.Combine(assets, Images), Path.Combine(assets, Labels), Classes);
            training = all.Take(all.Count / 5 * 4);
            test = all.Slice(training.Count, all.Count - training.Count);
        }

        if (training.Features != test.Features)
        {
            throw new DataFormatException(test.Name, $"samples of {test.Features} elements", $"{training.Features}, as {training.Name} has");
        }

        if (samples > training.Count)
        {
            throw new ArgumentException($"samples: {samples} given, {training.Name} has {training.Count} for training");
        }

        InputStandardisation standardisation = training.MeasureStandardisation();
        training = samples > 0 ? training.Take(samples) : training;
        return new(training.Standardise(standardisation), test.Standardise(standardisation));
    }
}
