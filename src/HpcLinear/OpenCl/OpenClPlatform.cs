using System.Globalization;
using System.Runtime.InteropServices;
using Silk.NET.OpenCL;

namespace HpcLinear.OpenCl;

/// <summary>Finds the OpenCL devices of this machine and opens them. Having none is an ordinary state with a reason.</summary>
internal static class OpenClPlatform
{
    private static readonly Lazy<Found> All = new(Enumerate);

    private sealed record Found(IReadOnlyList<OpenClDescription> Devices, IReadOnlyList<string> Reasons);

    public static OpenClDevice Open(Target target, DeviceOptions options)
    {
        if (Settings.SkipOpenCl)
        {
            throw new DeviceException(target, $"{target} is not available: HPCLINEAR_DEVICE=cpu says not to look for OpenCL devices");
        }

        Found found = All.Value;
        int number = int.Parse(target.Suffix, CultureInfo.InvariantCulture);
        if (number < found.Devices.Count)
        {
            return new OpenClDevice(target, found.Devices[number], options);
        }

        string reason = found.Devices.Count == 0
            ? string.Join("; ", found.Reasons)
            : $"available are {string.Join(", ", found.Devices.Select((d, n) => $"opencl:{n} ({d.Name})"))}{string.Concat(found.Reasons.Select(r => "; " + r))}";
        throw new DeviceException(target, $"{target} is not available: {reason}");
    }

    /// <summary>Every device, or one unavailable target with the reason why there is none. Never throws.</summary>
    public static IEnumerable<TargetStatus> Probe()
    {
        if (Settings.SkipOpenCl)
        {
            return [new(TargetOf(0), false, "", "not looked for: HPCLINEAR_DEVICE=cpu", false)];
        }

        Found found = All.Value;
        return found.Devices.Count == 0
            ? [new(TargetOf(0), false, "", string.Join("; ", found.Reasons.Concat(Explain())), false)]
            : found.Devices.Select((d, n) => new TargetStatus(TargetOf(n), true, d.Name, d.Detail, d.SupportsDouble));
    }

    /// <summary>What the loader would find: each entry of the vendors' folder, and whether the library it names can be loaded. Never throws.</summary>
    public static IReadOnlyList<string> Explain()
    {
        if (OperatingSystem.IsWindows() || OperatingSystem.IsMacOS())
        {
            return [];
        }

        string place = Settings.OpenClVendors;
        try
        {
            if (File.Exists(place))
            {
                return [Entry(place)];
            }

            if (!Directory.Exists(place))
            {
                return [place.Contains(".so", StringComparison.Ordinal) ? Library(place, place) : $"there is no folder {place}"];
            }

            string[] entries = [.. Directory.EnumerateFiles(place, "*.icd").Order(StringComparer.Ordinal)];
            return entries.Length == 0 ? [$"{place} names no driver"] : [.. entries.Select(Entry)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [$"{place} cannot be read: {e.Message}"];
        }
    }

    private static string Entry(string file) => file.EndsWith(".icd", StringComparison.Ordinal) ? Library(file, File.ReadAllText(file).Trim()) : Library(file, file);

    private static string Library(string entry, string name)
    {
        // Not freed: unloading a driver that started threads is not safe.
        bool loads = name.Length > 0 && NativeLibrary.TryLoad(name, out _);
        return $"{entry} names {name}, which {(loads ? "can" : "cannot")} be loaded";
    }

    private static Target TargetOf(int number) => Target.Parse(string.Create(CultureInfo.InvariantCulture, $"opencl:{number}"));

    private static unsafe Found Enumerate()
    {
        if (ClApi.WhyNot is { } reason)
        {
            return new([], [reason]);
        }

        CL cl = ClApi.Cl;
        List<OpenClDescription> devices = [];
        List<string> reasons = [];
        uint count = 0;
        int code = cl.GetPlatformIDs(0, null, &count);
        if (code != 0 || count == 0)
        {
            string what = code is 0 or ClCheck.PlatformNotFound ? "no OpenCL driver" : "the OpenCL loader failed";
            return new([], [$"{what}: clGetPlatformIDs gave {ClCheck.NameOf(code)} ({code}) and {count} platforms"]);
        }

        nint[] platforms = new nint[count];
        fixed (nint* at = platforms)
        {
            code = cl.GetPlatformIDs(count, at, null);
        }

        if (code != 0)
        {
            return new([], [$"the OpenCL loader failed: clGetPlatformIDs gave {ClCheck.NameOf(code)} ({code})"]);
        }

        foreach (nint platform in platforms)
        {
            try
            {
                Add(cl, platform, devices, reasons);
            }
            catch (DeviceException e)
            {
                reasons.Add(e.Message);
            }
        }

        return new([.. devices.OrderBy(d => d.Preference)], reasons);
    }

    private static unsafe void Add(CL cl, nint platform, List<OpenClDescription> devices, List<string> reasons)
    {
        uint count = 0;
        int code = cl.GetDeviceIDs(platform, DeviceType.All, 0, null, &count);
        if (code != 0 || count == 0)
        {
            reasons.Add($"an OpenCL driver without devices: clGetDeviceIDs gave {ClCheck.NameOf(code)} ({code})");
            return;
        }

        nint[] ids = new nint[count];
        fixed (nint* at = ids)
        {
            ClCheck.Check(cl.GetDeviceIDs(platform, DeviceType.All, count, at, null), TargetOf(0), "clGetDeviceIDs");
        }

        foreach (nint id in ids)
        {
            try
            {
                devices.Add(OpenClDescription.Read(TargetOf(devices.Count), platform, id));
            }
            catch (DeviceException e)
            {
                reasons.Add(e.Message);
            }
        }
    }
}
