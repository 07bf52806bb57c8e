using System.Diagnostics;
using HpcLinear.Tests.Cli;
using Xunit;

namespace HpcLinear.Tests.OpenCl;

/// <summary>Machines without OpenCL, each a process of its own: the loader is looked for once in a process.</summary>
public sealed class OpenClAbsenceTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Without_a_loader_OpenCL_is_refused_and_the_processor_computes()
    {
        // An empty file of the loader's name comes first and cannot be loaded.
        File.WriteAllBytes(folder.File("libOpenCL.so.1"), []);
        File.WriteAllBytes(folder.File("libOpenCL.so"), []);
        Check("no OpenCL loader: libOpenCL.so.1 (opencl.dll) is neither installed nor beside the executable", ("LD_LIBRARY_PATH", folder.Path));
    }

    [Fact]
    public void Without_a_driver_OpenCL_is_refused_and_the_missing_library_is_named()
    {
        SkipWithoutLoader();
        File.WriteAllText(folder.File("absent.icd"), "libno_such_driver.so\n");
        string devices = Check("no OpenCL driver: clGetPlatformIDs gave CL_PLATFORM_NOT_FOUND_KHR (-1001) and 0 platforms", ("OCL_ICD_VENDORS", folder.Path));
        Assert.Contains("absent.icd names libno_such_driver.so, which cannot be loaded", devices, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenCL_is_not_looked_for_when_told_not_to()
    {
        (int code, string output, _) = Run([("HPCLINEAR_DEVICE", "cpu")], "devices");
        Assert.Equal(0, code);
        Assert.Contains("not looked for: HPCLINEAR_DEVICE=cpu", output, StringComparison.Ordinal);
        (code, _, string error) = Run([("HPCLINEAR_DEVICE", "cpu")], "explain", "gemm m2 n2 k2", "--target", "opencl:0");
        Assert.Equal((2, "hpclinear: opencl:0 is not available: HPCLINEAR_DEVICE=cpu says not to look for OpenCL devices"), (code, error.Trim()));
    }

    private static string Check(string reason, params (string Name, string Value)[] variables)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the loader is hidden by LD_LIBRARY_PATH");
        (int code, string output, _) = Run(variables, "devices");
        Assert.Equal(0, code);
        Assert.Contains(reason, output, StringComparison.Ordinal);
        (code, _, string error) = Run(variables, "explain", "gemm m2 n2 k2", "--target", "opencl:0");
        Assert.Equal((2, $"hpclinear: opencl:0 is not available: {reason}"), (code, error.Trim()));
        Assert.Equal(0, Run(variables, "explain", "gemm m2 n2 k2").Code);
        return output;
    }

    private static void SkipWithoutLoader() =>
        Assert.SkipWhen(Devices.Probe().Any(s => s.Target.IsOpenCl && s.Detail.StartsWith("no OpenCL loader", StringComparison.Ordinal)), "there is no OpenCL loader");

    private static (int Code, string Output, string Error) Run((string Name, string Value)[] variables, params string[] arguments)
    {
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(typeof(HpcLinear.Cli.Program).Assembly.Location);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in variables)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}
