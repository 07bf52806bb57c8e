namespace HpcLinear.Experiments;

/// <summary>A picture of rows: maps of a value over two grids of names, in panels side by side with one scale of colours.</summary>
/// <param name="Name">What the command line calls it.</param>
/// <param name="Title">What it shows.</param>
/// <param name="X">The axis below; its places are those of the maps.</param>
/// <param name="Y">The axis at the left, likewise.</param>
/// <param name="Value">What the colours mean; its limits, where given, end the scale, and values beyond them have the colour of the end.</param>
/// <param name="Optimum">Which cell of every map is marked.</param>
/// <param name="Maps">Maps from the rows of one run.</param>
public sealed record HeatMapFigure(string Name, string Title, FigureAxis X, FigureAxis Y, FigureAxis Value, Optimum Optimum, Func<IReadOnlyList<Row>, IEnumerable<HeatMap>> Maps)
    : Figure(Name, Title, X, Y, _ => []);

/// <summary>The cell of a map that is marked.</summary>
public enum Optimum
{
    /// <summary>None.</summary>
    None,

    /// <summary>That of the least value.</summary>
    Least,

    /// <summary>That of the greatest value.</summary>
    Greatest,
}

/// <summary>Values over a grid.</summary>
/// <param name="Panel">Title of its panel.</param>
/// <param name="Columns">Names along the axis below, from the left.</param>
/// <param name="Rows">Names along the axis at the left, from below.</param>
/// <param name="Values">A list a row, from below; NaN for cells without a value, which stay grey.</param>
public sealed record HeatMap(string Panel, IReadOnlyList<string> Columns, IReadOnlyList<string> Rows, IReadOnlyList<IReadOnlyList<double>> Values);
