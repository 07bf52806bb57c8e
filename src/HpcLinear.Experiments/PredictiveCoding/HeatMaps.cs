using System.Globalization;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Maps from rows: means over what the axes do not tell apart.</summary>
internal static class HeatMaps
{
    /// <param name="panel">Title of the panel.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="column">A row's place along the axis below; places are in order of their numbers.</param>
    /// <param name="line">Likewise at the left.</param>
    /// <param name="value">What is averaged; NaN where one has no value.</param>
    public static HeatMap Of(string panel, IEnumerable<Row> rows, Func<Row, double> column, Func<Row, double> line, Func<Row, double> value)
    {
        Row[] all = [.. rows];
        double[] columns = [.. all.Select(column).Distinct().Order()], lines = [.. all.Select(line).Distinct().Order()];
        Dictionary<(double Column, double Line), double> means = all.GroupBy(r => (column(r), line(r))).ToDictionary(g => g.Key, g => g.Average(value));
        return new(panel, [.. columns.Select(Text)], [.. lines.Select(Text)], [.. lines.Select(l => (IReadOnlyList<double>)[.. columns.Select(c => means.GetValueOrDefault((c, l), double.NaN))])]);
    }

    private static string Text(double value) => value.ToString(value != 0 && Math.Abs(value) < 1e-3 ? "0.#E+0" : "G4", CultureInfo.InvariantCulture);
}
