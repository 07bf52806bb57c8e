using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HpcLinear.Cpu;

/// <summary>An instruction set of this processor, as a kernel family.</summary>
internal enum CpuIsa
{
    Avx512,
    Avx2,
    Portable,
    Scalar,
}

/// <summary>The one place that asks the processor what it can do.</summary>
internal static class CpuIsas
{
    public static string NameOf(CpuIsa isa) => isa switch { CpuIsa.Avx512 => "avx512", CpuIsa.Avx2 => "avx2", CpuIsa.Portable => "portable", _ => "scalar" };

    /// <summary>Null when usable, otherwise the reason.</summary>
    public static string? WhyNot(CpuIsa isa) => isa switch
    {
        CpuIsa.Avx512 when !Avx512F.IsSupported => "this processor or runtime offers no AVX-512F",
        CpuIsa.Avx2 when !Avx2.IsSupported || !Fma.IsSupported => "this processor or runtime offers no AVX2 with FMA",
        _ => null,
    };

    /// <summary>Instruction sets usable here, best first. AVX-512 leads only where the runtime does not hint at throttling; by name it can be opened all the same.</summary>
    public static IEnumerable<CpuIsa> Preferred()
    {
        bool throttles = Avx512F.IsSupported && !Vector512.IsHardwareAccelerated;
        if (Avx512F.IsSupported && !throttles)
        {
            yield return CpuIsa.Avx512;
        }

        if (Avx2.IsSupported && Fma.IsSupported)
        {
            yield return CpuIsa.Avx2;
        }

        if (throttles)
        {
            yield return CpuIsa.Avx512;
        }

        yield return CpuIsa.Portable;
        yield return CpuIsa.Scalar;
    }

    public static string Describe(CpuIsa isa) => isa switch
    {
        CpuIsa.Avx512 => "512-bit vectors, 32 registers, fused multiply-add",
        CpuIsa.Avx2 => "256-bit vectors, 16 registers, fused multiply-add",
        CpuIsa.Portable => $"{Vector<byte>.Count * 8}-bit vectors of the runtime",
        _ => "one element at a time: the yardstick of tests",
    };
}
