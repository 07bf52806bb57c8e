using System.Reflection;
using CommandLine;
using HpcLinear.Cli.Verbs;

namespace HpcLinear.Cli;

/// <summary>What has to happen to the arguments before the parser sees them.</summary>
internal static class Arguments
{
    /// <summary>What the parser is given: <c>help VERB</c> means <c>VERB --help</c>, and every <c>--target</c> and <c>--set</c> counts.</summary>
    public static string[] Prepare(string[] args) => MergeRepeated(MergeRepeated(Help(args), "--target", ','), "--set", RunVerb.SettingSeparator);

    /// <summary>The parser knows <c>--help</c> only right behind the verb.</summary>
    private static string[] Help(string[] args) => args is ["help", { } verb] ? [verb, "--help"] : args is ["run", _, "--help"] ? ["run", "--help"] : args;

    /// <summary>The message for an option without its value; null when every one has its own. The parser would take such an option as not given.</summary>
    public static string? FindMissingValue(string[] args)
    {
        Type? verb = args.Length == 0 ? null : Array.Find(VerbTable.Types, t => t.GetCustomAttribute<VerbAttribute>()?.Name == args[0]);
        HashSet<string> withValue = [.. verb?.GetProperties().Where(p => p.PropertyType != typeof(bool)).Select(p => p.GetCustomAttribute<OptionAttribute>()?.LongName).OfType<string>() ?? []];
        for (int i = 1; i < args.Length && args[i] != "--"; i++)
        {
            if (args[i].StartsWith("--", StringComparison.Ordinal) && withValue.Contains(args[i][2..]))
            {
                i++;
                if (i == args.Length || args[i].StartsWith("--", StringComparison.Ordinal))
                {
                    return $"option {args[i - 1]} needs a value; see hpclinear {args[0]} --help";
                }
            }
        }

        return null;
    }

    /// <summary>Joins every use of an option into one, its values with a separator between them: the parser takes each option once.</summary>
    public static string[] MergeRepeated(string[] args, string option, char separator)
    {
        List<string> rest = [], values = [];
        int first = -1;
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--")
            {
                rest.AddRange(args[i..]);
                break;
            }

            bool joined = args[i].StartsWith(option + "=", StringComparison.Ordinal);
            if (joined || (args[i] == option && i + 1 < args.Length))
            {
                first = first < 0 ? rest.Count : first;
                values.Add(joined ? args[i][(option.Length + 1)..] : args[++i]);
            }
            else
            {
                rest.Add(args[i]);
            }
        }

        if (first >= 0)
        {
            rest.Insert(first, $"{option}={string.Join(separator, values)}");
        }

        return [.. rest];
    }
}
