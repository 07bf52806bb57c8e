using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HpcLinear.Native;

/// <summary>Text that lives as long as the library.</summary>
internal static unsafe class Constant
{
    /// <summary>The address of a <c>u8</c> literal; the compiler ends it with a zero byte and places it in read-only data.</summary>
    public static byte* Pointer(ReadOnlySpan<byte> literal) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(literal));
}
