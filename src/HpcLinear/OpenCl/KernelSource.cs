using System.Collections.Concurrent;
using System.Reflection;

namespace HpcLinear.OpenCl;

/// <summary>The kernel files inside the assembly.</summary>
internal static class KernelSource
{
    private static readonly ConcurrentDictionary<string, string> Texts = new();

    // Files that a file stands on.
    private static readonly Dictionary<string, string[]> Bases = new()
    {
        ["fused_deep_product"] = ["lanes", "network_products"],
        ["gradient_flow"] = ["network_products"],
        ["random"] = ["philox"],
        ["relaxation"] = ["activation", "network", "relaxation_slice", "relaxation_course", "relaxation_errors"],
        ["relaxation_layers"] = ["activation", "network"],
        ["relaxation_solvers"] = ["philox", "activation", "network", "relaxation_slice", "relaxation_course", "relaxation_errors"],
    };

    /// <summary>The text of <c>common.cl</c>, of the files that <c>kernels/NAME.cl</c> stands on, and of that file.</summary>
    public static string Read(string name) => Texts.GetOrAdd(name, static n => string.Join('\n', ((string[])["common", .. Bases.GetValueOrDefault(n, []), n]).Select(Resource)));

    private static string Resource(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"kernels/{name}.cl")
            ?? throw new InvalidOperationException($"kernels/{name}.cl is not in the assembly");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
