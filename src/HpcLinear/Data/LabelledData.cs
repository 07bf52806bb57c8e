using System.Numerics;
using System.Runtime.InteropServices;

namespace HpcLinear.Data;

/// <summary>Samples with what is to be predicted of them: inputs <c>[Count, Features]</c> and targets <c>[Count, Outputs]</c>, classes or real numbers.</summary>
/// <remarks>Immutable; any number of threads may gather. Bytes stay bytes (60,000 MNIST images are 47 MB) and become numbers in <see cref="Gather"/>, which divides
/// them by 255. Slices and standardised sets share the elements.</remarks>
public sealed class LabelledData
{
    private readonly Array inputs;
    private readonly int[]? classes;
    private readonly Array? targets;
    private readonly int first;

    /// <summary>What each byte becomes, in either type; null unless inputs are bytes.</summary>
    private readonly double[]? bytesAsDoubles;
    private readonly float[]? bytesAsSingles;

    internal LabelledData(string name, Shape sampleShape, int outputs, Array inputs, int[]? classes, Array? targets)
        : this(name, sampleShape, outputs, inputs, classes, targets, 0, classes?.Length ?? targets!.Length / outputs, null)
    {
    }

    private LabelledData(string name, Shape sampleShape, int outputs, Array inputs, int[]? classes, Array? targets, int first, int count, InputStandardisation? standardisation)
    {
        Name = name;
        SampleShape = sampleShape;
        Features = (int)sampleShape.ElementCount;
        Outputs = outputs;
        this.inputs = inputs;
        this.classes = classes;
        this.targets = targets;
        this.first = first;
        Count = count;
        Standardisation = standardisation;
        if (inputs is byte[])
        {
            bytesAsDoubles = new double[256];
            for (int value = 0; value < bytesAsDoubles.Length; value++)
            {
                bytesAsDoubles[value] = Standardised(value / 255.0);
            }

            bytesAsSingles = Array.ConvertAll(bytesAsDoubles, x => (float)x);
        }
    }

    /// <summary>The file of the inputs, or "memory".</summary>
    public string Name { get; }

    /// <summary>Number of samples.</summary>
    public int Count { get; }

    /// <summary>Extents of one sample's inputs, for instance <c>[28, 28]</c>.</summary>
    public Shape SampleShape { get; }

    /// <summary>Inputs of one sample.</summary>
    public int Features { get; }

    /// <summary>Targets of one sample: the number of classes, or of real targets.</summary>
    public int Outputs { get; }

    /// <summary>The class of each sample, from 0 to <see cref="Outputs"/> - 1; empty for real targets.</summary>
    public ReadOnlySpan<int> Classes => classes is null ? default : classes.AsSpan(first, Count);

    /// <summary>Whether targets are classes, gathered one-hot.</summary>
    public bool HasClasses => classes is not null;

    /// <summary>The map applied to inputs; null for none.</summary>
    public InputStandardisation? Standardisation { get; }

