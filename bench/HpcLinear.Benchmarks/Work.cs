namespace HpcLinear.Benchmarks;

/// <summary>One named problem and what solving it once costs; a benchmark takes it as a parameter.</summary>
/// <param name="Name">As in <c>bench/shapes</c>; the row's name.</param>
/// <param name="Flops">Floating-point operations; a multiply-add counts as two.</param>
/// <param name="Bytes">Bytes of all operands, each counted once.</param>
public record Work(string Name, double Flops, double Bytes)
{
    /// <summary>The name.</summary>
    public sealed override string ToString() => Name;
}
