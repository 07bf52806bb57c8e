namespace HpcLinear.Cli.Problems;

/// <summary>What <c>bench</c> times when no problem is named: one of each kind, a few seconds in all.</summary>
internal static class DefaultProblems
{
    public static IReadOnlyList<Problem> All { get; } =
    [
        .. new[]
        {
            "gemm-512 gemm m=512 n=512 k=512",
            "gemm-small bgemm b=10000 m=16 n=16 k=16",
            "conv-3x3 conv n=4 ic=64 oc=64 g=1 in=56x56 k=3x3 s=1x1 p=1x1 d=1x1",
            "conv-strided conv n=4 ic=64 oc=128 g=1 in=56x56 k=3x3 s=2x2 p=1x1 d=1x1",
            "conv-depthwise conv n=4 ic=256 oc=256 g=256 in=28x28 k=3x3 s=1x1 p=1x1 d=1x1",
            "own-filters pscnv p=10000 n=4 l=64 k=8 s=2",
            "chain comp p=10000 L=8 k=3 s=1",
            "relax pc L=32 w=128 b=64 steps=20",
        }.Select(ProblemNotation.Parse),
    ];
}
