using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear;

/// <summary>Finds and opens devices. The only place that knows all backends.</summary>
public static class Devices
{
    /// <summary>Opens a device by name.</summary>
    /// <param name="target">A target's name; null takes <c>HPCLINEAR_TARGET</c>, or else the best instruction set of this processor.</param>
    /// <param name="options">Threads and kernel family; null for the defaults.</param>
    /// <exception cref="ArgumentException">Not a target's name.</exception>
    /// <exception cref="DeviceException">The target is not to be had here; the message says what is.</exception>
    public static Device Open(string? target = null, DeviceOptions? options = null) => Open(Target.Parse(target ?? Settings.Target ?? "cpu"), options);

    /// <inheritdoc cref="Open(string?, DeviceOptions?)"/>
    public static Device Open(Target target, DeviceOptions? options = null)
    {
        options ??= new();
        if (options.Threads is < 0 or > 1024)
        {
            throw new ArgumentException($"options.Threads: a number from 1 to 1024, or 0 for the default, expected, {options.Threads} given", nameof(options));
        }

        return target.IsCpu ? CpuDevice.Open(target, options) : OpenClPlatform.Open(target, options);
    }

    /// <summary>Every target known here, first the default, with what it can do or why it cannot be opened. Never throws.</summary>
    public static IReadOnlyList<TargetStatus> Probe() => [.. CpuDevice.Probe(), .. OpenClPlatform.Probe()];

    /// <summary>The targets that can be opened here, the default first.</summary>
    public static IReadOnlyList<Target> Available() => [.. Probe().Where(s => s.Available).Select(s => s.Target)];
}
