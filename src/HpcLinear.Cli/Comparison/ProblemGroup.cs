using System.Text.RegularExpressions;

namespace HpcLinear.Cli.Comparison;

/// <summary>A kind of work whose rows are averaged before kinds are averaged, so that many rows of one kind do not outweigh the others.</summary>
/// <param name="Name">Its name in tables and plots.</param>
/// <param name="RecordedCompetes">Whether a recorded figure counts beside live ones: only PyTorch has a good form of these, and it cannot run everywhere.</param>
internal sealed partial record ProblemGroup(string Name, bool RecordedCompetes = false)
{
    private static readonly ProblemGroup GemmLarge = new("GEMM, large"), GemmSmall = new("GEMM, small"), Batched = new("GEMM, batched"),
        Forward = new("convolution, forward"), Gradients = new("convolution, gradients"), Strided = new("input gradient, stride 2"),
        Depthwise = new("depthwise"), FourAxes = new("four axes"), Own = new("own filters", true), Composition = new("composition", true);

    /// <summary>All groups, in the order of tables.</summary>
    public static IReadOnlyList<ProblemGroup> All { get; } = [GemmLarge, GemmSmall, Batched, Forward, Gradients, Strided, Depthwise, FourAxes, Own, Composition];

    /// <summary>The group of a row of <c>bench/shapes/peers.txt</c>; null for another problem.</summary>
    public static ProblemGroup? Of(string problem, string operation) =>
        Large().IsMatch(problem) ? GemmLarge
        : Small().IsMatch(problem) ? GemmSmall
        : Batch().IsMatch(problem) ? Batched
        : problem.StartsWith("C10", StringComparison.Ordinal) ? Depthwise
        : problem.StartsWith("C40", StringComparison.Ordinal) ? FourAxes
        : Dense().IsMatch(problem) ? operation == "fwd" ? Forward : operation == "bwdd" && StrideTwo().IsMatch(problem) ? Strided : Gradients
        : PerProblem().IsMatch(problem) ? Own
        : Chain().IsMatch(problem) ? Composition
        : null;

    [GeneratedRegex(@"^(G(512|1024|2048|4096)|S\d+x2048)$")]
    private static partial Regex Large();

    [GeneratedRegex(@"^(G\d+|S\d+x\d+)$")]
    private static partial Regex Small();

    [GeneratedRegex(@"^B\d+$")]
    private static partial Regex Batch();

    [GeneratedRegex(@"^C(0[1-9]|2[01]|3[01])(n\d+)?$")]
    private static partial Regex Dense();

    [GeneratedRegex(@"^C(01|08|09|21)")]
    private static partial Regex StrideTwo();

    [GeneratedRegex(@"^P\d+$")]
    private static partial Regex PerProblem();

    [GeneratedRegex(@"^L\d+$")]
    private static partial Regex Chain();
}
