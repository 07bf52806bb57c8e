using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace HpcLinear;

/// <summary>
/// A device's text name: <c>cpu:avx512</c>, <c>cpu:avx2</c>, <c>cpu:portable</c>, <c>cpu:scalar</c>, <c>opencl:0</c>;
/// <c>cpu</c> alone means the best instruction set here.
/// </summary>
public readonly record struct Target
{
    private readonly string? text;

    private Target(string text) => this.text = text;

    /// <summary>The best instruction set of this processor.</summary>
    public static Target Cpu { get; } = new("cpu");

    /// <summary>True for every <c>cpu…</c> target.</summary>
    public bool IsCpu => ToString().StartsWith("cpu", StringComparison.Ordinal);

    /// <summary>True for every <c>opencl:n</c> target.</summary>
    public bool IsOpenCl => !IsCpu;

    /// <summary>The part after the colon: <c>avx2</c>, <c>0</c>; empty when there is none.</summary>
    public string Suffix => ToString() is { } name && name.IndexOf(':', StringComparison.Ordinal) is >= 0 and int at ? name[(at + 1)..] : "";

    /// <summary>Reads a target's name.</summary>
    /// <exception cref="ArgumentException">The text is not a target's name; the message lists the forms.</exception>
    public static Target Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out Target target)
            ? target
            : throw new ArgumentException($"target: '{text}' is not known; expected cpu, cpu:avx512, cpu:avx2, cpu:portable, cpu:scalar or opencl:N", nameof(text));
    }

    /// <summary>Reads a target's name; false when it is not one.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Target target)
    {
        string name = text is null ? "" : text.Trim();
        bool known = name is "cpu" or "cpu:avx512" or "cpu:avx2" or "cpu:portable" or "cpu:scalar"
            || (name.StartsWith("opencl:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(7), NumberStyles.None, CultureInfo.InvariantCulture, out _));
        target = known ? new(name) : default;
        return known;
    }

    /// <summary>The target's name.</summary>
    public override string ToString() => text ?? "cpu";
}
