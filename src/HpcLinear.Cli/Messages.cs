using System.Text.Json;

namespace HpcLinear.Cli;

/// <summary>Exceptions as one line for a user.</summary>
internal static class Messages
{
    /// <summary>Whether the exception speaks of the call, the data or the machine rather than of a defect here.</summary>
    public static bool IsExpected(Exception e) => e is ArgumentException or HpcLinearException or NotSupportedException or IOException
        or UnauthorizedAccessException or JsonException or OutOfMemoryException or OverflowException;

    /// <summary>The message without line breaks and without the runtime's parameter suffix.</summary>
    public static string OneLine(Exception e)
    {
        string text = e.Message;
        if (e is ArgumentException { ParamName: { Length: > 0 } parameter })
        {
            text = text.Replace($" (Parameter '{parameter}')", "", StringComparison.Ordinal);
        }

        if (e is ArgumentOutOfRangeException)
        {
            // The runtime adds a line with the value, which our messages already name.
            text = text.Split('\n')[0];
        }

        return string.Join(" ", text.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }
}
