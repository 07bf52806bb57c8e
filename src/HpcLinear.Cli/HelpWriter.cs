using System.Reflection;
using CommandLine;
using CommandLine.Text;
using HpcLinear.Cli.Verbs;
using HpcLinear.Experiments;

namespace HpcLinear.Cli;

/// <summary>Help, version and complaints about the command line itself.</summary>
internal static class HelpWriter
{
    private const int Width = 110;

    private const string Footer = """
        Exit codes: 0 done, 1 a check of results failed, 2 a wrong call, unreadable data or a refusing machine, 130 interrupted.
        Help of a verb: hpclinear VERB --help
        """;

    /// <summary>Writes what was asked for, or what was wrong; returns the exit code.</summary>
    public static int Write(Terminal terminal, string[] args, NotParsed<object> result)
    {
        Error first = result.Errors.First(e => e is not NoVerbSelectedError || args.Length == 0);
        switch (first)
        {
            case VersionRequestedError:
                terminal.WriteLine($"hpclinear {Version}");
                return ExitCode.Done;
            case HelpRequestedError or HelpVerbRequestedError:
                if (args is ["run", { } experiment, ..] && !experiment.StartsWith('-'))
                {
                    RunVerb.Describe(terminal, ExperimentList.Find(experiment));
                    return ExitCode.Done;
                }

                terminal.WriteLine(Help(result).TrimEnd());
                return ExitCode.Done;
            case NoVerbSelectedError:
                terminal.Error.WriteLine(Help(result).TrimEnd());
                return ExitCode.Refused;
            default:
                string verb = result.TypeInfo.Current.GetCustomAttribute<VerbAttribute>()?.Name is { } name ? $" {name}" : "";
                terminal.Error.WriteLine($"hpclinear: {Complaint(first)}; see hpclinear{verb} --help");
                return ExitCode.Refused;
        }
    }

    private static string Version => typeof(HelpWriter).Assembly.GetName().Version?.ToString(3) ?? "unknown";

    private static string Help(NotParsed<object> result)
    {
        bool ofVerb = result.TypeInfo.Current.GetCustomAttribute<VerbAttribute>() is not null;
        HelpText help = new()
        {
            Heading = $"hpclinear {Version}: compute engine for deep linear, convolutional-linear and predictive-coding networks",
            Copyright = "",
            MaximumDisplayWidth = Width,
            AdditionalNewLineAfterOption = false,
            AddDashesToOption = ofVerb,
            AutoVersion = false,
            AutoHelp = ofVerb,
        };
        if (ofVerb)
        {
            help.AddPreOptionsLines(HelpText.RenderUsageTextAsLines(result, example => example).Where(line => line.Trim().Length > 0));
            help.AddOptions(result);
        }
        else
        {
            help.AddPreOptionsLine("usage: hpclinear VERB [options]");
            help.AddVerbs(VerbTable.Types);
        }

        return help.AddPostOptionsLines(Footer.Split('\n')).ToString();
    }

    private static string Complaint(Error error) => error switch
    {
        BadVerbSelectedError bad => $"unknown verb '{bad.Token}'",
        UnknownOptionError unknown => $"unknown option '{(unknown.Token.Length == 1 ? "-" : "--")}{unknown.Token}'",
        MissingRequiredOptionError { NameInfo.NameText: "" } => "an argument is missing",
        MissingRequiredOptionError missing => $"option --{missing.NameInfo.LongName} is missing",
        BadFormatConversionError bad => $"option --{bad.NameInfo.LongName} has a value that cannot be read",
        RepeatedOptionError repeated => $"option --{repeated.NameInfo.LongName} is given twice",
        BadFormatTokenError bad => $"'{bad.Token}' cannot be read",
        _ => error.Tag.ToString(),
    };
}
