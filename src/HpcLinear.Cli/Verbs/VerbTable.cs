namespace HpcLinear.Cli.Verbs;

/// <summary>The verbs, in the order help lists them. A new verb is one file and one entry here.</summary>
internal static class VerbTable
{
    public static Type[] Types { get; } = [typeof(DevicesVerb), typeof(DemoVerb), typeof(VerifyVerb), typeof(BenchVerb), typeof(ExplainVerb), typeof(TrainVerb), typeof(RunVerb), typeof(PlotVerb)];
}
