using System.Globalization;
using System.Text.RegularExpressions;
using CommandLine;

namespace HpcLinear.Benchmarks.Compare;

/// <summary>Options of <c>build.sh bench compare</c>.</summary>
[Verb("compare", HelpText = "Time the named problems here and in other libraries, taking turns.")]
internal sealed class CompareOptions
{
    /// <summary>A problem of each kind, for a run of a minute.</summary>
    public static readonly string[] Smoke = ["G256", "G1024", "S64x512", "B16", "C03n32", "C21", "C40", "P01", "L01"];

    [Option("quick", HelpText = "A problem of each kind, one round unless --rounds says otherwise.")]
    public bool IsQuick { get; set; }

    [Option("threads", Default = "1,2", MetaValue = "LIST", HelpText = "Thread counts.")]
    public string ThreadList { get; set; } = "";

    [Option("types", Default = "f32,f64", MetaValue = "LIST", HelpText = "Element types.")]
    public string TypeList { get; set; } = "";

    [Option("rounds", MetaValue = "N", HelpText = "Rounds in which all engines take turns; 3 by default.")]
    public int? RoundCount { get; set; }

    [Option("min", Default = 0.1, MetaValue = "SECONDS", HelpText = "Least time of each measurement.")]
    public double MinSeconds { get; set; }

    [Option("filter", MetaValue = "REGEX", HelpText = "Only problems whose name matches.")]
    public string? Filter { get; set; }

    [Option("peers", MetaValue = "LIST", HelpText = "onednn, openblas, onnxruntime, pytorch; those that are installed and built by default.")]
    public string? PeerList { get; set; }

    [Option("problems", MetaValue = "FILE", HelpText = "Another list than bench/shapes/peers.txt.")]
    public string? Problems { get; set; }

    [Option("recorded", MetaValue = "FILE", HelpText = "A comparison whose figures stand in for peers that cannot run here.")]
    public string? Recorded { get; set; }

    [Option("csv", MetaValue = "FILE", HelpText = "Write all rounds to a file.")]
    public string? Csv { get; set; }

    [Option("against", MetaValue = "FILE", HelpText = "Compare ours with an earlier comparison: rows slower by more than a tenth beyond drift end the run with 1.")]
    public string? Against { get; set; }

    public int Rounds => RoundCount ?? (IsQuick && Against is null ? 1 : 3);

    public int[] Threads => [.. ThreadList.Split(',').Select(t => int.TryParse(t, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n is > 0 and <= 1024
        ? n : throw new ArgumentException($"--threads: numbers from 1 to 1024 expected, '{t}' given"))];

    public string[] Types => [.. TypeList.Split(',').Select(t => t is "f32" or "f64" ? t : throw new ArgumentException($"--types: f32 or f64 expected, '{t}' given"))];

    public IReadOnlyList<EngineChoice> Peers => PeerList is null
        ? [.. EngineChoice.Peers.Where(p => File.Exists(p.Assembly))]
        : [.. PeerList.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(name => EngineChoice.Peers.FirstOrDefault(p => p.Name == name)
            ?? throw new ArgumentException($"--peers: {string.Join(", ", EngineChoice.Peers.Select(p => p.Name))} expected, '{name}' given"))];

    /// <summary>Refuses values that make no sense, before anything is measured.</summary>
    public void Check()
    {
        _ = (Threads, Types, Peers);
        if (Rounds is < 1 or > 1000)
        {
            throw new ArgumentException($"--rounds: a number from 1 to 1000 expected, {Rounds} given");
        }

        if (!(MinSeconds is >= 0 and <= 60))
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"--min: seconds from 0 to 60 expected, {MinSeconds} given"));
        }
    }

    public bool Takes(string id)
    {
        try
        {
            return (!IsQuick || Smoke.Contains(id)) && (Filter is null || Regex.IsMatch(id, Filter, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)));
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"--filter: {e.Message}", e);
        }
    }
}
