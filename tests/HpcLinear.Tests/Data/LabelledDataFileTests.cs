using System.Text;
using HpcLinear.Data;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Data;

public sealed class LabelledDataFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("train-images-idx3-ubyte", "train-labels-idx1-ubyte", DataPart.Training)]
    [InlineData("train-images-idx3-ubyte.gz", "train-labels.idx1-ubyte", DataPart.Training)]
    [InlineData("t10k-images.idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", DataPart.Test)]
    public void A_folder_of_IDX_files_is_recognised(string images, string labels, DataPart part)
    {
        IdxFile.Write(folder.File(images), [2, 2, 2], [0, 1, 2, 3, 4, 5, 6, 255]);
        IdxFile.Write(folder.File(labels), [2], [3, 0]);
        LabelledData data = LabelledDataFile.ReadFolder(folder.Path, part, 4);
        Assert.Equal((2, 4, folder.File(images)), (data.Count, data.Features, data.Name));
        Assert.Equal([3, 0], data.Classes.ToArray());
        double[] x = new double[4], y = new double[4];
        data.Gather<double>([1], x, y);
        Assert.Equal([4 / 255.0, 5 / 255.0, 6 / 255.0, 1], x);
        Refused("none of the files looked for, expected ", () => LabelledDataFile.ReadFolder(folder.Path, part == DataPart.Test ? DataPart.Training : DataPart.Test, 4));
    }

    [Fact]
    public void The_shipped_digits_have_the_known_mean_and_deviation()
    {
        LabelledData digits = LabelledDataFile.ReadFolder(Path.Combine(AppContext.BaseDirectory, "Assets"), DataPart.Test, 10);
        InputStandardisation map = digits.MeasureStandardisation();
        Assert.Equal((10000, 784), (digits.Count, digits.Features));
        Assert.Equal((0.1325, 0.3105), (Math.Round(map.Mean, 4), Math.Round(map.StandardDeviation, 4)));
    }

    [Theory]
    [InlineData("<f4", "<i8", 4)]
    [InlineData("<f8", "<i4", 8)]
    [InlineData("|u1", "|u1", 1)]
    public void A_folder_of_npy_files_is_recognised(string inputs, string classes, int size)
    {
        byte[] number = inputs switch { "<f4" => BitConverter.GetBytes(0.2f), "<f8" => BitConverter.GetBytes(0.2), _ => [51] };
        Npy("test-inputs.npy", inputs, "(2, 1, 3)", [.. Enumerable.Repeat(number, 6).SelectMany(b => b)]);
        byte[] two = new byte[classes == "|u1" ? 1 : classes == "<i4" ? 4 : 8], zero = new byte[two.Length];
        two[0] = 2;
        Npy("test-targets.npy", classes, "(2,)", [.. two, .. zero]);
        LabelledData data = LabelledDataFile.ReadFolder(folder.Path, DataPart.Test, 3);
        float[] x = new float[6], y = new float[6];
        data.Gather<float>([0, 1], x, y);
        Assert.Equal(Enumerable.Repeat(0.2f, 6), x);
        Assert.Equal([0f, 0, 1, 1, 0, 0], y);
        Assert.Equal(new FileInfo(folder.File("test-inputs.npy")).Length % 64, 6 * size % 64);
    }

    [Fact]
    public void Real_targets_come_from_npy_files()
    {
        NpyFile.Write(folder.File("x.npy"), [2, 1], [1f, 2f]);
        NpyFile.Write(folder.File("y.npy"), [2, 2], [1.5, 2, 3, 4]);
        LabelledData data = LabelledDataFile.ReadNpy(folder.File("x.npy"), folder.File("y.npy"), 2);
        double[] x = new double[1], y = new double[2];
        data.Gather<double>([1], x, y);
        Assert.Equal([2.0], x);
        Assert.Equal([3.0, 4.0], y);
        Refused("y.npy: real targets of shape [2, 2], expected [2, 3], or whole numbers for classes", () => LabelledDataFile.ReadNpy(folder.File("x.npy"), folder.File("y.npy"), 3));
        NpyFile.Write(folder.File("y.npy"), [2, 2], [1L, 2, 3, 4]);
        Refused("y.npy: whole numbers of shape [2, 2], expected one class a sample", () => LabelledDataFile.ReadNpy(folder.File("x.npy"), folder.File("y.npy"), 3));
        NpyFile.Write(folder.File("y.npy"), [2], [1L, 1L << 40]);
        Refused("y.npy: class 1099511627776 of sample 1, expected the number of a class", () => LabelledDataFile.ReadNpy(folder.File("x.npy"), folder.File("y.npy"), 3));
        NpyFile.Write(folder.File("x.npy"), [2, 1], [1, 2]);
        Refused("x.npy: inputs of type I4, expected float32, float64 or uint8", () => LabelledDataFile.ReadNpy(folder.File("x.npy"), folder.File("y.npy"), 3));
    }

    [Fact]
    public void What_is_missing_is_named()
    {
        Refused($"{folder.File("none")}: no such folder, expected a folder of data", () => LabelledDataFile.ReadFolder(folder.File("none"), DataPart.Training, 10));
        Refused(
            $"{folder.Path}: none of the files looked for, expected train-images-idx3-ubyte or train-images-idx3-ubyte.gz or train-images.idx3-ubyte or train-images.idx3-ubyte.gz or train-inputs.npy",
            () => LabelledDataFile.ReadFolder(folder.Path, DataPart.Training, 10));
        IdxFile.Write(folder.File("train-images-idx3-ubyte"), [1, 1, 1], [0]);
        Refused(
            $"{folder.Path}: none of the files looked for, expected train-labels-idx1-ubyte or train-labels-idx1-ubyte.gz or train-labels.idx1-ubyte or train-labels.idx1-ubyte.gz",
            () => LabelledDataFile.ReadFolder(folder.Path, DataPart.Training, 10));
        NpyFile.Write(folder.File("test-targets.npy"), [1], [1L]);
        Refused($"{folder.Path}: none of the files looked for, expected test-inputs.npy", () => LabelledDataFile.ReadFolder(folder.Path, DataPart.Test, 10));
    }

    [Fact]
    public void Files_that_do_not_fit_are_refused()
    {
        string x = folder.File("x"), y = folder.File("y");
        IdxFile.Write(x, [3, 1, 2], new byte[6]);
        IdxFile.Write(y, [2], [0, 1]);
        Refused($"{y}: targets of shape [2], expected one for each of the 3 samples of {x}", () => LabelledDataFile.ReadIdx(x, y, 10));
        Refused($"{y}: inputs of shape [2], expected [samples, features…]", () => LabelledDataFile.ReadIdx(y, x, 10));
        IdxFile.Write(y, [3], [0, 9, 7]);
        Refused($"{y}: class 9 of sample 1, expected 0 to 6, 7 classes", () => LabelledDataFile.ReadIdx(x, y, 7));
        IdxFile.Write(x, [0, 28, 28], []);
        IdxFile.Write(y, [0], []);
        Refused($"{x}: no inputs: shape [0, 28, 28], expected 1 sample and 1 feature or more", () => LabelledDataFile.ReadIdx(x, y, 7));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData(".gz", 10)]
    public void Every_cut_of_either_file_is_noticed(string ending, int trailer)
    {
        string x = folder.File("x" + ending), y = folder.File("y" + ending);
        byte[] pixels = new byte[200];
        new Random(5).NextBytes(pixels);
        IdxFile.Write(x, [10, 4, 5], pixels);
        IdxFile.Write(y, [10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        foreach (string file in new[] { x, y })
        {
            byte[] whole = File.ReadAllBytes(file);

            // gzip ends with an end mark, a checksum and a length, which nothing asks for once all elements are there.
            for (int length = 0; length < whole.Length - trailer; length++)
            {
                File.WriteAllBytes(file, whole[..length]);
                Assert.Throws<DataFormatException>(() => LabelledDataFile.ReadIdx(x, y, 10));
            }

            File.WriteAllBytes(file, whole);
        }

        Assert.Equal(10, LabelledDataFile.ReadIdx(x, y, 10).Count);
    }

    private void Npy(string name, string type, string shape, byte[] elements)
    {
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': {shape}, }}".PadRight(117) + "\n";
        File.WriteAllBytes(folder.File(name), [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. elements]);
    }

    private static void Refused(string message, Action call) => Assert.Contains(message, Assert.Throws<DataFormatException>(call).Message, StringComparison.Ordinal);
}
