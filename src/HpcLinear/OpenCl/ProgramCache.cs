using System.Text;
using Silk.NET.OpenCL;

namespace HpcLinear.OpenCl;

/// <summary>Programs of one device: each (file, options) is compiled once, or taken from disk.</summary>
internal sealed unsafe class ProgramCache(OpenClDevice device) : IDisposable
{
    private readonly Dictionary<(string Name, string Options), OpenClProgram> programs = [];
    private readonly Lock gate = new();

    /// <summary>The program of <c>kernels/NAME.cl</c> under these options.</summary>
    /// <exception cref="KernelBuildException">The driver refused the source.</exception>
    public OpenClProgram Get(string name, string options)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(device.IsDisposed, device);
            if (!programs.TryGetValue((name, options), out OpenClProgram? program))
            {
                program = new(device, Make(name + ".cl", options, KernelSource.Read(name)), name + ".cl", options);
                programs.Add((name, options), program);
            }

            return program;
        }
    }

    /// <summary>Compiles a text; used for the embedded files and by tests.</summary>
    public ClHandle Build(string file, string options, string source)
    {
        byte[] text = Encoding.ASCII.GetBytes(source);
        ClHandle program;
        fixed (byte* start = text)
        {
            byte* from = start;
            nuint length = (nuint)text.Length;
            int code;
            nint made = ClApi.Cl.CreateProgramWithSource(device.Context, 1, &from, &length, &code);
            ClCheck.Check(code, device.Target, "clCreateProgramWithSource");
            program = new(ClKind.Program, made);
        }

        int result = Compile(program, options);
        if (result == 0)
        {
            return program;
        }

        string log = Log(program);
        program.Dispose();
        throw new KernelBuildException(device.Target, result, file, options, $"{ClCheck.NameOf(result)}: {log}");
    }

    public void Dispose()
    {
        lock (gate)
        {
            foreach (OpenClProgram program in programs.Values)
            {
                program.Handle.Dispose();
            }

            programs.Clear();
        }
    }

    private ClHandle Make(string file, string options, string source)
    {
        string? path = BinaryCache.PathFor(device.Description, options, source);
        if (path is null)
        {
            return Build(file, options, source);
        }

        if (BinaryCache.Read(path) is { } binary)
        {
            if (FromBinary(binary, options) is { } cached)
            {
                return cached;
            }

            BinaryCache.Delete(path);
        }

        ClHandle built = Build(file, options, source);
        if (Binary(built) is { } bytes)
        {
            BinaryCache.Write(path, bytes);
        }

        return built;
    }

    private int Compile(ClHandle program, string options)
    {
        nint id = device.Description.Device;
        fixed (byte* text = Encoding.ASCII.GetBytes(options + "\0"))
        {
            return ClApi.Cl.BuildProgram(program.Value, 1, &id, text, null, null);
        }
    }

    private ClHandle? FromBinary(byte[] binary, string options)
    {
        nint id = device.Description.Device;
        nuint length = (nuint)binary.Length;
        int status, code;
        fixed (byte* start = binary)
        {
            byte* from = start;
            nint made = ClApi.Cl.CreateProgramWithBinary(device.Context, 1, &id, &length, &from, &status, &code);
            if (code != 0 || status != 0 || made == 0)
            {
                return null;
            }

            ClHandle program = new(ClKind.Program, made);
            if (Compile(program, options) == 0)
            {
                return program;
            }

            program.Dispose();
            return null;
        }
    }

    private static byte[]? Binary(ClHandle program)
    {
        nuint size = 0;
        if (ClApi.Cl.GetProgramInfo(program.Value, ProgramInfo.BinarySizes, (nuint)sizeof(nuint), &size, null) != 0 || size == 0)
        {
            return null;
        }

        byte[] bytes = new byte[(int)size];
        fixed (byte* start = bytes)
        {
            byte* to = start;
            return ClApi.Cl.GetProgramInfo(program.Value, ProgramInfo.Binaries, (nuint)sizeof(byte*), &to, null) == 0 ? bytes : null;
        }
    }

    private string Log(ClHandle program)
    {
        nuint size = 0;
        if (ClApi.Cl.GetProgramBuildInfo(program.Value, device.Description.Device, ProgramBuildInfo.BuildLog, 0, null, &size) != 0 || size == 0)
        {
            return "no build log";
        }

        byte[] text = new byte[(int)size];
        fixed (byte* at = text)
        {
            return ClApi.Cl.GetProgramBuildInfo(program.Value, device.Description.Device, ProgramBuildInfo.BuildLog, size, at, null) == 0
                ? Encoding.UTF8.GetString(text).TrimEnd('\0')
                : "no build log";
        }
    }
}
