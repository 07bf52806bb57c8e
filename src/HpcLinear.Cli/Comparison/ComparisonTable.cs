namespace HpcLinear.Cli.Comparison;

/// <summary>An engine's figure for a row: the median of its rounds' medians, of its fastest form.</summary>
internal sealed record ComparisonCell(string Engine, string Version, double Gflops, bool IsRecorded)
{
    /// <summary>The engine without the form.</summary>
    public string Library => Engine.Split('/')[0];
}

/// <summary>One operation on one problem, ours beside the peers.</summary>
/// <param name="Key">The row; round, engine and figures in it mean nothing.</param>
/// <param name="Group">Its group; null outside all.</param>
/// <param name="Ours">GFLOP/s; NaN when not measured.</param>
/// <param name="Peers">The peers' fastest forms, live ones before recorded ones.</param>
internal sealed record ComparedRow(ComparisonRow Key, ProblemGroup? Group, double Ours, IReadOnlyList<ComparisonCell> Peers)
{
    public string Name => Key.Name;

    /// <summary>The fastest peer; a recorded one only where no live one ran, or where its group lets it compete.</summary>
    public ComparisonCell? Best => Peers.Where(p => !p.IsRecorded || Group is { RecordedCompetes: true } || Peers.All(q => q.IsRecorded)).MaxBy(p => p.Gflops);

    /// <summary>Ours over the fastest peer; NaN without one.</summary>
    public double Ratio => Best is { } best ? Ours / best.Gflops : double.NaN;
}

/// <summary>The geometric mean of a group's ratios.</summary>
internal sealed record GroupMean(ProblemGroup Group, double Ratio, double Worst, int Rows);

/// <summary>All rows of one element type and thread count.</summary>
internal sealed class ComparisonTable
{
    private ComparisonTable(string type, int threads, IReadOnlyList<ComparedRow> rows)
    {
        Type = type;
        Threads = threads;
        Rows = rows;
        Groups = [.. from g in ProblemGroup.All
                     let ratios = rows.Where(r => r.Group == g && r.Ratio > 0).Select(r => r.Ratio).ToArray()
                     where ratios.Length > 0
                     select new GroupMean(g, GeometricMean(ratios), ratios.Min(), ratios.Length)];
    }

    public string Type { get; }

    public int Threads { get; }

    public IReadOnlyList<ComparedRow> Rows { get; }

    public IReadOnlyList<GroupMean> Groups { get; }

    /// <summary>The geometric mean of the groups; NaN without any.</summary>
    public double Overall => GeometricMean(Groups.Select(g => g.Ratio));

    /// <summary>The tables of a comparison, by type and thread count, in the order of the rows.</summary>
    public static IReadOnlyList<ComparisonTable> Of(IEnumerable<ComparisonRow> rows) =>
    [
        .. from table in rows.GroupBy(r => (r.Type, r.Threads))
           orderby table.Key.Type, table.Key.Threads
           let compared = from row in table.GroupBy(r => (r.Problem, r.Operation))
                          select Compare([.. row])
           select new ComparisonTable(table.Key.Type, table.Key.Threads, [.. compared.Where(r => r.Ours > 0)]),
    ];

    public static double GeometricMean(IEnumerable<double> values)
    {
        double[] all = [.. values];
        return all.Length == 0 ? double.NaN : Math.Exp(all.Average(Math.Log));
    }

    /// <summary>The middle value, or the mean of the two in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static ComparedRow Compare(ComparisonRow[] rows)
    {
        ComparisonCell[] forms = [.. from form in rows.Where(r => r.IsValid).GroupBy(r => (r.Engine, r.Version, r.IsRecorded))
                                     select new ComparisonCell(form.Key.Engine, form.Key.Version, Median(form.Select(r => r.Gflops)), form.Key.IsRecorded)];
        return new(
            rows[0],
            ProblemGroup.Of(rows[0].Problem, rows[0].Operation),
            forms.Where(f => f.Engine == ComparisonRow.Ours && !f.IsRecorded).Select(f => f.Gflops).DefaultIfEmpty(double.NaN).Max(),
            [.. from form in forms
                where form.Library != ComparisonRow.Ours
                group form by (form.Library, form.IsRecorded) into library
                orderby library.Key.IsRecorded
                select library.MaxBy(f => f.Gflops)]);
    }
}
