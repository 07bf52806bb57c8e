using System.Numerics;

namespace HpcLinear.Tests.Support;

/// <summary>Test data that depends on a number alone, so that a descriptor is enough to repeat a failure.</summary>
internal static class Values
{
    /// <summary>Uniform on [-1, 1].</summary>
    public static T[] Random<T>(long count, int seed)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = new(seed);
        T[] values = new T[count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = T.CreateChecked((2 * random.NextDouble()) - 1);
        }

        return values;
    }

    public static T[] Filled<T>(long count, T value)
    {
        T[] values = new T[count];
        Array.Fill(values, value);
        return values;
    }

    public static double[] ToDouble<T>(T[] values)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Array.ConvertAll(values, double.CreateChecked);

    public static double[] Magnitudes(double[] values) => Array.ConvertAll(values, Math.Abs);

    /// <summary>Inner product, in float64.</summary>
    public static double Inner<T>(T[] left, T[] right)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Xunit.Assert.Equal(left.Length, right.Length);
        double sum = 0;
        for (int i = 0; i < left.Length; i++)
        {
            sum += double.CreateChecked(left[i]) * double.CreateChecked(right[i]);
        }

        return sum;
    }

    /// <summary>Inner product of magnitudes, in float64.</summary>
    public static double InnerMagnitude<T>(T[] left, T[] right)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double sum = 0;
        for (int i = 0; i < left.Length; i++)
        {
            sum += Math.Abs(double.CreateChecked(left[i]) * double.CreateChecked(right[i]));
        }

        return sum;
    }
}
