using System.Globalization;

namespace HpcLinear.Data;

/// <summary>The state of a computation as named arrays and settings; <see cref="CheckpointFile"/> writes and reads it.</summary>
/// <remarks>Arrays are kept, not copied: whoever adds one must not change it until it is written.</remarks>
public sealed class Checkpoint
{
    private readonly OrderedDictionary<string, NpyArray> arrays = new(StringComparer.Ordinal);
    private readonly OrderedDictionary<string, string> settings = new(StringComparer.Ordinal);
    private readonly HashSet<string> numbers = new(StringComparer.Ordinal);

    /// <summary>An empty checkpoint.</summary>
    public Checkpoint()
        : this("memory")
    {
    }

    internal Checkpoint(string name) => Name = name;

    /// <summary>The file it was read from, or "memory".</summary>
    public string Name { get; }

    /// <summary>The names of the arrays, in the order they were added.</summary>
    public IReadOnlyCollection<string> ArrayNames => arrays.Keys;

    /// <summary>The settings as text, in the order they were set; numbers round-trip.</summary>
    public IReadOnlyDictionary<string, string> Settings => settings;

    internal IEnumerable<KeyValuePair<string, NpyArray>> Arrays => arrays;

    /// <summary>Adds float32 elements, row-major.</summary>
    /// <param name="name">1 to 100 letters, digits, '_', '-' or '.', unlike any other array's.</param>
    /// <param name="shape">The extents.</param>
    /// <param name="elements">As many as the shape has; kept, not copied.</param>
    /// <exception cref="ArgumentException">The name is not such a name or is taken, or the count is not the shape's.</exception>
    public void Add(string name, Shape shape, float[] elements) => Add(name, shape, NpyType.F4, elements);

    /// <summary>Adds float64 elements, row-major.</summary>
    /// <inheritdoc cref="Add(string, Shape, float[])"/>
    public void Add(string name, Shape shape, double[] elements) => Add(name, shape, NpyType.F8, elements);

    /// <summary>Adds int64 elements, row-major.</summary>
    /// <inheritdoc cref="Add(string, Shape, float[])"/>
    public void Add(string name, Shape shape, long[] elements) => Add(name, shape, NpyType.I8, elements);

    /// <summary>An array, without a copy.</summary>
    /// <typeparam name="T">float, double or long.</typeparam>
    /// <param name="name">Its name.</param>
    /// <param name="shape">The shape that it has to have; null for any.</param>
    /// <exception cref="DataFormatException">There is no such array, or it has another type or shape.</exception>
    public T[] Get<T>(string name, Shape? shape = null)
        where T : unmanaged
    {
        string expected = $"{typeof(T).Name} {shape}".TrimEnd();
        if (!arrays.TryGetValue(name, out NpyArray? array))
        {
            throw new DataFormatException(Name, $"no array '{name}'", expected);
        }

        return (shape is null || array.Shape.Equals(shape)) && array.Elements is T[] elements
            ? elements
            : throw new DataFormatException(Name, $"array '{name}' of {array.Elements.GetType().GetElementType()!.Name} {array.Shape}", expected);
    }

    /// <summary>Sets a setting to a text.</summary>
    /// <exception cref="ArgumentException">The name is empty or taken.</exception>
    public void Set(string name, string value) => Set(name, value, isNumber: false);

    /// <summary>Sets a setting to a whole number.</summary>
    /// <exception cref="ArgumentException">The name is empty or taken.</exception>
    public void Set(string name, long value) => Set(name, value.ToString(CultureInfo.InvariantCulture), isNumber: true);

    /// <summary>Sets a setting to a number, which is read back with the same bits.</summary>
    /// <exception cref="ArgumentException">The name is empty or taken, or the number is not finite.</exception>
    public void Set(string name, double value) => Set(
        name,
        double.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : throw new ArgumentException($"{name}: a finite number expected, {value} given", nameof(value)),
        isNumber: true);

    /// <summary>A setting as text.</summary>
    /// <exception cref="DataFormatException">There is no such setting.</exception>
    public string GetText(string name) => settings.TryGetValue(name, out string? text) ? text : throw new DataFormatException(Name, $"no setting '{name}'", "one");

    /// <summary>A setting that is a whole number.</summary>
    /// <exception cref="DataFormatException">There is no such setting, or it is something else.</exception>
    public long GetInt64(string name) => long.TryParse(GetText(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
        ? value
        : throw new DataFormatException(Name, $"setting '{name}' {GetText(name)}", "a whole number");

    /// <summary>A setting that is a number.</summary>
    /// <exception cref="DataFormatException">There is no such setting, or it is something else.</exception>
    public double GetDouble(string name) => double.TryParse(GetText(name), NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
        ? value
        : throw new DataFormatException(Name, $"setting '{name}' {GetText(name)}", "a number");

    /// <summary>Throws unless every expected setting is there with the same text; others may be there too.</summary>
    /// <param name="expected">Names and texts, the most telling first: the first that differs is named.</param>
    /// <exception cref="DataFormatException">A setting differs or is missing.</exception>
    public void RequireSettings(IEnumerable<KeyValuePair<string, string>> expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        foreach ((string name, string text) in expected)
        {
            if (GetText(name) != text)
            {
                throw new DataFormatException(Name, $"{name} '{settings[name]}'", $"'{text}'");
            }
        }
    }

    internal bool IsNumber(string setting) => numbers.Contains(setting);

    internal void Add(string name, NpyArray array) => arrays.Add(name, array);

    internal void Set(string name, string value, bool isNumber)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (string.IsNullOrEmpty(name) || !settings.TryAdd(name, value))
        {
            throw new ArgumentException($"name: one that is not set yet expected, '{name}' given", nameof(name));
        }

        if (isNumber)
        {
            numbers.Add(name);
        }
    }

    private void Add(string name, Shape shape, NpyType type, Array elements)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(elements);
        Throw.IfCountDiffers(nameof(elements), elements.LongLength, shape);
        if (name.Length is 0 or > 100 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.') || arrays.ContainsKey(name))
        {
            throw new ArgumentException($"name: 1 to 100 letters, digits, '_', '-' or '.' that are no array's yet expected, '{name}' given", nameof(name));
        }

        arrays.Add(name, new(shape, type, elements));
    }
}
