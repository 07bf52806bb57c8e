using HpcLinear.OpenCl;
using Xunit;

namespace HpcLinear.Tests.OpenCl;

/// <summary>What the tests of the OpenCL backend share: a device of each kernel family, random numbers, comparison with float64.</summary>
public sealed class OpenClFixture : IDisposable
{
    private readonly Device?[] devices = new Device?[3];

    /// <summary>The first OpenCL device with kernels of a family; skips the test where there is none.</summary>
    public Device Device(KernelFamily family)
    {
        if (devices[(int)family] is { } open)
        {
            return open;
        }

        TargetStatus status = Devices.Probe().First(s => s.Target.IsOpenCl);
        bool required = Environment.GetEnvironmentVariable("HPCLINEAR_REQUIRE")?.Contains("opencl", StringComparison.Ordinal) == true;
        Assert.SkipUnless(status.Available || required, status.Detail);
        return devices[(int)family] = Devices.Open("opencl:0", new() { KernelFamily = family });
    }

    /// <summary>The same hardware, described otherwise: with other compute units, without float64. The caller disposes it.</summary>
    internal Device Device(KernelFamily family, Func<OpenClDescription, OpenClDescription> change)
    {
        OpenClDevice device = (OpenClDevice)Device(family);
        return new OpenClDevice(device.Target, change(device.Description), new() { KernelFamily = family });
    }

    public void Dispose()
    {
        foreach (Device? device in devices)
        {
            device?.Dispose();
        }
    }
}

[CollectionDefinition(nameof(OpenClCollection))]
public sealed class OpenClCollection : ICollectionFixture<OpenClFixture>;

internal static class Numbers
{
    /// <summary>Random numbers on [-1, 1) that are exact in float32.</summary>
    public static double[] Random(long count, int seed)
    {
        Random random = new(seed);
        double[] numbers = new double[count];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = (float)((random.NextDouble() * 2) - 1);
        }

        return numbers;
    }

    public static T[] To<T>(double[] numbers)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T> => [.. numbers.Select(T.CreateTruncating)];

    public static Tensor<T> Upload<T>(CommandQueue queue, Shape shape, double[] numbers)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> tensor = queue.Device.Allocate<T>(shape);
        queue.Upload(To<T>(numbers), tensor);
        return tensor;
    }

    /// <summary>Unit roundoff.</summary>
    public static double Roundoff<T>() => typeof(T) == typeof(float) ? Math.ScaleB(1, -24) : Math.ScaleB(1, -53);

    /// <summary>Every element within 4 (sqrt(n) + 1) u of the sum of magnitudes, here bounded by <paramref name="scale"/>.</summary>
    public static void AssertClose<T>(string what, double[] expected, T[] actual, double terms, double scale)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        Assert.Equal(expected.Length, actual.Length);
        double tolerance = 4 * (Math.Sqrt(terms) + 1) * Roundoff<T>() * scale;
        for (int i = 0; i < expected.Length; i++)
        {
            double got = double.CreateTruncating(actual[i]);
            if (double.IsFinite(expected[i]) ? !(Math.Abs(expected[i] - got) <= tolerance) : !expected[i].Equals(got))
            {
                Assert.Fail($"{what}: element {i} of {expected.Length} is {got:R}, {expected[i]:R} expected, tolerance {tolerance:G3}");
            }
        }
    }
}
