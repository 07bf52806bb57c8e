namespace HpcLinear.Experiments;

/// <summary>A picture of rows: curves and points in panels side by side, or maps, described, not drawn.</summary>
/// <param name="Name">What the command line calls it.</param>
/// <param name="Title">What it shows.</param>
/// <param name="X">The axis below.</param>
/// <param name="Y">The axis at the left.</param>
/// <param name="Curves">Curves from the rows of one run. Those of one name look alike in all panels and share an entry of the legend.</param>
public record Figure(string Name, string Title, FigureAxis X, FigureAxis Y, Func<IReadOnlyList<Row>, IEnumerable<Curve>> Curves);

/// <summary>An axis.</summary>
/// <param name="Label">Quantity and unit.</param>
/// <param name="IsLogarithmic">Logarithmic; values that are not positive are left out.</param>
public sealed record FigureAxis(string Label, bool IsLogarithmic = false)
{
    /// <summary>Names of the places 0, 1, …; empty for numbers.</summary>
    public IReadOnlyList<string> Places { get; init; } = [];

    /// <summary>Whether a logarithmic axis counts in powers of two.</summary>
    public bool IsDoubling { get; init; }

    /// <summary>Least and greatest value shown; NaN for those of the data.</summary>
    public (double Low, double High) Limits { get; init; } = (double.NaN, double.NaN);
}

/// <summary>How points of a curve are shown.</summary>
public enum CurveForm
{
    /// <summary>Markers joined by a line.</summary>
    MarkedLine,

    /// <summary>A line: for many points.</summary>
    Line,

    /// <summary>Markers alone: for repetitions.</summary>
    Markers,

    /// <summary>Open markers: for what was not measured but follows from a formula.</summary>
    OpenMarkers,

    /// <summary>A short horizontal bar at every point: for means.</summary>
    Bars,
}

/// <summary>Points that belong together.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="Points">In order; NaN leaves a gap.</param>
/// <param name="Form">How they are shown.</param>
/// <param name="Panel">Title of the panel it is in; panels appear in the order of their first curve.</param>
public sealed record Curve(string Name, IReadOnlyList<(double X, double Y)> Points, CurveForm Form = CurveForm.MarkedLine, string Panel = "");
