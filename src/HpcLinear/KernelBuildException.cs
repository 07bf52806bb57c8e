namespace HpcLinear;

/// <summary>An OpenCL driver refused to compile a kernel file.</summary>
public sealed class KernelBuildException : DeviceException
{
    /// <summary>A refusal to build <paramref name="file"/> with <paramref name="options"/>; <paramref name="log"/> is the compiler's text.</summary>
    public KernelBuildException(Target target, int code, string file, string options, string log)
        : base(target, "clBuildProgram", code, $"{target} refused clBuildProgram (code {code}) for {file} with {options}: {log.Trim()}")
    {
        File = file;
        Options = options;
        Log = log;
    }

    /// <summary>The kernel file.</summary>
    public string File { get; }

    /// <summary>The compiler's options.</summary>
    public string Options { get; }

    /// <summary>The compiler's log.</summary>
    public string Log { get; }
}
