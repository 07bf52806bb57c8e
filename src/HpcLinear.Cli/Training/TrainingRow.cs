using System.Text.Json;
using System.Text.Json.Serialization;

namespace HpcLinear.Cli.Training;

/// <summary>What an epoch gave: a line of <c>--rows</c>.</summary>
internal sealed record TrainingRow
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>From 1.</summary>
    public required long Epoch { get; init; }

    /// <summary>Updates since the start of training.</summary>
    public required long Update { get; init; }

    /// <summary>Mean loss of the epoch's minibatches, each before its update.</summary>
    public required double Loss { get; init; }

    /// <summary>Share of the epoch's samples that were right, each before its update; null where there is one output.</summary>
    public required double? Accuracy { get; init; }

    public required double TestLoss { get; init; }

    public required double? TestAccuracy { get; init; }

    /// <summary>Since this process began to train.</summary>
    public required double Seconds { get; init; }

    public required double UpdatesPerSecond { get; init; }

    /// <summary>The row on one line.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options);

    /// <summary>The update of a line; null if it is not a row.</summary>
    public static long? UpdateOf(string line)
    {
        try
        {
            using JsonDocument row = JsonDocument.Parse(line);
            return row.RootElement.GetProperty("update").GetInt64();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
