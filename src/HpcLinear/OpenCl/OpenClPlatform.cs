namespace HpcLinear.OpenCl;

internal static class OpenClPlatform
{
    public static Device Open(Target target, DeviceOptions options) => throw new DeviceException(target, $"{target} is not available {options}");

    public static IEnumerable<TargetStatus> Probe() => [];
}
