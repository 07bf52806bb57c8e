using System.Collections.Concurrent;

namespace HpcLinear.OpenCl;

/// <summary>A compiled kernel file.</summary>
internal sealed class OpenClProgram(OpenClDevice device, ClHandle handle, string file, string options)
{
    private readonly ConcurrentDictionary<string, KernelEntry> entries = new();

    public ClHandle Handle { get; } = handle;

    public string File { get; } = file;

    public string Options { get; } = options;

    /// <summary>A kernel of the program; plans keep it, queues make their own kernel object of it.</summary>
    public KernelEntry Entry(string name) => entries.GetOrAdd(name, static (n, p) => new(p, n, p.NextEntry()), this);

    private int NextEntry() => device.NextEntry();
}

/// <summary>One kernel of a program.</summary>
internal sealed record KernelEntry(OpenClProgram Program, string Name, int Index);
