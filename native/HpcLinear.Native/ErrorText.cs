using System.Runtime.InteropServices;
using System.Text;

namespace HpcLinear.Native;

/// <summary>The text of the calling thread's latest failure, in memory that C may read.</summary>
/// <remarks>One holder a thread; a thread's end makes it garbage, and its finaliser frees the text.</remarks>
internal sealed unsafe class ErrorText
{
    [ThreadStatic]
    private static ErrorText? current;

    private byte* text;

    private ErrorText()
    {
    }

    ~ErrorText() => NativeMemory.Free(text);

    /// <summary>The text, ended by a zero byte; empty if nothing failed on this thread.</summary>
    public static byte* Current => current is { } mine ? mine.text : Constant.Pointer(""u8);

    /// <summary>Replaces the calling thread's text, freeing the one before.</summary>
    public static void Set(string message)
    {
        int length = Encoding.UTF8.GetByteCount(message);
        byte* copy = (byte*)NativeMemory.Alloc((nuint)length + 1);
        Encoding.UTF8.GetBytes(message, new Span<byte>(copy, length));
        copy[length] = 0;

        ErrorText mine = current ??= new();
        NativeMemory.Free(mine.text);
        mine.text = copy;
    }
}
