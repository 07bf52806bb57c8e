namespace HpcLinear.Cli.Golden;

/// <summary>One output that is wrong or could not be had.</summary>
/// <param name="Case">The case, <c>area/case</c>.</param>
/// <param name="Output">The output; <c>-</c> when the case itself cannot be run.</param>
/// <param name="Target">The target; <c>host</c> for what no device computes.</param>
/// <param name="Type">f32, f64, or <c>-</c>.</param>
/// <param name="ErrorOverTolerance">The worst error over its tolerance; null when nothing could be compared.</param>
/// <param name="Message">What is wrong.</param>
internal sealed record GoldenFailure(string Case, string Output, string Target, string Type, double? ErrorOverTolerance, string Message)
{
    public override string ToString() => $"FAILED {Case} {Output} {Target} {Type}: {Message}";
}
