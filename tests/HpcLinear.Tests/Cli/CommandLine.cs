using HpcLinear.Cli;

namespace HpcLinear.Tests.Cli;

/// <summary>Runs the command line in this process.</summary>
internal sealed record CommandLine(int ExitCode, string Output, string Error)
{
    public static CommandLine Run(params string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = Program.Run(args, output, error);
        return new(code, output.ToString(), error.ToString());
    }

    public string LastLine => Output.TrimEnd().Split('\n')[^1].TrimEnd();
}
