namespace HpcLinear.Cli;

/// <summary>Reads <c>--target</c> and <c>--type</c>.</summary>
internal static class Targets
{
    /// <summary>The named targets, or all that can be opened here.</summary>
    /// <exception cref="ArgumentException">Not a target's name.</exception>
    public static IReadOnlyList<Target> Named(string? names) => names is null ? Devices.Available() : Split(names);

    /// <summary>The one named target, or the default.</summary>
    /// <exception cref="ArgumentException">Not a target's name, or several.</exception>
    public static Device Open(string? names, DeviceOptions? options = null)
    {
        if (names is null)
        {
            return Devices.Open((string?)null, options);
        }

        IReadOnlyList<Target> targets = Split(names);
        return targets.Count == 1
            ? Devices.Open(targets[0], options)
            : throw new ArgumentException($"--target: one target expected, {targets.Count} given ({names})");
    }

    /// <summary>True for f32, false for f64, null when not given.</summary>
    /// <exception cref="ArgumentException">Another name.</exception>
    public static bool? IsSingle(string? type) => type switch
    {
        null => null,
        "f32" => true,
        "f64" => false,
        _ => throw new ArgumentException($"--type: f32 or f64 expected, '{type}' given"),
    };

    private static IReadOnlyList<Target> Split(string names) => [.. names.Split(',').Select(Target.Parse).Distinct()];
}
