namespace HpcLinear.Tests.Cli;

/// <summary>Files of the repository the tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string GoldenConv => Path.Combine(Root, "tests", "golden", "conv");

    public static string GoldenPc => Path.Combine(Root, "tests", "golden", "pc");

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "HpcLinear.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException($"no HpcLinear.sln above {AppContext.BaseDirectory}");
    }
}
