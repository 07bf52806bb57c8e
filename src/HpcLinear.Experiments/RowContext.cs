using System.Text.Json.Nodes;

namespace HpcLinear.Experiments;

/// <summary>What a row is computed with, and where its values go.</summary>
public sealed class RowContext
{
    private readonly Action<double, string> report;

    internal RowContext(CommandQueue queue, string type, JsonObject row, Action<double, string> report, CancellationToken cancellation)
    {
        Queue = queue;
        Type = type;
        Values = row;
        this.report = report;
        Cancellation = cancellation;
    }

    /// <summary>The device's queue.</summary>
    public CommandQueue Queue { get; }

    /// <summary>Element type, <c>f32</c> or <c>f64</c>.</summary>
    public string Type { get; }

    /// <summary>Long computations look at it several times a second, and throw <see cref="OperationCanceledException"/>; the row is then not written.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>A few words on the result, shown when the row is done.</summary>
    public string Summary { get; set; } = "";

    internal JsonObject Values { get; }

    /// <summary>Sets a value of the row.</summary>
    /// <param name="name">In snake case; not one of the key.</param>
    /// <param name="value">string, bool, int, long, double, or a sequence of double such as a learning curve.</param>
    public void Set(string name, object value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Values.Add(name, JsonText.Value(value));
    }

    /// <summary>Says how far the row is, as often as one likes.</summary>
    /// <param name="share">0 to 1.</param>
    /// <param name="text">What to show, e.g. a rate.</param>
    public void Report(double share, string text = "") => report(share, text);
}
