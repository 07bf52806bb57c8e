namespace HpcLinear.Experiments;

/// <summary>A setting as the command line shows it.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Help">What it means, with unit.</param>
/// <param name="Default">The default as text.</param>
/// <param name="Range">Values that are accepted, as text.</param>
/// <param name="Full">The paper's value as text; empty where it is the default.</param>
public sealed record Setting(string Key, string Help, string Default, string Range, string Full = "");

/// <summary>Makes a property a setting: <c>OutputWidth</c> is set by <c>output-width=10</c>.</summary>
/// <remarks>Properties are of type int, double, bool, string, or a read-only list of int, double or string.</remarks>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SettingAttribute(string help) : Attribute
{
    /// <summary>What it means, with unit.</summary>
    public string Help => help;

    /// <summary>Least number; for every entry of a list.</summary>
    public double Minimum { get; init; } = double.NegativeInfinity;

    /// <summary>Greatest number; for every entry of a list.</summary>
    public double Maximum { get; init; } = double.PositiveInfinity;

    /// <summary>Words that are accepted, separated by spaces; empty for any.</summary>
    public string Choices { get; init; } = "";

    /// <summary>The paper's value, as the command line takes it, where the default is smaller to be quick; empty where they are the same.</summary>
    public string Full { get; init; } = "";

    /// <summary>False for what leaves the values of a row as they are: which rows there are, where data lie. Such settings are not written to rows, and a run
    /// with other ones keeps the rows it has.</summary>
    public bool InRows { get; init; } = true;
}
