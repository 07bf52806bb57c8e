namespace HpcLinear.Cli;

/// <summary>What the process returns.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The work was done and a check of its results failed.</summary>
    public const int CheckFailed = 1;

    /// <summary>A wrong call, unreadable data, or a machine that refused.</summary>
    public const int Refused = 2;

    /// <summary>Ctrl-C, 128 + SIGINT; and SIGTERM.</summary>
    public const int Interrupted = 130;
}
