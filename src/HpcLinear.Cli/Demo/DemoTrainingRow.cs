using System.Globalization;

namespace HpcLinear.Cli.Demo;

/// <summary>One training of the demonstration. An accuracy that is not a number, of a training that failed, is wrong.</summary>
internal sealed record DemoTrainingRow(
    string Target, string Type, string Rule, int Digits, int Epochs, long Updates, double Seconds, double UpdatesPerSecond, double TestAccuracy, double LeastAccuracy, string? Failure)
{
    public bool IsRight => TestAccuracy >= LeastAccuracy;

    public static string[] Headers { get; } = ["target", "type", "rule", ">digits", ">epochs", ">updates", ">s", ">updates/s", ">test accuracy", ">at least", "verdict"];

    public string[] ToCells() =>
    [
        Target, Type, Rule, Whole(Digits), Whole(Epochs), Whole(Updates), Quantity.Number(Seconds), Quantity.Number(UpdatesPerSecond),
        double.IsNaN(TestAccuracy) ? "-" : Percent(TestAccuracy), Percent(LeastAccuracy), IsRight ? "ok" : "WRONG",
    ];

    private static string Whole(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:F1} %");
}
