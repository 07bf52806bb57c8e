using System.Text.Json.Nodes;

namespace HpcLinear.Experiments;

/// <summary>Something measured against what a paper predicts: settings, rows, expectations, figures.</summary>
public abstract class Experiment
{
    /// <summary>What the command line calls it: words of its subject with hyphens.</summary>
    public abstract string Name { get; }

    /// <summary>One line.</summary>
    public abstract string Title { get; }

    /// <summary>Number of the paper at arXiv.</summary>
    public abstract string Paper { get; }

    /// <summary>Element types it runs in, the default first: <c>f32</c>, <c>f64</c>.</summary>
    public abstract IReadOnlyList<string> Types { get; }

    /// <summary>What can be set, with defaults.</summary>
    public abstract IReadOnlyList<Setting> Settings { get; }

    /// <summary>Pictures of the rows, the default first.</summary>
    public abstract IReadOnlyList<Figure> Figures { get; }

    /// <summary>Reads settings and lists the rows to compute.</summary>
    /// <param name="assignments"><c>key=value</c>, lists with commas; what is not named keeps its default.</param>
    /// <param name="isFull">Whether what is not named has the paper's value instead: hours, or a large device.</param>
    /// <exception cref="ArgumentException">Unknown key, or a value that cannot be read or is out of range; the message names it and what is expected.
    /// <paramref name="isFull"/> where the defaults are all there is.</exception>
    public abstract ExperimentRun Prepare(IEnumerable<string> assignments, bool isFull = false);

    /// <summary>Refuses element types that the experiment does not run in.</summary>
    /// <param name="type"><c>f32</c> or <c>f64</c>.</param>
    /// <exception cref="ArgumentException">It is not among <see cref="Types"/>.</exception>
    public void RequireType(string type)
    {
        if (!Types.Contains(type))
        {
            throw new ArgumentException($"--type: {Name} runs in {string.Join(" and ", Types)}, {type} given", nameof(type));
        }
    }
}

/// <summary>An experiment with its settings as a record.</summary>
/// <typeparam name="TSettings">A record whose properties carry <see cref="SettingAttribute"/>.</typeparam>
public abstract class Experiment<TSettings> : Experiment
    where TSettings : class, new()
{
    /// <inheritdoc/>
    public override IReadOnlyList<Setting> Settings => SettingReader.Describe(new TSettings());

    /// <inheritdoc/>
    public override ExperimentRun Prepare(IEnumerable<string> assignments, bool isFull = false)
    {
        TSettings settings = SettingReader.Read(Name, new TSettings(), assignments, isFull);
        JsonObject values = SettingReader.ToJson(settings);
        return new(this, values, [.. Plan(settings)], rows => [.. Expect(settings, rows)]);
    }

    /// <summary>The rows, in the order they are computed. Keys are unique.</summary>
    /// <exception cref="ArgumentException">Settings that do not fit each other.</exception>
    protected abstract IEnumerable<PlannedRow> Plan(TSettings settings);

    /// <summary>What the paper predicts, and what the rows say.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="rows">All rows of the plan, in its order.</param>
    protected abstract IEnumerable<Expectation> Expect(TSettings settings, IReadOnlyList<Row> rows);
}
