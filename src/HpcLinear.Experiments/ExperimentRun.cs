using System.Diagnostics;
using System.Text.Json.Nodes;

namespace HpcLinear.Experiments;

/// <summary>An experiment with its settings: computes the rows a file lacks, then judges.</summary>
public sealed class ExperimentRun
{
    private readonly Experiment experiment;
    private readonly JsonObject settings;
    private readonly IReadOnlyList<PlannedRow> plan;
    private readonly Func<IReadOnlyList<Row>, IReadOnlyList<Expectation>> expect;

    internal ExperimentRun(Experiment experiment, JsonObject settings, IReadOnlyList<PlannedRow> plan, Func<IReadOnlyList<Row>, IReadOnlyList<Expectation>> expect)
    {
        this.experiment = experiment;
        this.settings = settings;
        this.plan = plan;
        this.expect = expect;
    }

    /// <summary>Rows of the plan.</summary>
    public int RowCount => plan.Count;

    /// <summary>Computes what is missing and appends the judgement as the last row.</summary>
    /// <param name="queue">The device's queue.</param>
    /// <param name="type"><c>f32</c> or <c>f64</c>.</param>
    /// <param name="file">Where rows go. Rows of the same experiment, version, target, type and settings with the same key are not computed again.</param>
    /// <param name="progress">Is told before, within and after every row.</param>
    /// <param name="cancellation">Ends the run; finished rows stay in the file.</param>
    /// <exception cref="ArgumentException">The experiment does not run in that type.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<Expectation> Execute(CommandQueue queue, string type, RowFile file, IProgress<RunProgress> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(progress);
        experiment.RequireType(type);
        JsonObject header = new()
        {
            ["experiment"] = experiment.Name,
            ["version"] = typeof(Device).Assembly.GetName().Version!.ToString(3),
            ["target"] = queue.Device.Target.ToString(),
            ["type"] = type,
            ["settings"] = settings.DeepClone(),
        };
        Row?[] rows = [.. plan.Select(p => file.Find(p.ToJson(header)))];
        double total = plan.Where((_, i) => rows[i] is null).Sum(p => p.Work), before = 0;
        int kept = rows.Count(r => r is not null), done = 0;
        for (int i = 0; i < plan.Count; i++)
        {
            if (rows[i] is not null)
            {
                continue;
            }

            cancellation.ThrowIfCancellationRequested();
            PlannedRow planned = plan[i];
            string name = planned.ToString();
            void Report(double within, string text, bool isDone) => progress.Report(new(plan.Count, kept, done, (before + (within * planned.Work)) / total, name, text, isDone));

            Report(0, "", false);
            RowContext context = new(queue, type, planned.ToJson(header), (share, text) => Report(Math.Clamp(share, 0, 1), text, false), cancellation);
            Stopwatch clock = Stopwatch.StartNew();
            planned.Compute(context);
            context.Set("seconds", Math.Round(clock.Elapsed.TotalSeconds, 6));
            rows[i] = file.Append(context.Values);
            done++;
            Report(1, context.Summary, true);
            before += planned.Work;
        }

        IReadOnlyList<Expectation> expectations = expect(rows!);
        JsonObject verdict = (JsonObject)header.DeepClone();
        verdict["verdict"] = Expectation.Word(Expectation.Overall(expectations));
        verdict["expectations"] = new JsonArray([.. expectations.Select(e => e.ToJson())]);
        if (file.Rows.Count == 0 || !file.Rows[^1].IsVerdict || !file.Rows[^1].Matches(verdict))
        {
            file.Append(verdict);
        }

        return expectations;
    }
}
