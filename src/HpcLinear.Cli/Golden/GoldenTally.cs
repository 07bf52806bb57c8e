namespace HpcLinear.Cli.Golden;

/// <summary>What a run found: counts, and each failure and skip.</summary>
internal sealed class GoldenTally
{
    private readonly List<GoldenFailure> failures = [];
    private readonly Dictionary<string, int> skips = [];

    public int Passed { get; private set; }

    public int Failed => failures.Count;

    public int Skipped { get; private set; }

    public IReadOnlyList<GoldenFailure> Failures => failures;

    /// <summary>Outputs skipped, by reason.</summary>
    public IReadOnlyDictionary<string, int> Skips => skips;

    public string Summary => $"{Passed} passed, {Failed} failed, {Skipped} skipped";

    public void Pass() => Passed++;

    public void Fail(GoldenFailure failure) => failures.Add(failure);

    public void Skip(string reason, int outputs)
    {
        Skipped += outputs;
        skips[reason] = skips.GetValueOrDefault(reason) + outputs;
    }
}
