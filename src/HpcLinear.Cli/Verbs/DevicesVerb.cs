using CommandLine;
using CommandLine.Text;
using HpcLinear.LinearAlgebra;

namespace HpcLinear.Cli.Verbs;

/// <summary>Lists every target: what it can do, or why it cannot be opened.</summary>
[Verb("devices", HelpText = "List every target: what it can do, and why others are refused.")]
internal sealed class DevicesVerb : IVerb
{
    private static readonly (string Name, string Meaning)[] Variables =
    [
        ("HPCLINEAR_TARGET", "target when none is named"),
        ("HPCLINEAR_THREADS", "threads of cpu targets; results do not depend on it"),
        ("HPCLINEAR_DEVICE", "cpu: do not look for OpenCL"),
        ("HPCLINEAR_KERNEL_FAMILY", "cpu or gpu: OpenCL kernels for the other kind of device"),
        ("HPCLINEAR_CACHE", "off or on: keep compiled OpenCL programs on disk"),
        ("HPCLINEAR_CACHE_DIR", "where they are kept"),
        ("HPCLINEAR_TRACE", "plans: print what each plan chose"),
        ("HPCLINEAR_LAPACK", "file of the LAPACK library for the host's linear algebra; off: none"),
        ("OCL_ICD_VENDORS", "read by the OpenCL loader: folder or file that names drivers"),
        ("OCL_ICD_FILENAMES", "read by the OpenCL loader: further drivers"),
        ("DOTNET_EnableAVX512", "0: hide AVX-512 from the runtime"),
        ("DOTNET_EnableAVX2", "0: hide AVX2 from the runtime"),
    ];

    [Usage(ApplicationAlias = "hpclinear")]
    public static IEnumerable<Example> Examples =>
    [
        new("What this machine offers", new DevicesVerb()),
        new("With what was tried and the settings that matter", new DevicesVerb { Explain = true }),
    ];

    [Option("explain", HelpText = "Also say how targets are chosen and which environment variables matter.")]
    public bool Explain { get; set; }

    [Option("json", HelpText = "Print one JSON document.")]
    public bool IsJson { get; set; }

    public int Run(Terminal terminal)
    {
        IReadOnlyList<TargetStatus> found = Devices.Probe();
        if (IsJson)
        {
            terminal.WriteLine(Json.Text(new
            {
                Targets = found.Select(s => new { Target = s.Target.ToString(), s.Available, s.Name, s.Detail, Float64 = s.SupportsDouble }),
                Default = DefaultTarget(found),
                HostLinearAlgebra = HostLinearAlgebra.Library,
                Variables = Variables.ToDictionary(v => v.Name, v => Environment.GetEnvironmentVariable(v.Name)),
            }));
            return ExitCode.Done;
        }

        TextTable table = new("target", "state", "float64", "hardware", "detail");
        foreach (TargetStatus status in found)
        {
            table.Add(status.Target.ToString(), status.Available ? "available" : "refused", status.Available ? (status.SupportsDouble ? "yes" : "no") : "", status.Name, status.Detail);
        }

        terminal.Write(table);
        terminal.WriteLine($"default: {DefaultTarget(found)}");
        terminal.WriteLine($"linear algebra on the host: {HostLinearAlgebra.Library}");
        if (Explain)
        {
            WriteExplanation(terminal);
        }

        return ExitCode.Done;
    }

    private static string DefaultTarget(IReadOnlyList<TargetStatus> found) => Environment.GetEnvironmentVariable("HPCLINEAR_TARGET") is { Length: > 0 } named
        ? $"{named} (HPCLINEAR_TARGET)"
        : found.FirstOrDefault(s => s.Available)?.Target.ToString() ?? "none";

    private static void WriteExplanation(Terminal terminal)
    {
        terminal.WriteLine();
        terminal.WriteLine($"processors: {Environment.ProcessorCount}; runtime: {System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription}, "
            + System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier);
        terminal.WriteLine("The first available target is the default. A cpu target named explicitly is opened whenever the processor can run it, even where another is faster.");
        terminal.WriteLine();
        TextTable table = new("variable", "value", "meaning");
        foreach ((string name, string meaning) in Variables)
        {
            table.Add(name, Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : "-", meaning);
        }

        terminal.Write(table);
    }
}
