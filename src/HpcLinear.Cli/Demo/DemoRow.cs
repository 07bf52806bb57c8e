namespace HpcLinear.Cli.Demo;

/// <summary>One task of the demonstration on one target.</summary>
internal sealed record DemoRow(string Target, string Type, string Task, int Digits, double Milliseconds, double Gflops, double MaxError, double Tolerance)
{
    public bool IsRight => MaxError <= Tolerance;

    public static string[] Headers { get; } = ["target", "type", "task", ">digits", ">ms", ">GFLOP/s", ">max error", ">tolerance", "verdict"];

    public string[] ToCells() =>
    [
        Target, Type, Task, Digits.ToString(System.Globalization.CultureInfo.InvariantCulture), Quantity.Number(Milliseconds), Quantity.Number(Gflops),
        Quantity.Error(MaxError), Quantity.Error(Tolerance), IsRight ? "ok" : "WRONG",
    ];
}
