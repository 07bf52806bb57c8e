using System.Text.RegularExpressions;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.Architecture;

/// <summary>Who may name whom: arrows point down only.</summary>
public sealed partial class LayeringTests
{
    /// <summary>Folder of the library and the folders it may name; the root's files ("") are the vocabulary that every layer shares.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        [""] = [],
        ["Cpu"] = [],
        ["OpenCl"] = [],
        ["Operations"] = ["Cpu", "OpenCl"],
        ["Data"] = [],
        ["LinearAlgebra"] = [],
        ["LinearNetworks"] = ["Operations", "LinearAlgebra"],
        ["LinearConvolutions"] = ["Operations", "LinearAlgebra", "LinearNetworks"],
        ["PredictiveCoding"] = ["Operations", "LinearAlgebra"],
    };

    /// <summary>The composition root: the one file of the vocabulary that knows the backends.</summary>
    private const string CompositionRoot = "Devices.cs";

    private static readonly string[] Backends = ["Cpu", "OpenCl"];

    private static string SourceRoot { get; } = Path.Combine(Repository.Root, "src", "HpcLinear");

    public static TheoryData<string> Files =>
    [
        .. Directory.EnumerateFiles(SourceRoot, "*.cs", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(SourceRoot, f).Replace('\\', '/')).Order(StringComparer.Ordinal),
    ];

    [Theory, MemberData(nameof(Files))]
    public void A_file_names_only_the_layers_below_it(string file)
    {
        string layer = LayerOf(file);
        Assert.True(Allowed.ContainsKey(layer), $"'{layer}' is a new folder: give it a line in the table above");
        IEnumerable<string> allowed = file == CompositionRoot ? Backends : Allowed[layer];
        Assert.Empty(Named(Code(file)).Where(n => n != layer && Allowed.ContainsKey(n)).Except(allowed));
    }

    [Theory, MemberData(nameof(Files))]
    public void Unsafe_code_is_at_home_in_the_backends_and_their_halves_of_operations(string file)
    {
        bool mayBeUnsafe = Backends.Contains(LayerOf(file)) || file.EndsWith(".Cpu.cs", StringComparison.Ordinal) || file.EndsWith(".OpenCl.cs", StringComparison.Ordinal);
        Assert.True(mayBeUnsafe || !Unsafe().IsMatch(Code(file)), $"{file} is unsafe");
    }

    [Theory, MemberData(nameof(Files))]
    public void The_folder_is_the_namespace(string file)
    {
        string layer = LayerOf(file);
        Assert.Contains(layer.Length == 0 ? "\nnamespace HpcLinear;" : $"\nnamespace HpcLinear.{layer};", "\n" + Code(file), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Files))]
    public void Only_the_settings_read_the_environment(string file) =>
        Assert.True(file == "Settings.cs" || !Code(file).Contains("GetEnvironmentVariable", StringComparison.Ordinal), $"{file} reads the environment");

    [Fact]
    public void The_command_line_and_the_experiments_use_the_public_interface_only()
    {
        string project = File.ReadAllText(Path.Combine(SourceRoot, "HpcLinear.csproj"));
        Assert.DoesNotContain("HpcLinear.Cli", project, StringComparison.Ordinal);
        Assert.DoesNotContain("HpcLinear.Experiments", project, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_kernel_file_is_embedded()
    {
        string kernels = Path.Combine(Repository.Root, "kernels");
        string[] files = Directory.Exists(kernels) ? [.. Directory.EnumerateFiles(kernels, "*.cl", SearchOption.AllDirectories).Select(f => "kernels/" + Path.GetRelativePath(kernels, f).Replace('\\', '/')).Order(StringComparer.Ordinal)] : [];
        Assert.Equal(files, typeof(Device).Assembly.GetManifestResourceNames().Where(n => n.EndsWith(".cl", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_folder_of_tests_mirrors_one_of_the_library_or_serves_the_tests()
    {
        string tests = Path.Combine(Repository.Root, "tests", "HpcLinear.Tests");
        IEnumerable<string> folders = Directory.EnumerateDirectories(tests).Select(f => Path.GetFileName(f)).Where(f => f is not ("bin" or "obj"));
        Assert.Empty(folders.Except([.. Allowed.Keys, "Support", "Architecture", "Docs", "Cli", "Experiments"]));
    }

    [Theory]
    [InlineData("using HpcLinear.Cpu;", "Cpu")]
    [InlineData("OpenCl.OpenClQueue queue;", "OpenCl")]
    [InlineData("_ = typeof(Operations.GemmPlan);", "Operations")]
    [InlineData("_ = Target.Cpu.ToString(); KernelFamily.OpenCl.X();", null)]
    public void Names_of_layers_are_found(string code, string? layer) => Assert.Equal(layer is null ? [] : [layer], Named(code));

    private static string LayerOf(string file) => file.Contains('/', StringComparison.Ordinal) ? file[..file.IndexOf('/', StringComparison.Ordinal)] : "";

    /// <summary>A file without its comments: prose may name anything.</summary>
    private static string Code(string file) => string.Join('\n', File.ReadLines(Path.Combine(SourceRoot, file)).Select(l => Comment().Replace(l, "")));

    private static IEnumerable<string> Named(string code) => LayerName().Matches(code).Select(m => m.Groups[1].Success ? m.Groups[1].Value : m.Groups[2].Value).Where(Allowed.ContainsKey).Distinct();

    [GeneratedRegex(@"\bHpcLinear\.(\w+)|(?<![\w.""/])(Cpu|OpenCl|Operations|Data|LinearAlgebra|LinearNetworks|LinearConvolutions|PredictiveCoding)\.(?=\w)")]
    private static partial Regex LayerName();

    [GeneratedRegex(@"\bunsafe\b|\bUnsafe\.(?!SizeOf|As<)|\bMarshal\.|\bfixed\s*\(|\bDllImport\b|\bLibraryImport\b")]
    private static partial Regex Unsafe();

    [GeneratedRegex(@"^\s*//.*$|\s//\s.*$")]
    private static partial Regex Comment();
}
