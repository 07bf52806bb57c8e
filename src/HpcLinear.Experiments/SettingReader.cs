using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace HpcLinear.Experiments;

/// <summary>Records of settings from text and to JSON.</summary>
internal static class SettingReader
{
    /// <summary>A copy of the defaults, or of the paper's settings, with some settings assigned.</summary>
    /// <exception cref="ArgumentException">Unknown, unreadable or out of range; the paper's where there are none.</exception>
    public static T Read<T>(string experiment, T defaults, IEnumerable<string> assignments, bool isFull)
        where T : class, new()
    {
        T settings = new();
        if (isFull && Properties(typeof(T)).All(p => p.Rule.Full.Length == 0))
        {
            throw new ArgumentException($"--full: the defaults of {experiment} are its only settings");
        }

        foreach ((PropertyInfo property, SettingAttribute rule) in Properties(typeof(T)))
        {
            property.SetValue(settings, isFull && rule.Full.Length > 0 ? Value(Key(property), property, rule, rule.Full) : property.GetValue(defaults));
        }

        HashSet<string> given = [];
        foreach (string assignment in assignments)
        {
            int at = assignment.IndexOf('=', StringComparison.Ordinal);
            string key = (at < 0 ? assignment : assignment[..at]).Trim();
            (PropertyInfo property, SettingAttribute rule) = Properties(typeof(T)).FirstOrDefault(p => Key(p.Property) == key);
            if (property is null)
            {
                throw new ArgumentException($"--set: {experiment} has no setting '{key}'; it has {string.Join(", ", Properties(typeof(T)).Select(p => Key(p.Property)))}");
            }

            if (at < 0)
            {
                throw new ArgumentException($"--set: '{key}' has no value, {key}=… expected ({Range(property, rule)})");
            }

            if (!given.Add(key))
            {
                throw new ArgumentException($"--set: {key} is given twice");
            }

            property.SetValue(settings, Value(key, property, rule, assignment[(at + 1)..].Trim()));
        }

        return settings;
    }

    public static IReadOnlyList<Setting> Describe(object defaults) =>
        [.. Properties(defaults.GetType()).Select(p => new Setting(Key(p.Property), p.Rule.Help, Text(p.Property.GetValue(defaults)), Range(p.Property, p.Rule), p.Rule.Full))];

    /// <summary>What a row carries.</summary>
    public static JsonObject ToJson(object settings)
    {
        JsonObject json = [];
        foreach ((PropertyInfo property, SettingAttribute rule) in Properties(settings.GetType()))
        {
            if (rule.InRows)
            {
                json[JsonName(property)] = JsonSerializer.SerializeToNode(property.GetValue(settings), property.PropertyType);
            }
        }

        return json;
    }

    private static IEnumerable<(PropertyInfo Property, SettingAttribute Rule)> Properties(Type type) =>
        from p in type.GetProperties()
        let rule = p.GetCustomAttribute<SettingAttribute>()
        where rule is not null
        orderby p.MetadataToken
        select (p, rule);

    private static string Key(PropertyInfo property) => JsonNamingPolicy.KebabCaseLower.ConvertName(property.Name);

    private static string JsonName(PropertyInfo property) => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);

    private static object Value(string key, PropertyInfo property, SettingAttribute rule, string text)
    {
        Type type = property.PropertyType;
        if (!IsList(type))
        {
            return One(type, text);
        }

        string[] words = text.Split(',', StringSplitOptions.TrimEntries);
        Type entry = type.GetGenericArguments()[0];
        Array list = Array.CreateInstance(entry, words.Length);
        for (int i = 0; i < words.Length; i++)
        {
            list.SetValue(One(entry, words[i]), i);
        }

        return list.Cast<object>().Distinct().Count() == words.Length ? list : throw Refuse();

        object One(Type kind, string word)
        {
            object? value = kind == typeof(string) ? word
                : kind == typeof(bool) ? (bool.TryParse(word, out bool flag) ? flag : null)
                : kind == typeof(int) ? (int.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int whole) ? whole : null)
                : double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? number : null;
            bool inRange = value is not (int or double) || (Convert.ToDouble(value, CultureInfo.InvariantCulture) is double v && v >= rule.Minimum && v <= rule.Maximum);
            bool isChoice = value is not string || rule.Choices.Length == 0 || rule.Choices.Split(' ').Contains(word);
            return value is not null && inRange && isChoice ? value : throw Refuse();
        }

        ArgumentException Refuse() => new($"--set: {key}={text} given, {Range(property, rule)} expected");
    }

    private static bool IsList(Type type) => type.IsGenericType;

    private static string Range(PropertyInfo property, SettingAttribute rule)
    {
        bool isList = IsList(property.PropertyType);
        Type entry = isList ? property.PropertyType.GetGenericArguments()[0] : property.PropertyType;
        string what = rule.Choices.Length > 0 ? rule.Choices.Replace(" ", "|", StringComparison.Ordinal)
            : entry == typeof(bool) ? "true|false"
            : entry == typeof(string) ? "text"
            : (entry == typeof(int) ? "whole number" : "number") + (isList ? "s" : "") + Limits(rule);
        return isList ? $"list of {what}" : what;
    }

    private static string Limits(SettingAttribute rule) =>
        (double.IsFinite(rule.Minimum), double.IsFinite(rule.Maximum)) switch
        {
            (true, true) => $" from {Text(rule.Minimum)} to {Text(rule.Maximum)}",
            (true, false) => $" from {Text(rule.Minimum)}",
            (false, true) => $" up to {Text(rule.Maximum)}",
            _ => "",
        };

    private static string Text(object? value) => value switch
    {
        null => "",
        string text => text,
        bool flag => flag ? "true" : "false",
        IEnumerable list => string.Join(',', list.Cast<object>().Select(Text)),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
