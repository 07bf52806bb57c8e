using System.Collections.Concurrent;

namespace HpcLinear.Tests.Support;

/// <summary>The devices of the suite: each is opened once and stays open, because OpenCL programs are compiled per device.</summary>
internal static class Targets
{
    private static readonly ConcurrentDictionary<(Target Target, int Threads), Lazy<Device>> Opened = new();

    /// <summary>Every target that opens here, and every one that <c>HPCLINEAR_REQUIRE</c> names: a required target that is missing fails its tests.</summary>
    public static IReadOnlyList<Target> All { get; } = [.. Devices.Available().Union(Required())];

    public static IEnumerable<Target> Cpu => All.Where(t => t.IsCpu);

    /// <summary>The device of a target with its default or with the given number of threads. Never dispose it.</summary>
    public static Device Open(Target target, int threads = 0) =>
        Opened.GetOrAdd((target, threads), key => new(() => Devices.Open(key.Target, new() { Threads = key.Threads }))).Value;

    /// <summary>Reads <c>avx2,opencl</c>: names without their kind, OpenCL without its number.</summary>
    public static IEnumerable<Target> Parse(string? required) =>
        (required ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(name => Target.Parse(name.StartsWith("opencl", StringComparison.Ordinal) ? (name.Contains(':', StringComparison.Ordinal) ? name : "opencl:0") : name.StartsWith("cpu", StringComparison.Ordinal) ? name : "cpu:" + name));

    private static IEnumerable<Target> Required() => Parse(Environment.GetEnvironmentVariable("HPCLINEAR_REQUIRE"));
}
