namespace HpcLinear.Tests.Support;

/// <summary>Leaves a file that names the running case; an access violation ends the process, and the file tells which case it was.</summary>
internal sealed class CrashNote : IDisposable
{
    private static readonly string Folder = Directory.CreateTempSubdirectory("hpclinear-guarded-").FullName;

    private readonly string path = Path.Combine(Folder, $"{Environment.CurrentManagedThreadId}.txt");

    static CrashNote() => AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(Folder, recursive: true);

    public CrashNote(string problem) => File.WriteAllText(path, problem + Environment.NewLine);

    public void Dispose() => File.Delete(path);
}
