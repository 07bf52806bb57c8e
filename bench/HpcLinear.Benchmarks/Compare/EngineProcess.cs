using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using HpcLinear.Benchmarks.Peers;
using HpcLinear.Cli.Comparison;

namespace HpcLinear.Benchmarks.Compare;

/// <summary>An engine in a process of its own: its threads, its allocator and its settings disturb nobody. See <see cref="EngineHost"/>.</summary>
internal sealed class EngineProcess : IDisposable
{
    private const int FarewellMilliseconds = 3000;

    private readonly Process process;

    private EngineProcess(Process process, int threads)
    {
        this.process = process;
        Threads = threads;
    }

    public int Threads { get; }

    /// <summary>False once it ended by itself.</summary>
    public bool IsAlive { get; private set; } = true;

    public string Name { get; private set; } = "";

    public string Version { get; private set; } = "";

    /// <summary>Starts an engine; null, with the reason, when its library cannot be loaded.</summary>
    public static EngineProcess? Start(EngineChoice engine, int threads, out string? reason)
    {
        if (!File.Exists(engine.Assembly))
        {
            reason = engine.Install;
            return null;
        }

        string host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));
        ProcessStartInfo start = new(host, ["exec", engine.Assembly, "engine", engine.Name, threads.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };

        // Libraries read their thread count when they are loaded. What they free stays theirs: else they are timed with page faults that ours has not.
        string count = threads.ToString(CultureInfo.InvariantCulture);
        foreach ((string name, string value) in (ReadOnlySpan<(string, string)>)[
            ("OMP_NUM_THREADS", count), ("MKL_NUM_THREADS", count), ("OPENBLAS_NUM_THREADS", count), ("DOTNET_TieredCompilation", "0"),
            ("MALLOC_MMAP_THRESHOLD_", "4294967296"), ("MALLOC_TRIM_THRESHOLD_", "68719476736"), ("MALLOC_TOP_PAD_", "67108864")])
        {
            start.Environment[name] = value;
        }

        EngineProcess child = new(Process.Start(start)!, threads);
        string[] hello = child.Read("ready", "absent") ?? ["absent", "the process ended at once"];
        if (hello[0] == "ready")
        {
            (child.Name, child.Version, reason) = (hello[1], hello[2], null);
            return child;
        }

        child.Dispose();
        reason = $"{hello[1]}; {engine.Install}";
        return null;
    }

    /// <summary>Times a problem. Rows have no GFLOP/s yet.</summary>
    /// <exception cref="IOException">The process ended.</exception>
    public List<ComparisonRow> Time(string type, int round, double seconds, bool check, string id, string problem, Action<string> note)
    {
        process.StandardInput.WriteLine(string.Join('\t', type, seconds.ToString("R", CultureInfo.InvariantCulture), check ? "1" : "0", problem));
        process.StandardInput.Flush();
        List<ComparisonRow> rows = [];
        while (Read("row", "note", "done") is { } answer)
        {
            switch (answer[0])
            {
                case "row":
                    double time = double.Parse(answer[3], CultureInfo.InvariantCulture);
                    string engine = answer[2].Length == 0 ? Name : $"{Name}/{answer[2]}";
                    rows.Add(new(id, answer[1], type, Threads, engine, Version, round, answer[4] == ComparisonRow.Failed ? double.NaN : time * 1e3, double.NaN, answer[4]));
                    break;
                case "note":
                    note($"{Name}: {answer[1]}");
                    break;
                default:
                    return rows;
            }
        }

        IsAlive = false;
        throw new IOException($"{Name}: its process ended at {id}");
    }

    public void Dispose()
    {
        try
        {
            process.StandardInput.Close();
            if (!process.WaitForExit(FarewellMilliseconds))
            {
                process.Kill();
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // It has ended already.
        }

        process.Dispose();
    }

    /// <summary>The next line that begins with one of the words; null at the end of the output.</summary>
    private string[]? Read(params string[] words)
    {
        while (process.StandardOutput.ReadLine() is { } line)
        {
            string[] parts = line.Split('\t');
            if (words.Contains(parts[0]))
            {
                return parts;
            }
        }

        return null;
    }
}

/// <summary>An engine that can take part.</summary>
/// <param name="Name">As in <c>--peers</c>.</param>
/// <param name="Assembly">The program whose verb <c>engine</c> runs it.</param>
/// <param name="Install">How to get it.</param>
internal sealed record EngineChoice(string Name, string Assembly, string Install)
{
    private static readonly string Own = typeof(EngineChoice).Assembly.Location;

    /// <summary>Libraries that this process itself can load.</summary>
    public static IReadOnlyList<string> Loadable { get; } =
    [
        .. from library in ((string Name, string File)[])[("onednn", DnnApi.Library), ("openblas", BlasPeer.Library)]
           where NativeLibrary.TryLoad(library.File, out _)
           select library.Name,
    ];

    public static EngineChoice Ours { get; } = new(ComparisonRow.Ours, Own, "");

    public static IReadOnlyList<EngineChoice> Peers { get; } =
    [
        new("onednn", Own, $"Debian, Ubuntu: apt-get install {DnnApi.Package}"),
        new("openblas", Own, $"Debian, Ubuntu: apt-get install {BlasPeer.Packages}"),
        new("onnxruntime", Package("OnnxRuntime"), "from NuGet, 160 MB: ./build.sh bench compare --peers onnxruntime builds it"),
        new("pytorch", Package("Torch"), "from NuGet, 130 MB, needs libstdc++ 13: ./build.sh bench compare --peers pytorch builds it"),
    ];

    /// <summary>An engine in this process.</summary>
    public static Peer Create(string name, int threads) => name switch
    {
        "onednn" => new DnnPeer(),
        "openblas" => new BlasPeer(threads),
        _ => new OurEngine(threads),
    };

    /// <summary>Where <c>build.sh</c> builds a peer that comes as a package.</summary>
    private static string Package(string name) => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", $"HpcLinear.Peers.{name}", "release", $"HpcLinear.Peers.{name}.dll"));
}
