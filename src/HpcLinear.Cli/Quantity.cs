using System.Globalization;

namespace HpcLinear.Cli;

/// <summary>Numbers with a unit, short enough for a table.</summary>
internal static class Quantity
{
    private static readonly string[] Prefixes = ["", "k", "M", "G", "T", "P"];

    /// <summary>Three or four significant digits.</summary>
    public static string Number(double value) => double.IsNaN(value) ? "-" : Math.Abs(value) switch
    {
        >= 1000 => value.ToString("F0", CultureInfo.InvariantCulture),
        >= 100 => value.ToString("F1", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("F2", CultureInfo.InvariantCulture),
        >= 0.01 or 0 => value.ToString("F3", CultureInfo.InvariantCulture),
        _ => value.ToString("G3", CultureInfo.InvariantCulture),
    };

    /// <summary>A number with a decimal prefix: 1.25 Gflop.</summary>
    public static string Scaled(double value, string unit)
    {
        int prefix = 0;
        for (; Math.Abs(value) >= 1000 && prefix < Prefixes.Length - 1; prefix++)
        {
            value /= 1000;
        }

        return $"{Number(value)} {Prefixes[prefix]}{unit}";
    }

    public static string Bytes(double value) => Math.Abs(value) < 1000 ? $"{value.ToString("F0", CultureInfo.InvariantCulture)} B" : Scaled(value, "B");

    /// <summary>A small number, such as an error.</summary>
    public static string Error(double value) => value.ToString("0.0E+0", CultureInfo.InvariantCulture);
}
