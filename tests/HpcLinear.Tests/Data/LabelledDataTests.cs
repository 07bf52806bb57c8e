using System.Numerics;
using HpcLinear.Data;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Data;

/// <summary>What is gathered, in both types.</summary>
public abstract class LabelledDataTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [Fact]
    public void Bytes_are_gathered_as_fractions_and_classes_one_hot()
    {
        using TemporaryFolder folder = new();
        IdxFile.Write(folder.File("x"), [3, 1, 2], [0, 255, 51, 102, 1, 2]);
        IdxFile.Write(folder.File("y"), [3], [2, 0, 1]);
        LabelledData data = LabelledDataFile.ReadIdx(folder.File("x"), folder.File("y"), 4);
        Assert.Equal((3, 2, 4, true), (data.Count, data.Features, data.Outputs, data.HasClasses));
        Assert.Equal<Shape>([1, 2], data.SampleShape);
        Assert.Equal([2, 0, 1], data.Classes.ToArray());
        (T[] x, T[] y) = Gather(data, 2, 0, 2);
        Assert.Equal(Numbers(1 / 255.0, 2 / 255.0, 0, 1, 1 / 255.0, 2 / 255.0), x);
        Assert.Equal(Numbers(0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0), y);
    }

    [Fact]
    public void Real_numbers_are_gathered_as_they_are()
    {
        LabelledData data = LabelledData.Create(3, Numbers(1, 2, 3, 4, 5, 6), Numbers(0.1, -0.25), 1);
        (T[] x, T[] y) = Gather(data, 1);
        Assert.Equal(Numbers(4, 5, 6), x);
        Assert.Equal(Numbers(-0.25), y);
        Assert.False(data.HasClasses);
        Assert.True(data.Classes.IsEmpty);
    }

    [Fact]
    public void Standardised_inputs_have_mean_0_and_deviation_1_and_the_test_set_gets_the_same_map()
    {
        LabelledData training = LabelledData.Create(2, Numbers(1, 2, 3, 4, 5, 6, 7, 8), [0, 1, 1, 0], 2), test = LabelledData.Create(2, Numbers(4.5, 100), [0], 2);
        InputStandardisation map = training.MeasureStandardisation();
        Assert.Equal((4.5, Math.Sqrt(5.25)), (map.Mean, map.StandardDeviation));
        T[] x = Gather(training.Standardise(map), 0, 1, 2, 3).Inputs;
        Assert.Equal(0, double.CreateTruncating(x.Aggregate(T.Zero, (sum, v) => sum + v)), 1e-6);
        Assert.Equal(8, double.CreateTruncating(x.Aggregate(T.Zero, (sum, v) => sum + (v * v))), 1e-5);
        Assert.Equal(Numbers(0, 95.5 / Math.Sqrt(5.25)), Gather(test.Standardise(map), 0).Inputs);
        Assert.Equal(map, training.Standardise(map).MeasureStandardisation());
        Assert.Equal(Numbers(1, 2), Gather(training.Standardise(map).Standardise(null), 0).Inputs);
    }

    [Fact]
    public void Bytes_are_standardised_like_the_numbers_they_stand_for()
    {
        using TemporaryFolder folder = new();
        byte[] pixels = new byte[600];
        new Random(3).NextBytes(pixels);
        IdxFile.Write(folder.File("x"), [6, 10, 10], pixels);
        IdxFile.Write(folder.File("y"), [6], new byte[6]);
        LabelledData bytes = LabelledDataFile.ReadIdx(folder.File("x"), folder.File("y"), 1).Slice(1, 4);
        LabelledData numbers = LabelledData.Create(100, Array.ConvertAll(pixels, b => b / 255.0), new int[6], 1).Slice(1, 4);
        InputStandardisation map = bytes.MeasureStandardisation(), expected = numbers.MeasureStandardisation();
        Assert.Equal((expected.Mean, expected.StandardDeviation), (map.Mean, map.StandardDeviation), ((double, double) a, (double, double) b) => Math.Abs(a.Item1 - b.Item1) + Math.Abs(a.Item2 - b.Item2) < 1e-14);
        Assert.Equal(Gather(numbers.Standardise(map), 0, 3).Inputs, Gather(bytes.Standardise(map), 0, 3).Inputs);
    }

    [Fact]
    public void A_slice_is_the_same_samples_under_new_numbers()
    {
        LabelledData data = LabelledData.Create(1, Numbers(0, 10, 20, 30, 40), [0, 1, 2, 3, 4], 5);
        LabelledData slice = data.Slice(1, 3).Slice(1, 2);
        Assert.Equal(2, slice.Count);
        Assert.Equal([2, 3], slice.Classes.ToArray());
        (T[] x, T[] y) = Gather(slice, 1, 0);
        Assert.Equal(Numbers(30, 20), x);
        Assert.Equal(Numbers(0, 0, 0, 1, 0, 0, 0, 1, 0, 0), y);
        Assert.Equal(Numbers(0, 10), Gather(data.Take(2), 0, 1).Inputs);
        Assert.Throws<ArgumentOutOfRangeException>(() => Gather(slice, 2));
    }

    [Fact]
    public void Wrong_calls_are_refused()
    {
        LabelledData data = LabelledData.Create(2, Numbers(0, 1, 2, 3), [0, 1], 2);
        Refused<ArgumentOutOfRangeException>("samples: indices from 0 to 1 expected, 2 given at 1 (memory)", () => Gather(data, 0, 2));
        Refused<ArgumentOutOfRangeException>("samples: indices from 0 to 1 expected, -1 given at 0 (memory)", () => Gather(data, -1));
        Refused<ArgumentException>("inputs: 2 elements expected for 1 rows of 2, 3 given", () => data.Gather([0], new T[3], new T[2]));
        Refused<ArgumentException>("targets: 2 elements expected for 1 rows of 2, 1 given", () => data.Gather([0], new T[2], new T[1]));
        Refused<ArgumentOutOfRangeException>("count: 1 to 2 samples expected, 3 given (memory)", () => data.Take(3));
        Refused<ArgumentOutOfRangeException>("count: 1 to 2 samples expected, 0 given (memory)", () => data.Take(0));
        Refused<ArgumentOutOfRangeException>("start: a sample from 0 to 1 expected, 2 given (memory)", () => data.Slice(2, 1));
        Refused<ArgumentException>("standardisation: a finite mean and a standard deviation above 0 expected", () => data.Standardise(data.Take(1).Standardise(null).MeasureStandardisation() with { StandardDeviation = 0 }));
        Refused<NotSupportedException>("not as Half", () => data.Gather(new int[1], new Half[2], new Half[2]));
    }

    [Fact]
    public void Wrong_numbers_are_refused()
    {
        Refused<DataFormatException>("memory: NaN as feature 1 of sample 1, expected finite inputs", () => LabelledData.Create(2, [T.Zero, T.One, T.One, T.NaN], [0, 0], 1));
        Refused<DataFormatException>("as target 0 of sample 1, expected finite targets", () => LabelledData.Create(1, Numbers(1, 2), [T.Zero, T.NegativeInfinity], 1));
        Refused<DataFormatException>("memory: class 2 of sample 1, expected 0 to 1, 2 classes", () => LabelledData.Create(1, Numbers(1, 2), [0, 2], 2));
        Refused<DataFormatException>("memory: class -1 of sample 0, expected 0 to 0, 1 class", () => LabelledData.Create(1, Numbers(1, 2), [-1, 0], 1));
        Refused<DataFormatException>("memory: targets of shape [3], expected one for each of the 2 samples of memory", () => LabelledData.Create(1, Numbers(1, 2), [0, 0, 0], 1));
        Refused<DataFormatException>("memory: no inputs: shape [0, 4], expected 1 sample and 1 feature or more", () => LabelledData.Create(4, Array.Empty<T>(), Array.Empty<int>(), 1));
        Refused<DataFormatException>("memory: 3 elements, expected rows of 2", () => LabelledData.Create(2, Numbers(1, 2, 3), [0], 1));
        Refused<ArgumentOutOfRangeException>("outputs: 1 class or target or more expected, 0 given", () => LabelledData.Create(1, Numbers(1), [0], 0));
    }

    protected static T[] Numbers(params double[] values) => Array.ConvertAll(values, T.CreateTruncating);

    protected static (T[] Inputs, T[] Targets) Gather(LabelledData data, params int[] samples)
    {
        (T[] inputs, T[] targets) = (new T[samples.Length * data.Features], new T[samples.Length * data.Outputs]);
        Array.Fill(inputs, T.NaN);
        Array.Fill(targets, T.NaN);
        data.Gather(samples, inputs, targets);
        return (inputs, targets);
    }

    private static void Refused<TException>(string message, Action call)
        where TException : Exception => Assert.Contains(message, Assert.Throws<TException>(call).Message, StringComparison.Ordinal);
}

public sealed class LabelledDataFloatTests : LabelledDataTests<float>;

public sealed class LabelledDataDoubleTests : LabelledDataTests<double>;

[Collection("Alone")]
public sealed class LabelledDataAllocationTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Gathering_allocates_nothing(bool bytes)
    {
        using TemporaryFolder folder = new();
        IdxFile.Write(folder.File("x"), [2, 4], new byte[8]);
        IdxFile.Write(folder.File("y"), [2], [0, 1]);
        LabelledData data = bytes ? LabelledDataFile.ReadIdx(folder.File("x"), folder.File("y"), 2) : LabelledData.Create(4, new double[8], new double[4], 2);
        data = data.Standardise(new() { Mean = 1, StandardDeviation = 2 });
        int[] samples = [1, 0, 1];
        float[] x = new float[12], y = new float[6];
        data.Gather<float>(samples, x, y);
        long before = GC.GetAllocatedBytesForCurrentThread();
        data.Gather<float>(samples, x, y);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
