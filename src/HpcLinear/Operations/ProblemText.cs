using System.Globalization;

namespace HpcLinear.Operations;

/// <summary>Reads problem texts: words of a name followed at once by a number or by numbers joined with x, e.g. <c>n64 i32x32 circular</c>.</summary>
internal sealed class ProblemText
{
    private readonly string text;
    private readonly string operation;
    private readonly List<string> words;

    public ProblemText(string text, string operation)
    {
        ArgumentNullException.ThrowIfNull(text);
        this.text = text.Trim();
        this.operation = operation;
        words = [.. this.text.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        if (words.Count > 0 && words[0] == operation)
        {
            words.RemoveAt(0);
        }
    }

    public bool Flag(string name) => words.Remove(name);

    /// <summary>The value of the one word of several that is there, if any is.</summary>
    public TValue OneOf<TValue>(TValue none, params ReadOnlySpan<(string Word, TValue Value)> choices)
    {
        string? found = null;
        foreach ((string word, TValue value) in choices)
        {
            if (Flag(word))
            {
                none = found is null ? value : throw new ProblemException(ProblemError.Syntax, $"{operation}: '{found}' and '{word}' exclude each other in '{text}'");
                found = word;
            }
        }

        return none;
    }

    public long Number(string name) => OptionalNumber(name) ?? throw Missing(name, "64");

    public long? OptionalNumber(string name) => Value(name) is not { } value
        ? null
        : long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : throw Bad(name, value, "a number");

    public Shape Shape(string name) => OptionalShape(name) ?? throw Missing(name, "32x32");

    public Shape? OptionalShape(string name)
    {
        if (Value(name) is not { } value)
        {
            return null;
        }

        string[] parts = value.Split('x');
        long[] extents = new long[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!long.TryParse(parts[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out extents[i]))
            {
                throw Bad(name, value, "numbers joined by x");
            }
        }

        return HpcLinear.Shape.Create(extents);
    }

    /// <summary>Refuses words that no field has read.</summary>
    public void Finish()
    {
        if (words.Count > 0)
        {
            throw new ProblemException(ProblemError.Syntax, $"{operation}: '{words[0]}' is not understood in '{text}'");
        }
    }

    private string? Value(string name)
    {
        int at = Find(name);
        if (at < 0)
        {
            return null;
        }

        string value = words[at][name.Length..];
        words.RemoveAt(at);
        return Find(name) < 0 ? value : throw new ProblemException(ProblemError.Syntax, $"{operation}: '{name}' is given twice in '{text}'");
    }

    private int Find(string name) =>
        words.FindIndex(w => w.Length > name.Length && w.StartsWith(name, StringComparison.Ordinal) && (char.IsAsciiDigit(w[name.Length]) || w[name.Length] == '-'));

    private ProblemException Missing(string name, string example) => new(ProblemError.Syntax, $"{operation}: '{name}' is missing in '{text}', expected e.g. {name}{example}");

    private ProblemException Bad(string name, string value, string expected) => new(ProblemError.Syntax, $"{operation}: '{name}{value}' in '{text}': {expected} expected after '{name}'");
}
