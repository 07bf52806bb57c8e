using CsCheck;

namespace HpcLinear.Tests.Support;

/// <summary>How many random problems a test takes: fewer on OpenCL, where each may compile a program.</summary>
internal static class Sampling
{
    public static int Count(Target target) => target.IsOpenCl ? 40 : 200;

    /// <summary>Checks random problems one after another; a failure is reduced to the smallest problem that fails and prints it as one line.</summary>
    public static void Check<TItem>(this Gen<TItem> gen, int count, Action<TItem> check) =>
        gen.Sample(check, iter: count, threads: 1, print: item => item!.ToString()!);
}