    /// <summary>A set of classes from memory. The arrays are kept, not copied, and may not change.</summary>
    /// <param name="features">Inputs of one sample.</param>
    /// <param name="inputs">Row-major, <c>[samples, features]</c>.</param>
    /// <param name="classes">One number from 0 to <paramref name="classCount"/> - 1 for each sample.</param>
    /// <param name="classCount">How many classes there are.</param>
    /// <exception cref="DataFormatException">No samples, counts that do not fit, inputs that are not finite, a class out of range.</exception>
    public static LabelledData Create<T>(int features, T[] inputs, int[] classes, int classCount)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(classes);
        RequireType<T>();
        return LabelledDataChecks.Checked(new(Memory, Rows(features, inputs), inputs), new(Memory, [classes.Length], classes), classCount);
    }

    /// <summary>A set of real targets from memory. The arrays are kept, not copied, and may not change.</summary>
    /// <param name="features">Inputs of one sample.</param>
    /// <param name="inputs">Row-major, <c>[samples, features]</c>.</param>
    /// <param name="targets">Row-major, <c>[samples, outputs]</c>.</param>
    /// <param name="outputs">Targets of one sample.</param>
    /// <exception cref="DataFormatException">No samples, counts that do not fit, inputs or targets that are not finite.</exception>
    public static LabelledData Create<T>(int features, T[] inputs, T[] targets, int outputs)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
        RequireType<T>();
        return LabelledDataChecks.Checked(new(Memory, Rows(features, inputs), inputs), new(Memory, Rows(outputs, targets), targets), outputs);
    }

    /// <summary>The first <paramref name="count"/> samples.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is below 1 or above <see cref="Count"/>.</exception>
    public LabelledData Take(int count) => Slice(0, count);

    /// <summary><paramref name="count"/> samples from <paramref name="start"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty or not inside the set.</exception>
    public LabelledData Slice(int start, int count)
    {
        if (start < 0 || start >= Count)
        {
            throw new ArgumentOutOfRangeException(nameof(start), $"start: a sample from 0 to {Count - 1} expected, {start} given ({Name})");
        }

        return count >= 1 && count <= Count - start
            ? new(Name, SampleShape, Outputs, inputs, classes, targets, first + start, count, Standardisation)
            : throw new ArgumentOutOfRangeException(nameof(count), $"count: 1 to {Count - start} samples expected, {count} given ({Name})");
    }

    /// <summary>Mean and standard deviation over all inputs of all samples, before any standardisation.</summary>
    /// <remarks>Bytes are counted, other inputs summed twice in order in float64.</remarks>
    public InputStandardisation MeasureStandardisation()
    {
        (int from, int length) = (first * Features, Count * Features);
        return inputs switch
        {
            byte[] bytes => Measure(bytes.AsSpan(from, length)),
            float[] singles => Measure<float>(singles.AsSpan(from, length)),
            _ => Measure<double>(((double[])inputs).AsSpan(from, length)),
        };
    }

    /// <summary>The same samples with another map of their inputs; null for none.</summary>
    /// <exception cref="ArgumentException">The mean is not finite, or the standard deviation is not positive: all inputs are equal.</exception>
    public LabelledData Standardise(InputStandardisation? standardisation)
    {
        standardisation?.Validate();
        return new(Name, SampleShape, Outputs, inputs, classes, targets, first, Count, standardisation);
    }

    /// <summary>Writes a minibatch: inputs row-major, targets one-hot or as they are.</summary>
    /// <param name="samples">Indices of samples, in any order, also repeated.</param>
    /// <param name="inputs"><c>[samples, Features]</c>, overwritten.</param>
    /// <param name="targets"><c>[samples, Outputs]</c>, overwritten.</param>
    /// <exception cref="ArgumentOutOfRangeException">An index is not a sample's.</exception>
    /// <exception cref="ArgumentException">A length differs.</exception>
    /// <exception cref="NotSupportedException">The type is neither float nor double.</exception>
    /// <remarks>Allocates nothing. Bytes cost one table look-up an input.</remarks>
    public void Gather<T>(ReadOnlySpan<int> samples, Span<T> inputs, Span<T> targets)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RequireType<T>();
        Throw.IfCountDiffers(nameof(inputs), inputs.Length, samples.Length, Features);
        Throw.IfCountDiffers(nameof(targets), targets.Length, samples.Length, Outputs);
        for (int i = 0; i < samples.Length; i++)
        {
            if ((uint)samples[i] >= (uint)Count)
            {
                throw new ArgumentOutOfRangeException(nameof(samples), $"samples: indices from 0 to {Count - 1} expected, {samples[i]} given at {i} ({Name})");
            }

            int sample = first + samples[i];
            GatherInputs(sample, inputs.Slice(i * Features, Features));
            Span<T> row = targets.Slice(i * Outputs, Outputs);
            if (classes is null)
            {
                GatherTargets(sample, row);
            }
            else
            {
                row.Clear();
                row[classes[sample]] = T.One;
            }
        }
    }

    private const string Memory = "memory";

    private void GatherInputs<T>(int sample, Span<T> row)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (int from, int length) = (sample * Features, Features);
        switch (inputs)
        {
            case byte[] bytes:
                LookUp(bytes.AsSpan(from, length), row, (T[])(typeof(T) == typeof(float) ? (Array)bytesAsSingles! : bytesAsDoubles!));
                break;
            case float[] singles:
                Standardise(singles.AsSpan(from, length), row);
                break;
            default:
                Standardise(((double[])inputs).AsSpan(from, length), row);
                break;
        }
    }

    private void GatherTargets<T>(int sample, Span<T> row)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (int from, int length) = (sample * Outputs, Outputs);
        if (targets is float[] singles)
        {
            Convert<float, T>(singles.AsSpan(from, length), row);
        }
        else
        {
            Convert<double, T>(((double[])targets!).AsSpan(from, length), row);
        }
    }

    private static void LookUp<T>(ReadOnlySpan<byte> from, Span<T> to, T[] table)
    {
        // The length says that a byte is always inside: no check is left in the loop.
        ReadOnlySpan<T> values = table.AsSpan(0, 256);
        for (int i = 0; i < to.Length; i++)
        {
            to[i] = values[from[i]];
        }
    }

    private void Standardise<TFrom, T>(Span<TFrom> from, Span<T> to)
        where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (Standardisation is null)
        {
            Convert<TFrom, T>(from, to);
            return;
        }

        for (int i = 0; i < to.Length; i++)
        {
            to[i] = T.CreateTruncating(Standardised(double.CreateTruncating(from[i])));
        }
    }

    private static void Convert<TFrom, T>(ReadOnlySpan<TFrom> from, Span<T> to)
        where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(TFrom) == typeof(T))
        {
            MemoryMarshal.Cast<TFrom, T>(from).CopyTo(to);
            return;
        }

        for (int i = 0; i < to.Length; i++)
        {
            to[i] = T.CreateTruncating(from[i]);
        }
    }

    private double Standardised(double x) => Standardisation is { } map ? (x - map.Mean) / map.StandardDeviation : x;

    private static InputStandardisation Measure(ReadOnlySpan<byte> bytes)
    {
        long[] counts = new long[256];
        foreach (byte value in bytes)
        {
            counts[value]++;
        }

        double sum = 0, squares = 0;
        for (int value = 0; value < counts.Length; value++)
        {
            sum += (double)counts[value] * value;
        }

        double mean = sum / bytes.Length;
        for (int value = 0; value < counts.Length; value++)
        {
            squares += counts[value] * (value - mean) * (value - mean);
        }

        return new() { Mean = mean / 255, StandardDeviation = Math.Sqrt(squares / bytes.Length) / 255 };
    }

    private static InputStandardisation Measure<T>(ReadOnlySpan<T> values)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double sum = 0, squares = 0;
        foreach (T value in values)
        {
            sum += double.CreateTruncating(value);
        }

        double mean = sum / values.Length;
        foreach (T value in values)
        {
            double deviation = double.CreateTruncating(value) - mean;
            squares += deviation * deviation;
        }

        return new() { Mean = mean, StandardDeviation = Math.Sqrt(squares / values.Length) };
    }

    private static Shape Rows<T>(int columns, T[] elements) => columns >= 1 && elements.Length % columns == 0
        ? [elements.Length / columns, columns]
        : throw new DataFormatException(Memory, $"{elements.Length} elements", $"rows of {columns}");

    private static void RequireType<T>()
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double))
        {
            throw new NotSupportedException($"data are gathered as float or double, not as {typeof(T).Name}");
        }
    }
}
