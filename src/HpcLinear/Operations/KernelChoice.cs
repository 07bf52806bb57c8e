using System.Globalization;

namespace HpcLinear.Operations;

/// <summary>What a plan will run for one of its operations.</summary>
/// <param name="Operation">Which of the plan's operations, e.g. <c>backward-filter</c>.</param>
/// <param name="Algorithm">The algorithm's name.</param>
/// <param name="Kernel">The innermost kernel: its register or local-memory tile.</param>
/// <param name="WorkspaceBytes">Scratch memory taken from the queue.</param>
/// <param name="Flops">Floating-point operations, 2 a multiply-add, padding counted.</param>
/// <param name="Bytes">Compulsory traffic: every operand once.</param>
/// <param name="Rejected">The other algorithms, each with the reason: <c>name: reason</c>.</param>
public sealed record KernelChoice(string Operation, string Algorithm, string Kernel, long WorkspaceBytes, double Flops, double Bytes, IReadOnlyList<string> Rejected)
{
    /// <summary>One line for traces.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Operation}: {Algorithm}, {Kernel}, workspace {WorkspaceBytes} B, {Flops:G6} flop, {Bytes:G6} B{(Rejected.Count == 0 ? "" : "; not " + string.Join("; not ", Rejected))}");
}
