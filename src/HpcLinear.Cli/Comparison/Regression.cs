namespace HpcLinear.Cli.Comparison;

/// <summary>A row that became slower than the machine's drift explains.</summary>
/// <param name="Row">The row, as measured now.</param>
/// <param name="Before">GFLOP/s then.</param>
/// <param name="Drift">What the peers did meanwhile: 0.9 when the machine is a tenth slower now.</param>
internal sealed record Regression(ComparedRow Row, double Before, double Drift)
{
    /// <summary>A row this much below what drift explains is a regression.</summary>
    public const double Tolerance = 0.10;

    /// <summary>Ours now over ours then, drift taken out.</summary>
    public double Change => Row.Ours / (Before * Drift);

    /// <summary>The rows of <paramref name="now"/> that are slower than in <paramref name="before"/> by more than the tolerance.</summary>
    /// <remarks>Peers do not change, so the change of the fastest live peer of both files is drift. A peer's single row is as noisy as ours, so the lesser is taken of
    /// the row's own drift and of the median over all rows of its type and thread count; without any peer there is no correction.</remarks>
    public static IReadOnlyList<Regression> Find(IEnumerable<ComparisonRow> before, IEnumerable<ComparisonRow> now)
    {
        Dictionary<(string, int, string), ComparedRow> old = ComparisonTable.Of(before).SelectMany(t => t.Rows).ToDictionary(Key);
        List<Regression> found = [];
        foreach (ComparisonTable table in ComparisonTable.Of(now))
        {
            (ComparedRow Row, ComparedRow Old)[] pairs = [.. table.Rows.Where(r => old.ContainsKey(Key(r))).Select(r => (r, old[Key(r)]))];
            double overall = ComparisonTable.Median(pairs.Select(p => DriftOf(p.Row, p.Old)).Where(d => d > 0));
            overall = overall > 0 ? overall : 1;
            found.AddRange(from pair in pairs
                           let own = DriftOf(pair.Row, pair.Old)
                           let regression = new Regression(pair.Row, pair.Old.Ours, own > 0 ? Math.Min(own, overall) : overall)
                           where regression.Change < 1 - Tolerance
                           select regression);
        }

        return found;
    }

    private static (string Type, int Threads, string Name) Key(ComparedRow row) => (row.Key.Type, row.Key.Threads, row.Name);

    /// <summary>The change of the peer that was fastest then and ran both times; NaN without one.</summary>
    private static double DriftOf(ComparedRow now, ComparedRow old) =>
        (from then in old.Peers.Where(p => !p.IsRecorded)
         join current in now.Peers.Where(p => !p.IsRecorded) on (then.Engine, then.Version) equals (current.Engine, current.Version)
         orderby then.Gflops descending
         select current.Gflops / then.Gflops).DefaultIfEmpty(double.NaN).First();
}
