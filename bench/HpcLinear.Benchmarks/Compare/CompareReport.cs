using System.Globalization;
using HpcLinear.Cli;
using HpcLinear.Cli.Comparison;

namespace HpcLinear.Benchmarks.Compare;

/// <summary>A comparison as text.</summary>
internal static class CompareReport
{
    public static void Write(Terminal terminal, IReadOnlyList<ComparisonTable> tables)
    {
        foreach (ComparisonTable table in tables)
        {
            (string Library, bool IsRecorded)[] peers = [.. table.Rows.SelectMany(r => r.Peers).Select(p => (p.Library, p.IsRecorded)).Distinct().OrderBy(p => p.IsRecorded)];
            terminal.WriteLine();
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{table.Type}, {Count(table.Threads)}: GFLOP/s, medians of the rounds"));
            TextTable rows = new(["problem", ">hpclinear", .. peers.Select(p => ">" + p.Library + (p.IsRecorded ? " (recorded)" : "")), ">ratio", "to"]);
            foreach (ComparedRow row in table.Rows)
            {
                rows.Add([
                    row.Name, Quantity.Number(row.Ours),
                    .. peers.Select(p => row.Peers.FirstOrDefault(c => c.Library == p.Library && c.IsRecorded == p.IsRecorded) is { } cell ? Quantity.Number(cell.Gflops) : "-"),
                    Ratio(row.Ratio), row.Best is { } best ? best.Engine + (best.IsRecorded ? " (recorded)" : "") : "no peer",
                ]);
            }

            terminal.Write(rows);
        }

        foreach (ComparisonTable table in tables.Where(t => t.Groups.Count > 0))
        {
            terminal.WriteLine();
            terminal.WriteLine($"{table.Type}, {Count(table.Threads)}: geometric mean of ours over the best peer");
            TextTable groups = new("group", ">ratio", ">worst", ">rows");
            foreach (GroupMean group in table.Groups)
            {
                groups.Add(group.Group.Name, Ratio(group.Ratio), Ratio(group.Worst), group.Rows.ToString(CultureInfo.InvariantCulture));
            }

            groups.Add($"mean of {table.Groups.Count} groups of {ProblemGroup.All.Count}", Ratio(table.Overall), "", "");
            terminal.Write(groups);
        }
    }

    /// <summary>Lists what became slower; true if nothing did.</summary>
    public static bool WriteRegressions(Terminal terminal, IReadOnlyList<Regression> regressions, ComparisonFile before)
    {
        string then = before.About.FirstOrDefault(a => a.Key == "date").Value ?? "before";
        terminal.WriteLine();
        if (regressions.Count == 0)
        {
            terminal.WriteLine($"against {then}: no row is slower by more than {Regression.Tolerance:P0} beyond drift");
            return true;
        }

        terminal.WriteLine($"against {then}: slower by more than {Regression.Tolerance:P0} beyond drift");
        TextTable table = new("problem", "type", ">threads", ">before", ">now", ">drift", ">change");
        foreach (Regression r in regressions)
        {
            table.Add(r.Row.Name, r.Row.Key.Type, r.Row.Key.Threads.ToString(CultureInfo.InvariantCulture), Quantity.Number(r.Before), Quantity.Number(r.Row.Ours), Ratio(r.Drift), Ratio(r.Change));
        }

        terminal.Write(table);
        return false;
    }

    private static string Count(int threads) => threads == 1 ? "1 thread" : string.Create(CultureInfo.InvariantCulture, $"{threads} threads");

    private static string Ratio(double ratio) => ratio > 0 ? ratio.ToString("0.00", CultureInfo.InvariantCulture) : "-";
}
