namespace HpcLinear.Cli.Verbs;

/// <summary>One verb of the command line: its options are its properties.</summary>
internal interface IVerb
{
    /// <summary>Does the work and returns the exit code.</summary>
    int Run(Terminal terminal);
}
