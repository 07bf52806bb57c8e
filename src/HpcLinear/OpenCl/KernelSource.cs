using System.Collections.Concurrent;
using System.Reflection;

namespace HpcLinear.OpenCl;

/// <summary>The kernel files inside the assembly.</summary>
internal static class KernelSource
{
    private static readonly ConcurrentDictionary<string, string> Texts = new();

    /// <summary>The text of <c>common.cl</c> followed by <c>kernels/NAME.cl</c>.</summary>
    public static string Read(string name) => Texts.GetOrAdd(name, static n => Resource("common") + "\n" + Resource(n));

    private static string Resource(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"kernels/{name}.cl")
            ?? throw new InvalidOperationException($"kernels/{name}.cl is not in the assembly");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
